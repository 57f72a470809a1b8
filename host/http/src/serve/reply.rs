//! Answers with stored bytes: whole, in parts, or only their headers.

use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use pith_storage::Reader;

use super::conditions::range_applies;
use super::file_body::FileBody;
use super::find::Stored;
use super::range::{self, Asked};
use crate::connection::Sendable;

/// Separates parts; random enough not to be in a body by accident.
const BOUNDARY: &str = "pith-part-8f14e45fceea167a5a36dedd4bea2543";

/// The client has these bytes already.
pub(crate) fn unchanged(stored: &Stored) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    describe(response.headers_mut(), stored);
    response
}

/// The headers of what a GET would answer.
pub(crate) fn head(stored: &Stored, headers: &HeaderMap) -> Response {
    answer(stored, headers, &Source::Nowhere)
}

/// A body that is at hand.
pub(crate) fn of_bytes(stored: &Stored, bytes: &Bytes, headers: &HeaderMap) -> Response {
    answer(stored, headers, &Source::Memory(bytes))
}

/// A body that is in a file.
pub(crate) fn of_file(stored: &Stored, reader: &Arc<dyn Reader>, headers: &HeaderMap) -> Response {
    answer(stored, headers, &Source::File(reader))
}

/// Where the bytes of a body are.
enum Source<'a> {
    /// Only its headers are wanted.
    Nowhere,
    Memory(&'a Bytes),
    File(&'a Arc<dyn Reader>),
}

impl Source<'_> {
    fn body(&self, part: Range<u64>) -> Body {
        match self {
            Self::Nowhere => Body::empty(),
            Self::Memory(bytes) => Body::from(slice(bytes, part)),
            Self::File(reader) => Body::new(FileBody::new(Arc::clone(reader), part)),
        }
    }

    /// An answer with nothing but this part.
    fn response(&self, part: Range<u64>) -> Response {
        let mut response = Response::new(self.body(part.clone()));
        if let Self::File(reader) = self {
            let reader = Arc::clone(reader);
            response.extensions_mut().insert(Sendable { reader, part });
        }
        response
    }
}

fn slice(bytes: &Bytes, part: Range<u64>) -> Bytes {
    let at =
        |position: u64| usize::try_from(position).map_or(bytes.len(), |at| at.min(bytes.len()));
    bytes.slice(at(part.start)..at(part.end))
}

fn answer(stored: &Stored, headers: &HeaderMap, source: &Source<'_>) -> Response {
    let asked = match headers.get(header::RANGE) {
        Some(range) if range_applies(stored, headers) => {
            range::parse(range.to_str().ok(), stored.size)
        }
        _ => Asked::Whole,
    };
    let mut response = match asked {
        Asked::Whole => {
            let mut response = source.response(0..stored.size);
            set_length(response.headers_mut(), stored.size);
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, stored.media_type.clone());
            response
        }
        Asked::Unsatisfiable => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            set(
                response.headers_mut(),
                header::CONTENT_RANGE,
                format!("bytes */{}", stored.size),
            );
            response
        }
        Asked::Parts(parts) => match parts.as_slice() {
            [one] => {
                let mut response = source.response(one.clone());
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                let headers = response.headers_mut();
                set_length(headers, one.end - one.start);
                set(
                    headers,
                    header::CONTENT_RANGE,
                    content_range(one, stored.size),
                );
                headers.insert(header::CONTENT_TYPE, stored.media_type.clone());
                response
            }
            several => in_parts(stored, several, source),
        },
    };
    describe(response.headers_mut(), stored);
    response
}

/// Several ranges in one body, each with its own headers.
fn in_parts(stored: &Stored, parts: &[Range<u64>], source: &Source<'_>) -> Response {
    let media_type = stored
        .media_type
        .to_str()
        .unwrap_or("application/octet-stream");
    let mut length = 0;
    let mut pieces: Vec<Body> = Vec::with_capacity(parts.len() * 2 + 1);
    for range in parts {
        let head = format!(
            "\r\n--{BOUNDARY}\r\nContent-Type: {media_type}\r\nContent-Range: {}\r\n\r\n",
            content_range(range, stored.size)
        );
        length += head.len() as u64 + range.end - range.start;
        pieces.push(Body::from(head));
        pieces.push(source.body(range.clone()));
    }
    let end = format!("\r\n--{BOUNDARY}--\r\n");
    length += end.len() as u64;
    pieces.push(Body::from(end));
    let body = stream::iter(pieces).flat_map(Body::into_data_stream);
    let mut response = Response::new(Body::from_stream(body));
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    set_length(response.headers_mut(), length);
    let kind = format!("multipart/byteranges; boundary={BOUNDARY}");
    set(response.headers_mut(), header::CONTENT_TYPE, kind);
    response
}

fn content_range(part: &Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", part.start, part.end - 1)
}

/// The headers that every answer about these bytes has.
fn describe(headers: &mut HeaderMap, stored: &Stored) {
    headers.insert(header::ETAG, stored.etag.clone());
    headers.insert(header::LAST_MODIFIED, stored.last_modified.clone());
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // What a path serves may change with the next publication: ask, and get a 304.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Bytes of strangers: a browser must not guess that they are a page.
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
}

pub(crate) fn set_length(headers: &mut HeaderMap, length: u64) {
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
}

fn set(headers: &mut HeaderMap, name: header::HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

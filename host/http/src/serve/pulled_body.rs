//! A body that is fetched from an upstream while it is sent.
//!
//! Invariant: its last bytes wait until all of it has come and was found right. When it
//! was not, the connection breaks off, and no client takes it for complete.

use std::io::Error;
use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use http::{HeaderValue, StatusCode, header};
use pith_content::pull::Pull;
use pith_model::Timestamp;
use pith_storage::Sha256Digest;

use super::range::{self, Asked as Ranges};
use super::{Asked, Failure, conditions, find, reply};

/// Read at once.
const CHUNK: usize = 256 << 10;

/// Answers with what is being fetched.
pub(crate) async fn reply(
    pull: Arc<Pull>,
    path: &str,
    asked: &Asked<'_>,
) -> Result<Response, Failure> {
    // Without a size there is no range and no honest `Content-Length`: wait for the end.
    let size = match pull.size {
        Some(size) => size,
        None => pull.verified().await?,
    };
    let media_type = find::media_type(None, path);
    if size == 0 {
        pull.verified().await?;
    }
    let mut part = 0..size;
    let mut status = StatusCode::OK;
    let mut response = Response::new(Body::empty());
    if let Some(sha256) = pull.sha256 {
        let stored = find::stored(Sha256Digest(sha256), size, Timestamp::now(), None, path);
        if conditions::is_unchanged(&stored, asked.headers) {
            return Ok(reply::unchanged(&stored));
        }
        response
            .headers_mut()
            .insert(header::ETAG, stored.etag.clone());
        let wanted = asked.headers.get(header::RANGE);
        if let Some(wanted) = wanted.filter(|_| conditions::range_applies(&stored, asked.headers)) {
            match range::parse(wanted.to_str().ok(), size) {
                Ranges::Parts(parts) if parts.len() == 1 => {
                    part = parts[0].clone();
                    status = StatusCode::PARTIAL_CONTENT;
                    let text = format!("bytes {}-{}/{size}", part.start, part.end - 1);
                    if let Ok(value) = HeaderValue::try_from(text) {
                        response.headers_mut().insert(header::CONTENT_RANGE, value);
                    }
                }
                Ranges::Unsatisfiable => {
                    return Ok(reply::head(&stored, asked.headers));
                }
                // Several ranges of what is not here yet: the whole is as good.
                Ranges::Whole | Ranges::Parts(_) => {}
            }
        }
    }
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    reply::set_length(headers, part.end - part.start);
    if !asked.head {
        *response.body_mut() = body(pull, part);
    }
    Ok(response)
}

fn body(pull: Arc<Pull>, part: Range<u64>) -> Body {
    Body::from_stream(stream::try_unfold(
        (pull, part),
        |(pull, part)| async move {
            if part.is_empty() {
                return Ok(None);
            }
            let bytes = next(&pull, &part).await?;
            let rest = part.start + bytes.len() as u64..part.end;
            Ok::<_, Error>(Some((bytes, (pull, rest))))
        },
    ))
}

async fn next(pull: &Pull, part: &Range<u64>) -> Result<Bytes, Error> {
    let left = usize::try_from(part.end - part.start).map_or(CHUNK, |left| left.min(CHUNK));
    let bytes = pull
        .bytes
        .read_at(part.start, left)
        .await
        .map_err(Error::other)?;
    if bytes.is_empty() {
        return Err(Error::other("the upstream's body ended before its end"));
    }
    if part.start + bytes.len() as u64 >= part.end {
        pull.verified().await.map_err(Error::other)?;
    }
    Ok(bytes)
}

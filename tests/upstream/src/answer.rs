//! Answers: statuses, bodies, and bodies that end before they should.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};

use crate::ledger::Entry;

/// The body of every answer.
pub(crate) type AnswerBody = UnsyncBoxBody<Bytes, io::Error>;
/// What every route gives.
pub(crate) type Answer = Response<AnswerBody>;

/// A body that is there already.
pub(crate) fn whole(bytes: impl Into<Bytes>) -> AnswerBody {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// A body that comes in pieces; an error among them breaks the connection.
pub(crate) fn pieces(stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> AnswerBody {
    StreamBody::new(stream.map(|piece| piece.map(Frame::data))).boxed_unsync()
}

/// A status with one line of text.
pub(crate) fn text(status: StatusCode, line: &str) -> Answer {
    typed(status, "text/plain", format!("{line}\n"))
}

/// A status with a body of a type.
pub(crate) fn typed(status: StatusCode, content_type: &str, bytes: impl Into<Bytes>) -> Answer {
    build(
        Response::builder()
            .status(status)
            .header(CONTENT_TYPE, content_type),
        whole(bytes),
    )
}

/// A 302.
pub(crate) fn redirect(location: &str) -> Answer {
    build(
        Response::builder()
            .status(StatusCode::FOUND)
            .header(LOCATION, location),
        whole(""),
    )
}

/// A streamed 200, with a `Content-Length` only if it is given, true or not.
pub(crate) fn streamed(length: Option<u64>, body: AnswerBody) -> Answer {
    let mut builder = Response::builder().header(CONTENT_TYPE, "application/octet-stream");
    if let Some(length) = length {
        builder = builder.header(CONTENT_LENGTH, length);
    }
    build(builder, body)
}

/// Puts head and body together.
pub(crate) fn build(builder: http::response::Builder, body: AnswerBody) -> Answer {
    builder
        .body(body)
        .expect("statuses and header values here are well-formed")
}

/// A body that keeps its ledger entry open until it was sent or dropped.
pub(crate) struct CountedBody {
    pub(crate) body: AnswerBody,
    pub(crate) _entry: Entry,
}

impl Body for CountedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

//! The body of an answer as the connection takes it.

use std::io::{self, IoSliceMut};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use http_body::{Frame, SizeHint};
use pith_storage::Reader;
use rustix::io::{ReadWriteFlags, preadv2};

use super::chunk::{Chunk, PIECE, Pieces};
use crate::serve::FileBody;

/// How far apart a part is looked at whether it is in memory: as much as the kernel reads
/// ahead at least.
const PROBE: usize = 128 << 10;

/// Goes with an answer whose whole body is this part of a file.
#[derive(Clone)]
pub(crate) struct Sendable {
    pub(crate) reader: Arc<dyn Reader>,
    pub(crate) part: Range<u64>,
}

/// The body of an answer.
pub(crate) enum Outgoing {
    /// Bytes, whoever makes them.
    Body(Body),
    /// A part of a file.
    File { body: FileBody, pieces: Pieces },
}

impl Outgoing {
    /// Takes an answer's body for a connection; `pieces` are those of a connection that
    /// can send files.
    pub(crate) fn response(mut response: Response, pieces: Option<Pieces>) -> http::Response<Self> {
        let sendable = response.extensions_mut().remove::<Sendable>();
        response.map(|body| match (sendable, pieces) {
            (Some(Sendable { reader, part }), Some(pieces)) => Self::File {
                body: FileBody::new(reader, part),
                pieces,
            },
            _ => Self::Body(body),
        })
    }
}

/// The next part, if it can be sent without waiting for the disk: everyone else on this
/// thread would wait too.
fn next(body: &mut FileBody, pieces: &Pieces) -> Option<Chunk> {
    let (file, left) = body.at_rest()?;
    let end = left.end.min(left.start + PIECE);
    let mut byte = [0];
    for offset in (left.start..end).step_by(PROBE).chain([end - 1]) {
        let slices = &mut [IoSliceMut::new(&mut byte)];
        if preadv2(file, slices, offset, ReadWriteFlags::NOWAIT) != Ok(1) {
            return None;
        }
    }
    let chunk = pieces.push(file, left.start, end);
    body.skip_to(end);
    Some(chunk)
}

impl http_body::Body for Outgoing {
    type Data = Chunk;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Chunk>, axum::Error>>> {
        match &mut *self {
            Self::Body(body) => Pin::new(body)
                .poll_frame(context)
                .map_ok(|frame| frame.map_data(Chunk::Bytes)),
            Self::File { body, pieces } => {
                if let Some(chunk) = next(body, pieces) {
                    return Poll::Ready(Some(Ok(Frame::data(chunk))));
                }
                let copied = Pin::new(body).poll_frame(context);
                copied
                    .map_ok(|frame| frame.map_data(Chunk::Bytes))
                    .map_err(|error: io::Error| axum::Error::new(error))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Body(body) => body.is_end_stream(),
            Self::File { body, .. } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Body(body) => body.size_hint(),
            Self::File { body, .. } => body.size_hint(),
        }
    }
}

//! A body that is read from a file while it is sent.

use std::fs::File;
use std::io::{Error, IoSliceMut};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http_body::{Body, Frame, SizeHint};
use pith_storage::Reader;
use rustix::io::ReadWriteFlags;

/// Read at once: fits into the second-level cache beside its copy in the socket.
const CHUNK: usize = 256 << 10;

/// A part of a file.
pub(crate) struct FileBody {
    reader: Arc<dyn Reader>,
    left: Range<u64>,
    /// A read that has to wait for the disk.
    waiting: Option<BoxFuture<'static, pith_storage::Result<Bytes>>>,
}

impl FileBody {
    /// The part between two offsets.
    pub(crate) fn new(reader: Arc<dyn Reader>, part: Range<u64>) -> Self {
        Self {
            reader,
            left: part,
            waiting: None,
        }
    }

    /// The file and what is left of the part, unless a read is under way.
    pub(crate) fn at_rest(&self) -> Option<(&Arc<File>, Range<u64>)> {
        if self.waiting.is_some() || self.left.is_empty() {
            return None;
        }
        Some((self.reader.as_file()?, self.left.clone()))
    }

    /// Leaves out what comes before an offset, since it went another way.
    pub(crate) fn skip_to(&mut self, offset: u64) {
        self.left.start = offset;
    }

    /// What is in the page cache is read here and now; only what is not goes to another
    /// thread, which costs more than the reading itself.
    fn read_now(&self, length: usize) -> Option<Bytes> {
        let file = self.reader.as_file()?;
        let mut buffer = vec![0; length];
        let slices = &mut [IoSliceMut::new(&mut buffer)];
        match rustix::io::preadv2(file, slices, self.left.start, ReadWriteFlags::NOWAIT) {
            Ok(read) if read > 0 => {
                buffer.truncate(read);
                Some(buffer.into())
            }
            _ => None,
        }
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let remaining = self.left.end - self.left.start;
        if remaining == 0 {
            return Poll::Ready(None);
        }
        let length = usize::try_from(remaining).map_or(CHUNK, |left| left.min(CHUNK));
        let now = if self.waiting.is_none() {
            self.read_now(length)
        } else {
            None
        };
        let bytes = match now {
            Some(bytes) => bytes,
            None => {
                let (reader, offset) = (Arc::clone(&self.reader), self.left.start);
                let waiting = self.waiting.get_or_insert_with(|| {
                    async move { reader.read_at(offset, length).await }.boxed()
                });
                let read = ready!(waiting.poll_unpin(context));
                self.waiting = None;
                read.map_err(Error::other)?
            }
        };
        if bytes.is_empty() {
            return Poll::Ready(Some(Err(Error::other(
                "the stored file ended before its end",
            ))));
        }
        self.left.start += bytes.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.end - self.left.start)
    }
}

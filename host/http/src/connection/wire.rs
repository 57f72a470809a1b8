//! The stream below a connection: writes bytes, and sends a part of a file where it is
//! given the mark of one.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::chunk::{Pieces, is_mark};

/// A TCP stream that can send files.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TokioIo<TcpStream>,
    pieces: Pieces,
}

impl Wire {
    /// Around a stream that is connected.
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self {
            stream: TokioIo::new(stream),
            pieces: Pieces::default(),
        }
    }

    /// Where the bodies of this connection put parts of files.
    pub(crate) fn pieces(&self) -> Pieces {
        self.pieces.clone()
    }

    /// Tries until the socket takes something, or says that it is full.
    fn attempt(
        &self,
        context: &mut Context<'_>,
        mut send: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let stream = self.stream.inner();
        loop {
            ready!(stream.poll_write_ready(context))?;
            match stream.try_io(Interest::WRITABLE, || send(stream)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => return Poll::Ready(outcome),
            }
        }
    }

    /// Sends up to `length` bytes of the first part that is waiting.
    fn send_file(&self, context: &mut Context<'_>, length: usize) -> Poll<io::Result<usize>> {
        let Some(piece) = self.pieces.first() else {
            return Poll::Ready(Err(io::Error::other("a mark without a file")));
        };
        let mut offset = piece.sent.load(Ordering::Relaxed);
        let rest = usize::try_from(piece.end - offset).unwrap_or(usize::MAX);
        let length = length.min(rest);
        let sent = ready!(self.attempt(context, |stream| {
            rustix::fs::sendfile(stream, &*piece.file, Some(&mut offset), length)
                .map_err(io::Error::from)
        }))?;
        if sent == 0 {
            // Less than its row says: the client must see that the body is not whole.
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        piece.sent.store(offset, Ordering::Relaxed);
        Poll::Ready(Ok(sent))
    }
}

impl Write for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if is_mark(bytes) {
            return self.send_file(context, bytes.len());
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match slices.iter().position(|slice| is_mark(slice)) {
            None => Pin::new(&mut self.stream).poll_write_vectored(context, slices),
            Some(0) => self.send_file(context, slices[0].len()),
            // The head goes into the packet of the file's first bytes.
            Some(mark) => self.attempt(context, |stream| {
                let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
                sendmsg(
                    stream,
                    &slices[..mark],
                    &mut SendAncillaryBuffer::default(),
                    flags,
                )
                .map_err(io::Error::from)
            }),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

//! WASI with nothing in it, for components whose toolchain imports it.
//!
//! No arguments, no environment, no files, no sockets, no names to look up; standard output
//! and standard error go to the log. What is left is the time and random numbers.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder};

use super::contract::pith::plugin::log::Level;
use super::log::Log;

/// A line without an end is written at this length.
const MAX_PENDING: usize = 8 << 10;

/// The context of one instance.
pub(super) fn nothing(log: &Log) -> WasiCtx {
    WasiCtxBuilder::new()
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .stdout(Lines::new(log, Stream::Output))
        .stderr(Lines::new(log, Stream::Error))
        .build()
}

#[derive(Clone, Copy)]
enum Stream {
    Output,
    Error,
}

/// A stream whose lines go to the log.
struct Lines {
    log: Log,
    stream: Stream,
    pending: Vec<u8>,
}

impl Lines {
    fn new(log: &Log, stream: Stream) -> Self {
        Self {
            log: log.clone(),
            stream,
            pending: Vec::new(),
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte == b'\n' || self.pending.len() >= MAX_PENDING {
                self.end_line();
            }
            if byte != b'\n' {
                self.pending.push(byte);
            }
        }
    }

    fn end_line(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let line = String::from_utf8_lossy(&self.pending);
        match self.stream {
            Stream::Output => self.log.write(Level::Info, &line),
            Stream::Error => self.log.write_standard_error(&line),
        }
        self.pending.clear();
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.end_line();
    }
}

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Lines {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Self::new(&self.log, self.stream))
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(Self::new(&self.log, self.stream))
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

impl OutputStream for Lines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        // What WASI streams usually take at once.
        Ok(64 << 10)
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

//! A frame of an answer's body: bytes, or a part of a file.

use std::collections::VecDeque;
use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use bytes::{Buf, Bytes};

/// The largest part of a file that is one frame, in bytes.
pub(super) const PIECE: u64 = 1 << 20;

/// Stands for a part of a file wherever a slice is wanted, and is never sent itself. Its
/// pages are never touched, so they take no memory.
static MARK: LazyLock<Vec<u8>> = LazyLock::new(|| vec![0; 1 << 20]);

/// Whether a slice stands for a part of a file.
pub(super) fn is_mark(slice: &[u8]) -> bool {
    !slice.is_empty() && std::ptr::eq(slice.as_ptr(), MARK.as_ptr())
}

/// A part of a file on its way out.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(super) file: Arc<File>,
    /// The offset in the file at which it ends.
    pub(super) end: u64,
    /// What has gone out, as an offset in the file; moved by the wire alone.
    pub(super) sent: AtomicU64,
}

/// The parts that a connection has still to send, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pieces(Arc<Mutex<VecDeque<Arc<Piece>>>>);

impl Pieces {
    /// Puts a part behind the others; what goes into the body in its place.
    pub(super) fn push(&self, file: &Arc<File>, start: u64, end: u64) -> Chunk {
        let piece = Arc::new(Piece {
            file: Arc::clone(file),
            end,
            sent: AtomicU64::new(start),
        });
        let mut pieces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pieces.push_back(Arc::clone(&piece));
        Chunk::File { piece, at: start }
    }

    /// The first part that is not sent yet.
    pub(super) fn first(&self) -> Option<Arc<Piece>> {
        let mut pieces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(piece) = pieces.front() {
            if piece.sent.load(Ordering::Relaxed) < piece.end {
                return Some(Arc::clone(piece));
            }
            pieces.pop_front();
        }
        None
    }
}

/// A frame of an answer's body.
#[derive(Debug)]
pub(crate) enum Chunk {
    /// Bytes in memory.
    Bytes(Bytes),
    /// A part of a file.
    File {
        piece: Arc<Piece>,
        /// The offset in the file up to which the sender of the frame knows it is sent.
        at: u64,
    },
}

impl Buf for Chunk {
    fn remaining(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.remaining(),
            Self::File { piece, at } => usize::try_from(piece.end - at).unwrap_or(usize::MAX),
        }
    }

    fn chunk(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes.chunk(),
            Self::File { .. } => MARK.get(..self.remaining()).unwrap_or(&MARK),
        }
    }

    /// # Panics
    /// If a part of a file is to be taken for sent that was not, since someone copied the
    /// mark. The connection ends then, rather than that it carries wrong bytes.
    fn advance(&mut self, count: usize) {
        match self {
            Self::Bytes(bytes) => bytes.advance(count),
            Self::File { piece, at } => {
                *at += count as u64;
                assert!(
                    *at <= piece.sent.load(Ordering::Relaxed),
                    "a part of a file was copied instead of sent"
                );
            }
        }
    }
}

//! What every store can do, wherever it keeps its bytes.

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;

use crate::digest::{Algorithm, Sha256Digest};
use crate::durable::{Durable, Placed};
use crate::error::Result;
use crate::expected::Expected;
use crate::growing::Growing;
use crate::incoming::Incoming;
use crate::session::{Session, SessionName};

/// Stored bytes by digest.
///
/// A file in the store is never trusted because it exists: after a crash it may be empty. Only a
/// row in the database makes it count, and a row is only made with a [`Durable`] in hand.
#[async_trait]
pub trait Store: Send + Sync {
    /// Begins a file. SHA-256 is always computed, `algorithms` besides.
    fn create(&self, algorithms: &[Algorithm]) -> Box<dyn Writer>;

    /// Takes many small bodies at once, much faster than one by one; an answer for each, in order.
    async fn put_small(&self, bodies: Vec<SmallBody>) -> Vec<Result<Incoming>>;

    /// Gives files their names.
    async fn place(&self, incoming: Vec<Incoming>) -> Result<Placed>;

    /// Waits until placed files survive a power loss. Batches that wait together share one sync.
    async fn make_durable(&self, placed: Placed) -> Result<Durable>;

    /// Places files and makes them durable.
    async fn keep(&self, incoming: Vec<Incoming>) -> Result<Durable> {
        let placed = self.place(incoming).await?;
        self.make_durable(placed).await
    }

    /// Those of which there is no file. That there is one says nothing of what is in it.
    async fn missing(&self, digests: &[Sha256Digest]) -> Result<Vec<Sha256Digest>>;

    /// Opens a stored file.
    async fn open(&self, digest: &Sha256Digest) -> Result<Arc<dyn Reader>>;

    /// Reads a stored file again, and says whether it still has its digest.
    async fn verify(&self, digest: &Sha256Digest) -> Result<bool>;

    /// Removes files that no row names; those that are absent already do no harm.
    ///
    /// What this process is storing right now (a [`Placed`] or a [`Durable`] of it lives) stays,
    /// and is returned. Other processes are not seen: where several share a store, the caller
    /// marks the digest in the database first, and whoever stores it waits for that mark to go.
    async fn remove(&self, digests: &[Sha256Digest]) -> Result<Vec<Sha256Digest>>;

    /// The stored files whose digest begins with a byte, so that a clean-up can find those without a row.
    async fn list(&self, first: u8) -> Result<Vec<Listed>>;

    /// Begins a file that comes in chunks; it goes when the session is dropped, unless it is kept.
    async fn begin_session(&self, name: SessionName) -> Result<Box<dyn Session>>;

    /// Goes on with such a file, once nobody else does; `None` if it is not there.
    async fn resume_session(&self, name: SessionName) -> Result<Option<Box<dyn Session>>>;

    /// Removes such files; those that are absent already do no harm.
    async fn remove_sessions(&self, names: &[SessionName]) -> Result<()>;

    /// The sessions that nobody has, and that nobody has written to for so long.
    async fn idle_sessions(&self, idle: Duration) -> Result<Vec<SessionName>>;

    /// Names what keeps the bytes of a session that were not synced: while this word is the same,
    /// they are there; they may be gone once it has changed, as after a power loss. `None` if
    /// nothing does: then every chunk is synced.
    fn keeper(&self) -> Option<&str>;

    /// Removes what earlier processes left unfinished, and says how many files that were. Called at the start.
    async fn recover(&self) -> Result<u64>;

    /// How much space there is, where the store can tell.
    async fn space(&self) -> Result<Option<Space>>;
}

/// Takes the bytes of one file. Dropped before its end, it leaves nothing behind.
#[async_trait]
pub trait Writer: Send {
    /// Takes no more than so many bytes: the write that exceeds them fails, and nothing is kept.
    fn limit(&mut self, size: u64);

    /// Takes the next bytes. Hashing and writing go on after it returns; it waits if they fall behind.
    ///
    /// An error may be that of an earlier write. After one, the writer is of no more use.
    async fn write(&mut self, bytes: Bytes) -> Result<()>;

    /// A handle that reads what is written, while it is being written.
    fn reader(&mut self) -> Growing;

    /// Ends the file, and checks it.
    async fn finish(self: Box<Self>, expected: &Expected) -> Result<Incoming>;
}

/// A stored file, open for reading; it stays readable after it was removed.
#[async_trait]
pub trait Reader: Send + Sync {
    /// How many bytes it has. Compare it with the row: after a crash it may differ.
    fn length(&self) -> u64;

    /// Reads bytes at an offset; fewer only at the end of the file.
    async fn read_at(&self, offset: u64, length: usize) -> Result<Bytes>;

    /// The file itself, where there is one, for a fast way to the network.
    fn as_file(&self) -> Option<&Arc<File>>;
}

/// A small body that is at hand, and what is known of it.
#[derive(Debug, Clone, Default)]
pub struct SmallBody {
    /// The bytes.
    pub bytes: Bytes,
    /// What to compute beside the SHA-256, and beside what is expected.
    pub algorithms: Vec<Algorithm>,
    /// What the body must be.
    pub expected: Expected,
}

impl From<Bytes> for SmallBody {
    fn from(bytes: Bytes) -> Self {
        Self {
            bytes,
            ..Self::default()
        }
    }
}

/// A file found in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub digest: Sha256Digest,
    /// How many bytes it has.
    pub size: u64,
    /// When it was written; a clean-up leaves young files alone.
    pub modified: SystemTime,
}

/// How much space a store has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// All of it, in bytes.
    pub total: u64,
    /// What the server may still use, in bytes.
    pub available: u64,
}

//! A file that comes in chunks, over days and through several processes.
//!
//! **Invariant**: whoever holds a [`Session`] is the only one who writes to its file, in all
//! processes that share the store. What a chunk has written counts only once the caller has noted
//! it in the database; bytes beyond that may be there and mean nothing.

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;

use crate::digest::{Algorithm, Digests};
use crate::error::Result;
use crate::incoming::{Incoming, Stored};
use crate::resumable::ResumableHasher;

/// The name of a session's file: the bits of a UUID, never something that a client wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionName(pub u128);

impl SessionName {
    /// Reads what [`fmt::Display`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_name = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u128::from_str_radix(text, 16).ok()?;
        is_name.then_some(Self(number))
    }
}

impl fmt::Display for SessionName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

/// Where a chunk belongs, and what is to be computed while it comes.
#[derive(Debug, Default)]
pub struct ChunkPlan {
    /// In the file.
    pub offset: u64,
    /// Has seen all bytes before the chunk; none for a chunk that comes out of order.
    pub hasher: Option<ResumableHasher>,
    /// Of the chunk alone.
    pub algorithms: Vec<Algorithm>,
}

/// A chunk that came to its end.
#[derive(Debug)]
pub struct Chunk {
    /// In bytes.
    pub length: u64,
    /// The plan's, which has seen the chunk too.
    pub hasher: Option<ResumableHasher>,
    /// Of the chunk alone, where any was asked for.
    pub digests: Option<Digests>,
}

/// Holds a session's file; others wait until it is dropped.
///
/// A store that keeps parts instead of one file makes each chunk a part, and puts them together
/// when the session is sealed.
#[async_trait]
pub trait Session: Send + Sync {
    /// How many bytes there are; some may never have counted.
    fn length(&self) -> u64;

    /// Whether somebody in this process waits for the session.
    fn is_contested(&self) -> bool;

    /// Keeps the file of a new session, which else goes when the session is dropped.
    fn keep(&mut self);

    /// Begins a chunk.
    fn begin(&mut self, plan: ChunkPlan);

    /// Takes the next bytes of the chunk. Hashing and writing go on after it returns; it waits if
    /// they fall behind.
    async fn write(&mut self, bytes: Bytes) -> Result<()>;

    /// Ends the chunk: the system has all of it, and it survives the end of this process.
    async fn end(&mut self) -> Result<Chunk>;

    /// Lets a hasher see bytes that are there already.
    async fn hash(&mut self, hasher: ResumableHasher, range: Range<u64>)
    -> Result<ResumableHasher>;

    /// The digests of bytes that are there already.
    async fn digest(&mut self, range: Range<u64>, algorithms: &[Algorithm]) -> Result<Digests>;

    /// Waits until all that was written survives a power loss.
    async fn sync(&mut self) -> Result<()>;

    /// Gives the file out, cut to its size and brought to the disk. Nothing may be written to the
    /// session from then on; it can be sealed again, if the file was not stored after all.
    async fn seal(&mut self, stored: Stored) -> Result<Incoming>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for number in [0, 1, u128::MAX] {
            let name = SessionName(number);
            assert_eq!(SessionName::parse(&name.to_string()), Some(name));
        }
        for text in ["", "7", "+0000000000000000000000000000001", "../x"] {
            assert_eq!(SessionName::parse(text), None, "{text}");
        }
    }
}

//! Reading a stored file.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use rustix::buffer::spare_capacity;

use crate::blocking::blocking;
use crate::digest::Sha256Digest;
use crate::error::{Context as _, Result};
use crate::hasher::MultiHasher;
use crate::store::Reader;

/// How much is read at once for hashing: large enough that the calls do not count.
const BLOCK: usize = 1 << 20;

/// A file of a directory store.
#[derive(Debug)]
pub(crate) struct FileReader {
    file: Arc<File>,
    length: u64,
}

impl FileReader {
    pub(crate) fn new(file: Arc<File>, length: u64) -> Self {
        Self { file, length }
    }
}

#[async_trait]
impl Reader for FileReader {
    fn length(&self) -> u64 {
        self.length
    }

    async fn read_at(&self, offset: u64, length: usize) -> Result<Bytes> {
        let rest = self.length.saturating_sub(offset);
        let length = usize::try_from(rest).map_or(length, |rest| rest.min(length));
        read_at(&self.file, offset, length).await
    }

    fn as_file(&self) -> Option<&Arc<File>> {
        Some(&self.file)
    }
}

/// Reads so many bytes; fewer only at the end of the file.
pub(crate) async fn read_at(file: &Arc<File>, offset: u64, length: usize) -> Result<Bytes> {
    if length == 0 {
        return Ok(Bytes::new());
    }
    let file = Arc::clone(file);
    blocking(move || {
        let mut bytes = Vec::with_capacity(length);
        fill(&file, offset, length, &mut bytes).context("read a stored file")?;
        Ok(bytes.into())
    })
    .await
}

/// Hashes a whole file.
pub(crate) fn hash(file: &File) -> io::Result<Sha256Digest> {
    let mut hasher = MultiHasher::new(&[]);
    let mut bytes = Vec::with_capacity(BLOCK);
    let mut offset = 0;
    loop {
        bytes.clear();
        fill(file, offset, BLOCK, &mut bytes)?;
        hasher.update(&bytes);
        offset += bytes.len() as u64;
        if bytes.len() < BLOCK {
            return Ok(hasher.finish().sha256);
        }
    }
}

/// Shows each block of a range; a file that ends within it is an error.
pub(crate) fn for_each(
    file: &File,
    range: Range<u64>,
    mut look: impl FnMut(&[u8]),
) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(BLOCK);
    let mut offset = range.start;
    while offset < range.end {
        let length = usize::try_from(range.end - offset).map_or(BLOCK, |left| left.min(BLOCK));
        bytes.clear();
        fill(file, offset, length, &mut bytes)?;
        if bytes.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        look(&bytes);
        offset += bytes.len() as u64;
    }
    Ok(())
}

/// Appends up to `length` bytes from the file, without clearing memory first.
fn fill(file: &File, offset: u64, length: usize, bytes: &mut Vec<u8>) -> io::Result<()> {
    bytes.reserve_exact(length);
    let begin = bytes.len();
    while bytes.len() - begin < length {
        let read = (bytes.len() - begin) as u64;
        match rustix::io::pread(file, spare_capacity(bytes), offset + read) {
            Ok(0) => break,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // The allocator may have given more than was asked for.
    bytes.truncate(begin + length);
    Ok(())
}

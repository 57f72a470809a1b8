//! Stored bytes as a reader.

use std::io::{self, BufRead, Read};

use crate::{Error, Reader};

/// As much as the host copies over in one call.
const CHUNK: u32 = 256 * 1024;

/// Reads a [`Reader`] through `std::io`, from its beginning to its end; the host's errors
/// come through unchanged.
#[derive(Debug)]
pub struct StoredReader<'a> {
    reader: &'a Reader,
    offset: u64,
    size: u64,
    chunk: Vec<u8>,
    position: usize,
}

impl<'a> StoredReader<'a> {
    /// Starts at the first byte.
    pub fn new(reader: &'a Reader) -> Self {
        Self {
            reader,
            offset: 0,
            size: reader.size(),
            chunk: Vec::new(),
            position: 0,
        }
    }
}

impl Read for StoredReader<'_> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(target)?;
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for StoredReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.position == self.chunk.len() && self.offset < self.size {
            self.chunk = self
                .reader
                .read_at(self.offset, CHUNK)
                .map_err(Error::from)?;
            self.offset += self.chunk.len() as u64;
            self.position = 0;
        }
        Ok(&self.chunk[self.position..])
    }

    fn consume(&mut self, amount: usize) {
        self.position += amount;
    }
}

//! An upstream's body as a reader.

use std::io::{self, BufRead, Read};

use crate::{Body, Error};

/// As much as the host copies over in one call: large enough that the call costs nothing.
const CHUNK: u32 = 64 * 1024;

/// Reads a [`Body`] through `std::io`; the host's errors come through unchanged.
#[derive(Debug)]
pub struct BodyReader<'a> {
    body: &'a Body,
    chunk: Vec<u8>,
    position: usize,
}

impl<'a> BodyReader<'a> {
    /// Starts where the body is now.
    pub fn new(body: &'a Body) -> Self {
        Self {
            body,
            chunk: Vec::new(),
            position: 0,
        }
    }
}

impl Read for BodyReader<'_> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(target)?;
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for BodyReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.position == self.chunk.len() {
            self.chunk = self.body.read(CHUNK).map_err(Error::from)?;
            self.position = 0;
        }
        Ok(&self.chunk[self.position..])
    }

    fn consume(&mut self, amount: usize) {
        self.position += amount;
    }
}

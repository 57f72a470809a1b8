//! Writes a file of a publication in pieces of a sensible size.

use std::io::{self, BufWriter, Write};

use crate::{Codec, Encoding, Error, File, Publication, Result, Written};

/// Large enough that the call to the host costs nothing beside the copying.
const CHUNK: usize = 64 * 1024;

/// A new file of a publication, written through `std::io`.
#[derive(Debug)]
pub struct FileWriter(BufWriter<Unbuffered>);

impl FileWriter {
    /// Starts a file; it has no name until it is linked.
    pub fn create(publication: &Publication) -> Result<Self> {
        let plain = Encoding {
            codec: Codec::Identity,
            digests: Vec::new(),
        };
        Self::create_encoded(publication, &plain)
    }

    /// Starts a file that the host encodes while it is written.
    pub fn create_encoded(publication: &Publication, encoding: &Encoding) -> Result<Self> {
        let file = Unbuffered(publication.create(encoding)?);
        Ok(Self(BufWriter::with_capacity(CHUNK, file)))
    }

    /// Ends the file, so that it can be linked.
    pub fn finish(self) -> Result<Written> {
        let Unbuffered(file) = self
            .0
            .into_inner()
            .map_err(|error| Error::from(error.into_error()))?;
        Ok(file.finish()?)
    }
}

impl Write for FileWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[derive(Debug)]
struct Unbuffered(File);

impl Write for Unbuffered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(Error::from)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

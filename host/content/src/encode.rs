//! Encodes a file while it is written, and knows what it was before.

use std::io::{self, Write as _};

use bytes::Bytes;
use pith_storage::{Algorithm, Digests, MultiHasher};

use crate::error::{Error, Result};

/// The forms in which a published file can be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Codec {
    /// As it is.
    #[default]
    Identity,
    /// Without a name and a time, so that equal files are equal.
    Gzip,
    /// Zstandard.
    Zstd,
}

/// What a plugin asks of a file.
#[derive(Clone, Debug, Default)]
pub struct Encoding {
    /// Its form.
    pub codec: Codec,
    /// Digests beside the SHA-256, of both forms.
    pub algorithms: Vec<Algorithm>,
}

/// What common tools for such files choose themselves.
const GZIP_LEVEL: u32 = 6;
const ZSTD_LEVEL: i32 = 3;

enum Form {
    Identity(Vec<u8>),
    Gzip(flate2::write::GzEncoder<Vec<u8>>),
    Zstd(Frames),
}

/// Takes plain bytes and gives encoded ones.
pub(crate) struct Encoder {
    form: Form,
    plain: MultiHasher,
    plain_size: u64,
}

/// What went in, when all has.
#[derive(Clone, Debug)]
pub(crate) struct Plain {
    pub(crate) digests: Digests,
    pub(crate) size: u64,
}

impl Encoder {
    pub(crate) fn new(encoding: &Encoding) -> Result<Self> {
        let form = match encoding.codec {
            Codec::Identity => Form::Identity(Vec::new()),
            Codec::Gzip => Form::Gzip(flate2::write::GzEncoder::new(
                Vec::new(),
                flate2::Compression::new(GZIP_LEVEL),
            )),
            Codec::Zstd => Form::Zstd(Frames::new().map_err(|error| broken(&error))?),
        };
        Ok(Self {
            form,
            plain: MultiHasher::new(&encoding.algorithms),
            plain_size: 0,
        })
    }

    /// Takes bytes; what is ready of the encoded form, which may be nothing.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<Bytes> {
        self.plain.update(bytes);
        self.plain_size += bytes.len() as u64;
        let ready = match &mut self.form {
            Form::Identity(ready) => {
                ready.extend_from_slice(bytes);
                ready
            }
            Form::Gzip(encoder) => {
                encoder.write_all(bytes).map_err(|error| broken(&error))?;
                encoder.get_mut()
            }
            Form::Zstd(frames) => {
                frames.take(bytes).map_err(|error| broken(&error))?;
                &mut frames.ready
            }
        };
        Ok(std::mem::take(ready).into())
    }

    /// The rest of the encoded form.
    pub(crate) fn finish(self) -> Result<(Bytes, Plain)> {
        let rest = match self.form {
            Form::Identity(rest) => rest,
            Form::Gzip(encoder) => encoder.finish().map_err(|error| broken(&error))?,
            Form::Zstd(frames) => frames.finish().map_err(|error| broken(&error))?,
        };
        let plain = Plain {
            digests: self.plain.finish(),
            size: self.plain_size,
        };
        Ok((rest.into(), plain))
    }
}

/// So many bytes are a frame. A stream of this level would look no further back than twice that,
/// which saves half a percent. Whoever has pieces of this size is spared a copy of them.
pub(crate) const FRAME: usize = 1 << 20;

/// Zstandard in frames, one after the other, as every reader of it takes them. A frame is made
/// of one piece of memory; a stream, whose memory begins anew again and again, takes a third as
/// long again and comes out no smaller.
struct Frames {
    compressor: zstd::bulk::Compressor<'static>,
    /// Less than a frame.
    pending: Vec<u8>,
    /// The frame that was made last, whose memory serves the next.
    frame: Vec<u8>,
    ready: Vec<u8>,
    is_empty: bool,
}

impl Frames {
    fn new() -> io::Result<Self> {
        Ok(Self {
            compressor: zstd::bulk::Compressor::new(ZSTD_LEVEL)?,
            pending: Vec::new(),
            frame: Vec::new(),
            ready: Vec::new(),
            is_empty: true,
        })
    }

    fn take(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        if !self.pending.is_empty() {
            let (next, rest) = bytes.split_at(bytes.len().min(FRAME - self.pending.len()));
            self.pending.extend_from_slice(next);
            if self.pending.len() < FRAME {
                return Ok(());
            }
            self.end_pending()?;
            bytes = rest;
        }
        let frames = bytes.chunks_exact(FRAME);
        self.pending.extend_from_slice(frames.remainder());
        for plain in frames {
            self.add_frame(plain)?;
        }
        Ok(())
    }

    fn end_pending(&mut self) -> io::Result<()> {
        let mut plain = std::mem::take(&mut self.pending);
        self.add_frame(&plain)?;
        plain.clear();
        self.pending = plain;
        Ok(())
    }

    fn add_frame(&mut self, plain: &[u8]) -> io::Result<()> {
        self.frame.clear();
        self.frame
            .reserve(zstd::zstd_safe::compress_bound(plain.len()));
        self.compressor.compress_to_buffer(plain, &mut self.frame)?;
        self.ready.extend_from_slice(&self.frame);
        self.is_empty = false;
        Ok(())
    }

    fn finish(mut self) -> io::Result<Vec<u8>> {
        // A file without a frame would be none.
        if self.is_empty || !self.pending.is_empty() {
            self.end_pending()?;
        }
        Ok(self.ready)
    }
}

fn broken(error: &io::Error) -> Error {
    Error::internal(format!("a file cannot be encoded: {error}"))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn encode(codec: Codec, chunks: &[&[u8]]) -> (Vec<u8>, Plain) {
        let encoding = Encoding {
            codec,
            algorithms: vec![Algorithm::Sha512],
        };
        let mut encoder = Encoder::new(&encoding).expect("an encoder");
        let mut encoded = Vec::new();
        for chunk in chunks {
            encoded.extend_from_slice(&encoder.take(chunk).expect("taken"));
        }
        let (rest, plain) = encoder.finish().expect("finished");
        encoded.extend_from_slice(&rest);
        (encoded, plain)
    }

    #[test]
    fn every_form_holds_the_same_bytes() {
        holds(&b"some text, ".repeat(9000));
    }

    #[test]
    fn frames_follow_each_other() {
        for length in [0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME] {
            let text: Vec<u8> = b"some text, "
                .iter()
                .copied()
                .cycle()
                .take(length)
                .collect();
            let (whole, _) = encode(Codec::Zstd, &[&text]);
            assert_eq!(zstd::decode_all(&whole[..]).expect("zstd"), text);
            let pieces: Vec<&[u8]> = text.chunks(700_001).collect();
            assert_eq!(encode(Codec::Zstd, &pieces).0, whole);
        }
    }

    fn holds(text: &[u8]) {
        for codec in [Codec::Identity, Codec::Gzip, Codec::Zstd] {
            let (encoded, plain) = encode(codec, &[&text[..10], &text[10..]]);
            let mut decoded = Vec::new();
            match codec {
                Codec::Identity => decoded.clone_from(&encoded),
                Codec::Gzip => {
                    flate2::read::GzDecoder::new(&encoded[..])
                        .read_to_end(&mut decoded)
                        .expect("gzip");
                }
                Codec::Zstd => decoded = zstd::decode_all(&encoded[..]).expect("zstd"),
            }
            assert_eq!(decoded, text);
            assert_eq!(plain.size, text.len() as u64);
            assert!(plain.digests.get(Algorithm::Sha512).is_some());
            assert_eq!(plain.digests.sha256, pith_storage::Sha256Digest::of(text));
            // However it was cut into pieces, and whenever.
            assert_eq!(encoded, encode(codec, &[&text[..10], &text[10..]]).0);
        }
    }
}

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
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
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
            Codec::Zstd => Form::Zstd(
                zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL)
                    .map_err(|error| broken(&error))?,
            ),
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
            Form::Zstd(encoder) => {
                encoder.write_all(bytes).map_err(|error| broken(&error))?;
                encoder.get_mut()
            }
        };
        Ok(std::mem::take(ready).into())
    }

    /// The rest of the encoded form.
    pub(crate) fn finish(self) -> Result<(Bytes, Plain)> {
        let rest = match self.form {
            Form::Identity(rest) => rest,
            Form::Gzip(encoder) => encoder.finish().map_err(|error| broken(&error))?,
            Form::Zstd(encoder) => encoder.finish().map_err(|error| broken(&error))?,
        };
        let plain = Plain {
            digests: self.plain.finish(),
            size: self.plain_size,
        };
        Ok((rest.into(), plain))
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
        let text = b"some text, ".repeat(9000);
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
            assert_eq!(plain.digests.sha256, pith_storage::Sha256Digest::of(&text));
            // However it was cut into pieces, and whenever.
            assert_eq!(encoded, encode(codec, &[&text[..10], &text[10..]]).0);
        }
    }
}

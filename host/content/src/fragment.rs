//! Fragments of a unit as one compressed row: small named bytes that only publications use.

use std::io;

use crate::error::{Error, Result};

/// Named bytes without meaning to the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// By which a publication asks for it.
    pub name: String,
    /// Anything.
    pub bytes: Vec<u8>,
}

/// Fast to write and to read; higher levels gain little on a few kilobytes.
const LEVEL: i32 = 1;

/// No index says more of one package; a batch of drafts is bounded beside this.
const MAX_BYTES: usize = 32 << 20;

/// Longer names are no names.
const MAX_NAME: usize = 64;

/// Refuses what [`Packer::pack`] would not take.
pub(crate) fn check(fragments: &[Fragment]) -> Result<()> {
    let mut total = 0;
    for fragment in fragments {
        if fragment.name.is_empty() || fragment.name.len() > MAX_NAME {
            return Err(Error::invalid(format!(
                "the name {:?} of a fragment is not 1 to {MAX_NAME} bytes long",
                fragment.name
            )));
        }
        total += fragment.bytes.len();
    }
    if total > MAX_BYTES || fragments.len() > usize::from(u8::MAX) {
        return Err(Error::limit(format!(
            "a unit has {} fragments of {total} bytes; at most {} and {MAX_BYTES} bytes are taken",
            fragments.len(),
            u8::MAX
        )));
    }
    Ok(())
}

/// Makes rows of fragments; it keeps its memory for the next.
pub(crate) struct Packer {
    compressor: zstd::bulk::Compressor<'static>,
    plain: Vec<u8>,
}

impl Packer {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            compressor: zstd::bulk::Compressor::new(LEVEL).map_err(|error| broken(&error))?,
            plain: Vec::new(),
        })
    }

    /// The row of these fragments, which passed [`check`].
    pub(crate) fn pack(&mut self, fragments: &[Fragment]) -> Result<Vec<u8>> {
        self.plain.clear();
        for Fragment { name, bytes } in fragments {
            self.plain.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
            self.plain.extend_from_slice(name.as_bytes());
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            self.plain.extend_from_slice(&length.to_le_bytes());
        }
        // A name without length ends the list; the bytes follow.
        self.plain.push(0);
        for fragment in fragments {
            self.plain.extend_from_slice(&fragment.bytes);
        }
        self.compressor
            .compress(&self.plain)
            .map_err(|error| broken(&error))
    }
}

/// Reads rows; it keeps its memory for the next.
pub(crate) struct Unpacker {
    decompressor: zstd::bulk::Decompressor<'static>,
    plain: Vec<u8>,
}

impl Unpacker {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            decompressor: zstd::bulk::Decompressor::new().map_err(|error| broken(&error))?,
            plain: Vec::new(),
        })
    }

    /// Calls `each` with the name and bytes of every fragment of a row.
    pub(crate) fn unpack<'a>(
        &'a mut self,
        row: &[u8],
        mut each: impl FnMut(&'a [u8], &'a [u8]),
    ) -> Result<()> {
        let size = zstd::zstd_safe::get_frame_content_size(row)
            .ok()
            .flatten()
            .and_then(|size| usize::try_from(size).ok())
            // The list of names comes on top of the bytes.
            .filter(|size| *size <= MAX_BYTES + (64 << 10))
            .ok_or_else(damaged)?;
        self.plain.clear();
        self.plain.reserve(size);
        self.decompressor
            .decompress_to_buffer(row, &mut self.plain)
            .map_err(|error| broken(&error))?;
        split(&self.plain, &mut each).ok_or_else(damaged)
    }
}

/// None where the bytes are no row.
fn split<'a>(plain: &'a [u8], each: &mut impl FnMut(&'a [u8], &'a [u8])) -> Option<()> {
    let mut at = 0;
    let mut list = Vec::new();
    loop {
        let length = usize::from(*plain.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        let name = plain.get(at..at + length)?;
        at += length;
        let size: [u8; 4] = plain.get(at..at + 4)?.try_into().ok()?;
        at += 4;
        list.push((name, usize::try_from(u32::from_le_bytes(size)).ok()?));
    }
    for (name, size) in list {
        each(name, plain.get(at..at.checked_add(size)?)?);
        at += size;
    }
    Some(())
}

fn damaged() -> Error {
    Error::internal("the fragments of a unit are damaged in the database")
}

fn broken(error: &io::Error) -> Error {
    Error::internal(format!("fragments cannot be compressed or read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(name: &str, bytes: &[u8]) -> Fragment {
        Fragment {
            name: name.into(),
            bytes: bytes.into(),
        }
    }

    #[test]
    fn what_is_packed_comes_out_again() {
        let mut packer = Packer::new().expect("memory");
        let mut unpacker = Unpacker::new().expect("memory");
        for fragments in [
            vec![],
            vec![fragment("a", b"")],
            vec![fragment("primary", &[7; 70_000]), fragment("other", b"x")],
        ] {
            let row = packer.pack(&fragments).expect("packed");
            let mut found = Vec::new();
            unpacker
                .unpack(&row, |name, bytes| {
                    found.push(fragment(std::str::from_utf8(name).expect("a name"), bytes));
                })
                .expect("unpacked");
            assert_eq!(found, fragments);
        }
    }

    #[test]
    fn damaged_rows_are_errors() {
        let mut unpacker = Unpacker::new().expect("memory");
        let lying = zstd::bulk::compress(&[1, b'a', 9, 0, 0, 0, 0, b'x'], 1).expect("compressed");
        for row in [&b""[..], b"no frame", &lying] {
            assert!(unpacker.unpack(row, |_, _| ()).is_err());
        }
    }

    #[test]
    fn names_and_sizes_are_bounded() {
        assert!(check(&[fragment("a", b"x")]).is_ok());
        assert!(check(&[fragment("", b"x")]).is_err());
        assert!(check(&[fragment(&"n".repeat(65), b"x")]).is_err());
        assert!(check(&[fragment("a", &vec![0; MAX_BYTES + 1])]).is_err());
        assert!(check(&vec![fragment("a", b""); 256]).is_err());
    }
}

//! Fragments of a unit as one compressed row: small named bytes that only publications use.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::sync::Arc;

use pith_db::Database;
use pith_db::fragment::Packed;

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
    /// One that uses these bytes of a dictionary, or none.
    pub(crate) fn new(dictionary: &[u8]) -> Result<Self> {
        let compressor = zstd::bulk::Compressor::with_dictionary(LEVEL, dictionary);
        Ok(Self {
            compressor: compressor.map_err(|error| broken(&error))?,
            plain: Vec::new(),
        })
    }

    /// The row of these fragments, which passed [`check`].
    pub(crate) fn pack(&mut self, fragments: &[Fragment]) -> Result<Vec<u8>> {
        self.plain.clear();
        lay_out(fragments, &mut self.plain);
        self.compressor
            .compress(&self.plain)
            .map_err(|error| broken(&error))
    }
}

/// Writes fragments one after the other, with a list of them in front.
pub(crate) fn lay_out(fragments: &[Fragment], plain: &mut Vec<u8>) {
    for Fragment { name, bytes } in fragments {
        plain.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        plain.extend_from_slice(name.as_bytes());
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        plain.extend_from_slice(&length.to_le_bytes());
    }
    // A name without length ends the list; the bytes follow.
    plain.push(0);
    for fragment in fragments {
        plain.extend_from_slice(&fragment.bytes);
    }
}

/// So many dictionaries are ready for use at once.
const MOST_READY: usize = 16;

/// Reads rows; it keeps its memory for the next.
#[derive(Default)]
pub(crate) struct Unpacker {
    /// By the number of the dictionary.
    decompressors: HashMap<Option<i64>, zstd::bulk::Decompressor<'static>>,
    plain: Vec<u8>,
}

impl Unpacker {
    /// Calls `each` with the name and bytes of every fragment of a row.
    pub(crate) fn unpack<'a>(
        &'a mut self,
        row: &Row,
        mut each: impl FnMut(&'a [u8], &'a [u8]),
    ) -> Result<()> {
        let size = zstd::zstd_safe::get_frame_content_size(&row.body)
            .ok()
            .flatten()
            .and_then(|size| usize::try_from(size).ok())
            // The list of names comes on top of the bytes.
            .filter(|size| *size <= MAX_BYTES + (64 << 10))
            .ok_or_else(damaged)?;
        let (number, dictionary) = match &row.dictionary {
            Some(dictionary) => (Some(dictionary.number), dictionary.body.as_slice()),
            None => (None, &[][..]),
        };
        if self.decompressors.len() >= MOST_READY && !self.decompressors.contains_key(&number) {
            self.decompressors.clear();
        }
        let decompressor = match self.decompressors.entry(number) {
            Entry::Occupied(ready) => ready.into_mut(),
            Entry::Vacant(place) => {
                let new = zstd::bulk::Decompressor::with_dictionary(dictionary);
                place.insert(new.map_err(|error| broken(&error))?)
            }
        };
        self.plain.clear();
        self.plain.reserve(size);
        decompressor
            .decompress_to_buffer(&row.body, &mut self.plain)
            .map_err(|error| broken(&error))?;
        split(&self.plain, &mut each).ok_or_else(damaged)
    }
}

/// A row, with what it needs to be read.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) body: Vec<u8>,
    pub(crate) dictionary: Option<Arc<Dictionary>>,
}

/// A dictionary that rows were packed with.
#[derive(Debug)]
pub(crate) struct Dictionary {
    pub(crate) number: i64,
    pub(crate) body: Vec<u8>,
}

/// The dictionaries of rows that are read one after the other.
#[derive(Default)]
pub(crate) struct Dictionaries(HashMap<i64, Arc<Dictionary>>);

impl Dictionaries {
    /// Gives a row what it needs, from the database if it is a new one.
    pub(crate) async fn complete(&mut self, database: &Database, packed: Packed) -> Result<Row> {
        let dictionary = match packed.dictionary {
            Some(number) => Some(self.get(database, number).await?),
            None => None,
        };
        Ok(Row {
            body: packed.body,
            dictionary,
        })
    }

    async fn get(&mut self, database: &Database, number: i64) -> Result<Arc<Dictionary>> {
        if let Some(known) = self.0.get(&number) {
            return Ok(Arc::clone(known));
        }
        let mut connection = database.read().await?;
        let body = pith_db::fragment::dictionary(&mut connection, number).await?;
        let body = body.ok_or_else(damaged)?;
        let new = Arc::new(Dictionary { number, body });
        if self.0.len() >= MOST_READY {
            self.0.clear();
        }
        self.0.insert(number, Arc::clone(&new));
        Ok(new)
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

    fn row(body: &[u8], dictionary: Option<&Arc<Dictionary>>) -> Row {
        Row {
            body: body.to_vec(),
            dictionary: dictionary.map(Arc::clone),
        }
    }

    #[test]
    fn what_is_packed_comes_out_again() {
        let samples: Vec<Vec<u8>> = (0..400)
            .map(|number| format!("<package name=\"p{number}\"><size>{number}</size>").into())
            .collect();
        let body = zstd::dict::from_samples(&samples, 4096).expect("a dictionary");
        let dictionary = Arc::new(Dictionary { number: 7, body });
        let mut unpacker = Unpacker::default();
        for dictionary in [None, Some(&dictionary)] {
            let mut packer = Packer::new(dictionary.map_or(&[], |one| &one.body)).expect("memory");
            for fragments in [
                vec![],
                vec![fragment("a", b"")],
                vec![fragment("primary", &[7; 70_000]), fragment("other", b"x")],
                vec![fragment("primary", &samples[3])],
            ] {
                let packed = packer.pack(&fragments).expect("packed");
                let mut found = Vec::new();
                unpacker
                    .unpack(&row(&packed, dictionary), |name, bytes| {
                        found.push(fragment(std::str::from_utf8(name).expect("a name"), bytes));
                    })
                    .expect("unpacked");
                assert_eq!(found, fragments);
            }
        }
        let mut packer = Packer::new(&dictionary.body).expect("memory");
        let packed = packer.pack(&[fragment("a", &samples[9])]).expect("packed");
        // Without what it needs a row is not read as something else.
        assert!(unpacker.unpack(&row(&packed, None), |_, _| ()).is_err());
    }

    #[test]
    fn damaged_rows_are_errors() {
        let mut unpacker = Unpacker::default();
        let lying = zstd::bulk::compress(&[1, b'a', 9, 0, 0, 0, 0, b'x'], 1).expect("compressed");
        for bytes in [&b""[..], b"no frame", &lying] {
            assert!(unpacker.unpack(&row(bytes, None), |_, _| ()).is_err());
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

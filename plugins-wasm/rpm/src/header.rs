//! Reads the header of a package file: bounded, and without looking at the payload.

use pith_plugin_sdk::{Error, Reader, Result};

/// What is read at once.
const READ: u32 = 1 << 20;

/// The longest header that is read; `rpm` itself refuses more.
const MAX_HEADER: usize = 64 << 20;

/// The most entries of a header; `rpm` itself refuses more.
const MAX_ENTRIES: usize = 0xffff;

const LEAD: u64 = 96;
const LEAD_MAGIC: [u8; 4] = [0xed, 0xab, 0xee, 0xdb];
const HEADER_MAGIC: [u8; 4] = [0x8e, 0xad, 0xe8, 0x01];
const INTRODUCTION: u32 = 16;

/// Types of values.
const INT16: u32 = 3;
const INT32: u32 = 4;
const INT64: u32 = 5;
const STRING: u32 = 6;
const BYTES: u32 = 7;
const STRING_ARRAY: u32 = 8;
const I18N_STRING: u32 = 9;

/// One of the two headers of a package.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Header {
    entries: Vec<Entry>,
    store: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    tag: u32,
    kind: u32,
    offset: usize,
    count: usize,
}

/// Both headers, and where the second lies in the file.
#[derive(Debug)]
pub(crate) struct Headers {
    pub(crate) signature: Header,
    pub(crate) main: Header,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Headers {
    /// How long the second is, in bytes.
    pub(crate) fn length(&self) -> usize {
        usize::try_from(self.end - self.start).unwrap_or(usize::MAX)
    }
}

/// Reads both headers from the beginning of a file.
pub(crate) fn read(file: &Reader) -> Result<Headers> {
    let bytes = |offset, length| exactly(file, offset, length);
    let lead = bytes(0, 4)?;
    if lead != LEAD_MAGIC {
        return Err(Error::invalid("the file is no RPM package"));
    }
    let (signature, end) = read_at(&bytes, LEAD)?;
    // The next header begins at a multiple of eight.
    let start = end.next_multiple_of(8);
    let (main, end) = read_at(&bytes, start)?;
    Ok(Headers {
        signature,
        main,
        start,
        end,
    })
}

/// So many bytes of a file.
pub(crate) fn exactly(file: &Reader, offset: u64, length: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while bytes.len() < length {
        let rest = u32::try_from(length - bytes.len())
            .unwrap_or(READ)
            .min(READ);
        let part = file.read_at(offset + bytes.len() as u64, rest)?;
        if part.is_empty() {
            return Err(Error::invalid("the file ends inside of its header"));
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

/// A header, and where it ends.
fn read_at(bytes: &dyn Fn(u64, usize) -> Result<Vec<u8>>, start: u64) -> Result<(Header, u64)> {
    let introduction = bytes(start, INTRODUCTION as usize)?;
    if introduction[..4] != HEADER_MAGIC {
        return Err(Error::invalid(
            "the file has no RPM header where one belongs",
        ));
    }
    let count = number(&introduction, 8);
    let size = number(&introduction, 12);
    if count > MAX_ENTRIES || size > MAX_HEADER {
        return Err(Error::limit(format!(
            "the header says it has {count} entries and {size} bytes; at most {MAX_ENTRIES} and {MAX_HEADER} are read"
        )));
    }
    let body = start + u64::from(INTRODUCTION);
    let index = bytes(body, count * 16)?;
    let store = bytes(body + (count * 16) as u64, size)?;
    let entries = index
        .chunks_exact(16)
        .map(|entry| Entry {
            tag: u32::try_from(number(entry, 0)).unwrap_or(0),
            kind: u32::try_from(number(entry, 4)).unwrap_or(0),
            offset: number(entry, 8),
            count: number(entry, 12),
        })
        .collect();
    let end = body + (count * 16 + size) as u64;
    Ok((Header { entries, store }, end))
}

/// Four bytes, the most significant first.
fn number(bytes: &[u8], at: usize) -> usize {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    four.map_or(0, |four| u32::from_be_bytes(four) as usize)
}

impl Header {
    fn entry(&self, tag: u32) -> Option<Entry> {
        self.entries.iter().find(|entry| entry.tag == tag).copied()
    }

    /// Whether there is a value.
    pub(crate) fn has(&self, tag: u32) -> bool {
        self.entry(tag).is_some()
    }

    /// The text, or the first of several.
    pub(crate) fn text(&self, tag: u32) -> Option<String> {
        self.texts(tag).into_iter().next()
    }

    /// All texts; none where there are fewer than announced.
    pub(crate) fn texts(&self, tag: u32) -> Vec<String> {
        let Some(entry) = self.entry(tag) else {
            return Vec::new();
        };
        let count = match entry.kind {
            STRING => 1,
            STRING_ARRAY | I18N_STRING => entry.count,
            _ => return Vec::new(),
        };
        let mut rest = self.store.get(entry.offset..).unwrap_or_default();
        let mut texts = Vec::new();
        // Each takes a byte at least, so a count that lies ends with the bytes.
        while texts.len() < count {
            let Some(end) = memchr::memchr(0, rest) else {
                break;
            };
            texts.push(String::from_utf8_lossy(&rest[..end]).into_owned());
            rest = &rest[end + 1..];
        }
        texts
    }

    /// All numbers.
    pub(crate) fn numbers(&self, tag: u32) -> Vec<i64> {
        let Some(entry) = self.entry(tag) else {
            return Vec::new();
        };
        let rest = self.store.get(entry.offset..).unwrap_or_default();
        let width = match entry.kind {
            INT16 => 2,
            INT32 => 4,
            INT64 => 8,
            _ => return Vec::new(),
        };
        rest.chunks_exact(width)
            .take(entry.count)
            .map(|bytes| {
                let value = bytes
                    .iter()
                    .fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
                i64::try_from(value).unwrap_or(i64::MAX)
            })
            .collect()
    }

    /// Bytes without a meaning of their own.
    pub(crate) fn bytes(&self, tag: u32) -> Option<&[u8]> {
        let entry = self.entry(tag).filter(|entry| entry.kind == BYTES)?;
        let end = entry.offset.checked_add(entry.count)?;
        self.store.get(entry.offset..end)
    }

    /// The number, or the first of several.
    pub(crate) fn number(&self, tag: u32) -> Option<i64> {
        self.numbers(tag).first().copied()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The bytes of a header with these values: tag, type, count and bytes.
    pub(crate) fn header(values: &[(u32, u32, u32, Vec<u8>)]) -> Vec<u8> {
        let (mut index, mut store) = (Vec::new(), Vec::new());
        for (tag, kind, count, bytes) in values {
            let offset = u32::try_from(store.len()).expect("short");
            for word in [*tag, *kind, offset, *count] {
                index.extend_from_slice(&word.to_be_bytes());
            }
            store.extend_from_slice(bytes);
        }
        let mut all = HEADER_MAGIC.to_vec();
        all.extend_from_slice(&[0; 4]);
        for word in [values.len(), store.len()] {
            all.extend_from_slice(&u32::try_from(word).expect("short").to_be_bytes());
        }
        all.extend(index);
        all.extend(store);
        all
    }

    fn parse(bytes: &[u8]) -> Result<(Header, u64)> {
        let read = |offset: u64, length: usize| {
            let offset = usize::try_from(offset).expect("short");
            let part = bytes.get(offset..offset + length);
            part.map(<[u8]>::to_vec)
                .ok_or_else(|| Error::invalid("the file ends inside of its header"))
        };
        read_at(&read, 0)
    }

    #[test]
    fn values_are_read_and_lies_end_with_the_bytes() {
        let bytes = header(&[
            (1000, STRING, 1, b"bear\0".to_vec()),
            (1117, STRING_ARRAY, 2, b"a\0b\0".to_vec()),
            (1006, INT32, 2, vec![0, 0, 1, 0, 0, 0, 0, 7]),
            (1030, INT16, 1, vec![0x81, 0xa4]),
            (5009, INT64, 50, vec![0, 0, 0, 1, 0, 0, 0, 0]),
            (268, BYTES, 2, vec![7, 8]),
        ]);
        let (header, end) = parse(&bytes).expect("a header");
        assert_eq!(end, bytes.len() as u64);
        assert_eq!(header.text(1000).as_deref(), Some("bear"));
        assert_eq!(header.texts(1117), ["a", "b"]);
        assert_eq!(header.numbers(1006), [256, 7]);
        assert_eq!(header.number(1030), Some(0o100_644));
        assert_eq!(header.numbers(5009)[0], 1 << 32);
        assert_eq!(header.bytes(268), Some(&[7, 8][..]));
        assert_eq!((header.bytes(267), header.bytes(1000)), (None, None));
        assert_eq!(header.text(1006), None);
        assert!(header.numbers(1).is_empty() && !header.has(1));
    }

    #[test]
    fn wrong_headers_are_refused_before_their_bytes_are_read() {
        assert!(parse(b"not a header at all").is_err());
        let mut bytes = header(&[(1000, STRING, 1, b"bear\0".to_vec())]);
        bytes[8] = 0xff;
        let error = parse(&bytes).expect_err("too many entries");
        assert!(error.to_string().contains("entries"), "{error}");
        let bytes = header(&[(1000, STRING, 1, b"bear\0".to_vec())]);
        assert!(parse(&bytes[..bytes.len() - 1]).is_err());
        // An offset beyond the store is no value.
        let mut bytes = header(&[(1000, STRING, 1, b"bear\0".to_vec())]);
        bytes[16 + 11] = 200;
        assert_eq!(parse(&bytes).expect("a header").0.text(1000), None);
    }
}

//! Reads and writes manifests: a line `relative path,sha256,size in bytes` for each file.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::io::BufRead;

use pith_plugin_sdk::{Error, ErrorCode, LineReader, Result, relative_path};

/// Room for the longest path, and for a line that is not one of a manifest at all.
const MAX_LINE: usize = 16 * 1024;

/// The length of a SHA-256 digest in hexadecimal.
const SHA256_LENGTH: usize = 64;

/// One file of a manifest.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) path: String,
    /// In lowercase.
    pub(crate) sha256: String,
    pub(crate) size: u64,
}

impl Entry {
    /// Split from the right, because a path may have commas.
    fn parse(line: &str) -> Result<Self> {
        let mut fields = line.rsplitn(3, ',');
        let (Some(size), Some(sha256), Some(path)) = (fields.next(), fields.next(), fields.next())
        else {
            return Err(Error::invalid(format!(
                "expected `path,sha256,size`, but found `{}`",
                shown(line)
            )));
        };
        relative_path::check(path)?;
        Ok(Self {
            path: path.to_owned(),
            sha256: parse_sha256(sha256.trim())?,
            size: parse_size(size.trim())?,
        })
    }

    /// As it stands in a manifest, with the line's end.
    pub(crate) fn to_line(&self) -> String {
        format!("{},{},{}\n", self.path, self.sha256, self.size)
    }
}

fn parse_sha256(text: &str) -> Result<String> {
    if text.len() == SHA256_LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(Error::invalid(format!(
        "expected a SHA-256 digest of {SHA256_LENGTH} hexadecimal digits, not `{}`",
        shown(text)
    )))
}

fn parse_size(text: &str) -> Result<u64> {
    // `parse` alone would take a leading plus.
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(size) if digits => Ok(size),
        _ => Err(Error::invalid(format!(
            "expected a size in bytes, not `{}`",
            shown(text)
        ))),
    }
}

/// As much of a field as belongs into a message.
fn shown(text: &str) -> String {
    text.chars()
        .take(100)
        .flat_map(char::escape_debug)
        .collect()
}

/// A manifest while it is read.
#[derive(Debug)]
pub(crate) struct Manifest<R> {
    lines: LineReader<R>,
    looks_like_html: bool,
    listed: Listed,
    entries: u64,
}

impl<R: BufRead> Manifest<R> {
    /// Looks at the beginning without taking anything away.
    pub(crate) fn new(mut reader: R) -> Result<Self> {
        let beginning = reader.fill_buf()?.trim_ascii_start();
        let looks_like_html = beginning.starts_with(b"<");
        Ok(Self {
            lines: LineReader::new(reader, MAX_LINE),
            looks_like_html,
            listed: Listed::default(),
            entries: 0,
        })
    }

    /// How many files were read.
    pub(crate) fn entries(&self) -> u64 {
        self.entries
    }

    /// The next file; none at the end. An error about the manifest names the line.
    pub(crate) fn next_entry(&mut self) -> Result<Option<Entry>> {
        match self.read_entry() {
            // Only when it does not parse: a path may begin with `<` as well.
            Err(error)
                if error.code() == ErrorCode::Invalid
                    && self.looks_like_html
                    && self.entries == 0 =>
            {
                Err(Error::invalid(format!(
                    "line {}: an HTML page came instead of a manifest",
                    self.lines.number()
                )))
            }
            Err(error) => Err(error),
            Ok(None) => Ok(None),
            Ok(Some(entry)) => {
                self.entries += 1;
                Ok(Some(entry))
            }
        }
    }

    fn read_entry(&mut self) -> Result<Option<Entry>> {
        let entry = loop {
            match self.lines.next_line()? {
                None => return Ok(None),
                Some(line) if line.trim().is_empty() => {}
                Some(line) => break Entry::parse(line),
            }
        };
        let number = self.lines.number();
        entry
            .and_then(|entry| self.listed.insert(&entry, number).map(|()| Some(entry)))
            .map_err(|error| error.context(format!("line {number}")))
    }
}

/// The paths that were read, by hash: 17 bytes a path, however long it is.
///
/// That two paths of ten million share a hash happens in one manifest of 370,000; its sync
/// then fails without cause, but never stages anything wrong.
#[derive(Debug, Default)]
struct Listed(HashMap<u64, First>);

/// Where a path was listed first, and a hash of what was said there.
#[derive(Debug)]
struct First {
    line: u32,
    content: u32,
}

impl Listed {
    fn insert(&mut self, entry: &Entry, line: u64) -> Result<()> {
        let content = hash(&(&entry.sha256, entry.size));
        let first = First {
            // Lines without end are refused, and 4 GiB have fewer lines with content.
            line: u32::try_from(line).unwrap_or(u32::MAX),
            content: (content >> 32) as u32,
        };
        let Some(before) = self.0.get(&hash(&entry.path)) else {
            self.0.insert(hash(&entry.path), first);
            return Ok(());
        };
        let comparison = if before.content == first.content {
            "with the same digest and size"
        } else {
            "with another digest or size"
        };
        Err(Error::invalid(format!(
            "the path `{}` is listed on line {} already, {comparison}",
            shown(&entry.path),
            before.line
        )))
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn read(text: &[u8]) -> Result<Vec<Entry>> {
        let mut manifest = Manifest::new(text)?;
        let mut entries = Vec::new();
        while let Some(entry) = manifest.next_entry()? {
            entries.push(entry);
        }
        assert_eq!(manifest.entries(), entries.len() as u64);
        Ok(entries)
    }

    fn refusal(text: &str) -> String {
        let text = text.replace("DIGEST", DIGEST);
        read(text.as_bytes()).expect_err("refused").to_string()
    }

    fn entry(path: &str, size: u64) -> Entry {
        Entry {
            path: path.into(),
            sha256: DIGEST.into(),
            size,
        }
    }

    #[test]
    fn lines_become_entries() {
        let text = format!(
            "a.txt,{DIGEST},12\r\n\n  \nb/one, two.iso,{},0\n<c>, {DIGEST} , 4294967296",
            DIGEST.to_uppercase()
        );
        assert_eq!(
            read(text.as_bytes()),
            Ok(vec![
                entry("a.txt", 12),
                entry("b/one, two.iso", 0),
                entry("<c>", 4_294_967_296),
            ])
        );
    }

    #[test]
    fn a_manifest_may_be_empty() {
        assert_eq!(read(b""), Ok(Vec::new()));
        assert_eq!(read(b"\n\n"), Ok(Vec::new()));
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let before = entry(" a, b/ü.txt", 7);
        assert_eq!(read(before.to_line().as_bytes()), Ok(vec![before]));
    }

    #[test]
    fn a_line_that_is_not_an_entry_is_refused_with_its_number_and_what_was_expected() {
        for (text, message) in [
            (
                "\na,b",
                "line 2: expected `path,sha256,size`, but found `a,b`",
            ),
            (
                "a,DIGEST,1\nb,feed,1",
                "line 2: expected a SHA-256 digest of 64 hexadecimal digits, not `feed`",
            ),
            ("a,DIGEST,-1", "line 1: expected a size in bytes, not `-1`"),
            ("a,DIGEST,+1", "line 1: expected a size in bytes, not `+1`"),
            (
                "a,DIGEST,1.5",
                "line 1: expected a size in bytes, not `1.5`",
            ),
            ("a,DIGEST,", "line 1: expected a size in bytes, not ``"),
            (
                "a,DIGEST,18446744073709551616",
                "line 1: expected a size in bytes, not `18446744073709551616`",
            ),
            (
                "/etc/passwd,DIGEST,1",
                "line 1: the path `/etc/passwd` is absolute, but must be relative",
            ),
            (
                "a/../../b,DIGEST,1",
                "line 1: the path `a/../../b` has the segment `..`",
            ),
            (",DIGEST,1", "line 1: the path is empty"),
            (
                "a\0b,DIGEST,1",
                "line 1: the path `a\\0b` has a control character",
            ),
        ] {
            assert_eq!(refusal(text), message);
        }
    }

    #[test]
    fn a_path_listed_twice_is_refused_and_compared() {
        assert_eq!(
            refusal("a,DIGEST,1\nb,DIGEST,1\n\na,DIGEST,1"),
            "line 4: the path `a` is listed on line 1 already, with the same digest and size"
        );
        assert_eq!(
            refusal("a,DIGEST,1\na,DIGEST,2"),
            "line 2: the path `a` is listed on line 1 already, with another digest or size"
        );
    }

    #[test]
    fn an_html_page_is_recognized() {
        let page = "line 1: an HTML page came instead of a manifest";
        assert_eq!(refusal("<!DOCTYPE html>\n<html>"), page);
        assert_eq!(refusal("<html><body>a,b,c</body>"), page);
        assert_eq!(refusal(&format!("<html>{}", "x".repeat(MAX_LINE))), page);
        assert_eq!(
            refusal("\n  <html>"),
            "line 2: an HTML page came instead of a manifest"
        );
    }

    #[test]
    fn markup_further_down_is_an_ordinary_mistake() {
        assert_eq!(
            refusal("a,DIGEST,1\n<html>"),
            "line 2: expected `path,sha256,size`, but found `<html>`"
        );
    }

    #[test]
    fn a_line_too_long_is_refused() {
        assert_eq!(
            refusal(&"x".repeat(MAX_LINE + 1)),
            "line 1: longer than 16384 bytes"
        );
        assert_eq!(
            refusal(&format!(
                "{},DIGEST,1",
                "x".repeat(relative_path::MAX_LENGTH + 1)
            ))
            .split('`')
            .next_back(),
            Some(" is longer than 4096 bytes")
        );
    }
}

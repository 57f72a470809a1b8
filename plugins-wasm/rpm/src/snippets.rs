//! Cuts an XML document that arrives as a stream into the elements it is a list of.
//!
//! An element is handed out as the bytes that the upstream wrote: they are parsed where they
//! lie, and kept as they are for publishing.

use std::borrow::Cow;
use std::io::Read;

use memchr::memmem::Finder;
use pith_plugin_sdk::{Error, Result};

use crate::xml::utf8;

/// What is read at once.
const READ: usize = 256 << 10;

/// The longest element: a package with a million files has less.
const MAX_ELEMENT: usize = 24 << 20;

/// The elements of one name, in order.
pub(crate) struct Snippets<R> {
    reader: R,
    open: Finder<'static>,
    close: Finder<'static>,
    buffer: Vec<u8>,
    /// Where the rest begins that was not handed out.
    start: usize,
    ended: bool,
}

impl<R: Read> Snippets<R> {
    /// `open` is `<package`, `close` is `</package>`.
    pub(crate) fn new(reader: R, open: &'static str, close: &'static str) -> Self {
        Self {
            reader,
            open: Finder::new(open),
            close: Finder::new(close),
            buffer: Vec::new(),
            start: 0,
            ended: false,
        }
    }

    /// The next element from `<` to `>`; none at the end.
    pub(crate) fn next_element(&mut self) -> Result<Option<Cow<'_, str>>> {
        if self.start >= READ {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let Some(begin) = self.find_open()? else {
            return Ok(None);
        };
        self.start = begin;
        let mut searched = 0;
        let end = loop {
            let rest = &self.buffer[self.start..];
            if let Some(at) = self.close.find(&rest[searched..]) {
                break self.start + searched + at + self.close.needle().len();
            }
            // The end may lie across two pieces.
            searched = rest.len().saturating_sub(self.close.needle().len());
            if rest.len() > MAX_ELEMENT {
                return Err(Error::limit(format!(
                    "an element is longer than {MAX_ELEMENT} bytes"
                )));
            }
            if !self.fill()? {
                return Err(Error::invalid("the document ends inside of an element"));
            }
        };
        let begin = std::mem::replace(&mut self.start, end);
        Ok(Some(text(&self.buffer[begin..end])))
    }

    /// What stands before the first element: the declaration and the root.
    pub(crate) fn prologue(&mut self) -> Result<Cow<'_, str>> {
        let end = match self.find_open()? {
            Some(end) => end,
            None => self.buffer.len(),
        };
        Ok(String::from_utf8_lossy(&self.buffer[..end]))
    }

    fn find_open(&mut self) -> Result<Option<usize>> {
        let length = self.open.needle().len();
        let mut from = self.start;
        loop {
            // A name may lie across two pieces.
            let mut rest = self.buffer.len().saturating_sub(length - 1);
            while let Some(at) = self.open.find(&self.buffer[from..]) {
                let begin = from + at;
                match self.buffer.get(begin + length) {
                    Some(b' ' | b'\t' | b'\r' | b'\n' | b'>') => return Ok(Some(begin)),
                    // Another element whose name only begins so.
                    Some(_) => from = begin + length,
                    None => {
                        rest = begin;
                        break;
                    }
                }
            }
            from = from.max(rest);
            if from - self.start > MAX_ELEMENT {
                return Err(Error::limit(format!(
                    "there are more than {MAX_ELEMENT} bytes before an element"
                )));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Reads on; false at the end.
    fn fill(&mut self) -> Result<bool> {
        if self.ended {
            return Ok(false);
        }
        let length = self.buffer.len();
        self.buffer.resize(length + READ, 0);
        let read = self.reader.read(&mut self.buffer[length..])?;
        self.buffer.truncate(length + read);
        self.ended = read == 0;
        Ok(!self.ended)
    }
}

/// The text of an element, with a sign for each byte that is none. A zero byte is valid UTF-8,
/// but neither XML nor a database has one.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    let text = utf8(Cow::Borrowed(bytes));
    if memchr::memchr(0, bytes).is_some() {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, target: &mut [u8]) -> std::io::Result<usize> {
            let length = self.0.len().min(self.1).min(target.len());
            target[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    fn elements(text: &str, piece: usize) -> Result<Vec<String>> {
        let mut snippets = Snippets::new(Slow(text.as_bytes(), piece), "<package", "</package>");
        let mut found = Vec::new();
        while let Some(element) = snippets.next_element()? {
            found.push(element.into_owned());
        }
        Ok(found)
    }

    #[test]
    fn elements_are_cut_whatever_the_pieces() {
        let text = "<?xml?><packages n=\"2\"><package a=\"1\">x</package>\n<package>y</package></packages>";
        for piece in 1..40 {
            assert_eq!(
                elements(text, piece),
                Ok(vec![
                    "<package a=\"1\">x</package>".to_owned(),
                    "<package>y</package>".to_owned()
                ])
            );
            let mut snippets =
                Snippets::new(Slow(text.as_bytes(), piece), "<package", "</package>");
            let prologue = snippets.prologue().expect("read").into_owned();
            assert_eq!(prologue, "<?xml?><packages n=\"2\">");
        }
        assert_eq!(elements("", 1), Ok(Vec::new()));
    }

    #[test]
    fn a_document_that_breaks_off_is_refused() {
        let error = elements("<package>x</pack", 5).expect_err("cut short");
        assert_eq!(error.to_string(), "the document ends inside of an element");
    }

    #[test]
    fn what_is_not_utf8_is_replaced() {
        for document in [&b"<package>\xff</package>"[..], b"<package>\0</package>"] {
            let mut snippets = Snippets::new(document, "<package", "</package>");
            let element = snippets.next_element().expect("read").expect("one");
            assert_eq!(element, "<package>\u{fffd}</package>");
        }
    }
}

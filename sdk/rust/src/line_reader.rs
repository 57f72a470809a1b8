//! Reads text line by line, in bounded memory.

use std::io::BufRead;

use crate::{Error, Result};

/// Lines of UTF-8 that end in `\n` or `\r\n`; the last may end without either.
#[derive(Debug)]
pub struct LineReader<R> {
    reader: R,
    max_length: usize,
    number: u64,
    line: Vec<u8>,
}

impl<R: BufRead> LineReader<R> {
    /// Refuses lines longer than `max_length` bytes, without their ends.
    pub fn new(reader: R, max_length: usize) -> Self {
        Self {
            reader,
            max_length,
            number: 0,
            line: Vec::new(),
        }
    }

    /// The number of the line that was read last; the first is 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The next line without its end; none at the end of the text.
    ///
    /// An error about the text names its line. An error of the reader comes unchanged.
    pub fn next_line(&mut self) -> Result<Option<&str>> {
        if !self.fill_line()? {
            return Ok(None);
        }
        self.number += 1;
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        if line.len() > self.max_length {
            return Err(Error::invalid(format!(
                "line {}: longer than {} bytes",
                self.number, self.max_length
            )));
        }
        match std::str::from_utf8(line) {
            Ok(line) => Ok(Some(line)),
            Err(error) => Err(Error::invalid(format!(
                "line {}: not UTF-8 from byte {} on",
                self.number,
                error.valid_up_to() + 1
            ))),
        }
    }

    /// Takes bytes up to the next `\n` or the end of the text, but no more than show that
    /// the line is too long. False if there are none.
    fn fill_line(&mut self) -> Result<bool> {
        self.line.clear();
        // Up to two more than allowed: `\r` belongs to the end, and one byte is the excess.
        let enough = self.max_length + 2;
        while self.line.len() < enough {
            let available = self.reader.fill_buf()?;
            if available.is_empty() {
                return Ok(!self.line.is_empty());
            }
            let end = memchr::memchr(b'\n', available);
            let part = &available[..end.unwrap_or(available.len())];
            let taken = part.len().min(enough - self.line.len());
            self.line.extend_from_slice(&part[..taken]);
            let complete = end.is_some() && taken == part.len();
            self.reader.consume(taken + usize::from(complete));
            if complete {
                return Ok(true);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, BufReader, Read};

    use super::*;

    /// Reads all lines with at most 8 bytes each, through a buffer of `buffer` bytes.
    fn lines(text: &[u8], buffer: usize) -> Result<Vec<String>> {
        let mut reader = LineReader::new(BufReader::with_capacity(buffer, text), 8);
        let mut lines = Vec::new();
        while let Some(line) = reader.next_line()? {
            lines.push(line.to_owned());
        }
        assert_eq!(reader.number(), lines.len() as u64);
        Ok(lines)
    }

    #[test]
    fn lines_come_without_their_ends_whatever_the_chunks() {
        for buffer in 1..12 {
            assert_eq!(
                lines(b"one\ntwo\r\n\n\r\nfive", buffer),
                Ok(["one", "two", "", "", "five"].map(String::from).to_vec())
            );
        }
        assert_eq!(lines(b"", 4), Ok(Vec::new()));
        assert_eq!(lines(b"one\n", 4), Ok(vec!["one".to_owned()]));
    }

    #[test]
    fn a_line_may_be_as_long_as_allowed_and_no_longer() {
        for buffer in [1, 3, 64] {
            for end in ["", "\n", "\r\n"] {
                let text = format!("12345678{end}");
                assert_eq!(lines(text.as_bytes(), buffer), Ok(vec!["12345678".into()]));
                let text = format!("ok\n123456789{end}");
                assert_eq!(
                    lines(text.as_bytes(), buffer),
                    Err(Error::invalid("line 2: longer than 8 bytes"))
                );
            }
        }
    }

    #[test]
    fn a_carriage_return_ends_nothing_by_itself() {
        assert_eq!(lines(b"a\rb\r\n", 64), Ok(vec!["a\rb".to_owned()]));
        assert_eq!(
            lines(b"12345678\rx\n", 64),
            Err(Error::invalid("line 1: longer than 8 bytes"))
        );
    }

    #[test]
    fn what_is_not_utf8_is_refused_with_its_place() {
        assert_eq!(
            lines(b"ok\nab\xff\n", 64),
            Err(Error::invalid("line 2: not UTF-8 from byte 3 on"))
        );
    }

    #[test]
    fn a_character_may_lie_across_two_chunks() {
        assert_eq!(lines("aä\n".as_bytes(), 2), Ok(vec!["aä".to_owned()]));
    }

    #[test]
    fn an_error_of_the_reader_comes_unchanged() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(Error::unavailable("the connection was closed").into())
            }
        }
        let mut reader = LineReader::new(BufReader::new(b"one\ntw".chain(Broken)), 8);
        assert_eq!(reader.next_line(), Ok(Some("one")));
        assert_eq!(
            reader.next_line(),
            Err(Error::unavailable("the connection was closed"))
        );
    }
}

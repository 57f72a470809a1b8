//! `log`: the lines that a plugin writes, and its last words.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::State;
use super::contract::pith::plugin::log::{Host, Level};

/// A line is cut here: a page of text.
const MAX_LINE: usize = 8 << 10;

/// Lines of one call. More is a loop, and nobody reads it.
const MAX_LINES: u32 = 10_000;

/// Of what came on standard error, the end that is kept: room for a traceback.
const MAX_LAST_WORDS: usize = 2 << 10;

/// The log of one call. Clones write to the same one.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    book: Arc<Mutex<Book>>,
}

#[derive(Debug)]
struct Book {
    plugin: Arc<str>,
    lines: u32,
    last_words: String,
}

impl Log {
    pub(super) fn new(plugin: Arc<str>) -> Self {
        Self {
            book: Arc::new(Mutex::new(Book {
                plugin,
                lines: 0,
                last_words: String::new(),
            })),
        }
    }

    /// A line that the plugin logs.
    pub(super) fn write(&self, level: Level, message: &str) {
        let line = tidy(message);
        let mut book = self.book();
        book.emit(level, &line);
        if level == Level::Error {
            book.last_words = line;
        }
    }

    /// A line that its runtime says on standard error: part of a traceback, perhaps.
    pub(super) fn write_standard_error(&self, message: &str) {
        let line = tidy(message);
        let mut book = self.book();
        book.emit(Level::Warn, &line);
        if !book.last_words.is_empty() {
            book.last_words.push('\n');
        }
        book.last_words.push_str(&line);
        let surplus = book.last_words.len().saturating_sub(MAX_LAST_WORDS);
        let from = book.last_words.ceil_char_boundary(surplus);
        book.last_words.drain(..from);
    }

    /// The last line of level error, or the end of what came on standard error: what is said
    /// before a trap that itself says nothing.
    pub(crate) fn last_words(&self) -> Option<String> {
        let words = self.book().last_words.clone();
        (!words.is_empty()).then_some(words)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // A line that could not be written is no reason to lose the next.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn emit(&mut self, level: Level, line: &str) {
        if self.lines > MAX_LINES {
            return;
        }
        self.lines += 1;
        if self.lines > MAX_LINES {
            let plugin = &self.plugin;
            tracing::warn!(
                "plugin {plugin} wrote {MAX_LINES} lines in one call; the rest is dropped"
            );
            return;
        }
        match level {
            Level::Trace => tracing::trace!(target: "plugin", "{line}"),
            Level::Debug => tracing::debug!(target: "plugin", "{line}"),
            Level::Info => tracing::info!(target: "plugin", "{line}"),
            Level::Warn => tracing::warn!(target: "plugin", "{line}"),
            Level::Error => tracing::error!(target: "plugin", "{line}"),
        }
    }
}

/// Cut, and without what would let a plugin's line look like two of the server's.
fn tidy(message: &str) -> String {
    let kept = &message[..message.floor_char_boundary(MAX_LINE)];
    let mut line = String::with_capacity(kept.len());
    for character in kept.trim_end().chars() {
        match character {
            '\n' => line.push_str("\n    | "),
            '\t' => line.push('\t'),
            control if control.is_control() => line.push(char::REPLACEMENT_CHARACTER),
            other => line.push(other),
        }
    }
    match message.len() - kept.len() {
        0 => line,
        dropped => format!("{line} … and {dropped} bytes more"),
    }
}

impl Host for State {
    fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.log.write(level, &message);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let line = tidy(&"ä".repeat(5000));
        assert!(line.ends_with(" … and 1808 bytes more"), "{line}");
    }

    #[test]
    fn a_line_cannot_pass_for_another() {
        assert_eq!(tidy("one\ntwo\x1b[31m\r\n"), "one\n    | two\u{fffd}[31m");
    }

    #[test]
    fn the_last_error_stays_even_when_the_log_is_full() {
        let log = Log::new("file".into());
        for _ in 0..MAX_LINES + 5 {
            log.write(Level::Info, "line");
        }
        assert_eq!(log.last_words(), None);
        log.write(Level::Error, "panicked at src/lib.rs:7: gone");
        log.write(Level::Info, "line");
        let last = log.last_words().expect("an error");
        assert_eq!(last, "panicked at src/lib.rs:7: gone");
        assert_eq!(log.book().lines, MAX_LINES + 1);
    }

    #[test]
    fn of_standard_error_the_end_is_kept() {
        let log = Log::new("file".into());
        log.write(Level::Error, "before");
        log.write_standard_error("Traceback");
        log.write_standard_error("ValueError: no such luck");
        let last = log.last_words().expect("words");
        assert_eq!(last, "before\nTraceback\nValueError: no such luck");
        log.write_standard_error(&"ä".repeat(MAX_LAST_WORDS));
        let last = log.last_words().expect("words");
        assert_eq!(last, "ä".repeat(MAX_LAST_WORDS / 2));
    }
}

//! What is shown of a test that failed.

use std::any::Any;
use std::fs;
use std::path::Path;

/// How much of each server's log is shown; the whole is in the kept folder.
const LOG_LINES: usize = 40;

/// Says where the test's folder is and shows the ends of its logs.
pub(crate) fn report_kept_directory(directory: &Path) {
    eprintln!("kept for reading: {}", directory.display());
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    let mut logs: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    logs.sort();
    for log in logs {
        eprintln!("--- the end of {}", log.display());
        eprintln!("{}", last_lines(&log));
    }
}

/// The end of a text file.
pub(crate) fn last_lines(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}

/// The message of a panic.
pub(crate) fn as_panic_text(panicked: &(dyn Any + Send)) -> &str {
    panicked
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panicked.downcast_ref::<&str>().copied())
        .unwrap_or("without a message")
}

/// The beginning of a text, for messages.
pub fn excerpt(text: &str) -> String {
    const LONGEST: usize = 2000;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

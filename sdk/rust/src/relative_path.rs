//! The rules for paths below a repository's root, and how such a path looks in a URL.

use std::fmt::Write as _;

use crate::{Error, Result};

/// What common file systems take, and what the host refuses beyond.
pub const MAX_LENGTH: usize = 4_096;

/// As much of a refused path as a message repeats.
const SHOWN_CHARACTERS: usize = 100;

/// Refuses a path that does not stay below its root, or that no client could ask for.
pub fn check(path: &str) -> Result<()> {
    if path.len() > MAX_LENGTH {
        return Err(refuse(path, &format!("is longer than {MAX_LENGTH} bytes")));
    }
    if path.is_empty() {
        return Err(Error::invalid("the path is empty"));
    }
    if path.starts_with('/') {
        return Err(refuse(path, "is absolute, but must be relative"));
    }
    if path.contains(char::is_control) {
        return Err(refuse(path, "has a control character"));
    }
    for segment in path.split('/') {
        match segment {
            "" => return Err(refuse(path, "has an empty segment")),
            "." | ".." => return Err(refuse(path, &format!("has the segment `{segment}`"))),
            _ => {}
        }
    }
    Ok(())
}

/// The path as a relative URL, percent-encoded segment by segment.
///
/// Everything but letters, digits and `-._~` is encoded. That is more than the rules for
/// URLs ask for, so that nothing (a colon, a question mark) is taken for something else.
pub fn to_url(path: &str) -> String {
    let mut url = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                url.push(char::from(byte));
            }
            _ => write!(url, "%{byte:02X}").expect("a string takes every write"),
        }
    }
    url
}

fn refuse(path: &str, reason: &str) -> Error {
    let mut shown: String = path
        .chars()
        .take(SHOWN_CHARACTERS)
        .flat_map(char::escape_debug)
        .collect();
    if path.chars().nth(SHOWN_CHARACTERS).is_some() {
        shown.push('…');
    }
    Error::invalid(format!("the path `{shown}` {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_paths_pass() {
        for path in [
            "a",
            "a/b.txt",
            "a, b/c d",
            "..a/b..",
            ".hidden",
            "back\\slash",
            "ü/ß",
            &"x".repeat(MAX_LENGTH),
        ] {
            assert_eq!(check(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn other_paths_are_refused_with_the_reason() {
        for (path, message) in [
            ("", "the path is empty"),
            ("/a", "the path `/a` is absolute, but must be relative"),
            ("a//b", "the path `a//b` has an empty segment"),
            ("a/", "the path `a/` has an empty segment"),
            ("./a", "the path `./a` has the segment `.`"),
            ("a/../b", "the path `a/../b` has the segment `..`"),
            ("a\0b", "the path `a\\0b` has a control character"),
            ("a\nb", "the path `a\\nb` has a control character"),
            ("a\u{85}b", "the path `a\\u{85}b` has a control character"),
        ] {
            assert_eq!(check(path), Err(Error::invalid(message)));
        }
    }

    #[test]
    fn a_long_path_is_refused_without_repeating_it_all() {
        assert_eq!(
            check(&"x".repeat(MAX_LENGTH + 1)),
            Err(Error::invalid(format!(
                "the path `{}…` is longer than 4096 bytes",
                "x".repeat(100)
            )))
        );
    }

    #[test]
    fn a_url_keeps_only_what_has_no_meaning_of_its_own() {
        assert_eq!(to_url("a/b-1.0_x~y.txt"), "a/b-1.0_x~y.txt");
        assert_eq!(to_url("a b/c?d#e:f%g"), "a%20b/c%3Fd%23e%3Af%25g");
        assert_eq!(to_url("ü"), "%C3%BC");
    }
}

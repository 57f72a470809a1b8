//! The `Range` header.

use std::ops::Range;

/// More ranges than any client needs; a request with more gets the whole body.
const MAX_RANGES: usize = 64;

/// What a client asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// No range, or none that makes sense: the whole body.
    Whole,
    /// These parts, none empty.
    Parts(Vec<Range<u64>>),
    /// Ranges beyond the end.
    Unsatisfiable,
}

/// Reads a `Range` header for a body of `size` bytes.
pub(crate) fn parse(header: Option<&str>, size: u64) -> Asked {
    let Some(list) = header.and_then(|text| text.trim().strip_prefix("bytes=")) else {
        return Asked::Whole;
    };
    let mut parts = Vec::new();
    for one in list.split(',') {
        let Some(range) = parse_one(one.trim(), size) else {
            return Asked::Whole;
        };
        if range.start < range.end {
            parts.push(range);
        }
        if parts.len() > MAX_RANGES {
            return Asked::Whole;
        }
    }
    if parts.is_empty() {
        return Asked::Unsatisfiable;
    }
    // Parts that overlap could make a small request send a large body many times.
    let total: u64 = parts.iter().map(|part| part.end - part.start).sum();
    if parts.len() > 1 && total > size {
        return Asked::Whole;
    }
    Asked::Parts(parts)
}

/// None if it is no range; empty if it is beyond the end.
fn parse_one(text: &str, size: u64) -> Option<Range<u64>> {
    let (first, last) = text.split_once('-')?;
    if first.is_empty() {
        let length: u64 = last.parse().ok()?;
        return Some(size.saturating_sub(length)..size);
    }
    let start: u64 = first.parse().ok()?;
    let end = match last {
        "" => size,
        last => {
            let last: u64 = last.parse().ok()?;
            if last < start {
                return None;
            }
            last.saturating_add(1).min(size)
        }
    };
    Some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        let parts = |text, size| match parse(Some(text), size) {
            Asked::Parts(parts) => parts
                .into_iter()
                .map(|part| (part.start, part.end))
                .collect(),
            _ => Vec::new(),
        };
        assert_eq!(parts("bytes=0-9", 100), [(0, 10)]);
        assert_eq!(parts("bytes=90-", 100), [(90, 100)]);
        assert_eq!(parts("bytes=-5", 100), [(95, 100)]);
        assert_eq!(parts("bytes=50-500", 100), [(50, 100)]);
        assert_eq!(parts("bytes=0-0, 5-6", 100), [(0, 1), (5, 7)]);
        assert_eq!(parse(Some("bytes=100-"), 100), Asked::Unsatisfiable);
        assert_eq!(parse(Some("bytes=5-2"), 100), Asked::Whole);
        assert_eq!(parse(Some("lines=1-2"), 100), Asked::Whole);
        assert_eq!(parse(Some("bytes=0-,0-,0-"), 100), Asked::Whole);
        assert_eq!(parse(None, 100), Asked::Whole);
    }
}

//! Epoch, version and release, and which of two is newer: RPM's own order.

use std::cmp::Ordering;

use serde::Deserialize;

/// What tells the builds of one package apart.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Evr {
    pub(crate) epoch: String,
    pub(crate) version: String,
    pub(crate) release: String,
}

impl Ord for Evr {
    fn cmp(&self, other: &Self) -> Ordering {
        // An epoch that is no number counts as none, as one that is missing does.
        let number = |evr: &Self| evr.epoch.parse::<u64>().unwrap_or(0);
        number(self)
            .cmp(&number(other))
            .then_with(|| compare(&self.version, &other.version))
            .then_with(|| compare(&self.release, &other.release))
    }
}

impl PartialOrd for Evr {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Evr {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Evr {}

/// A part of a version. Those of other kinds are compared by the order of this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part<'a> {
    /// `~`, which is older than the end.
    Tilde,
    End,
    /// `^`, which is newer than the end and older than any further part.
    Caret,
    Letters(&'a str),
    /// Digits without zeros before them, which are newer than letters.
    Number(&'a str),
}

/// Compares versions, or releases, part by part.
pub(crate) fn compare(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (parts(one), parts(other));
    loop {
        let (left, right) = (one.next(), other.next());
        let ordering = match (left, right) {
            (None, None) => return Ordering::Equal,
            // Without their zeros, the longer number is the greater one.
            (Some(Part::Number(left)), Some(Part::Number(right))) => {
                left.len().cmp(&right.len()).then_with(|| left.cmp(right))
            }
            (left, right) => left.cmp(&right),
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
}

/// The parts of a version, of which the last is the end: runs of digits or of letters, and
/// what sorts otherwise; whatever else stands between them only separates.
pub(crate) fn parts(version: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = Some(version);
    std::iter::from_fn(move || {
        let text = rest?.trim_start_matches(|c: char| !is_meaningful(c));
        let run = |is_part: fn(&char) -> bool| {
            let end = text.find(|c: char| !is_part(&c)).unwrap_or(text.len());
            text.split_at(end)
        };
        let (part, after) = match text.chars().next() {
            None => (Part::End, None),
            Some('~') => (Part::Tilde, Some(&text[1..])),
            Some('^') => (Part::Caret, Some(&text[1..])),
            Some(first) if first.is_ascii_digit() => {
                let (digits, after) = run(char::is_ascii_digit);
                (Part::Number(number(digits)), Some(after))
            }
            Some(_) => {
                let (letters, after) = run(char::is_ascii_alphabetic);
                (Part::Letters(letters), Some(after))
            }
        };
        rest = after;
        Some(part)
    })
}

/// Digits without the zeros before them.
pub(crate) fn number(digits: &str) -> &str {
    digits.trim_start_matches('0')
}

fn is_meaningful(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '~' | '^')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_the_order_of_rpm() {
        // Each is older than the next.
        let chains: [&[&str]; 7] = [
            &["1.0~rc1", "1.0~rc2", "1.0", "1.0^git1", "1.0^git2", "1.0.1"],
            &["1.0~rc1^git1", "1.0^git1~pre", "1.0^git1"],
            &["2.0", "2.0.1", "2.0.1a", "2.0.1.1"],
            &["5.5p1", "5.5p2", "5.5p10", "5.6p1", "5.6.5"],
            &["a", "b", "1", "9", "10", "0100"],
            &["20101121", "20101122"],
            &["1.fc9", "1.fc10", "2"],
        ];
        for chain in chains {
            for (at, one) in chain.iter().enumerate() {
                for (beside, other) in chain.iter().enumerate() {
                    assert_eq!(compare(one, other), at.cmp(&beside), "{one} {other}");
                }
            }
        }
        for (one, other) in [("1.0", "1_0"), ("1.0", "1.00"), ("007", "7"), ("a.", "a")] {
            assert_eq!(compare(one, other), Ordering::Equal, "{one} {other}");
        }
    }

    #[test]
    fn epochs_count_before_versions() {
        let evr = |epoch: &str, version: &str, release: &str| Evr {
            epoch: epoch.into(),
            version: version.into(),
            release: release.into(),
        };
        assert!(evr("1", "1", "1") > evr("0", "9", "9"));
        assert!(evr("10", "1", "1") > evr("9", "1", "1"));
        assert!(evr("", "1", "2") > evr("0", "1", "1"));
        assert_eq!(evr("", "1", "1"), evr("0", "1", "1"));
    }
}

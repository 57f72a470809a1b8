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

/// Compares versions, or releases, part by part. Parts are runs of digits or of letters;
/// whatever stands between them only separates. `~` is older than the end, `^` is newer than
/// the end and older than any further part.
pub(crate) fn compare(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    loop {
        one = skip(one, |byte| !is_meaningful(byte));
        other = skip(other, |byte| !is_meaningful(byte));
        match (one.first(), other.first()) {
            (None, None) => return Ordering::Equal,
            (Some(b'~'), Some(b'~')) | (Some(b'^'), Some(b'^')) => {
                (one, other) = (&one[1..], &other[1..]);
            }
            (Some(b'~'), _) | (None, Some(b'^')) => return Ordering::Less,
            (_, Some(b'~')) | (Some(b'^'), None) => return Ordering::Greater,
            (Some(b'^') | None, _) => return Ordering::Less,
            (_, Some(b'^') | None) => return Ordering::Greater,
            (Some(first), Some(second)) => {
                let kinds = (first.is_ascii_digit(), second.is_ascii_digit());
                let ordering = match kinds {
                    (true, true) => {
                        let (left, right) = (take(&mut one, true), take(&mut other, true));
                        // Without their zeros, the longer number is the greater one.
                        let (left, right) = (without_zeros(left), without_zeros(right));
                        left.len().cmp(&right.len()).then_with(|| left.cmp(right))
                    }
                    (false, false) => take(&mut one, false).cmp(take(&mut other, false)),
                    // A number is newer than letters.
                    (true, false) => Ordering::Greater,
                    (false, true) => Ordering::Less,
                };
                if ordering != Ordering::Equal {
                    return ordering;
                }
            }
        }
    }
}

fn is_meaningful(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'~' | b'^')
}

fn skip(text: &[u8], is_skipped: impl Fn(u8) -> bool) -> &[u8] {
    let end = text.iter().position(|&byte| !is_skipped(byte));
    &text[end.unwrap_or(text.len())..]
}

/// Cuts off the run of digits, or of letters, that a text begins with.
fn take<'a>(text: &mut &'a [u8], digits: bool) -> &'a [u8] {
    let is_part = |byte: u8| {
        if digits {
            byte.is_ascii_digit()
        } else {
            byte.is_ascii_alphabetic()
        }
    };
    let rest = skip(text, is_part);
    let part = &text[..text.len() - rest.len()];
    *text = rest;
    part
}

fn without_zeros(digits: &[u8]) -> &[u8] {
    skip(digits, |byte| byte == b'0')
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

//! Versions of collections: strict semantic versions, and a text that sorts as they do.

use std::fmt::Write as _;

use semver::{BuildMetadata, Prerelease, Version};

/// As long as Galaxy allows.
const MAX_LENGTH: usize = 128;

/// Reads a version; the error says what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Version, String> {
    if text.len() > MAX_LENGTH {
        return Err(format!(
            "a version may have {MAX_LENGTH} characters, but this one has {}",
            text.len()
        ));
    }
    Version::parse(text).map_err(|error| {
        format!(
            "{text:?} is no semantic version ({error}); MAJOR.MINOR.PATCH was expected, \
             such as 1.0.0 or 1.0.0-beta.1"
        )
    })
}

/// Reads a version as ranges have them: `1` is `1.0.0`, and `1.2-rc` is `1.2.0-rc`.
pub(crate) fn parse_loose(text: &str) -> Option<Version> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (core, rest) = text.split_at(end);
    let mut numbers = [0; 3];
    for (at, part) in core.split('.').enumerate() {
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        *numbers.get_mut(at)? = part.parse().ok().filter(|_| is_number)?;
    }
    let (prerelease, build) = match rest.split_once('+') {
        Some((prerelease, build)) => (prerelease, Some(build)),
        None => (rest, None),
    };
    let [major, minor, patch] = numbers;
    Some(Version {
        pre: match prerelease.strip_prefix('-') {
            Some(text) if !text.is_empty() => Prerelease::new(text).ok()?,
            Some(_) => return None,
            None => Prerelease::EMPTY,
        },
        build: match build {
            Some(text) if !text.is_empty() => BuildMetadata::new(text).ok()?,
            Some(_) => return None,
            None => BuildMetadata::EMPTY,
        },
        ..Version::new(major, minor, patch)
    })
}

/// A text that sorts, byte by byte, as versions do by precedence: `1.10.0` comes after
/// `1.9.0`, and `1.0.0-rc.1` before `1.0.0`. Build metadata has no place in it.
pub(crate) fn order(version: &Version) -> String {
    let mut order = String::new();
    for number in [version.major, version.minor, version.patch] {
        write_number(&mut order, &number.to_string());
        order.push('.');
    }
    if version.pre.is_empty() {
        // Greater than the `-` of what comes before a release.
        order.push('~');
        return order;
    }
    order.push('-');
    for identifier in version.pre.split('.') {
        if identifier.bytes().all(|byte| byte.is_ascii_digit()) {
            order.push('0');
            write_number(&mut order, identifier);
        } else {
            order.push('1');
            order.push_str(identifier);
        }
        // Less than every character of an identifier.
        order.push('!');
    }
    order
}

/// Digits behind their count: the longer number is the greater one.
pub(crate) fn write_number(order: &mut String, digits: &str) {
    write!(order, "{:03}{digits}", digits.len()).expect("a string takes every write");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the order of precedence.
    const SORTED: &[&str] = &[
        "0.0.0-0",
        "0.0.0",
        "0.0.1",
        "0.9.0",
        "0.10.0",
        "1.0.0-1",
        "1.0.0-2",
        "1.0.0-10",
        "1.0.0-10.a",
        "1.0.0--",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.1.0",
        "1.0.0-alpha.beta",
        "1.0.0-alpha-",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.1-a",
        "2.0.0",
        "10.0.0",
        "18446744073709551615.0.0",
    ];

    #[test]
    fn what_is_sorted_by_precedence_is_sorted_by_order() {
        let orders: Vec<String> = SORTED
            .iter()
            .map(|text| order(&parse(text).expect(text)))
            .collect();
        assert!(orders.is_sorted_by(|a, b| a < b), "{orders:#?}");
    }

    /// Numbers that follow from a seed, as well spread as a test needs them.
    struct Seed(u64);

    impl Seed {
        fn next(&mut self, below: u64) -> u64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (self.0 >> 33) % below
        }

        fn number(&mut self) -> u64 {
            let digits = u32::try_from(self.next(5)).expect("less than 5");
            self.next(10_u64.pow(digits) + 1)
        }

        fn version(&mut self) -> Version {
            let mut text = format!("{}.{}.{}", self.number(), self.number(), self.next(3));
            for at in 0..self.next(4) {
                text.push(if at == 0 { '-' } else { '.' });
                match self.next(3) {
                    0 => text.push_str(&self.number().to_string()),
                    _ => {
                        for _ in 0..=self.next(3) {
                            let at = usize::try_from(self.next(7)).expect("less than 7");
                            text.push(char::from(b"aAzZ-bx"[at]));
                        }
                    }
                }
            }
            parse(&text).expect(&text)
        }
    }

    #[test]
    fn any_two_versions_compare_as_their_orders() {
        let mut seed = Seed(7);
        for _ in 0..100_000 {
            let (one, two) = (seed.version(), seed.version());
            assert_eq!(
                one.cmp_precedence(&two),
                order(&one).cmp(&order(&two)),
                "{one} and {two}"
            );
        }
    }

    #[test]
    fn build_metadata_has_no_order() {
        let of = |text| order(&parse(text).expect(text));
        assert_eq!(of("1.0.0+a"), of("1.0.0"));
        assert_eq!(of("1.0.0-a+b"), of("1.0.0-a"));
    }

    #[test]
    fn versions_are_strict() {
        for wrong in [
            "", "1", "1.0", "1.0.0.0", "v1.0.0", "01.0.0", "1.0.0-", "1.0.0-01", "*",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        let long = format!("1.0.0-{}", "a".repeat(MAX_LENGTH));
        assert!(parse(&long).is_err_and(|error| error.contains("134")));
    }

    #[test]
    fn ranges_have_shorter_versions() {
        let of = |text| parse_loose(text).map(|version| version.to_string());
        assert_eq!(of("1").as_deref(), Some("1.0.0"));
        assert_eq!(of("1.2-rc.1+b").as_deref(), Some("1.2.0-rc.1+b"));
        for wrong in ["", ".", "1.", "a", "1.2.3.4", "+1", "1-", "1+", "1.0.0-ä"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}

//! Ranges of versions, as dependencies and requirements have them: `>=1.0.0,<2`.

use semver::Version;

use crate::version::parse_loose;

/// As many comparisons as anybody writes by hand.
const MAX_COMPARISONS: usize = 100;

/// Versions that fulfil all of its comparisons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Range(Vec<(Comparison, Version)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Other,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// How they are written; the longer ones first, since they begin with the shorter.
const WRITTEN: &[(&str, Comparison)] = &[
    ("==", Comparison::Equal),
    ("!=", Comparison::Other),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("=", Comparison::Equal),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

impl Range {
    /// Reads a range; the error says which part of it is wrong. `*` and nothing at all are
    /// every version.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut comparisons = Vec::new();
        for part in text.split(',').map(str::trim) {
            if comparisons.len() == MAX_COMPARISONS {
                return Err(format!("it has more than {MAX_COMPARISONS} comparisons"));
            }
            let (comparison, rest) = WRITTEN
                .iter()
                .find_map(|(word, comparison)| Some((*comparison, part.strip_prefix(word)?)))
                .unwrap_or((Comparison::Equal, part));
            let rest = rest.trim();
            if rest == "*" || part.is_empty() {
                continue;
            }
            let version = parse_loose(rest).ok_or_else(|| {
                format!(
                    "{part:?} is no comparison with a version; one such as \">=1.0.0\", \
                     \"<2.0.0\", \"!=1.5.0\" or \"*\" was expected"
                )
            })?;
            comparisons.push((comparison, version));
        }
        Ok(Self(comparisons))
    }

    /// The same as an expression of the host's filters, of the field `version`; none for every
    /// version.
    pub(crate) fn expression(&self) -> Option<String> {
        let terms: Vec<String> = self
            .0
            .iter()
            .map(|(comparison, bound)| {
                let equal = format!("(version>='{bound}' AND version<='{bound}')");
                match comparison {
                    // By precedence, not by text: 1.2 is 1.2.0.
                    Comparison::Equal => equal,
                    Comparison::Other => format!("NOT {equal}"),
                    Comparison::Less => format!("version<'{bound}'"),
                    Comparison::LessOrEqual => format!("version<='{bound}'"),
                    Comparison::Greater => format!("version>'{bound}'"),
                    Comparison::GreaterOrEqual => format!("version>='{bound}'"),
                }
            })
            .collect();
        (!terms.is_empty()).then(|| terms.join(" AND "))
    }

    /// Whether a version is one of it. Versions before a release are compared like others.
    pub(crate) fn contains(&self, version: &Version) -> bool {
        self.0.iter().all(|(comparison, bound)| {
            let order = version.cmp_precedence(bound);
            match comparison {
                Comparison::Equal => order.is_eq(),
                Comparison::Other => order.is_ne(),
                Comparison::Less => order.is_lt(),
                Comparison::LessOrEqual => order.is_le(),
                Comparison::Greater => order.is_gt(),
                Comparison::GreaterOrEqual => order.is_ge(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(range: &str, version: &str) -> bool {
        Range::parse(range)
            .expect(range)
            .contains(&Version::parse(version).expect(version))
    }

    #[test]
    fn all_comparisons_must_hold() {
        assert!(has(">=1.0.0,<2", "1.9.9"));
        assert!(!has(">=1.0.0,<2", "2.0.0"));
        assert!(!has(">= 1.0.0 , != 1.5.0", "1.5.0"));
        assert!(has("=1", "1.0.0"));
        assert!(has("1.2.3", "1.2.3+build"));
        assert!(!has(">1.2.3", "1.2.3"));
        assert!(has("<=1.2.3", "1.2.3-rc.1"));
    }

    #[test]
    fn a_range_is_an_expression_of_filters() {
        let of = |text| Range::parse(text).expect("a range").expression();
        assert_eq!(
            of(">=1.0,<2").as_deref(),
            Some("version>='1.0.0' AND version<'2.0.0'")
        );
        assert_eq!(
            of("!=1.5").as_deref(),
            Some("NOT (version>='1.5.0' AND version<='1.5.0')")
        );
        assert_eq!(of("*"), None);
    }

    #[test]
    fn a_star_or_nothing_is_every_version() {
        for range in ["*", "", ">=*", " * "] {
            assert!(has(range, "0.0.1-a"), "{range}");
        }
    }

    #[test]
    fn what_is_no_range_is_named() {
        for wrong in [">=", "~1.0", "^1", ">=x", "1.0.0 2.0.0", "=>1"] {
            assert!(
                Range::parse(wrong).is_err_and(|error| error.contains(wrong)),
                "{wrong}"
            );
        }
        assert!(Range::parse(&"1,".repeat(200)).is_err());
    }
}

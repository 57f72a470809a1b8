//! What packages provide and need: names with versions, and which fits which.
//!
//! A repository says the same few words over and over, so each is kept once.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::rc::Rc;

use crate::evr::compare;

/// A text that is kept once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Word(u32);

/// The texts.
#[derive(Debug, Default)]
pub(super) struct Words {
    numbers: HashMap<Rc<str>, Word>,
    texts: Vec<Rc<str>>,
}

impl Words {
    pub(super) fn learn(&mut self, text: &str) -> Word {
        if let Some(word) = self.numbers.get(text) {
            return *word;
        }
        let word = Word(u32::try_from(self.texts.len()).unwrap_or(u32::MAX));
        let text: Rc<str> = text.into();
        self.texts.push(Rc::clone(&text));
        self.numbers.insert(text, word);
        word
    }

    pub(super) fn find(&self, text: &str) -> Option<Word> {
        self.numbers.get(text).copied()
    }

    pub(super) fn text(&self, word: Word) -> &str {
        &self.texts[word.0 as usize]
    }
}

/// How a version is compared; none of them: any version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Relation {
    pub(super) less: bool,
    pub(super) equal: bool,
    pub(super) greater: bool,
}

impl Relation {
    /// As in the indexes: `EQ`, `LE`. What is no relation is any version.
    pub(super) fn of_flags(flags: &str) -> Self {
        match flags {
            "LT" => Self::of_sign("<"),
            "LE" => Self::of_sign("<="),
            "EQ" => Self::of_sign("="),
            "GE" => Self::of_sign(">="),
            "GT" => Self::of_sign(">"),
            _ => Self::default(),
        }
    }

    /// As people write it, in rich dependencies too.
    pub(super) fn of_sign(sign: &str) -> Self {
        Self {
            less: sign.contains('<'),
            equal: sign.contains('='),
            greater: sign.contains('>'),
        }
    }

    fn sign(self) -> &'static str {
        match (self.less, self.equal, self.greater) {
            (true, false, false) => "<",
            (true, true, _) => "<=",
            (false, true, false) => "=",
            (_, true, true) => ">=",
            (_, false, true) => ">",
            (false, false, false) => "",
        }
    }
}

/// A name, and which versions of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Capability {
    pub(super) name: Word,
    pub(super) relation: Relation,
    /// `epoch:version-release`, of which epoch and release may be missing; only where there
    /// is a relation.
    pub(super) evr: Option<Word>,
}

impl Capability {
    pub(super) fn any(name: Word) -> Self {
        Self {
            name,
            relation: Relation::default(),
            evr: None,
        }
    }

    /// For people: `owl >= 1.2`.
    pub(super) fn text(self, words: &Words) -> String {
        let name = words.text(self.name);
        match self.evr {
            Some(evr) => format!("{name} {} {}", self.relation.sign(), words.text(evr)),
            None => name.to_owned(),
        }
    }

    /// Whether some version is in the ranges of both, as RPM decides it: what names no
    /// version fits all.
    pub(super) fn overlaps(self, other: Self, words: &Words) -> bool {
        if self.name != other.name {
            return false;
        }
        let (Some(one), Some(two)) = (self.evr, other.evr) else {
            return true;
        };
        let (one_is, two_is) = (self.relation, other.relation);
        match compare_evr(words.text(one), words.text(two)) {
            Ordering::Less => one_is.greater || two_is.less,
            Ordering::Greater => one_is.less || two_is.greater,
            Ordering::Equal => {
                (one_is.equal && two_is.equal)
                    || (one_is.less && two_is.less)
                    || (one_is.greater && two_is.greater)
            }
        }
    }
}

/// `epoch:version-release` from its parts, where there is a version.
pub(super) fn evr_text(epoch: Option<&str>, version: &str, release: Option<&str>) -> String {
    let mut text = match epoch.filter(|epoch| !epoch.is_empty() && *epoch != "0") {
        Some(epoch) => format!("{epoch}:{version}"),
        None => version.to_owned(),
    };
    if let Some(release) = release.filter(|release| !release.is_empty()) {
        text.push('-');
        text.push_str(release);
    }
    text
}

/// Compares two of [`evr_text`]; a release counts only where both have one.
pub(super) fn compare_evr(one: &str, other: &str) -> Ordering {
    let (one_epoch, one) = one.split_once(':').unwrap_or(("0", one));
    let (other_epoch, other) = other.split_once(':').unwrap_or(("0", other));
    let epoch = |text: &str| text.parse::<u64>().unwrap_or(0);
    let parts = |text| match str::rsplit_once(text, '-') {
        Some((version, release)) => (version, Some(release)),
        None => (text, None),
    };
    let ((version, release), (other_version, other_release)) = (parts(one), parts(other));
    epoch(one_epoch)
        .cmp(&epoch(other_epoch))
        .then_with(|| compare(version, other_version))
        .then_with(|| match (release, other_release) {
            (Some(one), Some(other)) => compare(one, other),
            _ => Ordering::Equal,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capability(words: &mut Words, sign: &str, evr: &str) -> Capability {
        Capability {
            name: words.learn("owl"),
            relation: Relation::of_sign(sign),
            evr: (!sign.is_empty()).then(|| words.learn(evr)),
        }
    }

    #[test]
    fn ranges_overlap_as_rpm_has_it() {
        let mut words = Words::default();
        for (provided, needed, fits) in [
            (("", ""), (">", "2"), true),
            (("=", "1:1.0-1"), ("", ""), true),
            (("=", "1.10-1"), (">=", "1.9"), true),
            (("=", "1.0-5"), ("=", "1.0"), true),
            (("=", "1.0-5"), (">", "1.0"), false),
            (("=", "1.0-5"), (">", "1.0-4"), true),
            (("=", "1:0.1-1"), ("<", "9"), false),
            (("<", "3"), (">", "2"), true),
            (("<", "2"), (">=", "2"), false),
            (("<=", "2"), (">=", "2"), true),
            (("<", "2"), ("<", "1"), true),
            (("=", "1.0~rc1-1"), ("<", "1.0"), true),
        ] {
            let provided = capability(&mut words, provided.0, provided.1);
            let needed = capability(&mut words, needed.0, needed.1);
            let text = format!("{} / {}", provided.text(&words), needed.text(&words));
            assert_eq!(provided.overlaps(needed, &words), fits, "{text}");
            assert_eq!(needed.overlaps(provided, &words), fits, "{text}");
        }
        let other = Capability::any(words.learn("bear"));
        assert!(!other.overlaps(capability(&mut words, "", ""), &words));
    }

    #[test]
    fn a_version_is_written_without_what_says_nothing() {
        assert_eq!(evr_text(Some("0"), "1.0", Some("2")), "1.0-2");
        assert_eq!(evr_text(Some("3"), "1.0", None), "3:1.0");
        assert_eq!(evr_text(None, "1.0", Some("")), "1.0");
    }
}

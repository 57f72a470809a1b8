//! Keys that sort, byte by byte, as RPM orders versions, releases and both with their epochs.
//!
//! A version is a row of parts, and so is its key: a digit for the kind of the part, older kinds
//! first, and then the part itself so that no key is the beginning of another.

use pith_plugin_sdk::{Error, Orderer, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::evr::{Evr, Part, number, parts};
use crate::{PACKAGE, RpmPlugin};

/// Of epoch, version and release.
pub(crate) const EVR: &str = "evr";
pub(crate) const VERSION: &str = "version_order";
pub(crate) const RELEASE: &str = "release_order";

/// The order keys of packages.
pub(crate) const KEYS: [&str; 3] = [EVR, VERSION, RELEASE];

/// What the schema of packages says of a key.
pub(crate) fn property(key: &str) -> Value {
    let order = match key {
        VERSION => json!({"of": ["version"], "field": "version"}),
        RELEASE => json!({"of": ["release"], "field": "release"}),
        _ => json!({
            "of": ["epoch", "version", "release"],
            "retain": {
                "setting": "retain_package_versions",
                "per": ["name", "arch"],
                "unless": "is_modular",
            },
        }),
    };
    json!({"type": "string", "x-order": order})
}

/// The key of a version, or of a release.
pub(crate) fn of_version(version: &str) -> String {
    let mut key = String::with_capacity(2 * version.len() + 2);
    for part in parts(version) {
        match part {
            Part::Tilde => key.push('1'),
            Part::End => key.push('2'),
            Part::Caret => key.push('3'),
            // The next part's digit comes before all letters: a shorter word is older.
            Part::Letters(letters) => {
                key.push('4');
                key.push_str(letters);
            }
            Part::Number(digits) => {
                key.push('5');
                push_number(&mut key, digits);
            }
        }
    }
    key
}

/// The key of epoch, version and release.
pub(crate) fn of_evr(evr: &Evr) -> String {
    let mut key = String::new();
    let epoch = evr.epoch.parse::<u64>().unwrap_or(0).to_string();
    push_number(&mut key, number(&epoch));
    key.push_str(&of_version(&evr.version));
    key.push_str(&of_version(&evr.release));
    key
}

/// Digits without zeros before them: the longer number is the greater one, so their count
/// comes first, as one letter or as five digits behind the last letter.
fn push_number(key: &mut String, digits: &str) {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxy";
    if let Some(letter) = LETTERS.get(digits.len()) {
        key.push(char::from(*letter));
    } else {
        let count = digits.len().to_string();
        key.push('z');
        key.extend(std::iter::repeat_n(
            '0',
            5_usize.saturating_sub(count.len()),
        ));
        key.push_str(&count);
    }
    key.push_str(digits);
}

/// The fields of a package that is stored, as far as a key is of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fields {
    epoch: String,
    version: String,
    release: String,
}

impl Orderer for RpmPlugin {
    fn keys(content_type: &str, key: &str, values: &[String]) -> Result<Vec<String>> {
        if content_type != PACKAGE || !KEYS.contains(&key) {
            return Err(Error::internal(format!(
                "{key} of {content_type} is no key"
            )));
        }
        let wrong = |error| Error::internal(format!("a value is no JSON: {error}"));
        values
            .iter()
            .map(|text| {
                let value: Value = serde_json::from_str(text).map_err(wrong)?;
                if let Some(literal) = value.as_str() {
                    return Ok(match key {
                        EVR => of_evr(&literal_evr(literal)),
                        _ => of_version(literal),
                    });
                }
                let fields: Fields = serde_json::from_value(value).map_err(wrong)?;
                Ok(match key {
                    VERSION => of_version(&fields.version),
                    RELEASE => of_version(&fields.release),
                    _ => of_evr(&Evr {
                        epoch: fields.epoch,
                        version: fields.version,
                        release: fields.release,
                    }),
                })
            })
            .collect()
    }
}

/// `1:2.0-3`; without an epoch it is 0, and without a release it is the oldest there can be.
fn literal_evr(text: &str) -> Evr {
    let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
    let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
    Evr {
        epoch: epoch.to_owned(),
        version: version.to_owned(),
        release: release.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evr::compare;

    /// Versions of all shapes that mean something: each pair of them is compared.
    fn versions() -> Vec<String> {
        let pieces = [
            "",
            "0",
            "1",
            "9",
            "10",
            "007",
            "a",
            "ab",
            "b",
            "Z",
            "~",
            "^",
            ".",
            "_",
            "1.0",
            "~rc1",
            "^git",
            "é",
            "99999999999999999999",
        ];
        let mut versions = Vec::new();
        for one in pieces {
            for two in pieces {
                versions.push(format!("{one}{two}"));
                for three in ["", "1", "a", "~", "^", ".2"] {
                    versions.push(format!("{one}.{two}{three}"));
                }
            }
        }
        versions.push("1".repeat(60));
        versions.push("1".repeat(61));
        versions.push("2".repeat(300));
        versions
    }

    #[test]
    fn keys_sort_as_versions_compare() {
        let versions = versions();
        let keys: Vec<String> = versions.iter().map(|one| of_version(one)).collect();
        for (one, key) in versions.iter().zip(&keys) {
            for (other, other_key) in versions.iter().zip(&keys) {
                assert_eq!(
                    key.as_bytes().cmp(other_key.as_bytes()),
                    compare(one, other),
                    "{one:?} {other:?}: {key} {other_key}"
                );
            }
        }
    }

    #[test]
    fn keys_of_all_three_sort_as_packages_do() {
        let evr = literal_evr;
        let all = [
            "1.0",
            "1.0-1",
            "1.0-1.fc9",
            "1.0-1.fc10",
            "1.0-10",
            "1.0.1-1",
            "1.10-1",
            "1:0.1-1",
            "2:0.1~rc1-5",
            "2:0.1-1",
            "10:0-0",
        ];
        for pair in all.windows(2) {
            assert!(of_evr(&evr(pair[0])) < of_evr(&evr(pair[1])), "{pair:?}");
        }
        assert_eq!(of_evr(&evr("0:1.0-1")), of_evr(&evr("1_0-01")));
    }

    #[test]
    fn literals_and_stored_packages_have_the_same_keys() {
        let keys = |key: &str, values: &[Value]| {
            let values: Vec<String> = values.iter().map(Value::to_string).collect();
            RpmPlugin::keys(PACKAGE, key, &values).expect("keys")
        };
        let stored = json!({"epoch": "1", "version": "2.0", "release": "3"});
        for (key, literal) in [(EVR, "1:2.0-3"), (VERSION, "2.0"), (RELEASE, "3")] {
            let made = keys(key, &[stored.clone(), json!(literal)]);
            assert_eq!(made[0], made[1], "{key}");
        }
        assert!(RpmPlugin::keys(PACKAGE, "name", &[]).is_err());
    }
}

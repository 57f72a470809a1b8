//! Terms of a unit: words by which a plugin finds it, kept as 64-bit hashes.

use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};

/// A kernel provides some ten thousand symbols.
const MOST: usize = 100_000;

/// Longer words are no names.
const LONGEST: usize = 4_096;

/// The hashes of a unit's terms, in order and each once.
pub(crate) fn check(plugin: &str, terms: &[String]) -> Result<Vec<i64>> {
    if terms.len() > MOST {
        return Err(Error::limit(format!(
            "a unit has {} terms; at most {MOST} are taken",
            terms.len()
        )));
    }
    if let Some(long) = terms.iter().find(|term| term.len() > LONGEST) {
        return Err(Error::limit(format!(
            "a term has {} bytes; at most {LONGEST} are taken",
            long.len()
        )));
    }
    let mut hashes = hashes(plugin, terms);
    hashes.sort_unstable();
    hashes.dedup();
    Ok(hashes)
}

/// The hashes of terms. Cut off a digest that nobody can steer: whoever could find two names
/// with one hash could have a unit taken for another.
pub fn hashes(plugin: &str, terms: &[String]) -> Vec<i64> {
    let hash = |term: &String| {
        let mut hasher = Sha256::new();
        hasher.update(plugin);
        hasher.update([0]);
        hasher.update(term);
        let digest = hasher.finalize();
        let first: [u8; 8] = digest[..8].try_into().expect("a digest is longer");
        i64::from_be_bytes(first)
    };
    terms.iter().map(hash).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_counts_once_and_for_its_plugin() {
        let terms = |words: &[&str]| {
            words
                .iter()
                .map(|&word| word.to_owned())
                .collect::<Vec<_>>()
        };
        let two = check("rpm", &terms(&["a", "b", "a"])).expect("two terms");
        assert_eq!(two.len(), 2);
        assert!(two.contains(&hashes("rpm", &terms(&["b"]))[0]));
        assert!(!two.contains(&hashes("deb", &terms(&["b"]))[0]));
        let error = check("rpm", &terms(&[&"a".repeat(5_000)])).expect_err("refused");
        assert!(error.message.contains("5000 bytes"), "{error}");
    }
}

//! Checks detached signatures of others against keys that somebody gave. `gpg` does it, for a
//! bounded time, with a home of its own that only has these keys.

use std::time::Duration;

use super::check::gpg;
use super::temporary_folder;
use crate::error::{Error, Result};

/// A signature is checked in some milliseconds; keys can be made that take longer.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// The largest keyring.
const MAX_KEYS: usize = 1 << 20;

/// The largest signature.
const MAX_SIGNATURE: usize = 1 << 20;

/// The fingerprint of the key that made a signature of these bytes, if it is one of `keys`.
pub async fn verify(bytes: &[u8], signature: &str, keys: &str) -> Result<String> {
    for (what, length, most) in [
        ("the keyring", keys.len(), MAX_KEYS),
        ("the signature", signature.len(), MAX_SIGNATURE),
    ] {
        if length > most {
            return Err(Error::limit(format!(
                "{what} has {length} bytes, but may have {most}"
            )));
        }
    }
    tokio::time::timeout(TIME_LIMIT, verify_now(bytes, signature, keys))
        .await
        .map_err(|_| Error::limit("the signature could not be checked in time"))?
}

async fn verify_now(bytes: &[u8], signature: &str, keys: &str) -> Result<String> {
    let folder = temporary_folder()?;
    let home = folder.path();
    let write = async |name: &str, bytes: &[u8]| {
        let path = home.join(name);
        let written = tokio::fs::write(&path, bytes).await;
        written.map_err(|error| Error::internal(format!("no file could be made: {error}")))?;
        Ok::<_, Error>(path)
    };
    let keyring = write("keyring.asc", keys.as_bytes()).await?;
    let signature = write("signature.asc", signature.as_bytes()).await?;
    let signed = write("signed", bytes).await?;
    gpg(home, &["--import"], &[&keyring])
        .await
        .map_err(|error| Error::invalid(format!("the keyring cannot be read: {error}")))?;
    let said = gpg(
        home,
        &["--status-fd", "1", "--verify"],
        &[&signature, &signed],
    )
    .await;
    let said = said.map_err(|error| {
        Error::invalid(format!(
            "the signature does not fit what is signed, or is of none of the known keys: {error}"
        ))
    })?;
    fingerprint(&said).ok_or_else(|| Error::invalid("the signature is of a key that is not valid"))
}

/// The fingerprint of the key itself, not of a part of it that signs.
fn fingerprint(said: &str) -> Option<String> {
    let bad = ["EXPKEYSIG", "REVKEYSIG", "EXPSIG", "BADSIG"];
    let mut valid = None;
    for line in said.lines() {
        let mut words = line.strip_prefix("[GNUPG:] ")?.split(' ');
        match words.next() {
            Some("VALIDSIG") => valid = words.next_back().map(str::to_owned),
            Some(word) if bad.contains(&word) => return None,
            _ => {}
        }
    }
    valid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_signatures_have_a_fingerprint() {
        let good = "[GNUPG:] GOODSIG 1 zoo\n[GNUPG:] VALIDSIG AB 2026-01-01 1 0 4 0 22 10 00 CD";
        assert_eq!(fingerprint(good).as_deref(), Some("CD"));
        let expired =
            "[GNUPG:] EXPKEYSIG 1 zoo\n[GNUPG:] VALIDSIG AB 2026-01-01 1 0 4 0 22 10 00 CD";
        assert_eq!(fingerprint(expired), None);
        assert_eq!(fingerprint(""), None);
    }

    #[tokio::test]
    async fn what_is_too_long_is_not_given_to_a_program() {
        let long = "x".repeat(MAX_KEYS + 1);
        let refused = verify(b"", "", &long).await.unwrap_err();
        assert!(refused.message.contains("keyring"), "{refused}");
    }
}

//! Secrets at rest: sealed with a key that is kept in the data directory, not in the
//! database, so that a copy of the database alone gives nothing away.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use chacha20poly1305::aead::Aead;
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use pith_model::remote::Secrets;

use crate::error::{Error, Result};

const KEY_LENGTH: usize = 32;
const NONCE_LENGTH: usize = 24;

/// The key, cheap to clone.
#[derive(Clone)]
pub struct Seal(Arc<XChaCha20Poly1305>);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(…)")
    }
}

impl Seal {
    /// Reads the key from a file, which is made when it is not there.
    ///
    /// # Errors
    /// When the file cannot be read or made, or holds no key.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let key = match std::fs::read(path) {
            Ok(key) => key,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => create(path)?,
            Err(error) => return Err(error),
        };
        if key.len() != KEY_LENGTH {
            return Err(std::io::Error::other(format!(
                "{} is {} bytes long; a key of {KEY_LENGTH} bytes was expected",
                path.display(),
                key.len()
            )));
        }
        Ok(Self(Arc::new(XChaCha20Poly1305::new(Key::from_slice(
            &key,
        )))))
    }

    /// Seals secrets.
    pub fn seal(&self, secrets: &Secrets) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE_LENGTH];
        getrandom::fill(&mut nonce).map_err(|_| Error::internal("no random numbers to be had"))?;
        let plain = serde_json::to_vec(secrets)
            .map_err(|_| Error::internal("secrets could not be written as JSON"))?;
        let sealed = self
            .0
            .encrypt(XNonce::from_slice(&nonce), plain.as_slice())
            .map_err(|_| Error::internal("secrets could not be sealed"))?;
        let mut out = nonce.to_vec();
        out.extend(sealed);
        Ok(out)
    }

    /// Opens what [`Seal::seal`] made.
    pub fn open_secrets(&self, sealed: &[u8]) -> Result<Secrets> {
        let wrong = || {
            Error::internal(
                "a remote's secrets cannot be opened with this server's key; set them again",
            )
        };
        if sealed.len() < NONCE_LENGTH {
            return Err(wrong());
        }
        let (nonce, sealed) = sealed.split_at(NONCE_LENGTH);
        let plain = self
            .0
            .decrypt(XNonce::from_slice(nonce), sealed)
            .map_err(|_| wrong())?;
        serde_json::from_slice(&plain).map_err(|_| wrong())
    }
}

fn create(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut key = vec![0; KEY_LENGTH];
    getrandom::fill(&mut key).map_err(|error| std::io::Error::other(error.to_string()))?;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(&key)?;
    file.sync_all()?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_opens() {
        let folder = tempfile::tempdir().expect("a folder");
        let one = Seal::open(&folder.path().join("one")).expect("a key");
        let again = Seal::open(&folder.path().join("one")).expect("the key");
        let other = Seal::open(&folder.path().join("other")).expect("a key");
        let secrets = Secrets {
            password: Some("hush".into()),
            ..Secrets::default()
        };
        let sealed = one.seal(&secrets).expect("sealed");
        assert!(!sealed.windows(4).any(|part| part == b"hush"));
        assert_eq!(again.open_secrets(&sealed), Ok(secrets));
        assert!(other.open_secrets(&sealed).is_err());
        assert!(one.open_secrets(&sealed[..10]).is_err());
    }
}

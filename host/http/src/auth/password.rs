//! Passwords at rest: Argon2id, as a PHC string that carries its own parameters.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

/// A password could not be hashed: there were no random numbers or no memory.
#[derive(Debug, thiserror::Error)]
#[error("the password could not be hashed: {0}")]
pub struct PasswordError(argon2::password_hash::Error);

/// Hashes a password; takes tens of milliseconds and 19 MiB, on purpose.
///
/// # Errors
/// When there are no random numbers to be had.
pub fn hash(password: &str) -> Result<String, PasswordError> {
    let hash = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(PasswordError)?;
    Ok(hash.to_string())
}

/// Whether a password is the one that was hashed; takes as long as hashing.
pub(crate) fn verify(password: &str, hash: &str) -> bool {
    match PasswordHash::new(hash) {
        Ok(hash) => Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok(),
        Err(error) => {
            tracing::error!(%error, "a user's password hash is damaged: {error}");
            false
        }
    }
}

/// Why a password is not taken, as the end of a sentence, if it is not.
pub fn problem(password: &str) -> Option<&'static str> {
    // Argon2 takes more, but what is sent with every request should stay small.
    const LONGEST: usize = 512;
    if password.is_empty() {
        Some("may not be blank")
    } else if password.len() > LONGEST {
        Some("may not be longer than 512 bytes")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_password_fits() {
        let hashed = hash("correct horse").unwrap();
        assert!(hashed.starts_with("$argon2id$"));
        assert!(verify("correct horse", &hashed));
        assert!(!verify("battery staple", &hashed));
        assert!(!verify("", "no hash at all"));
    }
}

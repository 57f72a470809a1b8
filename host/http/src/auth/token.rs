//! API tokens: long random texts, of which the database keeps a hash.

use base64::Engine as _;
use pith_db::user::{self, User};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::error::{Error, Result};

/// How tokens begin, so that a scanner for leaked secrets can tell them.
const PREFIX: &str = "pith_";

/// A new token; 256 random bits, so that its hash needs no salt.
pub(crate) fn generate() -> String {
    let random: [u8; 32] = rand::random();
    format!(
        "{PREFIX}{}",
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random)
    )
}

/// What the database keeps of a token or a session's cookie.
pub(crate) fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// The user of a token.
pub(super) async fn verify(app: &App, token: &str) -> Result<User> {
    let mut connection = app.database.read().await?;
    user::by_token(&mut connection, hash(token))
        .await?
        .filter(|user| user.is_active)
        .ok_or_else(Error::wrong_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_fit_into_a_header() {
        let token = generate();
        assert_ne!(token, generate());
        assert!(token.starts_with(PREFIX) && token.len() == PREFIX.len() + 43);
        assert!(
            token
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'-')
        );
    }
}

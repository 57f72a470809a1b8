//! Which passwords were right lately, so that none is hashed again on each request.
//!
//! What is kept is a keyed hash of name and password and whose they are; the key lives
//! and dies with the process. Failures are not remembered.

use std::time::Duration;

use moka::sync::Cache;
use pith_db::user::User;
use pith_model::UserId;
use sha2::{Digest, Sha256};

/// How many are remembered. Each costs about 200 bytes.
const CAPACITY: u64 = 10_000;

/// How long, at most: a process that runs for months need not hold every password
/// that was ever right.
const LIFETIME: Duration = Duration::from_hours(1);

/// A name and password, beyond recognition.
pub(super) type Fingerprint = [u8; 32];

/// What was verified.
#[derive(Debug)]
pub(super) struct Memory {
    key: [u8; 32],
    verified: Cache<Fingerprint, (UserId, i64)>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            key: rand::random(),
            verified: Cache::builder()
                .max_capacity(CAPACITY)
                .time_to_live(LIFETIME)
                .build(),
        }
    }
}

impl Memory {
    /// The fingerprint of a name and password in this process.
    pub(super) fn fingerprint(&self, username: &str, password: &str) -> Fingerprint {
        // Never leaves the process, so a keyed prefix will do; the name's length keeps
        // it from running into the password.
        let mut hash = Sha256::new();
        hash.update(self.key);
        hash.update((username.len() as u64).to_le_bytes());
        hash.update(username);
        hash.update(password);
        hash.finalize().into()
    }

    /// Whether this was verified for the user as he stands now.
    pub(super) fn knows(&self, fingerprint: &Fingerprint, user: &User) -> bool {
        self.verified.get(fingerprint) == Some((user.id, user.credential_version))
    }

    /// Remembers that this was right.
    pub(super) fn remember(&self, fingerprint: Fingerprint, user: &User) {
        self.verified
            .insert(fingerprint, (user.id, user.credential_version));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pith_model::Timestamp;

    fn user(id: i64, credential_version: i64) -> User {
        User {
            id: UserId(id),
            username: "ada".into(),
            first_name: String::new(),
            last_name: String::new(),
            email: String::new(),
            password_hash: None,
            is_superuser: false,
            is_staff: false,
            is_active: true,
            credential_version,
            date_joined: Timestamp(0),
        }
    }

    #[test]
    fn what_was_right_counts_until_something_changes() {
        let memory = Memory::default();
        let print = memory.fingerprint("ada", "secret");
        assert!(!memory.knows(&print, &user(1, 1)));
        memory.remember(print, &user(1, 1));
        assert!(memory.knows(&print, &user(1, 1)));
        // A new password or standing, or another user of that name.
        assert!(!memory.knows(&print, &user(1, 2)));
        assert!(!memory.knows(&print, &user(2, 1)));
        assert!(!memory.knows(&memory.fingerprint("ada", "wrong"), &user(1, 1)));
    }

    #[test]
    fn name_and_password_do_not_run_together() {
        let memory = Memory::default();
        assert_ne!(memory.fingerprint("ab", "c"), memory.fingerprint("a", "bc"));
        assert_ne!(
            memory.fingerprint("a", "b"),
            Memory::default().fingerprint("a", "b")
        );
    }
}

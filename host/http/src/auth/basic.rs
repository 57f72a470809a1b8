//! Basic authentication: a name and a password with every request, hashed once.

use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use pith_db::user::{self, User};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::app::App;
use crate::auth::memory::Memory;
use crate::auth::password;
use crate::error::{Error, Result};

/// How many passwords are hashed at a time: each takes a core for a while and 19 MiB.
const AT_ONCE: usize = 2;

/// How many may wait for that. Beyond it, guessing gets a 429 instead of memory.
const WAITING: usize = 256;

/// Verifies passwords.
#[derive(Debug)]
pub(crate) struct Authenticator {
    memory: Memory,
    hashing: Semaphore,
    waiting: Semaphore,
    /// The hash of a password that nobody has.
    nobody: Arc<OnceLock<String>>,
}

impl Default for Authenticator {
    fn default() -> Self {
        Self {
            memory: Memory::default(),
            hashing: Semaphore::new(AT_ONCE),
            waiting: Semaphore::new(WAITING),
            nobody: Arc::default(),
        }
    }
}

/// The user whose name and password these are.
pub(super) async fn verify(app: &App, credentials: &str) -> Result<User> {
    let (username, password) = decode(credentials).ok_or_else(Error::wrong_password)?;
    let user = {
        let mut connection = app.database.read().await?;
        user::by_name(&mut connection, &username).await?
    };
    app.authenticator
        .check(user, &username, password)
        .await?
        .ok_or_else(Error::wrong_password)
}

/// Takes `base64(name:password)` apart.
fn decode(credentials: &str) -> Option<(String, String)> {
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(credentials)
        .ok()?;
    let text = String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'))?;
    let (username, password) = text.split_once(':')?;
    Some((username.to_owned(), password.to_owned()))
}

impl Authenticator {
    /// The user, if this is the password.
    ///
    /// # Errors
    /// 429 when too many passwords wait to be looked at.
    pub(crate) async fn check(
        &self,
        user: Option<User>,
        username: &str,
        password: String,
    ) -> Result<Option<User>> {
        if password::problem(&password).is_some() {
            return Ok(None);
        }
        let fingerprint = self.memory.fingerprint(username, &password);
        // A user who cannot log in is like one who does not exist, in time too.
        let user = user.filter(|user| user.is_active && user.password_hash.is_some());
        if let Some(user) = &user
            && self.memory.knows(&fingerprint, user)
        {
            return Ok(Some(user.clone()));
        }
        let _turn = self.turn().await?;
        // Whoever came before in the queue may have done the work.
        if let Some(user) = &user
            && self.memory.knows(&fingerprint, user)
        {
            return Ok(Some(user.clone()));
        }
        let hash = user.as_ref().and_then(|user| user.password_hash.clone());
        let nobody = Arc::clone(&self.nobody);
        let fits = tokio::task::spawn_blocking(move || {
            if let Some(hash) = hash {
                return password::verify(&password, &hash);
            }
            password::verify(&password, nobody.get_or_init(hash_of_nobody));
            false
        })
        .await
        .map_err(|error| Error::internal(&error))?;
        let user = user.filter(|_| fits);
        if let Some(user) = &user {
            self.memory.remember(fingerprint, user);
        }
        Ok(user)
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// 429 when too many passwords wait to be looked at.
    pub(crate) async fn hash(&self, password: String) -> Result<String> {
        let _turn = self.turn().await?;
        tokio::task::spawn_blocking(move || password::hash(&password))
            .await
            .map_err(|error| Error::internal(&error))?
            .map_err(|error| Error::internal(&error))
    }

    /// Waits until a password may be hashed, which takes a core and memory: until these
    /// are dropped.
    async fn turn(&self) -> Result<(SemaphorePermit<'_>, SemaphorePermit<'_>)> {
        let place = self
            .waiting
            .try_acquire()
            .map_err(|_| Error::too_many_logins())?;
        let turn = self.hashing.acquire().await;
        Ok((place, turn.map_err(|error| Error::internal(&error))?))
    }
}

fn hash_of_nobody() -> String {
    let password = hex::encode(rand::random::<[u8; 16]>());
    password::hash(&password).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_may_contain_colons() {
        let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        assert_eq!(
            decode(&encode("ada:a:b")),
            Some(("ada".into(), "a:b".into()))
        );
        assert_eq!(decode(&encode("ada")), None);
        assert_eq!(decode("no base64!"), None);
    }

    #[tokio::test]
    async fn a_right_password_is_hashed_once_and_a_wrong_one_is_refused() {
        let authenticator = Authenticator::default();
        let user = User {
            id: pith_model::UserId(1),
            username: "ada".into(),
            first_name: String::new(),
            last_name: String::new(),
            email: String::new(),
            password_hash: Some(password::hash("secret").unwrap()),
            is_superuser: true,
            is_staff: false,
            is_active: true,
            credential_version: 1,
            date_joined: pith_model::Timestamp(0),
        };
        let knows = async |user: &User, text: &str| {
            let found = authenticator.check(Some(user.clone()), "ada", text.to_owned());
            found.await.expect("there is no queue").is_some()
        };
        assert!(!knows(&user, "wrong").await);
        assert!(knows(&user, "secret").await);
        // Remembered: it is not even looked at the hash.
        let blank = User {
            password_hash: Some(String::new()),
            ..user.clone()
        };
        assert!(knows(&blank, "secret").await);
        let disabled = User {
            is_active: false,
            ..user.clone()
        };
        assert!(!knows(&disabled, "secret").await);
        let changed = User {
            credential_version: 2,
            ..blank
        };
        assert!(!knows(&changed, "secret").await);
        let eve = authenticator.check(None, "eve", "secret".into()).await;
        assert!(eve.expect("there is no queue").is_none());
    }
}

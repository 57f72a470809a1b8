//! Who asks, and whether he may.
//!
//! Invariant: every request asks the database for the user's row, once. What a process
//! remembers (that a password was right) counts only for the row's present
//! `credential_version`, so a changed password, a revoked token or a disabled user is
//! denied on the next request, in every process; so is whoever lost a role, since roles are
//! not remembered at all.

mod basic;
pub(crate) mod gate;
mod memory;
pub(crate) mod need;
pub mod password;
pub(crate) mod session;
pub(crate) mod token;

use http::Method;
use http::header::{self, HeaderMap};
use pith_db::access::Access;
use pith_db::user::User;

use crate::app::App;
use crate::error::{Error, Result};

pub(crate) use basic::Authenticator;

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// The user.
    pub(crate) user: User,
    /// What he may do.
    pub(crate) access: Access,
    /// The hash of the session's cookie, if that is how he is known.
    pub(crate) session: Option<[u8; 32]>,
}

/// Finds out who asks; `None` if nothing was said.
pub(crate) async fn identify(
    app: &App,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Option<Identity>> {
    if let Some(authorization) = headers.get(header::AUTHORIZATION) {
        let text = authorization
            .to_str()
            .map_err(|_| Error::wrong_password())?;
        let (scheme, credentials) = text.split_once(' ').unwrap_or((text, ""));
        let credentials = credentials.trim();
        let user = match scheme.to_ascii_lowercase().as_str() {
            "basic" => basic::verify(app, credentials).await?,
            "token" | "bearer" => token::verify(app, credentials).await?,
            _ => return Err(Error::unauthenticated()),
        };
        return Identity::of(app, user, None).await.map(Some);
    }
    match session::verify(app, method, headers).await? {
        Some((user, session)) => Identity::of(app, user, Some(session)).await.map(Some),
        None => Ok(None),
    }
}

impl Identity {
    /// Somebody, with what he may do now. An administrator costs no question.
    pub(crate) async fn of(app: &App, user: User, session: Option<[u8; 32]>) -> Result<Self> {
        let access = if user.is_superuser {
            Access::Everything
        } else {
            let mut connection = app.database.read().await?;
            Access::of(&mut connection, &user).await?
        };
        Ok(Self {
            user,
            access,
            session,
        })
    }
}

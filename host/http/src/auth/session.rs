//! Sessions of browsers and scripts: a cookie that is as good as a login, and a second
//! one that a page must read and send back, which no other site's page can.

use std::time::Duration;

use http::header::{self, HeaderMap};
use http::{HeaderValue, Method};
use pith_db::user::{self, User};
use pith_model::Timestamp;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::auth::token;
use crate::error::{Error, Result};

/// The cookie that stands for the login; scripts of a page cannot read it.
const SESSION: &str = "sessionid";

/// The cookie that a page reads and sends back as a header.
const CSRF: &str = "csrftoken";

/// The header in which it comes back.
const CSRF_HEADER: &str = "x-csrftoken";

/// How long a session lasts: two weeks, as in Pulp.
const LIFETIME: Duration = Duration::from_hours(14 * 24);

/// Who has this session; `None` without one, or with one that is over.
pub(super) async fn verify(
    app: &App,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Option<(User, [u8; 32])>> {
    let Some(session) = cookie(headers, SESSION) else {
        return Ok(None);
    };
    let hash = token::hash(session);
    let user = {
        let mut connection = app.database.read().await?;
        user::by_session(&mut connection, hash).await?
    };
    let Some(user) = user.filter(|user| user.is_active) else {
        return Ok(None);
    };
    if !method.is_safe() {
        check_forgery(session, headers)?;
    }
    Ok(Some((user, hash)))
}

/// Whether the page that sends this can read our cookies.
fn check_forgery(session: &str, headers: &HeaderMap) -> Result<()> {
    let Some(sent) = headers.get(CSRF_HEADER) else {
        return Err(Error::forged("CSRF Failed: CSRF token missing."));
    };
    let kept = cookie(headers, CSRF);
    // The cookie alone could have been planted by a neighbouring site, so the token
    // must be the session's own.
    let own = csrf_token(session);
    if kept.map(str::as_bytes) == Some(sent.as_bytes()) && sent.as_bytes() == own.as_bytes() {
        Ok(())
    } else {
        Err(Error::forged("CSRF Failed: CSRF token incorrect."))
    }
}

/// The token that belongs to a session. The session is 256 random bits, so nobody who
/// does not have it can make its token, and the token does not give it away.
fn csrf_token(session: &str) -> String {
    let mut hash = Sha256::new();
    hash.update("csrf:");
    hash.update(session);
    hex::encode(hash.finalize())
}

/// The value of a cookie.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// A session in the making.
pub(crate) struct NewSession {
    /// For the database.
    pub(crate) hash: [u8; 32],
    /// For the database.
    pub(crate) expires: Timestamp,
    /// For the client.
    pub(crate) cookies: [HeaderValue; 2],
}

/// Makes a session.
pub(crate) fn generate(is_https: bool) -> NewSession {
    let session = hex::encode(rand::random::<[u8; 32]>());
    NewSession {
        hash: token::hash(&session),
        expires: Timestamp::now().plus(LIFETIME),
        cookies: cookies(&csrf_token(&session), &session, LIFETIME, is_https),
    }
}

/// Cookies that make a client forget its session.
pub(crate) fn farewell(is_https: bool) -> [HeaderValue; 2] {
    cookies("", "", Duration::ZERO, is_https)
}

fn cookies(csrf: &str, session: &str, age: Duration, is_https: bool) -> [HeaderValue; 2] {
    let secure = if is_https { "; Secure" } else { "" };
    let age = age.as_secs();
    let common = format!("Max-Age={age}; Path=/; SameSite=Lax{secure}");
    [
        format!("{CSRF}={csrf}; {common}"),
        format!("{SESSION}={session}; HttpOnly; {common}"),
    ]
    .map(|text| HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &str, csrf: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(cookies).unwrap());
        if let Some(csrf) = csrf {
            headers.insert(CSRF_HEADER, HeaderValue::from_str(csrf).unwrap());
        }
        headers
    }

    #[test]
    fn only_the_sessions_own_token_counts() {
        let own = csrf_token("s1");
        let with = |cookie: &str, sent: Option<&str>| {
            check_forgery(
                "s1",
                &headers(&format!("csrftoken={cookie}; sessionid=s1"), sent),
            )
        };
        assert!(with(&own, Some(&own)).is_ok());
        assert!(with(&own, None).is_err());
        assert!(with("other", Some(&own)).is_err());
        let planted = csrf_token("s2");
        assert!(with(&planted, Some(&planted)).is_err());
    }

    #[test]
    fn cookies_are_found_among_others() {
        let headers = headers("a=1; sessionid=abc;b=2", None);
        assert_eq!(cookie(&headers, SESSION), Some("abc"));
        assert_eq!(cookie(&headers, "c"), None);
    }

    #[test]
    fn the_sessions_cookie_is_hidden_from_scripts() {
        let session = generate(true);
        let text = session.cookies[1].to_str().unwrap();
        assert!(text.starts_with("sessionid="));
        for part in [
            "; HttpOnly",
            "; SameSite=Lax",
            "; Path=/",
            "; Secure",
            "; Max-Age=1209600",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert!(
            !generate(false).cookies[1]
                .to_str()
                .unwrap()
                .contains("Secure")
        );
    }
}

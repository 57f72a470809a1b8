//! A small repository that is shown only to who brings the right header.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::answer::{Answer, text};

/// Who may read `/protected/basic/`.
pub const PROTECTED_USER: &str = "upstream-user";
/// Their password. No answer of the server under test may contain it.
pub const PROTECTED_PASSWORD: &str = "upstream-secret-7f3a";
/// What opens `/protected/header/`: a name and a value.
pub const PROTECTED_HEADER: (&str, &str) = ("x-upstream-token", "let-me-in-91c2");

/// What opens `/held/for-token/`.
pub const TOKEN: &str = "token-5d0e";
/// What opens `/held/for-bearer/`.
pub const ACCESS_TOKEN: &str = "access-token-83bf";

/// The answer of the door of a held repository; `None` for most, which have none.
pub(crate) fn refusal_of_held(name: &str, headers: &HeaderMap) -> Option<Answer> {
    let expected = match name {
        "for-token" => format!("Token {TOKEN}"),
        "for-bearer" => format!("Bearer {ACCESS_TOKEN}"),
        _ => return None,
    };
    let given = headers.get(AUTHORIZATION);
    let is_open = given.is_some_and(|value| value.as_bytes() == expected.as_bytes());
    (!is_open).then(|| text(StatusCode::UNAUTHORIZED, "who are you?"))
}

/// The answer of a locked door; `None` when it is open.
pub(crate) fn refusal(how: &str, headers: &HeaderMap) -> Option<Answer> {
    match how {
        "basic" => {
            let pair = format!("{PROTECTED_USER}:{PROTECTED_PASSWORD}");
            let expected = format!("Basic {}", BASE64_STANDARD.encode(pair));
            if headers
                .get(AUTHORIZATION)
                .is_some_and(|value| value.as_bytes() == expected.as_bytes())
            {
                return None;
            }
            let mut refusal = text(StatusCode::UNAUTHORIZED, "who are you?");
            let challenge = HeaderValue::from_static("Basic realm=\"fixture\"");
            refusal.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            Some(refusal)
        }
        "header" => {
            let (name, expected) = PROTECTED_HEADER;
            let given = headers.get(name).is_some_and(|value| value == expected);
            (!given).then(|| text(StatusCode::FORBIDDEN, "a header is missing"))
        }
        _ => Some(text(StatusCode::NOT_FOUND, "protected by what?")),
    }
}

//! The answer of a plugin's route, in order: what a plugin may not say is left out, and
//! what the host says in its place has a form that clients of registries know.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{self, HeaderName, HeaderValue};
use pith_model::task::TaskError;
use pith_plugin::serve;
use serde_json::{Value, json};

use crate::error::{Error, Problem, Result};

/// The connection and the session are the host's, and so is what browsers hold against
/// the whole server.
const HOSTS: [HeaderName; 10] = [
    HeaderName::from_static("clear-site-data"),
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::DATE,
    header::SERVER,
    header::SET_COOKIE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::STRICT_TRANSPORT_SECURITY,
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
];

/// Most headers of one answer.
const MOST_HEADERS: usize = 50;

/// Makes an answer of a plugin's.
pub(super) fn response(answered: serve::Response, cookies: Vec<HeaderValue>) -> Result<Response> {
    let broken = |what: String| Error::internal(&format!("a plugin's route answered with {what}"));
    let status = StatusCode::from_u16(answered.status)
        .ok()
        .filter(|status| status.as_u16() >= 200)
        .ok_or_else(|| broken(format!("the status {}", answered.status)))?;
    if answered.headers.len() > MOST_HEADERS {
        return Err(broken(format!("{} headers", answered.headers.len())));
    }
    let mut response = Response::new(Body::from(answered.body));
    *response.status_mut() = status;
    for (name, value) in &answered.headers {
        let name = HeaderName::try_from(name.as_str());
        let value = HeaderValue::try_from(value.as_str());
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(broken("a header that is none".to_owned()));
        };
        if !HOSTS.contains(&name) {
            response.headers_mut().append(name, value);
        }
    }
    // A browser must not take what a plugin wrote for a page of this server, whose session it
    // may have.
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox",
        ),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// What the client is told of a call that did not end well.
pub(super) fn error(error: &TaskError) -> Error {
    let said = error.description.clone();
    match error.code.as_str() {
        "invalid" => Error::bad_request(said),
        "not-found" | "unsupported" => Error::absent(said),
        "denied" => Error::forbidden(),
        "conflict" => Error::conflict(said),
        "limit" => Error::exceeds(said),
        "unavailable" => Error::unavailable(said),
        _ => Error::internal(&said),
    }
}

/// A refusal of the host's in the form of JSON:API errors, with the sentence where others
/// look for it, too.
pub(super) fn refusal(refused: &Response) -> Response {
    let status = refused.status();
    let mut errors = Vec::new();
    let title = status.canonical_reason().unwrap_or("Error");
    let code = title.to_ascii_lowercase().replace(' ', "_");
    let mut note = |detail: &str, field: Option<&str>| {
        let mut error = json!({
            "status": status.as_str(), "code": code, "title": title, "detail": detail,
        });
        if let Some(field) = field {
            error["source"] = json!({"parameter": field});
        }
        errors.push(error);
    };
    let mut detail = title.to_owned();
    match refused.extensions().get::<Problem>() {
        Some(Problem::Detail { detail: said }) => {
            detail = said.to_string();
            note(&detail, None);
        }
        Some(Problem::Gate { detail: said, .. }) => {
            detail.clone_from(said);
            note(&detail, None);
        }
        Some(Problem::Fields(fields)) => {
            for (field, messages) in fields {
                for message in messages {
                    note(message, Some(field));
                }
            }
            let all = fields.values().flatten().map(String::as_str);
            detail = all.collect::<Vec<_>>().join(" ");
        }
        None => note(title, None),
    }
    let body: Value = json!({"errors": errors, "detail": detail});
    let mut response = (status, axum::Json(body)).into_response();
    for name in [header::WWW_AUTHENTICATE, header::RETRY_AFTER, header::ALLOW] {
        if let Some(value) = refused.headers().get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

//! The one error that a user reads: field errors as `{"field": ["…"]}`, all others as
//! `{"detail": "…"}`, both as Pulp's clients expect.
//!
//! How to use it: whatever a user can mend is made by a constructor that reads as words
//! (`Error::invalid("name", "…")`, `Error::not_found()`), and `?` turns the rest into an
//! answer that tells nothing of the database. What the database said goes to the log.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderValue};
use http::{Method, StatusCode};
use pith_plugin::{Gate, Refused};
use serde::Serialize;

/// The result of a request's handler.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Messages by field; `non_field_errors` for those about several.
pub(crate) type FieldErrors = BTreeMap<String, Vec<String>>;

/// Where messages about several fields go.
pub(crate) const NON_FIELD: &str = "non_field_errors";

/// An answer other than the one that was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Error {
    status: StatusCode,
    problem: Problem,
    challenge: bool,
    retry_after: Option<u32>,
}

/// What the answer says.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Problem {
    /// One sentence.
    Detail {
        /// The sentence.
        detail: Cow<'static, str>,
    },
    /// A component that a gate refused.
    Gate {
        /// The gate, in one word.
        gate: &'static str,
        /// Why, in a sentence.
        detail: String,
    },
    /// Sentences by field.
    Fields(FieldErrors),
}

impl Error {
    fn detail(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            problem: Problem::Detail {
                detail: detail.into(),
            },
            challenge: false,
            retry_after: None,
        }
    }

    /// An answer that somebody else chose, in our form.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let reason = status
            .canonical_reason()
            .unwrap_or("The request cannot be answered");
        Self::detail(status, format!("{reason}."))
    }

    /// 400 with messages by field.
    pub(crate) fn fields(errors: FieldErrors) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            problem: Problem::Fields(errors),
            challenge: false,
            retry_after: None,
        }
    }

    /// Whether the client can mend it.
    pub(crate) fn is_clients(&self) -> bool {
        self.status.is_client_error()
    }

    /// Whether the client can mend it by sending something else.
    pub(crate) fn is_mendable(&self) -> bool {
        self.is_clients() && self.status != StatusCode::FORBIDDEN
    }

    /// The messages by field; those of an error about no field stand for the whole.
    pub(crate) fn field_errors(&self) -> FieldErrors {
        match &self.problem {
            Problem::Fields(errors) => errors.clone(),
            Problem::Detail { detail } => {
                FieldErrors::from([(NON_FIELD.to_owned(), vec![detail.to_string()])])
            }
            Problem::Gate { detail, .. } => {
                FieldErrors::from([(NON_FIELD.to_owned(), vec![detail.clone()])])
            }
        }
    }

    /// 400 about one field.
    pub(crate) fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::fields(FieldErrors::from([(field.into(), vec![message.into()])]))
    }

    /// 400 about several fields at once, or about none.
    pub(crate) fn invalid_together(message: impl Into<String>) -> Self {
        Self::invalid(NON_FIELD, message)
    }

    /// 400 about the request itself.
    pub(crate) fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::detail(StatusCode::BAD_REQUEST, detail)
    }

    /// 400 for a value that another row has already.
    pub(crate) fn must_be_unique(field: impl Into<String>) -> Self {
        Self::invalid(field, "This field must be unique.")
    }

    /// 401: nobody said who asks.
    pub(crate) fn unauthenticated() -> Self {
        Self::challenge("Authentication credentials were not provided.")
    }

    /// 401: what was said of who asks is not so.
    pub(crate) fn wrong_password() -> Self {
        Self::challenge("Invalid username/password.")
    }

    /// 401: no user has this token.
    pub(crate) fn wrong_token() -> Self {
        Self::challenge("Invalid token.")
    }

    fn challenge(detail: &'static str) -> Self {
        Self {
            challenge: true,
            ..Self::detail(StatusCode::UNAUTHORIZED, detail)
        }
    }

    /// 403: whoever asks is known and may not.
    pub(crate) fn forbidden() -> Self {
        Self::detail(
            StatusCode::FORBIDDEN,
            "You do not have permission to perform this action.",
        )
    }

    /// 403 for everybody.
    pub(crate) fn denied(detail: &'static str) -> Self {
        Self::detail(StatusCode::FORBIDDEN, detail)
    }

    /// 403: a browser's session without proof that the page meant it.
    pub(crate) fn forged(why: &'static str) -> Self {
        Self::detail(StatusCode::FORBIDDEN, why)
    }

    /// 404.
    pub(crate) fn not_found() -> Self {
        Self::detail(StatusCode::NOT_FOUND, "Not found.")
    }

    /// 404 for what may have been there.
    pub(crate) fn absent(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::detail(StatusCode::NOT_FOUND, detail)
    }

    /// 405.
    pub(crate) fn method_not_allowed(method: &Method) -> Self {
        Self::detail(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("Method \"{method}\" not allowed."),
        )
    }

    /// 409: what is asked does not fit how things stand.
    pub(crate) fn conflict(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::detail(StatusCode::CONFLICT, detail)
    }

    /// 408: the client stopped sending in the middle.
    pub(crate) fn too_slow() -> Self {
        Self::detail(
            StatusCode::REQUEST_TIMEOUT,
            "The request's body did not arrive in time.",
        )
    }

    /// 413.
    pub(crate) fn too_large(limit: usize) -> Self {
        Self::detail(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "The request's body is larger than the {} MiB that are accepted here.",
                limit >> 20
            ),
        )
    }

    /// 413 for what has a bound of its own.
    pub(crate) fn exceeds(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::detail(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    /// 415 for a body that is to be stored as it is.
    pub(crate) fn unsupported_encoding(encoding: &str) -> Self {
        Self::detail(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!(
                "The Content-Encoding \"{encoding}\" is not supported: send the bytes as they are."
            ),
        )
    }

    /// 4xx: a component did not become a plugin.
    fn refused(refused: &Refused) -> Self {
        let status = match refused.gate {
            Gate::Size => StatusCode::PAYLOAD_TOO_LARGE,
            Gate::Compatibility => StatusCode::CONFLICT,
            _ => StatusCode::BAD_REQUEST,
        };
        Self {
            problem: Problem::Gate {
                gate: refused.gate.as_str(),
                detail: refused.to_string(),
            },
            ..Self::of_status(status)
        }
    }

    /// 415.
    pub(crate) fn unsupported_media_type(media_type: &str) -> Self {
        Self::detail(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("Unsupported media type \"{media_type}\" in request."),
        )
    }

    /// 429: later it will do.
    pub(crate) fn too_many_logins() -> Self {
        Self {
            retry_after: Some(1),
            ..Self::detail(
                StatusCode::TOO_MANY_REQUESTS,
                "Too many passwords are being checked right now; try again in a moment.",
            )
        }
    }

    /// 429: when something else has ended.
    pub(crate) fn too_many(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::detail(StatusCode::TOO_MANY_REQUESTS, detail)
    }

    /// 503: later it may do.
    pub(crate) fn unavailable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            retry_after: Some(1),
            ..Self::detail(StatusCode::SERVICE_UNAVAILABLE, detail)
        }
    }

    /// 507: the disk is full.
    fn out_of_space() -> Self {
        Self::detail(
            StatusCode::INSUFFICIENT_STORAGE,
            "The server's disk is full: free some space and try again.",
        )
    }

    /// 500. The cause goes to the log, not to the client.
    pub(crate) fn internal(cause: &(dyn std::fmt::Display + '_)) -> Self {
        tracing::error!(error = %cause, "a request failed: {cause}");
        Self::detail(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The server failed to do this; its log says why.",
        )
    }
}

/// Columns whose uniqueness a user can mend; one that ends like another comes before it.
const UNIQUE_FIELDS: [&str; 3] = ["username", "base_path", "name"];

impl From<pith_db::Error> for Error {
    fn from(error: pith_db::Error) -> Self {
        use pith_db::Error as Database;
        match &error {
            Database::Unique(constraint) => {
                // `repository.name` on SQLite, `repository_name_key` on PostgreSQL.
                let text = constraint.0.trim_end_matches("_key");
                match UNIQUE_FIELDS.iter().find(|field| text.ends_with(*field)) {
                    Some(field) => Self::must_be_unique(*field),
                    None => Self::internal(&error),
                }
            }
            Database::Related => Self::conflict(
                "Something that this refers to is gone, or something still refers to it.",
            ),
            Database::Incompatible(why) => Self::conflict(why.clone()),
            Database::Serialization => {
                Self::unavailable("Another request changed the same things; try again.")
            }
            Database::Pattern => {
                Self::bad_request("The database does not understand this regular expression.")
            }
            Database::TooSlow(fields) => {
                let seconds = pith_db::list::BUDGET.as_secs();
                let message = format!(
                    "No index answers this, and it took longer than {seconds} seconds. \
                     Add a filter that an index answers, or ask for less."
                );
                Self::fields(
                    fields
                        .iter()
                        .map(|field| (field.clone(), vec![message.clone()]))
                        .collect(),
                )
            }
            Database::Closed => Self::unavailable("The server stops."),
            Database::TimedOut => {
                tracing::error!(%error, "a request failed: {error}");
                Self::unavailable("The database took too long.")
            }
            Database::Other(_) | Database::Unexpected(_) => Self::internal(&error),
        }
    }
}

impl From<pith_plugin::components::Error> for Error {
    fn from(error: pith_plugin::components::Error) -> Self {
        use pith_plugin::components::Error as Components;
        match error {
            Components::Refused(refused) => Self::refused(&refused),
            Components::NotFound(_) => Self::not_found(),
            Components::Conflict(why) => Self::conflict(why),
            Components::Limits(why) => Self::invalid("limits", why),
            Components::Database(error) => error.into(),
        }
    }
}

impl From<pith_storage::Error> for Error {
    fn from(error: pith_storage::Error) -> Self {
        match error {
            pith_storage::Error::Full => Self::out_of_space(),
            other => Self::internal(&other),
        }
    }
}

impl From<pith_content::Error> for Error {
    fn from(error: pith_content::Error) -> Self {
        use pith_content::Code;
        match error.code {
            Code::Invalid => Self::bad_request(error.message),
            Code::NotFound => Self::not_found(),
            Code::Conflict => Self::conflict(error.message),
            Code::Unavailable => Self::unavailable(error.message),
            _ => Self::internal(&error),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(&self.problem)).into_response();
        if self.challenge {
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"api\""),
            );
        }
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self.problem);
        response
    }
}

/// Whether an answer is JSON that this server chose: a path that is no UTF-8 is refused
/// by the router, in plain text.
pub(crate) fn is_ours(response: &Response) -> bool {
    response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"))
}

/// The media type of the standard way to say what is wrong.
const PROBLEM_JSON: &str = "application/problem+json";

/// Whether a client asks for errors in the standard way.
pub(crate) fn wants_problem_json(accept: Option<&HeaderValue>) -> bool {
    accept
        .and_then(|value| value.to_str().ok())
        .is_some_and(|text| text.contains(PROBLEM_JSON))
}

/// The same answer as `application/problem+json` (RFC 9457).
pub(crate) fn as_problem_json(response: Response) -> Response {
    let Some(problem) = response.extensions().get::<Problem>().cloned() else {
        return response;
    };
    let status = response.status();
    let (mut parts, _) = response.into_parts();
    let title = status.canonical_reason().unwrap_or("Error");
    let mut document = serde_json::json!({
        "type": "about:blank", "title": title, "status": status.as_u16(),
    });
    match problem {
        Problem::Detail { detail } => document["detail"] = detail.into(),
        Problem::Gate { gate, detail } => {
            document["gate"] = gate.into();
            document["detail"] = detail.into();
        }
        Problem::Fields(errors) => {
            document["detail"] = "Some fields of the request are wrong.".into();
            document["errors"] = serde_json::json!(errors);
        }
    }
    let body = document.to_string();
    parts
        .headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    Response::from_parts(parts, body.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_name_is_a_field_error_on_both_databases() {
        for (constraint, field) in [
            ("repository.name", "name"),
            ("repository_name_key", "name"),
            ("app_user_username_key", "username"),
        ] {
            let error = pith_db::Error::Unique(pith_db::error::Constraint(constraint.into()));
            let error = Error::from(error);
            assert_eq!(error.status, StatusCode::BAD_REQUEST);
            let text = serde_json::to_string(&error.problem).unwrap();
            assert_eq!(
                text,
                format!(r#"{{"{field}":["This field must be unique."]}}"#)
            );
        }
    }

    #[test]
    fn the_databases_words_stay_inside() {
        let error = Error::from(pith_db::Error::Unexpected("secret_table is odd".into()));
        let text = serde_json::to_string(&error.problem).unwrap();
        assert!(!text.contains("secret_table"));
        assert_eq!(error.status, StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn problem_json_keeps_the_status_and_the_fields() {
        let response = Error::invalid("name", "No.").into_response();
        let response = as_problem_json(response);
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(response.headers()[header::CONTENT_TYPE], PROBLEM_JSON);
    }
}

//! Failures of requests in words that name the URL, and whether to try again.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use url::Url;

use crate::error::Error;
use crate::fetch::without_credentials;

/// A failed attempt.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    /// Whether another attempt may fare better.
    pub(super) transient: bool,
    /// When the upstream asked for the next attempt.
    pub(super) after: Option<Duration>,
}

impl Failure {
    pub(super) fn final_(error: Error) -> Self {
        Self {
            error,
            transient: false,
            after: None,
        }
    }

    /// The upstream answered with a status that is no success.
    pub(super) fn status(
        method: &str,
        url: &Url,
        status: StatusCode,
        headers: &HeaderMap,
        is_index: bool,
    ) -> Self {
        let url = without_credentials(url);
        let reason = status.canonical_reason().unwrap_or("unknown status");
        let message = format!(
            "{method} {url}: the upstream answered {} {reason}",
            status.as_u16()
        );
        let transient = matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504);
        let after = headers
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let error = match status.as_u16() {
            // A plugin may do without a document; content is promised.
            404 | 410 if is_index => Error::not_found(message),
            401 | 403 if is_index => Error::denied(message),
            _ => Error::upstream(message),
        };
        Self {
            error,
            transient,
            after,
        }
    }

    /// No answer came, or it broke off.
    pub(super) fn transport(method: &str, url: &Url, error: &reqwest::Error) -> Self {
        let url = without_credentials(url);
        let cause = innermost(error);
        if error.is_redirect() {
            return Self::final_(Error::upstream(format!("{method} {url}: {cause}")));
        }
        if error.is_builder() {
            return Self::final_(Error::invalid(format!("{method} {url}: {cause}")));
        }
        let what = if error.is_timeout() {
            "the upstream was too slow".to_owned()
        } else if error.is_connect() {
            format!("no connection to the upstream: {cause}")
        } else if error.is_body() || error.is_decode() {
            format!("the answer broke off: {cause}")
        } else {
            cause
        };
        let denied = what.contains("may not be asked");
        let message = format!("{method} {url}: {what}");
        Self {
            error: if denied {
                Error::denied(message)
            } else {
                Error::unavailable(message)
            },
            transient: !denied,
            after: None,
        }
    }
}

/// The cause that says most.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

//! What every API request gets, whatever it asks: a name in the log, an answer even if
//! the code panics, errors in the form the client wants, and an answer to `OPTIONS`.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures::FutureExt as _;
use http::header::{self, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use pith_model::Root;
use tower::ServiceExt as _;
use tracing::Instrument as _;

use crate::app::App;
use crate::context::CorrelationId;
use crate::error::{Error, as_problem_json, is_ours, wants_problem_json};
use crate::options;
use crate::unread::Unread;

/// Carries the name in the log.
const CORRELATION_ID: HeaderName = HeaderName::from_static("correlation-id");

/// A read that takes longer is worth a line in the log.
const SLOW: Duration = Duration::from_secs(1);

/// Answers a request to the API; its path is below the root already.
pub(crate) async fn answer(
    app: &App,
    api: axum::Router,
    root: Root,
    mut request: Request,
) -> Response {
    let method = request.method().clone();
    let below = request.uri().path().to_owned();
    let path = format!("{}{below}", root.path().trim_end_matches('/'));
    request.extensions_mut().insert(root);
    around(path, request, async |request| {
        let mut response = match api.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        if response.status() == StatusCode::METHOD_NOT_ALLOWED {
            let allow = response.headers().get(header::ALLOW).cloned();
            response = refuse_method(app, root, &method, &below, allow);
        }
        response
    })
    .await
}

/// Puts what every answer has around one; `path` is for the log.
pub(crate) async fn around(
    path: String,
    mut request: Request,
    answer: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let begun = Instant::now();
    let correlation_id = CorrelationId::of(request.headers().get(CORRELATION_ID));
    let method = request.method().clone();
    let accept = request.headers().get(header::ACCEPT).cloned();
    request.extensions_mut().insert(correlation_id.clone());
    let unread = Unread::lend(&mut request);

    let span = tracing::info_span!(
        "request", %method, path, correlation_id = &*correlation_id.0
    );
    let answering = AssertUnwindSafe(answer(request))
        .catch_unwind()
        .instrument(span);
    let mut response = match answering.await {
        Ok(response) => response,
        Err(panic) => Error::internal(&words_of(panic.as_ref())).into_response(),
    };
    if let Some(unread) = unread {
        unread.discard();
    }
    if response.status().as_u16() >= 400 {
        if !is_ours(&response) {
            response = Error::of_status(response.status()).into_response();
        }
        if wants_problem_json(accept.as_ref()) {
            response = as_problem_json(response);
        }
    }
    if let Ok(value) = HeaderValue::from_str(&correlation_id.0) {
        response.headers_mut().insert(CORRELATION_ID, value);
    }
    log(
        &method,
        &path,
        &correlation_id,
        response.status(),
        begun.elapsed(),
    );
    response
}

/// The router knows which methods there are; `OPTIONS` asks for just that.
fn refuse_method(
    app: &App,
    root: Root,
    method: &Method,
    path: &str,
    allow: Option<HeaderValue>,
) -> Response {
    let mut answer = if method == Method::OPTIONS {
        options::describe(app, root, path, allow.as_ref())
    } else {
        Error::method_not_allowed(method).into_response()
    };
    if let Some(allow) = allow {
        answer.headers_mut().insert(header::ALLOW, allow);
    }
    answer
}

/// What a panic said.
fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic
        .downcast_ref::<&str>()
        .map(|words| (*words).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    format!(
        "panic: {}",
        words.unwrap_or_else(|| "without words".to_owned())
    )
}

/// One line for whatever changes something, fails, or takes long. Plain reads come by
/// the thousand and are told at `debug`.
fn log(
    method: &Method,
    path: &str,
    correlation_id: &CorrelationId,
    status: StatusCode,
    took: Duration,
) {
    let correlation_id = &*correlation_id.0;
    let (code, ms) = (status.as_u16(), took.as_millis());
    if status.is_server_error() {
        tracing::warn!(%method, path, code, ms, correlation_id,
            "{method} {path} answered {code} in {ms} ms ({correlation_id})");
    } else if !method.is_safe() || took > SLOW {
        tracing::info!(%method, path, code, ms, correlation_id,
            "{method} {path} answered {code} in {ms} ms ({correlation_id})");
    } else {
        tracing::debug!(%method, path, code, ms, correlation_id,
            "{method} {path} answered {code} in {ms} ms ({correlation_id})");
    }
}

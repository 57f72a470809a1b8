//! `POST components/`: loads a component, or reloads one.

use axum::extract::{RawQuery, Request};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{self, HeaderValue};
use pith_plugin::components::too_large;

use super::shape;
use crate::body::{self, media_type};
use crate::context::Context;
use crate::document;
use crate::error::{Error, Result};
use crate::query::Query;

/// What a component is sent as.
pub(super) const WASM: &str = "application/wasm";

/// Takes the component in the body through the gates and into service. `?digest=sha256:…`
/// says what it must be.
pub(super) async fn load(
    context: Context,
    RawQuery(text): RawQuery,
    request: Request,
) -> Result<Response> {
    let expected = expected_digest(text.as_deref(), &context)?;
    let sent_as = media_type(&request);
    if sent_as != WASM {
        return Err(Error::unsupported_media_type(&sent_as));
    }
    let components = context.app.components.clone();
    let most = components.largest();
    let limit = usize::try_from(most).unwrap_or(usize::MAX);
    let bytes = body::collect_up_to(request.into_body(), limit)
        .await?
        .ok_or_else(|| too_large(most))?;
    // A client that goes away does not stop half of it.
    let loading = tokio::spawn(async move { components.load(bytes, expected.as_deref()).await });
    let (shown, is_new) = loading.await.map_err(|error| Error::internal(&error))??;
    let mut response = document::object(None, |object| {
        shape::write(object, &shown, context.root);
    });
    if is_new {
        *response.status_mut() = StatusCode::CREATED;
    }
    let location = format!("{}components/{}/", context.root.path(), shown.name);
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response.into_response())
}

/// The SHA-256 that a client announces, in hexadecimal.
fn expected_digest(text: Option<&str>, context: &Context) -> Result<Option<String>> {
    let mut query = Query::parse(text)?;
    let digest = query.take("digest");
    query.select(&[], context.app.database.dialect())?;
    let Some(digest) = digest else {
        return Ok(None);
    };
    let hex = digest.strip_prefix("sha256:").unwrap_or(&digest);
    if hex.len() == 64 && hex.bytes().all(|c| c.is_ascii_hexdigit()) {
        return Ok(Some(hex.to_owned()));
    }
    Err(Error::invalid(
        "digest",
        "Expected sha256: and 64 hexadecimal digits.",
    ))
}

//! `DELETE components/<name>/`: out of service for good.

use axum::extract::Path;
use http::StatusCode;

use crate::context::Context;
use crate::error::{Error, Result};

/// Removes a component that was loaded by request.
pub(super) async fn delete(context: Context, Path(name): Path<String>) -> Result<StatusCode> {
    let components = context.app.components.clone();
    let deleting = tokio::spawn(async move { components.delete(&name).await });
    deleting.await.map_err(|error| Error::internal(&error))??;
    Ok(StatusCode::NO_CONTENT)
}

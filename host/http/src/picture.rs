//! Answers with pictures: what nobody takes for a page of this server.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, header};
use pith_storage::{Reader, Sha256Digest};

use crate::error::{Error, Result};

/// In bytes; it is read into memory.
pub(crate) const LARGEST: i64 = 10 << 20;

/// A stored picture of this media type.
pub(crate) async fn answer(
    file: &dyn Reader,
    digest: &Sha256Digest,
    media_type: &str,
) -> Result<Response> {
    let length = usize::try_from(file.length()).map_err(|error| Error::internal(&error))?;
    let bytes = file.read_at(0, length).await?;
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    let media_type = HeaderValue::from_str(media_type);
    headers.insert(
        header::CONTENT_TYPE,
        media_type.map_err(|error| Error::internal(&error))?,
    );
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox",
        ),
        (header::CACHE_CONTROL, "private, no-cache"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let etag = HeaderValue::from_str(&format!("\"{digest}\""));
    headers.insert(header::ETAG, etag.map_err(|error| Error::internal(&error))?);
    Ok(response)
}

//! The fields of a request's body: JSON, a form, or a multipart form without files.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Multipart, Request};
use bytes::{Bytes, BytesMut};
use http::header;
use http_body_util::BodyExt as _;
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// The largest body of an ordinary request.
pub(crate) const LIMIT: usize = 16 << 20;

/// The largest body where units are listed: 100,000 hrefs of 80 bytes fit thrice.
pub(crate) const LIMIT_OF_UNITS: usize = 32 << 20;

/// How long a client may say nothing in the middle of a body.
pub(crate) const SILENCE: Duration = Duration::from_mins(1);

/// What a body said, field by field.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fields {
    /// By name.
    pub(crate) map: Map<String, Value>,
    /// Whether all values are texts, because they came in a form.
    pub(crate) textual: bool,
}

impl Fields {
    /// Null characters have no place in texts, and PostgreSQL cannot keep them.
    pub(crate) fn refuse_null_characters(&self) -> Result<()> {
        for (name, value) in &self.map {
            if name.contains('\0') || has_null_character(value) {
                let name = name.replace('\0', "");
                return Err(Error::invalid(name, "Null characters are not allowed."));
            }
        }
        Ok(())
    }
}

fn has_null_character(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(list) => list.iter().any(has_null_character),
        Value::Object(map) => map
            .iter()
            .any(|(name, value)| name.contains('\0') || has_null_character(value)),
        _ => false,
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Error;

    async fn from_request(request: Request, _state: &S) -> Result<Self> {
        read(request, LIMIT).await
    }
}

/// The media type of a request, without its parameters.
pub(crate) fn media_type(request: &Request) -> String {
    let value = request.headers().get(header::CONTENT_TYPE);
    let text = value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    text.split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// Reads the fields of a body of at most `limit` bytes.
pub(crate) async fn read(request: Request, limit: usize) -> Result<Fields> {
    let fields = read_any(request, limit).await?;
    fields.refuse_null_characters()?;
    Ok(fields)
}

async fn read_any(request: Request, limit: usize) -> Result<Fields> {
    match media_type(&request).as_str() {
        "multipart/form-data" => read_multipart(request).await,
        "application/x-www-form-urlencoded" => {
            let bytes = collect(request.into_body(), limit).await?;
            let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(&bytes)
                .map_err(|_| Error::bad_request("The form in the request's body is damaged."))?;
            let map = pairs
                .into_iter()
                .map(|(name, value)| (name, value.into()))
                .collect();
            Ok(Fields { map, textual: true })
        }
        "" | "application/json" => {
            let bytes = collect(request.into_body(), limit).await?;
            Ok(Fields {
                map: parse_json(&bytes)?,
                textual: false,
            })
        }
        other => {
            let other = other.to_owned();
            // A request without a body may name any type for it.
            if collect(request.into_body(), limit).await?.is_empty() {
                Ok(Fields::default())
            } else {
                Err(Error::unsupported_media_type(&other))
            }
        }
    }
}

/// Reads a body as a JSON value; a form becomes an object of texts.
pub(crate) async fn read_value(request: Request, limit: usize) -> Result<Value> {
    if !matches!(media_type(&request).as_str(), "" | "application/json") {
        return Ok(Value::Object(read(request, limit).await?.map));
    }
    let bytes = collect(request.into_body(), limit).await?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(Map::new()));
    }
    let value: Value = serde_json::from_slice(&bytes)
        .map_err(|error| Error::bad_request(format!("JSON parse error - {error}")))?;
    if has_null_character(&value) {
        return Err(Error::bad_request("Null characters are not allowed."));
    }
    Ok(value)
}

fn parse_json(bytes: &[u8]) -> Result<Map<String, Value>> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(other) => Err(Error::invalid_together(format!(
            "Invalid data. Expected an object, but got {}.",
            kind_of(&other)
        ))),
        Err(error) => Err(Error::bad_request(format!("JSON parse error - {error}"))),
    }
}

/// What a value is, for people.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

async fn read_multipart(request: Request) -> Result<Fields> {
    let mut multipart = Multipart::from_request(request, &())
        .await
        .map_err(|error| damaged_form(&error))?;
    let mut fields = Fields {
        textual: true,
        ..Fields::default()
    };
    let mut left = LIMIT;
    while let Some(field) = next_field(&mut multipart).await? {
        let name = field.name().unwrap_or_default().to_owned();
        if field.file_name().is_some() {
            return Err(Error::invalid(name, "No file was expected here."));
        }
        let text = read_text(field, &mut left).await?;
        fields.map.insert(name, text.into());
    }
    Ok(fields)
}

/// The next part of a multipart form.
pub(crate) async fn next_field(
    multipart: &mut Multipart,
) -> Result<Option<axum::extract::multipart::Field<'_>>> {
    match tokio::time::timeout(SILENCE, multipart.next_field()).await {
        Ok(next) => next.map_err(|error| damaged_form(&error)),
        Err(_) => Err(Error::too_slow()),
    }
}

/// The next bytes of a part.
pub(crate) async fn next_chunk(
    field: &mut axum::extract::multipart::Field<'_>,
) -> Result<Option<Bytes>> {
    match tokio::time::timeout(SILENCE, field.chunk()).await {
        Ok(next) => next.map_err(|error| damaged_form(&error)),
        Err(_) => Err(Error::too_slow()),
    }
}

/// A part as text; `left` is how much all texts of the form may still have.
pub(crate) async fn read_text(
    mut field: axum::extract::multipart::Field<'_>,
    left: &mut usize,
) -> Result<String> {
    let name = field.name().unwrap_or_default().to_owned();
    let mut bytes = BytesMut::new();
    while let Some(chunk) = next_chunk(&mut field).await? {
        *left = left
            .checked_sub(chunk.len())
            .ok_or_else(|| Error::too_large(LIMIT))?;
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes.into()).map_err(|_| Error::invalid(name, "Not a valid string."))
}

pub(crate) fn damaged_form(error: &dyn std::fmt::Display) -> Error {
    tracing::debug!(%error, "a multipart form is damaged: {error}");
    Error::bad_request("The multipart form in the request's body is damaged or ends too early.")
}

/// Collects a body that may not be larger than `limit`.
async fn collect(body: Body, limit: usize) -> Result<Bytes> {
    collect_up_to(body, limit)
        .await?
        .ok_or_else(|| Error::too_large(limit))
}

/// Collects a body; `None` as soon as it is larger than `limit`.
pub(crate) async fn collect_up_to(mut body: Body, limit: usize) -> Result<Option<Bytes>> {
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    loop {
        let frame = match tokio::time::timeout(SILENCE, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => {
                return Err(Error::bad_request("The request's body ended too early."));
            }
            Ok(None) => break,
            Err(_) => return Err(Error::too_slow()),
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let have = first.as_ref().map_or(0, Bytes::len) + rest.len();
        if have + data.len() > limit {
            return Ok(None);
        }
        // Most bodies are one frame, and are not copied.
        match first.take() {
            None if rest.is_empty() => first = Some(data),
            None => rest.extend_from_slice(&data),
            Some(only) => {
                rest.extend_from_slice(&only);
                rest.extend_from_slice(&data);
            }
        }
    }
    Ok(Some(first.unwrap_or_else(|| rest.freeze())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(media_type: &str, body: &str) -> Request {
        Request::builder()
            .header(header::CONTENT_TYPE, media_type)
            .body(Body::from(body.to_owned()))
            .unwrap()
    }

    #[tokio::test]
    async fn json_and_forms_are_read() {
        let fields = read(
            request("application/json; charset=utf-8", r#"{"a": 1}"#),
            LIMIT,
        )
        .await;
        assert_eq!(Value::Object(fields.unwrap().map), json!({"a": 1}));
        let form = request("application/x-www-form-urlencoded", "a=1&b=x%20y");
        let fields = read(form, LIMIT).await.unwrap();
        assert_eq!(Value::Object(fields.map), json!({"a": "1", "b": "x y"}));
        assert!(fields.textual);
        let multipart = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n";
        let fields = read(request("multipart/form-data; boundary=x", multipart), LIMIT).await;
        assert_eq!(Value::Object(fields.unwrap().map), json!({"a": "1"}));
        assert_eq!(
            read(request("", ""), LIMIT).await.unwrap(),
            Fields::default()
        );
    }

    #[tokio::test]
    async fn what_is_no_object_or_too_large_is_refused() {
        assert!(
            read(request("application/json", "[1]"), LIMIT)
                .await
                .is_err()
        );
        assert!(read(request("application/json", "{"), LIMIT).await.is_err());
        assert!(read(request("text/plain", "hello"), LIMIT).await.is_err());
        assert!(
            read(request("application/json", r#"{"a": 1}"#), 4)
                .await
                .is_err()
        );
        assert!(
            read(request("application/json", r#"{"a": ["\u0000"]}"#), LIMIT)
                .await
                .is_err()
        );
    }
}

//! An answer, as far as it came.

use std::fmt::{self, Display, Formatter};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::failure::excerpt;

/// Status, headers and body of an answer.
#[derive(Debug)]
pub struct Reply {
    request: String,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    /// Why the body ended early, if it did.
    cut_off: Option<String>,
}

impl Reply {
    /// Reads an answer to its end, which may be a broken connection.
    pub(crate) async fn read(request: String, response: reqwest::Response) -> Self {
        let status = response.status();
        let headers = response.headers().clone();
        let mut body = Vec::new();
        let mut cut_off = None;
        let mut stream = response.bytes_stream();
        while let Some(piece) = stream.next().await {
            match piece {
                Ok(bytes) => body.extend_from_slice(&bytes),
                Err(error) => {
                    cut_off = Some(format!("{error:?}"));
                    break;
                }
            }
        }
        Self {
            request,
            status,
            headers,
            body: body.into(),
            cut_off,
        }
    }

    /// The status as a number.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// A header as text; empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// What came of the body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether the connection broke before the body's end.
    pub fn is_cut_off(&self) -> bool {
        self.cut_off.is_some()
    }

    /// Whether a client would take this for a good answer.
    pub fn is_clean_success(&self) -> bool {
        self.status.is_success() && !self.is_cut_off()
    }

    /// The document of an answer with this status.
    pub fn json(&self, status: u16) -> Result<Value> {
        if self.status() != status || self.is_cut_off() {
            bail!("{status} was expected: {self}");
        }
        serde_json::from_slice(&self.body).with_context(|| format!("not JSON: {self}"))
    }

    /// The same for the usual 200.
    pub fn ok(&self) -> Result<Value> {
        self.json(200)
    }

    /// The whole body of an answer with status 200.
    pub fn bytes(&self) -> Result<&Bytes> {
        if self.status() != 200 || self.is_cut_off() {
            bail!("200 was expected: {self}");
        }
        Ok(&self.body)
    }

    /// The messages about a field in a 400.
    pub fn errors_of(&self, field: &str) -> Result<Vec<String>> {
        let document = self.json(400)?;
        let messages = document[field]
            .as_array()
            .with_context(|| format!("nothing is said about {field}: {self}"))?;
        Ok(messages
            .iter()
            .map(|message| text(message).to_owned())
            .collect())
    }
}

impl Display for Reply {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} answered {}", self.request, self.status)?;
        if let Some(reason) = &self.cut_off {
            write!(formatter, ", cut off ({reason})")?;
        }
        write!(formatter, ": {}", excerpt(&self.text()))
    }
}

/// The text of a JSON value; empty when it is none.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The `pulp_href` of a resource.
///
/// # Panics
/// If the resource has none.
pub fn href(resource: &Value) -> String {
    let href = text(&resource["pulp_href"]);
    assert!(!href.is_empty(), "a resource without pulp_href: {resource}");
    href.to_owned()
}

//! The server as a client sees it: requests, and what went wrong in words.

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use reqwest::{Body, Method, RequestBuilder, Response, StatusCode, Url};
use serde_json::Value;

use super::login::{Credential, Settled};

/// The root of the API that is used.
const ROOT: &str = "/pulp/api/v3/";

/// How long an answer may take to begin. Loading a large plugin takes the longest.
const PATIENCE: Duration = Duration::from_mins(10);

/// How many rows a page has.
const PAGE: usize = 100;

/// A server.
#[derive(Clone, Debug)]
pub(super) struct Server {
    client: reqwest::Client,
    base: Url,
    credential: Credential,
}

impl Server {
    /// Does not ask it anything yet.
    pub(super) fn connect(settled: &Settled) -> anyhow::Result<Self> {
        let base = Url::parse(&settled.url)
            .with_context(|| format!("{:?} is no address of a server", settled.url))?;
        if !matches!(base.scheme(), "http" | "https") {
            bail!("the server's address must begin with http:// or https://");
        }
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(PATIENCE)
            .user_agent(concat!("pith/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("the client cannot be set up")?;
        Ok(Self {
            client,
            base,
            credential: settled.credential()?,
        })
    }

    /// Its address, for people and notes.
    pub(super) fn address(&self) -> String {
        self.base.to_string()
    }

    /// A request; paths are hrefs, or below the root of the API.
    pub(super) fn request(&self, method: Method, path: &str) -> anyhow::Result<RequestBuilder> {
        let below = path.strip_prefix('/').is_none();
        let path = if below {
            format!("{ROOT}{path}")
        } else {
            path.to_owned()
        };
        let url = self
            .base
            .join(&path)
            .with_context(|| format!("{path:?} is no path"))?;
        let request = self.client.request(method, url);
        Ok(match &self.credential {
            Credential::Nobody => request,
            Credential::Password { username, password } => {
                request.basic_auth(username, Some(password))
            }
            Credential::Token(token) => request.bearer_auth(token),
        })
    }

    /// Sends a request and reads the answer, whatever it is.
    pub(super) async fn send(&self, request: RequestBuilder) -> anyhow::Result<Answer> {
        let response = request.send().await.map_err(|error| self.explain(&error))?;
        Answer::read(response).await
    }

    fn explain(&self, error: &reqwest::Error) -> anyhow::Error {
        let host = self.base.as_str().trim_end_matches('/');
        if error.is_connect() {
            let mut cause: &dyn std::error::Error = error;
            while let Some(next) = cause.source() {
                cause = next;
            }
            return anyhow!(
                "no server answers at {host} ({cause}); is it running? --url or PITH_URL names another"
            );
        }
        if error.is_timeout() {
            return anyhow!("the server at {host} took too long to answer");
        }
        anyhow!("the connection to {host} broke off: {error}")
    }

    /// GET.
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let request = self.request(Method::GET, path)?;
        self.send(request).await?.success()
    }

    /// GET with parameters.
    pub(super) async fn get_with(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> anyhow::Result<Value> {
        let mut url = Url::parse("http://any/")?;
        url.query_pairs_mut().extend_pairs(parameters);
        let query = url.query().unwrap_or_default();
        self.get(&format!("{path}?{query}")).await
    }

    /// Rows of a list, at most `limit`, and how many there are.
    pub(super) async fn list(
        &self,
        path: &str,
        filters: &[(String, String)],
        limit: usize,
    ) -> anyhow::Result<(Vec<Value>, u64)> {
        let mut rows = Vec::new();
        loop {
            let (page, offset) = (PAGE.min(limit - rows.len()), rows.len());
            let (page, offset) = (page.to_string(), offset.to_string());
            let mut parameters: Vec<(&str, &str)> = vec![("limit", &page), ("offset", &offset)];
            parameters.extend(
                filters
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str())),
            );
            let mut document = self.get_with(path, &parameters).await?;
            let count = document["count"].as_u64().unwrap_or(0);
            let Value::Array(results) = document["results"].take() else {
                bail!("the server's answer is no list");
            };
            let ended = results.is_empty();
            rows.extend(results);
            if ended || rows.len() >= limit || rows.len() as u64 >= count {
                return Ok((rows, count));
            }
        }
    }

    /// A request with a document.
    pub(super) async fn send_document(
        &self,
        method: Method,
        path: &str,
        document: &Value,
    ) -> anyhow::Result<Value> {
        let request = self
            .request(method, path)?
            .header("Content-Type", "application/json")
            .body(document.to_string());
        self.send(request).await?.success()
    }

    /// POST of a document.
    pub(super) async fn post(&self, path: &str, document: &Value) -> anyhow::Result<Value> {
        self.send_document(Method::POST, path, document).await
    }

    /// POST of any bytes.
    pub(super) async fn post_body(
        &self,
        path: &str,
        media_type: &str,
        body: impl Into<Body>,
    ) -> anyhow::Result<Answer> {
        let request = self
            .request(Method::POST, path)?
            .header("Content-Type", media_type)
            .body(body);
        self.send(request).await
    }

    /// DELETE; a task if the answer names one.
    pub(super) async fn delete(&self, path: &str) -> anyhow::Result<Value> {
        let request = self.request(Method::DELETE, path)?;
        self.send(request).await?.success()
    }
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) document: Value,
}

impl Answer {
    async fn read(response: Response) -> anyhow::Result<Self> {
        let status = response.status();
        let bytes = response
            .bytes()
            .await
            .context("the server's answer broke off")?;
        let document = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned().into())
        };
        Ok(Self { status, document })
    }

    /// The document of a request that went well, or an error in the server's words.
    pub(super) fn success(self) -> anyhow::Result<Value> {
        if self.status.is_success() {
            return Ok(self.document);
        }
        Err(anyhow!("{}", in_words(self.status, &self.document)))
    }
}

fn in_words(status: StatusCode, document: &Value) -> String {
    if status == StatusCode::UNAUTHORIZED {
        return "the server does not know who asks; give --username and a password, or a --token"
            .to_owned();
    }
    match document {
        Value::Object(fields) => match fields.get("detail").and_then(Value::as_str) {
            Some(detail) => detail.to_owned(),
            None => {
                let lines: Vec<String> = fields.iter().map(field_in_words).collect();
                lines.join("\n      ")
            }
        },
        _ => format!("the server answered with {status}"),
    }
}

fn field_in_words((name, messages): (&String, &Value)) -> String {
    let words = match messages {
        Value::Array(messages) => messages
            .iter()
            .map(|message| {
                message
                    .as_str()
                    .map_or_else(|| message.to_string(), str::to_owned)
            })
            .collect::<Vec<_>>()
            .join(" "),
        other => other.to_string(),
    };
    if name == "non_field_errors" {
        words
    } else {
        format!("{name}: {words}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_are_told_in_the_servers_words() {
        let words = |document| in_words(StatusCode::BAD_REQUEST, &document);
        assert_eq!(words(json!({"detail": "No."})), "No.");
        let fields = json!({"name": ["This field is required."], "non_field_errors": ["Odd."]});
        assert_eq!(words(fields), "name: This field is required.\n      Odd.");
        assert_eq!(
            words(json!("<html>")),
            "the server answered with 400 Bad Request"
        );
    }
}

//! A client of the API: one user, one root.

use anyhow::{Context, Result, ensure};
use http::Method;
use http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use serde_json::{Value, json};

use crate::multipart::Form;
use crate::reply::{Reply, text};
use crate::server::ADMIN_PASSWORD;

/// The two roots of the one API.
pub const API_ROOTS: [&str; 2] = ["/pulp/api/v3", "/api/v3"];

/// Who is asking.
#[derive(Clone, Debug)]
enum Credential {
    Nobody,
    Basic {
        user: String,
        password: String,
    },
    Token(String),
    Session {
        cookies: String,
        csrf_token: Option<String>,
    },
}

/// A client of one server, on behalf of one user.
#[derive(Clone, Debug)]
pub struct Api {
    client: reqwest::Client,
    base_url: String,
    root: &'static str,
    credential: Credential,
}

impl Api {
    /// The administrator of a server, by name and password.
    pub(crate) fn of_admin(base_url: &str) -> Result<Self> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self {
            client,
            base_url: base_url.to_owned(),
            root: API_ROOTS[0],
            credential: Credential::Nobody,
        }
        .with_password("admin", ADMIN_PASSWORD))
    }

    /// The same without a name.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        Self {
            credential: Credential::Nobody,
            ..self.clone()
        }
    }

    /// The same with another name and password.
    #[must_use]
    pub fn with_password(&self, user: &str, password: &str) -> Self {
        let credential = Credential::Basic {
            user: user.to_owned(),
            password: password.to_owned(),
        };
        Self {
            credential,
            ..self.clone()
        }
    }

    /// The same with a token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            credential: Credential::Token(token.to_owned()),
            ..self.clone()
        }
    }

    /// The same under another root.
    #[must_use]
    pub fn at_root(&self, root: &'static str) -> Self {
        Self {
            root,
            ..self.clone()
        }
    }

    /// Opens a session, and is the same user by its cookies from then on.
    pub async fn log_in(&self) -> Result<Self> {
        self.log_in_at("/login/").await
    }

    /// The same at another address.
    pub async fn log_in_at(&self, path: &str) -> Result<Self> {
        let reply = self.post(path, json!({})).await?;
        ensure!(reply.status() < 300, "{reply}");
        let pairs: Vec<&str> = reply
            .headers()
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|cookie| cookie.to_str().ok()?.split(';').next())
            .collect();
        let csrf_token = pairs
            .iter()
            .find_map(|pair| pair.strip_prefix("csrftoken="))
            .map(str::to_owned);
        let credential = Credential::Session {
            cookies: pairs.join("; "),
            csrf_token,
        };
        Ok(Self {
            credential,
            ..self.clone()
        })
    }

    /// The same session without the header that proves who wrote the request.
    #[must_use]
    pub fn without_csrf_token(&self) -> Self {
        let credential = match self.credential.clone() {
            Credential::Session { cookies, .. } => Credential::Session {
                cookies,
                csrf_token: None,
            },
            other => other,
        };
        Self {
            credential,
            ..self.clone()
        }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Result<Reply> {
        self.get_with(path, &[]).await
    }

    /// GET with headers.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Result<Reply> {
        self.request(Method::GET, path, headers, None).await
    }

    /// HEAD.
    pub async fn head(&self, path: &str) -> Result<Reply> {
        self.request(Method::HEAD, path, &[], None).await
    }

    /// OPTIONS.
    pub async fn options(&self, path: &str) -> Result<Reply> {
        self.request(Method::OPTIONS, path, &[], None).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Result<Reply> {
        self.request(Method::DELETE, path, &[], None).await
    }

    /// POST of a document.
    pub async fn post(&self, path: &str, document: Value) -> Result<Reply> {
        self.send(Method::POST, path, document).await
    }

    /// PUT of a document.
    pub async fn put(&self, path: &str, document: Value) -> Result<Reply> {
        self.send(Method::PUT, path, document).await
    }

    /// PATCH with a document.
    pub async fn patch(&self, path: &str, document: Value) -> Result<Reply> {
        self.send(Method::PATCH, path, document).await
    }

    /// POST of a form.
    pub async fn post_form(&self, path: &str, form: Form) -> Result<Reply> {
        let headers = [(CONTENT_TYPE.as_str(), &*Form::content_type())];
        self.request(Method::POST, path, &headers, Some(form.finish()))
            .await
    }

    /// POST of any bytes.
    pub async fn post_bytes(
        &self,
        path: &str,
        content_type: &str,
        bytes: impl Into<bytes::Bytes>,
    ) -> Result<Reply> {
        let headers = [(CONTENT_TYPE.as_str(), content_type)];
        self.request(Method::POST, path, &headers, Some(bytes.into()))
            .await
    }

    /// PUT of any bytes, with headers.
    pub async fn put_bytes(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        bytes: impl Into<bytes::Bytes>,
    ) -> Result<Reply> {
        self.request(Method::PUT, path, headers, Some(bytes.into()))
            .await
    }

    /// PUT of a form, with headers.
    pub async fn put_form(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        form: Form,
    ) -> Result<Reply> {
        let content_type = Form::content_type();
        let mut headers = headers.to_vec();
        headers.push((CONTENT_TYPE.as_str(), &content_type));
        self.request(Method::PUT, path, &headers, Some(form.finish()))
            .await
    }

    /// Any verb, with a document or without.
    pub async fn call(&self, method: Method, path: &str, document: Option<Value>) -> Result<Reply> {
        match document {
            Some(document) => self.send(method, path, document).await,
            None => self.request(method, path, &[], None).await,
        }
    }

    /// The `results` of a list, which must all be on its first page.
    pub async fn list(&self, path: &str) -> Result<Vec<Value>> {
        let page = self.get(path).await?.ok()?;
        anyhow::ensure!(page["next"].is_null(), "{path} has a second page");
        page["results"]
            .as_array()
            .cloned()
            .with_context(|| format!("no results: {page}"))
    }

    /// Creates a resource that is there with the answer, not with a task.
    pub async fn create(&self, path: &str, document: Value) -> Result<Value> {
        self.post(path, document).await?.json(201)
    }

    async fn send(&self, method: Method, path: &str, document: Value) -> Result<Reply> {
        let headers = [(CONTENT_TYPE.as_str(), "application/json")];
        self.request(method, path, &headers, Some(document.to_string().into()))
            .await
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<bytes::Bytes>,
    ) -> Result<Reply> {
        let url = self.url(path);
        let is_safe = matches!(method, Method::GET | Method::HEAD | Method::OPTIONS);
        let named = format!("{method} {url}");
        let mut request = self.client.request(method, &url);
        request = match &self.credential {
            Credential::Nobody => request,
            Credential::Basic { user, password } => request.basic_auth(user, Some(password)),
            Credential::Token(token) => request.bearer_auth(token),
            Credential::Session {
                cookies,
                csrf_token,
            } => {
                let request = request.header(COOKIE, cookies);
                match csrf_token {
                    Some(token) if !is_safe => request.header("X-CSRFToken", token),
                    _ => request,
                }
            }
        };
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await.with_context(|| named.clone())?;
        Ok(Reply::read(named, response).await)
    }

    /// Paths are below the root unless they are hrefs already.
    fn url(&self, path: &str) -> String {
        let is_href = ["/pulp/", "/pulp_ansible/", "/api/"]
            .iter()
            .any(|start| path.starts_with(start));
        if path.starts_with("http://") {
            path.to_owned()
        } else if is_href {
            format!("{}{path}", self.base_url)
        } else {
            format!("{}{}{path}", self.base_url, self.root)
        }
    }
}

/// The hrefs in an array.
pub(crate) fn hrefs(value: &Value) -> Vec<String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .map(|href| text(href).to_owned())
        .collect()
}

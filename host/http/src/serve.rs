//! Serving content below `/pulp/content/`: no plugin runs, and what can be remembered is
//! asked of the database once.
//!
//! What is remembered of distributions holds for half a second and is then checked
//! against a number that every change raises. What is remembered of a path within a
//! publication holds for good: publications do not change.

mod conditions;
mod file_body;
mod find;
mod listing;
mod pulled_body;
mod range;
mod reply;
mod sites;
mod template;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Method, StatusCode, header};
use pith_content::error::Code;
use pith_content::pull::Pulls;
use pith_db::served::FileSet;

use crate::app::App;
use crate::context::{came_by_https, origin};
use crate::error::Error;
pub(crate) use file_body::FileBody;
use find::{Located, Locator, Stored};
use sites::Sites;

/// The path below which content is served.
const ROOT: &str = "/pulp/content";

/// Serves content; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    app: Arc<App>,
    sites: Arc<Sites>,
    locator: Arc<Locator>,
    pulls: Pulls,
}

impl Content {
    /// With nothing remembered.
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self {
            app,
            sites: Arc::default(),
            locator: Arc::default(),
            pulls: Pulls::default(),
        }
    }

    /// Answers a request.
    pub(crate) async fn answer(&self, request: Request) -> Response {
        let Some(path) = request.uri().path().strip_prefix(ROOT) else {
            return not_found();
        };
        if !path.is_empty() && !path.starts_with('/') {
            return not_found();
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let allow = [(header::ALLOW, "GET, HEAD")];
            return (StatusCode::METHOD_NOT_ALLOWED, allow).into_response();
        }
        let asked = Asked {
            head: *request.method() == Method::HEAD,
            headers: request.headers(),
            origin: &self.origin(&request),
        };
        match self.find(path, &asked).await {
            Ok(response) => response,
            Err(failure) => failure.into_response(),
        }
    }

    /// Scheme and host of what is served, as the client sees them.
    fn origin(&self, request: &Request) -> String {
        let headers = request.headers();
        match &self.app.settings.content_origin {
            Some(origin) => origin.trim_end_matches('/').to_owned(),
            None => {
                let is_https = came_by_https(headers);
                let host = headers
                    .get(header::HOST)
                    .and_then(|host| host.to_str().ok());
                let authority = request.uri().authority().map(http::uri::Authority::as_str);
                origin(is_https, authority.or(host))
            }
        }
    }

    async fn find(&self, path: &str, asked: &Asked<'_>) -> Result<Response, Failure> {
        // Most paths have nothing to decode, and stay where they are.
        let decoded = percent_encoding::percent_decode_str(path)
            .decode_utf8()
            .map_err(|_| Failure::NotFound)?;
        let path = decoded.trim_start_matches('/');
        if path.contains('\0') {
            return Err(Failure::NotFound);
        }
        let sites = self.sites.current(&self.app.database).await?;
        if path.is_empty() {
            return Ok(listing::of_sites(&sites, decoded.ends_with('/')));
        }
        let Some((site, rest)) = sites.find(path) else {
            return Err(Failure::NotFound);
        };
        let target = site.target(&self.app.database).await?;
        let Some(files) = target.files(self.publishes(site.plugin())) else {
            return Err(Failure::NotFound);
        };
        let database = &self.app.database;
        match rest {
            // A folder's relative links need its slash.
            None => Ok(listing::with_slash(&decoded)),
            Some("") => {
                if let Some(index) = self.locator.locate(database, files, "index.html").await? {
                    return self.serve(files, index, "index.html", asked).await;
                }
                let texts = template::names(database, files, site.id(), "").await?;
                listing::of_folder(database, files, "", texts).await
            }
            Some(rest) if rest.ends_with('/') => {
                let texts = template::names(database, files, site.id(), rest).await?;
                listing::of_folder(database, files, rest, texts).await
            }
            Some(rest) => match self.locator.locate(database, files, rest).await? {
                Some(located) => self.serve(files, located, rest, asked).await,
                None if listing::is_folder(database, files, rest).await? => {
                    Ok(listing::with_slash(&decoded))
                }
                None => {
                    let base_path = site.base_path();
                    let found =
                        template::find(database, files, site.id(), base_path, rest, asked).await?;
                    found.ok_or(Failure::NotFound)
                }
            },
        }
    }

    /// Whether a plugin has publications; one that is not in service may have some.
    fn publishes(&self, plugin: &str) -> bool {
        self.app
            .plugins
            .current(plugin)
            .is_none_or(|generation| !generation.descriptor().publication_types.is_empty())
    }

    async fn serve(
        &self,
        files: FileSet,
        located: Located,
        path: &str,
        asked: &Asked<'_>,
    ) -> Result<Response, Failure> {
        match located {
            Located::Stored(stored) => self.serve_stored(&stored, asked).await,
            Located::Upstream { unit_artifact } => {
                // What the index announced answers these without a fetch.
                let announced = self
                    .locator
                    .announced(&self.app.database, unit_artifact, path)
                    .await?;
                if let Some(announced) = announced {
                    if conditions::is_unchanged(&announced, asked.headers) {
                        return Ok(reply::unchanged(&announced));
                    }
                    if asked.head {
                        return Ok(reply::head(&announced, asked.headers));
                    }
                }
                if let Some(pull) = self.pulls.join(&self.app.services, unit_artifact).await? {
                    return pulled_body::reply(pull, path, asked).await;
                }
                // Stored by somebody else's pull since it was located.
                match self.locator.locate(&self.app.database, files, path).await? {
                    Some(Located::Stored(stored)) => self.serve_stored(&stored, asked).await,
                    _ => Err(Failure::NotFound),
                }
            }
        }
    }

    async fn serve_stored(&self, stored: &Stored, asked: &Asked<'_>) -> Result<Response, Failure> {
        if conditions::is_unchanged(stored, asked.headers) {
            return Ok(reply::unchanged(stored));
        }
        if asked.head {
            return Ok(reply::head(stored, asked.headers));
        }
        let store = self.app.store.as_ref();
        if let Some(bytes) = self.locator.small_body(store, stored).await? {
            return Ok(reply::of_bytes(stored, &bytes, asked.headers));
        }
        let reader = self.locator.open(store, stored).await?;
        Ok(reply::of_file(stored, &reader, asked.headers))
    }
}

/// What of a request matters for serving.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    head: bool,
    headers: &'a HeaderMap,
    /// Scheme and host as the client sees them, without a slash at the end.
    origin: &'a str,
}

/// Why there is nothing to serve.
#[derive(Debug)]
pub(crate) enum Failure {
    NotFound,
    /// The upstream of content that is not stored failed.
    Content(pith_content::Error),
    Database(pith_db::Error),
}

impl From<pith_content::Error> for Failure {
    fn from(error: pith_content::Error) -> Self {
        Self::Content(error)
    }
}

impl From<pith_db::Error> for Failure {
    fn from(error: pith_db::Error) -> Self {
        Self::Database(error)
    }
}

impl From<pith_storage::Error> for Failure {
    fn from(error: pith_storage::Error) -> Self {
        Self::Content(error.into())
    }
}

impl Failure {
    fn into_response(self) -> Response {
        match self {
            Self::NotFound => not_found(),
            Self::Database(error) => Error::from(error).into_response(),
            Self::Content(error) => {
                let status = match error.code {
                    Code::Unavailable => StatusCode::GATEWAY_TIMEOUT,
                    Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
                    _ => StatusCode::BAD_GATEWAY,
                };
                tracing::warn!(%error, "content cannot be served: {error}");
                // The URL of the upstream is not for everybody.
                let text = match status {
                    StatusCode::INTERNAL_SERVER_ERROR => "the content cannot be read\n",
                    _ => "the upstream of this content does not give it\n",
                };
                plain(status, text)
            }
        }
    }
}

fn not_found() -> Response {
    plain(StatusCode::NOT_FOUND, "404: Not Found\n")
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

//! What a handler knows of the request beside its body: who asks, by which root, and
//! under which name it is logged.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use pith_content::upload::Whose;
use pith_db::access::Access;
use pith_db::user::User;
use pith_model::Root;
use pith_tasks::profile;
use uuid::Uuid;

use crate::app::App;
use crate::auth::Identity;
use crate::error::Error;
use crate::sent::SentFile;

/// The name under which everything that a request causes is logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CorrelationId(pub(crate) Arc<str>);

impl CorrelationId {
    /// The client's own, if it is a UUID as Pulp wants it, or a new one. Clients compare it
    /// with the answer's.
    pub(crate) fn of(header: Option<&HeaderValue>) -> Self {
        let given = header
            .and_then(|value| value.to_str().ok())
            .filter(|text| Uuid::try_parse(text).is_ok());
        Self(match given {
            Some(text) => text.into(),
            None => format!("{:032x}", rand::random::<u128>()).into(),
        })
    }
}

/// Marks what a plugin asks while it answers a request, and has the file that came with that.
/// Nothing that comes by the network can carry it.
#[derive(Clone)]
pub(crate) struct ByPlugin(pub(crate) Option<Arc<SentFile>>);

/// What a handler knows of its request.
#[derive(Clone)]
pub(crate) struct Context {
    /// The server's parts.
    pub(crate) app: Arc<App>,
    /// By which root the request came.
    pub(crate) root: Root,
    /// Its name in the log.
    pub(crate) correlation_id: CorrelationId,
    /// Below the root, with a slash at both ends.
    pub(crate) path: String,
    /// Whether tasks that it makes are to be measured.
    pub(crate) diagnostics: Vec<String>,
    /// Whether a plugin asks while it answers a request.
    pub(crate) is_by_plugin: bool,
    /// The file that came with the request that the plugin answers.
    pub(crate) sent: Option<Arc<SentFile>>,
    identity: Option<Arc<Identity>>,
    host: Option<HeaderValue>,
    is_https: bool,
}

impl FromRequestParts<Arc<App>> for Context {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Error> {
        let extensions = &parts.extensions;
        Ok(Self {
            app: Arc::clone(app),
            root: extensions.get::<Root>().copied().unwrap_or_default(),
            correlation_id: extensions
                .get::<CorrelationId>()
                .cloned()
                .unwrap_or_else(|| CorrelationId::of(None)),
            path: parts.uri.path().to_owned(),
            diagnostics: diagnostics_of(parts),
            is_by_plugin: extensions.get::<ByPlugin>().is_some(),
            sent: extensions.get().and_then(|ByPlugin(file)| file.clone()),
            identity: extensions.get::<Arc<Identity>>().cloned(),
            host: host_of(parts),
            is_https: came_by_https(&parts.headers),
        })
    }
}

/// Asks for measures of the task that a request makes, as in Pulp.
const DIAGNOSTICS: HeaderName = HeaderName::from_static("x-task-diagnostics");

/// What is to be measured; words that mean nothing here are no mistake.
fn diagnostics_of(parts: &Parts) -> Vec<String> {
    let headers = parts.headers.get_all(DIAGNOSTICS);
    let words = headers.iter().filter_map(|value| value.to_str().ok());
    words
        .flat_map(|words| words.split(','))
        .map(str::trim)
        .filter(|word| *word == profile::MEMORY)
        .map(str::to_owned)
        .collect()
}

/// Scheme and host of a request as the client sees them, without a slash at the end.
pub(crate) fn origin_of(request: &Request) -> String {
    let (parts, is_https) = (request.uri().authority(), came_by_https(request.headers()));
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok());
    let host = host.or_else(|| parts.map(http::uri::Authority::as_str));
    origin(is_https, host)
}

/// The headers that say where the client thinks that he is.
pub(crate) fn about_origin(request: &Request) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for name in [header::HOST, FORWARDED_PROTO] {
        if let Some(value) = request.headers().get(&name) {
            headers.insert(name, value.clone());
        }
    }
    if !headers.contains_key(header::HOST)
        && let Some(authority) = request.uri().authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        headers.insert(header::HOST, host);
    }
    headers
}

/// The host that the client asked for; in HTTP/2 it is part of the URI.
fn host_of(parts: &Parts) -> Option<HeaderValue> {
    let host = parts.headers.get(header::HOST).cloned();
    host.or_else(|| HeaderValue::from_str(parts.uri.authority()?.as_str()).ok())
}

/// Whether a proxy in front says that the client came by HTTPS. Whoever lies here
/// only gets wrong links in his own answer.
pub(crate) fn came_by_https(headers: &HeaderMap) -> bool {
    headers
        .get(FORWARDED_PROTO)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"https"))
}

/// Where a proxy says by which scheme the client came.
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Scheme and host as a client sees them, without a slash at the end.
pub(crate) fn origin(is_https: bool, host: Option<&str>) -> String {
    let scheme = if is_https { "https" } else { "http" };
    format!("{scheme}://{}", host.unwrap_or("localhost"))
}

impl Context {
    /// Of what the server does by itself on behalf of a user.
    pub(crate) async fn of_user(app: &Arc<App>, user: User) -> Result<Self, Error> {
        let identity = Identity::of(app, user, None).await?;
        Ok(Self {
            app: Arc::clone(app),
            root: Root::default(),
            correlation_id: CorrelationId::of(None),
            path: String::new(),
            diagnostics: Vec::new(),
            is_by_plugin: false,
            sent: None,
            identity: Some(Arc::new(identity)),
            host: None,
            is_https: false,
        })
    }

    /// Of what a plugin asks while it answers a request with these headers; `path` is of
    /// the list that it reads.
    pub(crate) fn within(
        app: &Arc<App>,
        identity: Arc<Identity>,
        (correlation_id, headers): (&CorrelationId, &HeaderMap),
        path: String,
    ) -> Self {
        Self {
            app: Arc::clone(app),
            root: Root::default(),
            correlation_id: correlation_id.clone(),
            path,
            diagnostics: Vec::new(),
            is_by_plugin: true,
            sent: None,
            identity: Some(identity),
            host: headers.get(header::HOST).cloned(),
            is_https: came_by_https(headers),
        }
    }

    /// Who asks.
    pub(crate) fn identity(&self) -> Result<&Identity, Error> {
        self.identity.as_deref().ok_or_else(Error::unauthenticated)
    }

    /// What whoever asks may do.
    pub(crate) fn access(&self) -> Result<&Access, Error> {
        self.identity().map(|identity| &identity.access)
    }

    /// Whose uploads may be named by whoever asks, where chunks just follow one another.
    pub(crate) fn whose(&self) -> Result<Whose, Error> {
        let identity = self.identity()?;
        Ok(if identity.access.is_everything() {
            Whose::Anybodys
        } else {
            Whose::Own(identity.user.id)
        })
    }

    /// The user who asks.
    pub(crate) fn user(&self) -> Result<&User, Error> {
        self.identity().map(|identity| &identity.user)
    }

    /// Scheme and host as the client sees them, without a slash at the end.
    pub(crate) fn origin(&self) -> String {
        let host = self.host.as_ref().and_then(|host| host.to_str().ok());
        origin(self.is_https, host)
    }

    /// Scheme and host under which content is served, without a slash at the end.
    pub(crate) fn content_origin(&self) -> String {
        match &self.app.settings.content_origin {
            Some(origin) => origin.trim_end_matches('/').to_owned(),
            None => self.origin(),
        }
    }

    /// Whether cookies may be kept to HTTPS.
    pub(crate) fn is_https(&self) -> bool {
        self.is_https
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_correlation_id_is_taken_if_it_is_a_uuid() {
        let of = |text: &'static str| CorrelationId::of(Some(&HeaderValue::from_static(text)));
        for good in [
            "deadbeefdeadbeefdeadbeefdeadbeef",
            "0190e2f4-0000-7000-8000-000000000001",
        ] {
            assert_eq!(&*of(good).0, good);
        }
        for bad in ["", "a b", "job-7", "deadbeefdeadbeefdeadbeefdeadxxxx"] {
            let made = of(bad);
            assert_eq!(made.0.len(), 32, "{bad:?}");
            assert_ne!(&*made.0, bad);
        }
        assert_ne!(CorrelationId::of(None), CorrelationId::of(None));
    }
}

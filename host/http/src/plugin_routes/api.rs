//! The host's own API, for a plugin that answers somebody's request: the same routes, in
//! this process, with the standing of the one who asks.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::Request;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Method};
use http_body_util::BodyExt as _;
use pith_content::error::{Error, Result};
use pith_model::Root;
use pith_model::descriptor::TaskKind;
use pith_plugin::Generation;
use pith_plugin::serve::{Api, Site, Waiting};
use serde_json::Value;
use tower::ServiceExt as _;

use super::{site, stand_in};
use crate::app::App;
use crate::auth::Identity;
use crate::auth::gate::Known;
use crate::context::{ByPlugin, CorrelationId};
use crate::sent::SentFile;

/// The largest answer that a plugin is given.
const MOST: usize = 32 << 20;

/// The places of the API that a plugin may look at beside those of its own types.
const SHARED: [&str; 4] = ["groups", "status", "tasks", "users"];

/// The asker's sessions and tokens: for plugins that the server brings, since whoever sees a
/// new token may use it.
const KEYS: [&str; 2] = ["login", "tokens"];

/// Tasks that belong together; each must be of the plugin's own types.
const GROUPS: &str = "task-groups";

/// Search across repositories, which decides itself what is for everybody.
const SEARCH: &str = "search/";

/// The places of the API that have a folder for each plugin.
const BY_PLUGIN: [&str; 8] = [
    "content",
    "distributions",
    "entities",
    "publications",
    "remotes",
    "repositories",
    "search",
    "tasks",
];

/// Who asks, and by what way.
#[derive(Clone)]
pub(super) struct Asker {
    /// Whether the request only looks: then whatever is done for it only looks, too.
    pub(super) only_looks: bool,
    /// None if he did not say.
    pub(super) identity: Option<Arc<Identity>>,
    /// The name in the log.
    pub(super) correlation_id: CorrelationId,
    /// Where he thinks that he is, so that addresses in answers fit.
    pub(super) headers: HeaderMap,
    /// The file that came along.
    pub(super) sent: Option<Arc<SentFile>>,
}

/// The API for one request.
pub(super) struct RequestApi {
    pub(super) app: Arc<App>,
    router: axum::Router,
    pub(super) generation: Arc<Generation>,
    asker: Asker,
    /// Sessions that were opened or ended on the way.
    cookies: Mutex<Vec<HeaderValue>>,
}

impl RequestApi {
    pub(super) fn new(
        app: Arc<App>,
        router: axum::Router,
        generation: Arc<Generation>,
        asker: Asker,
    ) -> Self {
        Self {
            app,
            router,
            generation,
            asker,
            cookies: Mutex::default(),
        }
    }

    /// The host's own API.
    pub(super) fn router(&self) -> axum::Router {
        self.router.clone()
    }

    /// Who asks.
    pub(super) fn asker(&self) -> Asker {
        self.asker.clone()
    }

    /// What the host's own answers told the client to remember.
    pub(super) fn cookies(&self) -> Vec<HeaderValue> {
        let cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        cookies.clone()
    }

    /// Asks as somebody.
    pub(super) async fn ask(
        &self,
        identity: Option<Arc<Identity>>,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<(u16, String)> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/{path}"))
            .body(body.map_or_else(Body::empty, Body::from))
            .map_err(|_| Error::invalid(format!("{path:?} is no path of the API")))?;
        *request.headers_mut() = self.asker.headers.clone();
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
        let extensions = request.extensions_mut();
        extensions.insert(Root::default());
        extensions.insert(ByPlugin(self.asker.sent.clone()));
        extensions.insert(self.asker.correlation_id.clone());
        if let Some(identity) = identity {
            extensions.insert(Known(identity));
        }
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (head, body) = response.into_parts();
        let given = head.headers.get_all(header::SET_COOKIE).iter().cloned();
        self.cookies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(given);
        let body = http_body_util::Limited::new(body, MOST);
        let body = body.collect().await.map_err(|_| {
            Error::limit(format!(
                "the answer of {path:?} is larger than {MOST} bytes"
            ))
        })?;
        let body = String::from_utf8(body.to_bytes().into())
            .map_err(|_| Error::internal("an answer of the API is no text"))?;
        Ok((head.status.as_u16(), body))
    }

    /// Whether a call is among what a plugin reaches.
    fn may_reach(&self, method: &Method, path: &str, body: Option<&str>) -> bool {
        if self.asker.only_looks && !method.is_safe() {
            return false;
        }
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let mut words = path.split('/').filter(|word| !word.is_empty());
        let (first, second) = (words.next().unwrap_or_default(), words.next());
        if path.split('/').any(|word| word == "." || word == "..") || path.contains('%') {
            return false;
        }
        let plugin = self.generation.name();
        (BY_PLUGIN.contains(&first) && second == Some(plugin))
            || (first == plugin && *method == Method::POST && self.is_change(second))
            || (SHARED.contains(&first) && method.is_safe())
            || (KEYS.contains(&first) && self.app.components.brings(&self.generation))
            || (first == GROUPS && second.is_none() && are_tasks_of(plugin, body))
    }
}

impl RequestApi {
    /// Whether the plugin has a change of its repositories of that name.
    fn is_change(&self, name: Option<&str>) -> bool {
        let mut types = self.generation.descriptor().task_types.iter();
        types.any(|one| one.kind == TaskKind::Change && Some(one.name.as_str()) == name)
    }
}

/// Whether a group of tasks has tasks of one plugin alone.
fn are_tasks_of(plugin: &str, body: Option<&str>) -> bool {
    let body: Option<Value> = body.and_then(|text| serde_json::from_str(text).ok());
    let Some(tasks) = body.as_ref().and_then(|body| body["tasks"].as_array()) else {
        return false;
    };
    tasks.iter().all(|task| {
        let name = task["type"].as_str().unwrap_or_default();
        name.split_once('/').is_some_and(|(of, _)| of == plugin)
    })
}

impl Api for RequestApi {
    fn call(
        &self,
        method: String,
        path: String,
        body: Option<String>,
    ) -> Waiting<'_, (u16, String)> {
        Box::pin(async move {
            let method = Method::from_bytes(method.as_bytes())
                .map_err(|_| Error::invalid(format!("{method:?} is no method")))?;
            if !self.may_reach(&method, &path, body.as_deref()) {
                return Err(Error::denied(format!(
                    "this route of a plugin does not reach {method} {path:?}"
                )));
            }
            let mut identity = self.asker.identity.clone();
            // Who does not say who he is finds what everybody may see.
            if identity.is_none() && path.starts_with(SEARCH) {
                identity = Some(stand_in::nobody());
            }
            self.ask(identity, method, &path, body).await
        })
    }

    fn site(&self, base_path: String) -> Waiting<'_, Arc<dyn Site>> {
        Box::pin(async move {
            let opened = site::open(self, base_path.trim_matches('/')).await?;
            let opened: Arc<dyn Site> = Arc::new(opened);
            Ok(opened)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::are_tasks_of;

    #[test]
    fn a_plugin_groups_only_tasks_of_its_own() {
        let of = |body| are_tasks_of("ansible", Some(body));
        assert!(of(
            r#"{"tasks": [{"type": "ansible/adds"}, {"type": "ansible/removes"}]}"#
        ));
        assert!(!of(
            r#"{"tasks": [{"type": "ansible/adds"}, {"type": "rpm/removes"}]}"#
        ));
        assert!(!of(r#"{"tasks": [{"type": "ansible"}]}"#));
        assert!(!of(r#"{"tasks": {"type": "ansible/adds"}}"#));
        assert!(!of("{"));
        assert!(!are_tasks_of("ansible", None));
    }
}

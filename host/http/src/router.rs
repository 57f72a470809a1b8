//! Which path is answered by whom.
//!
//! Invariant: the routes are in three lists, by who may use them. In the third, each
//! operation says what it needs of whoever asks; one that does not is for administrators.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use http::{Extensions, Uri};
use pith_model::Root;

use crate::app::App;
use crate::auth::gate::{self, Gate};
use crate::auth::need::Needs;
use crate::envelope;
use crate::error::Error;
use crate::header_case;
use crate::openapi;
use crate::openapi::refusals::Access;
use crate::plugin_routes::{self, Routed};
use crate::routes::{Documented, Routes};
use crate::serve::Content;
use crate::{
    artifacts, changes, components, content, copies, distributions, docs, entities, groups, login,
    objects, orphans, publications, remotes, repositories, roles, roots, search, signing_services,
    status, task_groups, task_schedules, tasks, tokens, upload, uploads, users, versions, workers,
};

/// Needs nobody to say who he is.
fn open() -> Routes {
    Routes::new()
        .merge(status::routes())
        .merge(docs::routes())
        .merge(openapi::serve::routes())
        .merge(tasks::open_routes())
        .for_whom(Access::Open)
}

/// For any user, about himself.
fn own() -> Routes {
    Routes::new()
        .merge(login::routes())
        .merge(tokens::routes())
        .for_whom(Access::Own)
}

/// For those who have what each operation needs.
fn guarded() -> Routes {
    Routes::new()
        .merge(roots::routes())
        .merge(artifacts::routes())
        .merge(changes::routes())
        .merge(components::routes())
        .merge(content::routes())
        .merge(copies::routes())
        .merge(distributions::routes())
        .merge(entities::routes())
        .merge(groups::routes())
        .merge(objects::routes())
        .merge(orphans::routes())
        .merge(publications::routes())
        .merge(remotes::routes())
        .merge(repositories::routes())
        .merge(roles::routes())
        .merge(search::routes())
        .merge(signing_services::routes())
        .merge(task_groups::routes())
        .merge(task_schedules::routes())
        .merge(tasks::routes())
        .merge(upload::routes())
        .merge(uploads::routes())
        .merge(users::routes())
        .merge(versions::routes())
        .merge(workers::routes())
        .for_whom(Access::Guarded)
}

/// What the OpenAPI document says of all routes.
pub(crate) fn documented() -> Vec<Documented> {
    open().merge(own()).merge(guarded()).into_documented()
}

/// The API, its paths below a root.
fn api(app: &Arc<App>) -> Router {
    let gate = Arc::new(Gate {
        app: Arc::clone(app),
        needs: Needs::of(&documented()),
    });
    let guarded = own()
        .merge(guarded())
        .into_router()
        .fallback(async || Error::not_found())
        .layer(middleware::from_fn_with_state(gate, gate::admit));
    open()
        .into_router()
        .merge(guarded)
        // Each handler reads its body within its own limit.
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::clone(app))
}

/// Everything that is served at one address; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Front {
    app: Arc<App>,
    api: Arc<ArcSwap<Api>>,
    content: Content,
    /// In which case the names of headers are written.
    case: Extensions,
}

/// The API over one set of plugins.
#[derive(Debug)]
struct Api {
    /// How often the set had changed.
    version: u64,
    app: Arc<App>,
    router: Router,
    /// Routes of the plugins' own.
    routed: Routed,
}

impl Api {
    fn over_plugins_of(app: &App) -> Self {
        // Asked for first: if the set changes right now, the next request finds out.
        let version = app.plugins.version();
        let app = app.pinned();
        Self {
            version,
            router: api(&app),
            routed: Routed::of(&app.plugins),
            app,
        }
    }
}

impl Front {
    /// Puts the routes together.
    pub(crate) async fn new(app: Arc<App>) -> Self {
        Self {
            api: Arc::new(ArcSwap::from_pointee(Api::over_plugins_of(&app))),
            content: Content::new(Arc::clone(&app)),
            case: header_case::learn().await,
            app,
        }
    }

    /// The API over the plugins that are in service when the request comes. The request
    /// keeps it, and whoever holds an old one keeps old builds in memory.
    fn api(&self) -> Arc<Api> {
        let now = self.api.load();
        if now.version == self.app.plugins.version() {
            return Arc::clone(&now);
        }
        let next = Arc::new(Api::over_plugins_of(&self.app));
        self.api.store(Arc::clone(&next));
        next
    }

    /// Answers a request.
    pub(crate) async fn answer(self, mut request: Request) -> Response {
        let path = request.uri().path();
        let api = self.api();
        if let Some(place) = api.routed.find(path) {
            let path = path.to_owned();
            let (app, router) = (Arc::clone(&api.app), api.router.clone());
            drop(api);
            let mut response = envelope::around(path, request, async |request| {
                plugin_routes::answer(app, router, place, request).await
            })
            .await;
            response.extensions_mut().extend(self.case);
            return response;
        }
        let found = Root::ALL.into_iter().find_map(|root| {
            let below = path.strip_prefix(root.path().trim_end_matches('/'))?;
            (below.is_empty() || below.starts_with('/')).then(|| (root, below.to_owned()))
        });
        let Some((root, below)) = found else {
            return self.content.answer(request).await;
        };
        match below_root(request.uri(), below) {
            Some(uri) => *request.uri_mut() = uri,
            None => return Error::not_found().into_response(),
        }
        let mut response = envelope::answer(&self.app, api.router.clone(), root, request).await;
        response.extensions_mut().extend(self.case);
        response
    }
}

/// The URI with a path below the root. A path means the same with and without its last
/// slash; the routes have it.
fn below_root(uri: &Uri, mut path: String) -> Option<Uri> {
    if !path.ends_with('/') {
        path.push('/');
    }
    if let Some(query) = uri.query() {
        path.push('?');
        path.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path.parse().ok()?);
    if parts.authority.is_none() {
        parts.scheme = None;
    }
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_means_the_same_without_its_last_slash() {
        let uri = |text: &str, below: &str| {
            below_root(&text.parse().unwrap(), below.to_owned()).map(|uri| uri.to_string())
        };
        let expected = Some("/tasks/?limit=1".to_owned());
        assert_eq!(uri("/api/v3/tasks?limit=1", "/tasks"), expected);
        assert_eq!(uri("/api/v3/tasks/?limit=1", "/tasks/"), expected);
        assert_eq!(uri("/api/v3", ""), Some("/".to_owned()));
        let absolute = uri("http://host/api/v3/tasks/", "/tasks/");
        assert_eq!(absolute, Some("http://host/tasks/".to_owned()));
    }
}

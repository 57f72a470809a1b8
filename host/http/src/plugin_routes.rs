//! Routes that plugins answer: which plugin a path belongs to, who may ask, what the
//! plugin is given, and its answer in order.
//!
//! Invariant: a plugin reaches nothing by a request but what the one who asks may reach,
//! and of that only what is the plugin's own (`api`), or what a distribution of its serves
//! to everybody (`site`).

mod api;
mod input;
mod outcome;
mod remembered;
mod site;
mod stand_in;

use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use pith_model::route::{Meant, Route, RouteAccess, RouteInput};
use pith_plugin::{Generation, Plugins, serve};
use serde_json::json;

use crate::app::App;
use crate::auth::{self, Identity};
use crate::context::{self, CorrelationId};
use crate::error::{Error, Result};
pub(crate) use remembered::{FoundPage, Remembered};

/// The plugins with routes of their own.
#[derive(Debug, Default)]
pub(crate) struct Routed {
    plugins: Vec<Arc<Generation>>,
}

/// What a path means.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    generation: Arc<Generation>,
    meant: Meant,
    /// The mount's part of the path, with a slash before and none behind.
    root: String,
}

impl Routed {
    /// Those of all plugins in service.
    pub(crate) fn of(plugins: &Plugins) -> Self {
        let all = plugins.all();
        let routed = all
            .values()
            .filter(|generation| !generation.descriptor().routing.mounts.is_empty());
        Self {
            plugins: routed.cloned().collect(),
        }
    }

    /// Finds what a path means; none if it is no plugin's.
    pub(crate) fn find(&self, path: &str) -> Option<Place> {
        if self.plugins.is_empty() || path.starts_with("/pulp/") {
            return None;
        }
        let decoded = percent_encoding::percent_decode_str(path)
            .decode_utf8()
            .ok()?;
        let segments: Vec<&str> = decoded.split('/').filter(|one| !one.is_empty()).collect();
        self.plugins.iter().find_map(|generation| {
            let meant = generation.descriptor().routing.find(&segments)?;
            let root = format!("/{}", segments[..meant.root].join("/"));
            Some(Place {
                generation: Arc::clone(generation),
                meant,
                root,
            })
        })
    }
}

impl Place {
    fn routes(&self) -> impl Iterator<Item = &Route> {
        let all = &self.generation.descriptor().routing.routes;
        self.meant.routes.iter().map(|(number, _)| &all[*number])
    }

    /// The verbs that the path answers to.
    fn allow(&self) -> String {
        let mut verbs: Vec<&str> = self.routes().map(|route| route.method.as_str()).collect();
        if verbs.contains(&"GET") {
            verbs.push("HEAD");
        }
        verbs.push("OPTIONS");
        verbs.join(", ")
    }
}

/// Answers a request below a plugin's mount; `router` is the host's own API.
pub(crate) async fn answer(
    app: Arc<App>,
    router: axum::Router,
    place: Place,
    request: Request,
) -> Response {
    let outcome = answer_to(app, router, &place, request).await;
    let mut response = outcome.unwrap_or_else(|error| outcome::refusal(&error.into_response()));
    if response.status() == StatusCode::METHOD_NOT_ALLOWED
        && let Ok(allow) = HeaderValue::from_str(&place.allow())
    {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

async fn answer_to(
    app: Arc<App>,
    router: axum::Router,
    place: &Place,
    request: Request,
) -> Result<Response> {
    if place.meant.routes.is_empty() {
        return Err(Error::not_found());
    }
    if *request.method() == Method::OPTIONS {
        return Ok(describe(place));
    }
    let method = match *request.method() {
        Method::HEAD => "GET",
        ref other => other.as_str(),
    };
    let routing = &place.generation.descriptor().routing;
    let mut found = place.meant.routes.iter();
    let (number, variables) = found
        .find(|(number, _)| routing.routes[*number].method == method)
        .ok_or_else(|| Error::method_not_allowed(request.method()))?;
    let route = &routing.routes[*number];
    let identity = authenticate(&app, route, request.method(), request.headers()).await?;
    let origin = context::origin_of(&request);
    let query = serde_urlencoded::from_str(request.uri().query().unwrap_or_default())
        .map_err(|_| Error::bad_request("The query string is damaged."))?;
    let id = request
        .extensions()
        .get::<CorrelationId>()
        .cloned()
        .unwrap_or_else(|| CorrelationId::of(None));

    let (only_looks, headers) = (method == "GET", context::about_origin(&request));
    let taken = input::take(&app, route.input, request).await?;
    let api = api::RequestApi::new(
        Arc::clone(&app),
        router,
        Arc::clone(&place.generation),
        api::Asker {
            only_looks,
            identity: identity.clone(),
            correlation_id: id.clone(),
            headers,
            sent: taken.sent,
        },
    );
    let request = serve::Request {
        route: *number,
        variables: variables.clone(),
        root: format!("{origin}{}", place.root),
        origin,
        query,
        body: taken.body,
        file: taken.file,
        user: identity.as_ref().map(|one| one.user.username.clone()),
    };
    let api = Arc::new(api);
    let given: Arc<dyn serve::Api> = Arc::<api::RequestApi>::clone(&api);
    match serve::serve(&place.generation, &id.0, given, request).await {
        Ok(response) => outcome::response(response, api.cookies()),
        Err(error) => Err(outcome::error(&error)),
    }
}

/// Finds out who asks, where somebody says so or has to.
async fn authenticate(
    app: &App,
    route: &Route,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Option<Arc<Identity>>> {
    let identity = auth::identify(app, method, headers).await?;
    let is_open = route.access == RouteAccess::Anyone && route.input != RouteInput::File;
    if identity.is_none() && !is_open {
        return Err(Error::unauthenticated());
    }
    Ok(identity.map(Arc::new))
}

/// The answer to `OPTIONS`: what the plugin says of each verb.
fn describe(place: &Place) -> Response {
    let actions: serde_json::Map<String, serde_json::Value> = place
        .routes()
        .map(|route| (route.method.clone(), route.document.clone()))
        .collect();
    let first = place.routes().next();
    let summary = first.map(|route| &route.document["summary"]);
    let mut response = axum::Json(json!({
        "name": summary,
        "description": first.map(|route| &route.document["description"]),
        "renders": ["application/json"],
        "parses": ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"],
        "actions": actions,
    }))
    .into_response();
    if let Ok(allow) = HeaderValue::from_str(&place.allow()) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

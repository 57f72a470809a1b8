//! The gate in front of the API: who asks, and whether he may.
//!
//! Invariant: a route is behind it unless `router.rs` puts it into the list of open ones, and
//! an operation that does not say what it needs is for administrators.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::need::{Matched, Needs};
use crate::app::App;
use crate::auth::{Identity, identify};
use crate::error::{Error, Result};

/// Who keeps the gate, and by which list.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The server's parts.
    pub(crate) app: Arc<App>,
    /// What each operation needs.
    pub(crate) needs: Needs,
}

/// Lets those pass who have what the operation needs.
pub(crate) async fn admit(
    State(gate): State<Arc<Gate>>,
    mut request: Request,
    next: Next,
) -> Result<Response> {
    let app = &gate.app;
    let identity = authenticate(app, &mut request).await?;
    if !identity.access.is_everything()
        && let Some(template) = request.extensions().get::<MatchedPath>()
    {
        let at = Matched {
            template: template.as_str(),
            path: request.uri().path(),
        };
        // A verb that the route has not is refused by the router, for everybody alike.
        if let Some(need) = gate.needs.find(at.template, request.method()) {
            need.check(app, &identity.access, at).await?;
        }
    }
    request.extensions_mut().insert(identity);
    Ok(next.run(request).await)
}

/// Somebody whom this server knows already, of a request that it makes itself. Nothing that
/// comes by the network can carry it.
#[derive(Clone)]
pub(crate) struct Known(pub(crate) Arc<Identity>);

async fn authenticate(app: &App, request: &mut Request) -> Result<Arc<Identity>> {
    if let Some(Known(identity)) = request.extensions_mut().remove::<Known>() {
        return Ok(identity);
    }
    // A request is not `Sync`: what is borrowed while waiting are its parts.
    let (method, headers) = (request.method(), request.headers());
    identify(app, method, headers)
        .await?
        .map(Arc::new)
        .ok_or_else(Error::unauthenticated)
}

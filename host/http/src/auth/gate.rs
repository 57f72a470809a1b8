//! The two gates in front of the API: for any user, and for administrators.
//!
//! Invariant: a route is behind one of them unless `router.rs` puts it into the list of
//! open ones; what matches no route is behind the stricter.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::app::App;
use crate::auth::{Identity, identify};
use crate::error::{Error, Result};

/// Lets any active user pass.
pub(crate) async fn any_user(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Result<Response> {
    let identity = authenticate(&app, &mut request).await?;
    request.extensions_mut().insert(identity);
    Ok(next.run(request).await)
}

/// Lets administrators pass.
pub(crate) async fn administrator(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Result<Response> {
    let identity = authenticate(&app, &mut request).await?;
    if !identity.user.is_superuser {
        return Err(Error::forbidden());
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

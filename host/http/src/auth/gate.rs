//! The two gates in front of the API: for any user, and for administrators.
//!
//! Invariant: a route is behind one of them unless `router.rs` puts it into the list of
//! open ones; what matches no route is behind the stricter.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, Method};

use crate::app::App;
use crate::auth::{Identity, identify};
use crate::error::{Error, Result};

/// Lets any active user pass.
pub(crate) async fn any_user(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Result<Response> {
    let identity = authenticate(&app, request.method(), request.headers()).await?;
    request.extensions_mut().insert(Arc::new(identity));
    Ok(next.run(request).await)
}

/// Lets administrators pass.
pub(crate) async fn administrator(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Result<Response> {
    let identity = authenticate(&app, request.method(), request.headers()).await?;
    if !identity.user.is_superuser {
        return Err(Error::forbidden());
    }
    request.extensions_mut().insert(Arc::new(identity));
    Ok(next.run(request).await)
}

async fn authenticate(app: &App, method: &Method, headers: &HeaderMap) -> Result<Identity> {
    identify(app, method, headers)
        .await?
        .ok_or_else(Error::unauthenticated)
}

//! Units of content: `content/` and `content/<plugin>/<plural>/`.

mod create;
mod labels;
mod list;
mod read;
mod shape;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

pub(crate) use create::order_for_stored;
pub(crate) use list::orphaned_for;

/// The routes.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/content/", get(list::all))
        .route(
            "/content/{plugin}/{plural}/",
            get(list::of_type).post(create::create),
        )
        .route("/content/{plugin}/{plural}/{id}/", get(read::read))
        .route(
            "/content/{plugin}/{plural}/{id}/set_label/",
            post(labels::set),
        )
        .route(
            "/content/{plugin}/{plural}/{id}/unset_label/",
            post(labels::unset),
        )
}

/// What a path names: plugin, plural and UUID.
type PathOfOne = axum::extract::Path<(String, String, String)>;

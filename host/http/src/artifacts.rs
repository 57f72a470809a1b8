//! Stored files: `artifacts/`.

mod create;
mod delete;
mod list;
mod read;
mod shape;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use pith_db::Connection;
use pith_db::artifact::{self, Artifact};

use crate::app::App;
use crate::error::{Error, Result};
use crate::lookup::uuid_in_path;

/// The routes.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/artifacts/", get(list::list).post(create::create))
        .route("/artifacts/{id}/", get(read::read).delete(delete::delete))
}

/// The artifact that a path names.
async fn find(connection: &mut Connection, id: &str) -> Result<Artifact> {
    artifact::by_uuid(connection, uuid_in_path(id)?)
        .await?
        .ok_or_else(Error::not_found)
}

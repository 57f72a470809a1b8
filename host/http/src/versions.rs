//! Repository versions: below their repository, and all of them at
//! `repository_versions/`.

mod delete;
mod list;
mod read;
mod repair;
mod shape;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use pith_db::Connection;
use pith_db::version::{self, Version};

use crate::app::App;
use crate::error::{Error, Result};
use crate::lookup::uuid_in_path;

/// The routes.
pub(crate) fn routes() -> Router<Arc<App>> {
    let all = "/repositories/{plugin}/{type_name}/{id}/versions/";
    let one = "/repositories/{plugin}/{type_name}/{id}/versions/{number}/";
    let repair = "/repositories/{plugin}/{type_name}/{id}/versions/{number}/repair/";
    Router::new()
        .route("/repository_versions/", get(list::all))
        .route(all, get(list::of_repository))
        .route(one, get(read::read).delete(delete::delete))
        .route(repair, post(repair::repair))
}

/// What a path names: plugin, type, the repository's UUID and the version's number.
pub(crate) type PathOfOne = axum::extract::Path<(String, String, String, String)>;

/// The version that a path names.
pub(crate) async fn find(
    connection: &mut Connection,
    (plugin, type_name, id, number): &(String, String, String, String),
) -> Result<Version> {
    let number: i64 = number.parse().map_err(|_| Error::not_found())?;
    version::by_reference(connection, uuid_in_path(id)?, Some(number))
        .await?
        .filter(|row| row.plugin == *plugin && row.type_name == *type_name)
        .ok_or_else(Error::not_found)
}

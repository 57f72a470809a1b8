//! Repositories: `repositories/` and `repositories/<plugin>/<type>/`.

mod create;
mod delete;
mod labels;
mod list;
mod modify;
mod read;
mod settings;
mod shape;
mod sync;
mod update;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use pith_db::Connection;
use pith_db::repository::{self, Repository};

use crate::app::App;
use crate::error::{Error, Result};
use crate::lookup::uuid_in_path;

pub(crate) use list::units;

/// The routes.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/repositories/", get(list::all))
        .route(
            "/repositories/{plugin}/{type_name}/",
            get(list::of_type).post(create::create),
        )
        .route(
            "/repositories/{plugin}/{type_name}/{id}/",
            get(read::read)
                .put(update::replace)
                .patch(update::change)
                .delete(delete::delete),
        )
        .route(
            "/repositories/{plugin}/{type_name}/{id}/sync/",
            post(sync::sync),
        )
        .route(
            "/repositories/{plugin}/{type_name}/{id}/modify/",
            post(modify::modify),
        )
        .route(
            "/repositories/{plugin}/{type_name}/{id}/set_label/",
            post(labels::set),
        )
        .route(
            "/repositories/{plugin}/{type_name}/{id}/unset_label/",
            post(labels::unset),
        )
}

/// What a path names: plugin, type and UUID.
pub(crate) type PathOfOne = axum::extract::Path<(String, String, String)>;

/// The repository that a path names.
pub(crate) async fn find(
    connection: &mut Connection,
    (plugin, type_name, id): &(String, String, String),
) -> Result<Repository> {
    repository::by_uuid(connection, uuid_in_path(id)?)
        .await?
        .filter(|row| row.plugin == *plugin && row.type_name == *type_name)
        .ok_or_else(Error::not_found)
}

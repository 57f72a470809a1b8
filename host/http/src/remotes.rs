//! Remotes: `remotes/` and `remotes/<plugin>/<type>/`.

mod check;
mod create;
mod delete;
mod labels;
mod list;
mod read;
mod settings;
mod shape;
mod update;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use pith_db::Connection;
use pith_db::remote::{self, Remote};

use crate::app::App;
use crate::error::{Error, Result};
use crate::lookup::uuid_in_path;

/// The routes.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/remotes/", get(list::all))
        .route(
            "/remotes/{plugin}/{type_name}/",
            get(list::of_type).post(create::create),
        )
        .route(
            "/remotes/{plugin}/{type_name}/{id}/",
            get(read::read)
                .put(update::replace)
                .patch(update::change)
                .delete(delete::delete),
        )
        .route(
            "/remotes/{plugin}/{type_name}/{id}/set_label/",
            post(labels::set),
        )
        .route(
            "/remotes/{plugin}/{type_name}/{id}/unset_label/",
            post(labels::unset),
        )
}

/// What a path names: plugin, type and UUID.
type PathOfOne = axum::extract::Path<(String, String, String)>;

/// The remote that a path names.
async fn find(
    connection: &mut Connection,
    (plugin, type_name, id): &(String, String, String),
) -> Result<Remote> {
    remote::by_uuid(connection, uuid_in_path(id)?)
        .await?
        .filter(|row| row.plugin == *plugin && row.type_name == *type_name)
        .ok_or_else(Error::not_found)
}

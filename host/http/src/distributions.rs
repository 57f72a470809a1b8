//! Distributions: `distributions/` and `distributions/<plugin>/<type>/`.

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
use pith_db::distribution::{self, Distribution};

use crate::app::App;
use crate::error::{Error, Result};
use crate::lookup::uuid_in_path;

/// The routes.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/distributions/", get(list::all))
        .route(
            "/distributions/{plugin}/{type_name}/",
            get(list::of_type).post(create::create),
        )
        .route(
            "/distributions/{plugin}/{type_name}/{id}/",
            get(read::read)
                .put(update::replace)
                .patch(update::change)
                .delete(delete::delete),
        )
        .route(
            "/distributions/{plugin}/{type_name}/{id}/set_label/",
            post(labels::set),
        )
        .route(
            "/distributions/{plugin}/{type_name}/{id}/unset_label/",
            post(labels::unset),
        )
}

/// What a path names: plugin, type and UUID.
type PathOfOne = axum::extract::Path<(String, String, String)>;

/// The distribution that a path names.
async fn find(
    connection: &mut Connection,
    (plugin, type_name, id): &(String, String, String),
) -> Result<Distribution> {
    distribution::by_uuid(connection, uuid_in_path(id)?)
        .await?
        .filter(|row| row.plugin == *plugin && row.type_name == *type_name)
        .ok_or_else(Error::not_found)
}

//! Publications: `publications/` and `publications/<plugin>/<type>/`.

mod create;
mod delete;
mod list;
mod read;
mod shape;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use pith_db::Connection;
use pith_db::publication::{self, Publication};

use crate::app::App;
use crate::error::{Error, Result};
use crate::lookup::uuid_in_path;

/// The routes.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/publications/", get(list::all))
        .route(
            "/publications/{plugin}/{type_name}/",
            get(list::of_type).post(create::create),
        )
        .route(
            "/publications/{plugin}/{type_name}/{id}/",
            get(read::read).delete(delete::delete),
        )
}

/// What a path names: plugin, type and UUID.
type PathOfOne = axum::extract::Path<(String, String, String)>;

/// The publication that a path names.
async fn find(
    connection: &mut Connection,
    (plugin, type_name, id): &(String, String, String),
) -> Result<Publication> {
    publication::by_uuid(connection, uuid_in_path(id)?)
        .await?
        .filter(|row| row.plugin == *plugin && row.type_name == *type_name)
        .ok_or_else(Error::not_found)
}

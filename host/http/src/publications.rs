//! Publications: `publications/` and `publications/<plugin>/<type>/`.

mod create;
mod delete;
mod list;
mod read;
mod shape;

use pith_db::Connection;
use pith_db::publication::{self, Publication};

use crate::auth::need::Need;
use crate::error::{Error, Result};
use crate::lookup::uuid_in_path;
use crate::openapi::Operation;
use crate::routes::{Routes, get};
use pith_model::access::Securable;

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(
            "/publications/",
            get(
                Operation::new("publications_list", "List publications of all types")
                    .needs(Need::User)
                    .lists(&shape::PUBLICATION, list::FILTERS),
                list::all,
            ),
        )
        .route(
            "/publications/{plugin}/{type_name}/",
            get(
                Operation::new(
                    "publications_{plugin}_{type_name}_list",
                    "List {type_name} publications",
                )
                .needs(Need::User)
                .lists(&shape::PUBLICATION, list::FILTERS_OF_TYPE),
                list::of_type,
            )
            .post(
                Operation::new(
                    "publications_{plugin}_{type_name}_create",
                    "Create a {type_name} publication",
                )
                .needs(Need::Add(Securable::Publication))
                .takes_all(&shape::PUBLICATION)
                .orders(),
                create::create,
            ),
        )
        .route(
            "/publications/{plugin}/{type_name}/{id}/",
            get(
                Operation::new(
                    "publications_{plugin}_{type_name}_read",
                    "Inspect a {type_name} publication",
                )
                .needs(Need::Object(Securable::Publication, "view"))
                .reads(&shape::PUBLICATION),
                read::read,
            )
            .delete(
                Operation::new(
                    "publications_{plugin}_{type_name}_delete",
                    "Delete a {type_name} publication",
                )
                .needs(Need::Object(Securable::Publication, "delete"))
                .answers_nothing(204),
                delete::delete,
            ),
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

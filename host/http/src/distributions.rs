//! Distributions: `distributions/` and `distributions/<plugin>/<type>/`.

mod create;
mod delete;
mod labels;
mod list;
mod read;
mod settings;
mod shape;
mod update;

use pith_db::Connection;
use pith_db::distribution::{self, Distribution};

use crate::auth::need::Need;
use crate::error::{Error, Result};
use crate::label;
use crate::lookup::uuid_in_path;
use crate::openapi::Operation;
use crate::routes::{Routes, get, post};
use pith_model::access::Securable;

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(
            "/distributions/",
            get(
                Operation::new("distributions_list", "List distributions of all types")
                    .needs(Need::User)
                    .lists(&shape::DISTRIBUTION, list::FILTERS),
                list::all,
            ),
        )
        .route(
            "/distributions/{plugin}/{type_name}/",
            get(
                Operation::new(
                    "distributions_{plugin}_{type_name}_list",
                    "List {type_name} distributions",
                )
                .needs(Need::User)
                .lists(&shape::DISTRIBUTION, list::FILTERS_OF_TYPE),
                list::of_type,
            )
            .post(
                Operation::new(
                    "distributions_{plugin}_{type_name}_create",
                    "Create a {type_name} distribution",
                )
                .needs(Need::Add(Securable::Distribution))
                .takes_all(&shape::DISTRIBUTION)
                .orders(),
                create::create,
            ),
        )
        .route(
            "/distributions/{plugin}/{type_name}/{id}/",
            get(
                Operation::new(
                    "distributions_{plugin}_{type_name}_read",
                    "Inspect a {type_name} distribution",
                )
                .needs(Need::Object(Securable::Distribution, "view"))
                .reads(&shape::DISTRIBUTION),
                read::read,
            )
            .put(
                Operation::new(
                    "distributions_{plugin}_{type_name}_update",
                    "Replace a {type_name} distribution's settings",
                )
                .needs(Need::Object(Securable::Distribution, "change"))
                .replaces(&shape::DISTRIBUTION),
                update::replace,
            )
            .patch(
                Operation::new(
                    "distributions_{plugin}_{type_name}_partial_update",
                    "Change a {type_name} distribution",
                )
                .needs(Need::Object(Securable::Distribution, "change"))
                .changes(&shape::DISTRIBUTION),
                update::change,
            )
            .delete(
                Operation::new(
                    "distributions_{plugin}_{type_name}_delete",
                    "Delete a {type_name} distribution",
                )
                .needs(Need::Object(Securable::Distribution, "delete"))
                .orders(),
                delete::delete,
            ),
        )
        .route(
            "/distributions/{plugin}/{type_name}/{id}/set_label/",
            post(
                label::set_operation("distributions_{plugin}_{type_name}_set_label", 200)
                    .needs(Need::Object(Securable::Distribution, "change")),
                labels::set,
            ),
        )
        .route(
            "/distributions/{plugin}/{type_name}/{id}/unset_label/",
            post(
                label::unset_operation("distributions_{plugin}_{type_name}_unset_label", 200)
                    .needs(Need::Object(Securable::Distribution, "change")),
                labels::unset,
            ),
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

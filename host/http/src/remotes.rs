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

use pith_db::Connection;
use pith_db::remote::{self, Remote};

use crate::auth::need::Need;
use crate::error::{Error, Result};
use crate::label;
use crate::lookup::uuid_in_path;
use crate::openapi::Operation;
use crate::routes::{Routes, get, post};
use pith_model::access::Securable;

pub(crate) use settings::{network, settings_for};

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(
            "/remotes/",
            get(
                Operation::new("remotes_list", "List remotes of all types")
                    .needs(Need::User)
                    .lists(&shape::REMOTE, list::FILTERS),
                list::all,
            ),
        )
        .route(
            "/remotes/{plugin}/{type_name}/",
            get(
                Operation::new(
                    "remotes_{plugin}_{type_name}_list",
                    "List {type_name} remotes",
                )
                .needs(Need::User)
                .lists(&shape::REMOTE, list::FILTERS_OF_TYPE),
                list::of_type,
            )
            .post(
                Operation::new(
                    "remotes_{plugin}_{type_name}_create",
                    "Create a {type_name} remote",
                )
                .needs(Need::Add(Securable::Remote))
                .creates(&shape::REMOTE),
                create::create,
            ),
        )
        .route(
            "/remotes/{plugin}/{type_name}/{id}/",
            get(
                Operation::new(
                    "remotes_{plugin}_{type_name}_read",
                    "Inspect a {type_name} remote",
                )
                .needs(Need::Object(Securable::Remote, "view"))
                .reads(&shape::REMOTE),
                read::read,
            )
            .put(
                Operation::new(
                    "remotes_{plugin}_{type_name}_update",
                    "Replace a {type_name} remote's settings",
                )
                .needs(Need::Object(Securable::Remote, "change"))
                .replaces(&shape::REMOTE),
                update::replace,
            )
            .patch(
                Operation::new(
                    "remotes_{plugin}_{type_name}_partial_update",
                    "Change a {type_name} remote",
                )
                .needs(Need::Object(Securable::Remote, "change"))
                .changes(&shape::REMOTE),
                update::change,
            )
            .delete(
                Operation::new(
                    "remotes_{plugin}_{type_name}_delete",
                    "Delete a {type_name} remote",
                )
                .needs(Need::Object(Securable::Remote, "delete"))
                .orders(),
                delete::delete,
            ),
        )
        .route(
            "/remotes/{plugin}/{type_name}/{id}/set_label/",
            post(
                label::set_operation("remotes_{plugin}_{type_name}_set_label", 201)
                    .needs(Need::Object(Securable::Remote, "change")),
                labels::set,
            ),
        )
        .route(
            "/remotes/{plugin}/{type_name}/{id}/unset_label/",
            post(
                label::unset_operation("remotes_{plugin}_{type_name}_unset_label", 201)
                    .needs(Need::Object(Securable::Remote, "change")),
                labels::unset,
            ),
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

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

use pith_db::Connection;
use pith_db::repository::{self, Repository};

use crate::auth::need::Need;
use crate::error::{Error, Result};
use crate::label;
use crate::lookup::uuid_in_path;
use crate::openapi::Operation;
use crate::order;
use crate::routes::{Routes, get, post};
use pith_model::access::Securable;

pub(crate) use list::units;

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(
            "/repositories/",
            get(
                Operation::new("repositories_list", "List repositories of all types")
                    .needs(Need::User)
                    .lists(&shape::REPOSITORY, list::FILTERS),
                list::all,
            ),
        )
        .route(
            "/repositories/{plugin}/{type_name}/",
            get(
                Operation::new(
                    "repositories_{plugin}_{type_name}_list",
                    "List {type_name} repositories",
                )
                .needs(Need::User)
                .lists(&shape::REPOSITORY, list::FILTERS_OF_TYPE),
                list::of_type,
            )
            .post(
                Operation::new(
                    "repositories_{plugin}_{type_name}_create",
                    "Create a {type_name} repository",
                )
                .needs(Need::Add(Securable::Repository))
                .creates(&shape::REPOSITORY),
                create::create,
            ),
        )
        .route(
            "/repositories/{plugin}/{type_name}/{id}/",
            get(
                Operation::new(
                    "repositories_{plugin}_{type_name}_read",
                    "Inspect a {type_name} repository",
                )
                .needs(Need::Object(Securable::Repository, "view"))
                .reads(&shape::REPOSITORY),
                read::read,
            )
            .put(
                Operation::new(
                    "repositories_{plugin}_{type_name}_update",
                    "Replace a {type_name} repository's settings",
                )
                .needs(Need::Object(Securable::Repository, "change"))
                .replaces(&shape::REPOSITORY),
                update::replace,
            )
            .patch(
                Operation::new(
                    "repositories_{plugin}_{type_name}_partial_update",
                    "Change a {type_name} repository",
                )
                .needs(Need::Object(Securable::Repository, "change"))
                .changes(&shape::REPOSITORY),
                update::change,
            )
            .delete(
                Operation::new(
                    "repositories_{plugin}_{type_name}_delete",
                    "Delete a {type_name} repository",
                )
                .needs(Need::Object(Securable::Repository, "delete"))
                .orders(),
                delete::delete,
            ),
        )
        .route(
            "/repositories/{plugin}/{type_name}/{id}/sync/",
            post(
                Operation::new(
                    "repositories_{plugin}_{type_name}_sync",
                    "Sync from a remote",
                )
                .needs(Need::Object(Securable::Repository, "sync"))
                .when(order::sync::is_offered)
                .may_take("{plugin}.RepositorySyncURL", order::sync::described)
                .orders(),
                sync::sync,
            ),
        )
        .route(
            "/repositories/{plugin}/{type_name}/{id}/modify/",
            post(
                Operation::new(
                    "repositories_{plugin}_{type_name}_modify",
                    "Add and remove content units",
                )
                .needs(Need::Object(Securable::Repository, "modify"))
                .may_take("RepositoryAddRemoveContent", |_| order::modify::described())
                .orders(),
                modify::modify,
            ),
        )
        .route(
            "/repositories/{plugin}/{type_name}/{id}/set_label/",
            post(
                label::set_operation("repositories_{plugin}_{type_name}_set_label", 201)
                    .needs(Need::Object(Securable::Repository, "change")),
                labels::set,
            ),
        )
        .route(
            "/repositories/{plugin}/{type_name}/{id}/unset_label/",
            post(
                label::unset_operation("repositories_{plugin}_{type_name}_unset_label", 201)
                    .needs(Need::Object(Securable::Repository, "change")),
                labels::unset,
            ),
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

//! Repository versions: below their repository, and all of them at
//! `repository_versions/`.

mod delete;
mod list;
mod read;
mod repair;
mod shape;

use pith_db::Connection;
use pith_db::version::{self, Version};

use crate::auth::need::Need;
use crate::error::{Error, Result};
use crate::lookup::uuid_in_path;
use crate::openapi::Operation;
use crate::routes::{Routes, get, post};
use pith_model::access::Securable;

/// The routes.
pub(crate) fn routes() -> Routes {
    let all = "/repositories/{plugin}/{type_name}/{id}/versions/";
    let one = "/repositories/{plugin}/{type_name}/{id}/versions/{number}/";
    let repair = "/repositories/{plugin}/{type_name}/{id}/versions/{number}/repair/";
    Routes::new()
        .route(
            "/repository_versions/",
            get(
                Operation::new(
                    "repository_versions_list",
                    "List versions of all repositories",
                )
                .needs(Need::User)
                .lists(&shape::VERSION, list::FILTERS),
                list::all,
            ),
        )
        .route(
            all,
            get(
                Operation::new(
                    "repositories_{plugin}_{type_name}_versions_list",
                    "List versions",
                )
                .needs(Need::Object(Securable::Repository, "view"))
                .lists(&shape::VERSION, list::FILTERS),
                list::of_repository,
            ),
        )
        .route(
            one,
            get(
                Operation::new(
                    "repositories_{plugin}_{type_name}_versions_read",
                    "Inspect a version",
                )
                .needs(Need::Object(Securable::Repository, "view"))
                .reads(&shape::VERSION),
                read::read,
            )
            .delete(
                Operation::new(
                    "repositories_{plugin}_{type_name}_versions_delete",
                    "Delete a version",
                )
                .needs(Need::Object(Securable::Repository, "delete_version"))
                .orders(),
                delete::delete,
            ),
        )
        .route(
            repair,
            post(
                Operation::new(
                    "repositories_{plugin}_{type_name}_versions_repair",
                    "Repair a version",
                )
                .needs(Need::Object(Securable::Repository, "repair"))
                .about("Reads every stored file again and fetches anew what is damaged.")
                .may_take("Repair", |_| repair::described())
                .orders(),
                repair::repair,
            ),
        )
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

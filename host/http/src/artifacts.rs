//! Stored files: `artifacts/`.

mod create;
mod delete;
mod list;
mod read;
mod shape;

use pith_db::Connection;
use pith_db::artifact::{self, Artifact};

use crate::auth::need::Need;
use crate::error::{Error, Result};
use crate::lookup::uuid_in_path;
use crate::openapi::Operation;
use crate::routes::{Routes, get};

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(
            "/artifacts/",
            get(
                Operation::new("artifacts_list", "List artifacts")
                    .needs(Need::User)
                    .lists(&shape::ARTIFACT, list::FILTERS),
                list::list,
            )
            .post(
                Operation::new("artifacts_create", "Store a file")
                    .takes_upload("Artifact", create::described)
                    .shows(201, &shape::ARTIFACT),
                create::create,
            ),
        )
        .route(
            "/artifacts/{id}/",
            get(
                Operation::new("artifacts_read", "Inspect an artifact")
                    .needs(Need::Artifact)
                    .reads(&shape::ARTIFACT),
                read::read,
            )
            .delete(
                Operation::new(
                    "artifacts_delete",
                    "Delete an artifact that nothing refers to",
                )
                .answers_nothing(204),
                delete::delete,
            ),
        )
}

/// The artifact that a path names.
async fn find(connection: &mut Connection, id: &str) -> Result<Artifact> {
    artifact::by_uuid(connection, uuid_in_path(id)?)
        .await?
        .ok_or_else(Error::not_found)
}

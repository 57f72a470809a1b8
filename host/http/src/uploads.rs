//! Pulp's uploads, of an announced size and with chunks in any order: `uploads/`.

mod commit;
mod create;
mod delete;
mod list;
mod put;
mod range;
mod read;
mod shape;

use pith_content::upload;
use pith_db::upload::Upload;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::lookup::uuid_in_path;
use crate::openapi::{Operation, Parameter};
use crate::routes::{Routes, get, post};

/// Where a chunk belongs.
const RANGE: &[Parameter] = &[Parameter::text(
    "Content-Range",
    "Where the chunk belongs, as in `bytes 0-999/5000`.",
)
.header()
.required()];

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(
            "/uploads/",
            get(
                Operation::new("uploads_list", "List uploads").lists(&shape::UPLOAD, list::FILTERS),
                list::list,
            )
            .post(
                Operation::new("uploads_create", "Begin an upload").creates(&shape::UPLOAD),
                create::create,
            ),
        )
        .route(
            "/uploads/{id}/",
            get(
                Operation::new("uploads_read", "Inspect an upload").reads(&shape::UPLOAD_DETAIL),
                read::read,
            )
            .put(
                Operation::new("uploads_update", "Upload a chunk")
                    .parameters(RANGE)
                    .takes_upload("UploadChunk", put::described)
                    .shows(200, &shape::UPLOAD),
                put::put,
            )
            .delete(
                Operation::new("uploads_delete", "Delete an upload").answers_nothing(204),
                delete::delete,
            ),
        )
        .route(
            "/uploads/{id}/commit/",
            post(
                Operation::new("uploads_commit", "Make an artifact of an upload")
                    .takes("UploadCommit", commit::described)
                    .orders(),
                commit::commit,
            ),
        )
}

/// The upload that a path names.
async fn find(context: &Context, id: &str) -> Result<Upload> {
    let uuid = uuid_in_path(id)?;
    let found = upload::find(&context.app.services, context.user()?, uuid).await;
    match found.map_err(crate::upload::refuse)? {
        upload if upload.size.is_some() => Ok(upload),
        // Of the other kind, which is not shown here.
        _ => Err(Error::not_found()),
    }
}

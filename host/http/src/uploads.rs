//! Pulp's uploads, of an announced size and with chunks in any order: `uploads/`.

mod commit;
mod create;
mod delete;
mod list;
mod put;
mod range;
mod read;
mod shape;

use pith_content::upload::{self, Whose};
use pith_db::upload::Upload;

use crate::auth::need::Need;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::lookup::uuid_in_path;
use crate::openapi::{Operation, Parameter};
use crate::routes::{Routes, get, post};
use pith_model::access::Securable;

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
                Operation::new("uploads_list", "List uploads")
                    .needs(Need::User)
                    .lists(&shape::UPLOAD, list::FILTERS),
                list::list,
            )
            .post(
                Operation::new("uploads_create", "Begin an upload")
                    .needs(Need::Add(Securable::Upload))
                    .creates(&shape::UPLOAD),
                create::create,
            ),
        )
        .route(
            "/uploads/{id}/",
            get(
                Operation::new("uploads_read", "Inspect an upload")
                    .needs(Need::Object(Securable::Upload, "view"))
                    .reads(&shape::UPLOAD_DETAIL),
                read::read,
            )
            .put(
                Operation::new("uploads_update", "Upload a chunk")
                    .needs(Need::Object(Securable::Upload, "change"))
                    .parameters(RANGE)
                    .takes_upload("UploadChunk", put::described)
                    .shows(200, &shape::UPLOAD),
                put::put,
            )
            .delete(
                Operation::new("uploads_delete", "Delete an upload")
                    .needs(Need::Object(Securable::Upload, "delete"))
                    .answers_nothing(204),
                delete::delete,
            ),
        )
        .route(
            "/uploads/{id}/commit/",
            post(
                Operation::new("uploads_commit", "Make an artifact of an upload")
                    .needs(Need::Object(Securable::Upload, "change"))
                    .takes("UploadCommit", commit::described)
                    .orders(),
                commit::commit,
            ),
        )
}

/// The upload that a path names. Whether the caller may do that with it was looked at
/// before.
async fn find(context: &Context, id: &str) -> Result<Upload> {
    let uuid = uuid_in_path(id)?;
    let found = upload::find(&context.app.services, Whose::Anybodys, uuid).await;
    match found.map_err(crate::upload::refuse)? {
        upload if upload.size.is_some() => Ok(upload),
        // Of the other kind, which is not shown here.
        _ => Err(Error::not_found()),
    }
}

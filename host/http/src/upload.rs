//! Uploads whose chunks follow one another: `PUT upload`, then `POST import_upload`.

mod append;
mod import;
mod shape;

use crate::auth::need::Need;
use crate::openapi::resource::object;
use crate::openapi::{Field, Operation, Parameter, Place};
use crate::routes::{Routes, post, put};
use pith_model::access::Securable;

pub(crate) use shape::refuse;

/// What can be said of a chunk beside its bytes.
const PARAMETERS: &[Parameter] = &[
    Parameter::text(
        "upload_id",
        "The upload to go on with; without it one begins.",
    ),
    Parameter::integer(
        "offset",
        "Where the chunk belongs: what the last answer said.",
    ),
    Parameter::text("Digest", "The chunk's digest, as in `sha-256=<base64>`.").header(),
    Parameter::text("Content-MD5", "The chunk's MD5 in base64.").header(),
    Parameter::text("sha256", "The chunk's SHA-256 in hexadecimal.").header(),
];

/// The routes. Their paths need no slash at the end, as no path does.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(
            "/upload/",
            put(
                Operation::new("upload_append", "Send a chunk of a file")
                    .needs(Need::Add(Securable::Upload))
                    .about(
                        "Chunks follow one another. One that does not begin at the offset \
                         that comes next is ignored, and the answer says which that is.",
                    )
                    .parameters(PARAMETERS)
                    .takes_bytes("application/octet-stream")
                    .answers(200, "UploadOffset", shape::described)
                    .answers(400, "UploadRefusal", shape::refused)
                    .answers(404, "UploadGone", shape::gone),
                append::append,
            ),
        )
        .route(
            "/import_upload/",
            post(
                Operation::new("import_upload", "Make content of an upload")
                    .needs(Need::User)
                    .about("The upload stays for more of them until it expires.")
                    .takes("ImportUpload", described)
                    .orders()
                    .answers(404, "UploadGone", shape::gone),
                import::import,
            ),
        )
}

/// What an import takes.
fn described(_: &Place) -> serde_json::Value {
    object(&[
        Field::text("upload_id", "Of the upload.").required(),
        Field::text("unit_type_id", "The content type, as in `file.file`.").required(),
        Field::object("unit_key", "What makes the unit what it is.")
            .required()
            .nullable(),
        Field::object("unit_metadata", "What else is known of the unit.").nullable(),
        Field::object("override_config", "More for the plugin.").nullable(),
        Field::href(
            "repository",
            "A repository that gets a new version with the units.",
        ),
    ])
}

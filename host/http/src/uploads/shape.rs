//! How an upload looks to clients.

use std::ops::Range;

use pith_db::upload::Upload;
use pith_model::Root;
use pith_model::reference::{Kind, core_prn};
use serde_json::{Value, json};

use crate::document::{Href, Object};
use crate::openapi::{Field, Resource};

/// What the document says of an upload.
pub(super) static UPLOAD: Resource = Resource::new(
    "Upload",
    "A file that comes in chunks.",
    &[
        Field::href("pulp_href", "").read_only(),
        Field::text("prn", "").read_only(),
        Field::time("pulp_created", "").read_only(),
        Field::time("pulp_last_updated", "").read_only(),
        Field::integer("size", 0, "Of the whole file, in bytes.").required(),
        Field::time("completed", "Nothing: a commit removes the upload.")
            .nullable()
            .read_only(),
    ],
);

/// The same with the chunks.
pub(super) static UPLOAD_DETAIL: Resource = Resource::new(
    "UploadDetail",
    "A file that comes in chunks, with those that came.",
    &[
        Field::href("pulp_href", "").read_only(),
        Field::text("prn", "").read_only(),
        Field::time("pulp_created", "").read_only(),
        Field::time("pulp_last_updated", "").read_only(),
        Field::integer("size", 0, "Of the whole file, in bytes."),
        Field::time("completed", "Nothing: a commit removes the upload.")
            .nullable()
            .read_only(),
        Field::schema_of("chunks", chunks, "Those that came, in order.").read_only(),
    ],
);

fn chunks() -> Value {
    json!({"type": "array", "items": {"type": "object", "properties": {
        "offset": {"type": "integer"}, "size": {"type": "integer"}}}})
}

/// Writes an upload.
pub(super) fn write(object: &mut Object<'_>, upload: &Upload, root: Root) {
    let uuid = upload.uuid;
    object
        .field("pulp_href", Href(root, format_args!("uploads/{uuid}/")))
        .field("prn", core_prn(Kind::Upload, uuid))
        .field("pulp_created", upload.pulp_created)
        .field("pulp_last_updated", upload.pulp_last_updated)
        .field("size", upload.size)
        .field("completed", ());
}

/// Writes an upload with its chunks.
pub(super) fn write_with_chunks(
    object: &mut Object<'_>,
    upload: &Upload,
    root: Root,
    chunks: &[Range<i64>],
) {
    write(object, upload, root);
    let chunks: Vec<_> = chunks
        .iter()
        .map(|chunk| json!({"offset": chunk.start, "size": chunk.end - chunk.start}))
        .collect();
    object.field("chunks", chunks);
}

//! How a stored file looks to clients.

use pith_db::artifact::Artifact;
use pith_model::Root;
use pith_model::reference::{Kind, core_prn};

use crate::document::{Hex, Href, Object, Text};
use crate::openapi::{Field, Resource};

/// What the document says of an artifact.
pub(super) static ARTIFACT: Resource = Resource::new(
    "Artifact",
    "A stored file.",
    &[
        Field::href("pulp_href", "").read_only(),
        Field::text("prn", "").read_only(),
        Field::time("pulp_created", "").read_only(),
        Field::time("pulp_last_updated", "").read_only(),
        Field::text("file", "Its name in the store.").read_only(),
        Field::integer("size", 0, "In bytes."),
        Field::text("md5", "").nullable(),
        Field::text("sha1", "").nullable(),
        Field::text("sha224", "").nullable(),
        Field::text("sha256", ""),
        Field::text("sha384", "").nullable(),
        Field::text("sha512", "").nullable(),
    ],
);

/// Writes an artifact.
pub(super) fn write(object: &mut Object<'_>, artifact: &Artifact, root: Root) {
    let uuid = artifact.uuid;
    let sha256 = hex::encode(&artifact.sha256);
    let (first, rest) = sha256.split_at(2.min(sha256.len()));
    object
        .field("pulp_href", Href(root, format_args!("artifacts/{uuid}/")))
        .field("prn", core_prn(Kind::Artifact, uuid))
        .field("pulp_created", artifact.pulp_created)
        .field("pulp_last_updated", artifact.pulp_created)
        .field("file", Text(format_args!("artifact/{first}/{rest}")))
        .field("size", artifact.size)
        .field("md5", Hex(artifact.md5.as_deref()))
        .field("sha1", Hex(artifact.sha1.as_deref()))
        .field("sha224", Hex(artifact.sha224.as_deref()))
        .field("sha256", &sha256)
        .field("sha384", Hex(artifact.sha384.as_deref()))
        .field("sha512", Hex(artifact.sha512.as_deref()));
}

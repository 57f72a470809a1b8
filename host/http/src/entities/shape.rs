//! How an entity looks to clients.

use pith_db::entity::Entity;
use pith_model::Root;
use pith_model::reference::{Kind, typed_path, typed_prn};
use pith_model::schema::file_setting;
use serde_json::Value;

use crate::config;
use crate::document::{Href, Object};
use crate::openapi::{Field, Resource};

/// What the document says of an entity.
pub(super) static ENTITY: Resource = Resource::new(
    "Entity",
    "An object of a plugin's own, for which roles can be given.",
    &[
        Field::href("pulp_href", "").read_only(),
        Field::text("prn", "").read_only(),
        Field::integer("id", 1, "").read_only(),
        Field::time("pulp_created", "").read_only(),
        Field::time("pulp_last_updated", "").read_only(),
        Field::text("name", "Unique among those of its type; it stays.").required(),
        Field::href("file", "Its picture, of a type that has some.")
            .read_only()
            .nullable(),
        Field::text("file_sha256", "The picture's digest.")
            .read_only()
            .nullable(),
        Field::href(
            "task",
            "In the answer to a change: what fetches the picture, if anything does.",
        )
        .read_only(),
    ],
)
.typed(&[]);

/// Writes an entity with what its plugin adds.
pub(super) fn write(object: &mut Object<'_>, entity: &Entity, root: Root, schema: Option<&Value>) {
    let (plugin, type_name) = (entity.plugin.as_str(), entity.type_name.as_str());
    let path = typed_path(Kind::Entity, plugin, type_name, entity.uuid);
    object
        .field("pulp_href", Href(root, &path))
        .field(
            "prn",
            typed_prn(Kind::Entity, plugin, type_name, entity.uuid),
        )
        .field("id", entity.id)
        .field("pulp_created", entity.pulp_created)
        .field("pulp_last_updated", entity.pulp_last_updated)
        .field("name", &entity.name);
    if schema.and_then(file_setting).is_some() {
        let file = entity.file.as_ref();
        let path = format!("{path}file/");
        object
            .field("file", file.map(|_| Href(root, &path)))
            .field("file_sha256", file.map(|file| hex::encode(&file.sha256)));
    }
    config::write(object, root, schema, &entity.config);
}

//! How a distribution looks to clients.

use pith_db::distribution::Distribution;
use pith_model::Root;
use pith_model::reference::{Kind, typed_path, typed_prn, version_path};
use pith_model::schema::addresses;
use serde_json::Value;
use uuid::Uuid;

use crate::config;
use crate::document::{Href, Object, Text};
use crate::openapi::{Field, Resource};

/// What the document says of a distribution.
pub(super) static DISTRIBUTION: Resource = Resource::new(
    "Distribution",
    "Which base path serves what.",
    &[
        Field::href("pulp_href", "").read_only(),
        Field::text("prn", "").read_only(),
        Field::time("pulp_created", "").read_only(),
        Field::time("pulp_last_updated", "").read_only(),
        Field::text("base_path", "Unique, and neither above nor below another.").required(),
        Field::text("base_url", "Where clients find it.").read_only(),
        Field::href(
            "content_guard",
            "Only null is taken: there are no guards yet.",
        )
        .nullable(),
        Field::text("content_guard_prn", "").nullable().read_only(),
        Field::time("no_content_change_since", "")
            .nullable()
            .read_only(),
        Field::boolean(
            "hidden",
            "Whether the list of all distributions leaves it out.",
        ),
        Field::labels("pulp_labels", ""),
        Field::text("name", "Unique.").required(),
        Field::href(
            "repository",
            "Serves the newest publication of this repository.",
        )
        .nullable(),
        Field::href("repository_version", "Serves this version.").nullable(),
        Field::href("publication", "Serves this publication.").nullable(),
    ],
)
.typed(&[Field::boolean(
    "checkpoint",
    "Only false is taken: there are no checkpoints yet.",
)]);

/// Writes what every distribution has. `content_origin` has no slash at its end.
pub(super) fn write_base(
    object: &mut Object<'_>,
    distribution: &Distribution,
    root: Root,
    content_origin: &str,
) {
    let (plugin, type_name) = (
        distribution.plugin.as_str(),
        distribution.type_name.as_str(),
    );
    let settings = &distribution.settings;
    let typed = |kind: Kind, reference: &Option<(Uuid, String, String)>| {
        reference
            .as_ref()
            .map(|(uuid, plugin, name)| Href(root, typed_path(kind, plugin, name, *uuid)))
    };
    let version = distribution.version_reference.as_ref();
    let version = version.map(|(repository, plugin, name, number)| {
        Href(root, version_path(plugin, name, *repository, *number))
    });
    let path = typed_path(Kind::Distribution, plugin, type_name, distribution.uuid);
    let base_path = &settings.base_path;
    object
        .field("pulp_href", Href(root, path))
        .field(
            "prn",
            typed_prn(Kind::Distribution, plugin, type_name, distribution.uuid),
        )
        .field("pulp_created", distribution.pulp_created)
        .field("pulp_last_updated", distribution.pulp_last_updated)
        .field("base_path", base_path)
        .field(
            "base_url",
            Text(format_args!("{content_origin}/pulp/content/{base_path}/")),
        )
        .field("content_guard", ())
        .field("content_guard_prn", ())
        // No promise is made about when content last changed.
        .field("no_content_change_since", ())
        .field("hidden", settings.hidden)
        .field("pulp_labels", &settings.pulp_labels)
        .field("name", &settings.name)
        .field(
            "repository",
            typed(Kind::Repository, &distribution.repository_reference),
        )
        .field("repository_version", version)
        .field(
            "publication",
            typed(Kind::Publication, &distribution.publication_reference),
        );
}

/// Writes a distribution of a type, with what its plugin adds.
pub(super) fn write(
    object: &mut Object<'_>,
    distribution: &Distribution,
    root: Root,
    content_origin: &str,
    schema: Option<&Value>,
) {
    write_base(object, distribution, root, content_origin);
    object.field("checkpoint", false);
    config::write(object, root, schema, &distribution.settings.config);
    for (name, path) in schema.into_iter().flat_map(addresses) {
        let path = path.replace("{base_path}", &distribution.settings.base_path);
        object.field(name, Text(format_args!("{content_origin}{path}")));
    }
}

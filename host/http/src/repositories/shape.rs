//! How a repository looks to clients.

use pith_db::repository::Repository;
use pith_model::Root;
use pith_model::reference::{Kind, typed_path};
use serde_json::{Map, Value};

use crate::config;
use crate::document::{Href, Object};
use crate::last_sync::LastSyncs;
use crate::openapi::{Field, Resource};

/// What the document says of a repository.
pub(super) static REPOSITORY: Resource = Resource::new(
    "Repository",
    "A named line of immutable versions of content.",
    &[
        Field::href("pulp_href", "").read_only(),
        Field::text("prn", "").read_only(),
        Field::time("pulp_created", "").read_only(),
        Field::time("pulp_last_updated", "").read_only(),
        Field::href("versions_href", "Its versions.").read_only(),
        Field::labels("pulp_labels", ""),
        Field::href("latest_version_href", "Its newest version.").read_only(),
        Field::text("name", "Unique.").required(),
        Field::text("description", "").nullable(),
        Field::integer(
            "retain_repo_versions",
            1,
            "How many versions are kept; null for all.",
        )
        .nullable(),
        Field::integer(
            "retain_checkpoints",
            1,
            "How many checkpoints are kept; null for all. Nothing makes any yet.",
        )
        .nullable(),
        Field::href("remote", "Where it syncs from if nothing else is said.").nullable(),
    ],
)
.typed(&[
    Field::object("last_sync_details", "").read_only(),
    Field::boolean("autopublish", "Whether each new version is published."),
]);

/// Writes what every repository has.
pub(super) fn write_base(object: &mut Object<'_>, repository: &Repository, root: Root) {
    let (plugin, type_name) = (repository.plugin.as_str(), repository.type_name.as_str());
    let path = typed_path(Kind::Repository, plugin, type_name, repository.uuid);
    let latest = repository.latest_version.unwrap_or(0);
    let remote = repository
        .remote_reference
        .as_ref()
        .map(|(uuid, plugin, type_name)| {
            Href(root, typed_path(Kind::Remote, plugin, type_name, *uuid))
        });
    object
        .field("pulp_href", Href(root, &path))
        .field("prn", repository.prn())
        .field("pulp_created", repository.pulp_created)
        .field("pulp_last_updated", repository.pulp_last_updated)
        .field("versions_href", Href(root, format_args!("{path}versions/")))
        .field("pulp_labels", &repository.pulp_labels)
        .field(
            "latest_version_href",
            Href(root, format_args!("{path}versions/{latest}/")),
        )
        .field("name", &repository.name)
        .field("description", &repository.description)
        .field("retain_repo_versions", repository.retain_repo_versions)
        .field("retain_checkpoints", repository.retain_checkpoints)
        .field("remote", remote);
}

/// Writes a repository of a type, with what its plugin adds.
pub(super) fn write(
    object: &mut Object<'_>,
    repository: &Repository,
    root: Root,
    schema: Option<&Value>,
    last_syncs: &LastSyncs,
) {
    write_base(object, repository, root);
    object
        // No content type has told anything of its syncs here yet.
        .field("last_sync_details", Map::new())
        .field("autopublish", repository.autopublish);
    config::write(object, root, schema, &repository.config);
    last_syncs.write(object, schema, &repository.prn(), Some(repository.id));
}

//! How a publication looks to clients.

use pith_db::publication::Publication;
use pith_model::reference::{Kind, typed_path, typed_prn, version_path};
use pith_model::{PublicationId, Root};
use serde_json::Value;
use uuid::Uuid;

use crate::config;
use crate::document::{Href, Object};
use crate::openapi::{Field, Resource};

/// What the document says of a publication.
pub(super) static PUBLICATION: Resource = Resource::new(
    "Publication",
    "The files that clients see for a repository version.",
    &[
        Field::href("pulp_href", "").read_only(),
        Field::text("prn", "").read_only(),
        Field::time("pulp_created", "").read_only(),
        Field::time("pulp_last_updated", "").read_only(),
        Field::href("repository_version", "The version that is published."),
        Field::href("repository", "Whose newest version is published."),
    ],
)
.typed(&[
    Field::hrefs("distributions", "What serves it.").read_only(),
    Field::boolean(
        "checkpoint",
        "Only false is taken: there are no checkpoints yet.",
    ),
]);

/// The distributions that serve several publications: UUID, plugin and type.
pub(super) type Distributions = [(PublicationId, Uuid, String, String)];

/// Writes what every publication has.
pub(super) fn write_base(object: &mut Object<'_>, publication: &Publication, root: Root) {
    let (plugin, type_name) = (publication.plugin.as_str(), publication.type_name.as_str());
    let (repository, repository_type) = (
        publication.repository_uuid,
        publication.repository_type.as_str(),
    );
    let path = typed_path(Kind::Publication, plugin, type_name, publication.uuid);
    let version = version_path(
        plugin,
        repository_type,
        repository,
        publication.version_number,
    );
    let repository = typed_path(Kind::Repository, plugin, repository_type, repository);
    object
        .field("pulp_href", Href(root, path))
        .field(
            "prn",
            typed_prn(Kind::Publication, plugin, type_name, publication.uuid),
        )
        .field("pulp_created", publication.pulp_created)
        .field("pulp_last_updated", publication.pulp_created)
        .field("repository_version", Href(root, version))
        .field("repository", Href(root, repository));
}

/// Writes a publication of a type, with what its plugin adds.
pub(super) fn write(
    object: &mut Object<'_>,
    publication: &Publication,
    root: Root,
    schema: Option<&Value>,
    distributions: &Distributions,
) {
    write_base(object, publication, root);
    let serving: Vec<Href<String>> = distributions
        .iter()
        .filter(|(id, ..)| *id == publication.id)
        .map(|(_, uuid, plugin, type_name)| {
            Href(
                root,
                typed_path(Kind::Distribution, plugin, type_name, *uuid),
            )
        })
        .collect();
    object
        .field("distributions", serving)
        .field("checkpoint", false);
    config::write(object, root, schema, &publication.config);
}

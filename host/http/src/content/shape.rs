//! How a unit of content looks to clients.

use pith_db::content_type::TypeTable;
use pith_db::unit_list::ListedUnit;
use pith_model::descriptor::ArtifactCount;
use pith_model::{Reference, Root};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::beside::{ArtifactPath, Beside};
use crate::content::PICTURE;
use crate::document::{Href, Object, Text};
use crate::openapi::{Field, Resource};

/// What the document says of a unit of any type.
pub(super) static CONTENT: Resource = Resource::new(
    "MultipleArtifactContent",
    "A unit of content of any type.",
    &[
        HREF,
        PRN,
        CREATED,
        UPDATED,
        LABELS,
        REPORT,
        Field::object("artifacts", "The stored files by their paths.").read_only(),
    ],
);

/// What the document says of a unit of a type, beside the fields of the type.
pub(super) static UNIT: Resource = Resource::new(
    "Content",
    "A unit of content.",
    &[HREF, PRN, CREATED, UPDATED, LABELS, REPORT],
);

const HREF: Field = Field::href("pulp_href", "Null if the plugin of its type is gone.")
    .nullable()
    .read_only();
const PRN: Field = Field::text("prn", "").read_only();
const CREATED: Field = Field::time("pulp_created", "").read_only();
const UPDATED: Field = Field::time("pulp_last_updated", "").read_only();
const LABELS: Field = Field::labels("pulp_labels", "").read_only();
const REPORT: Field = Field::text("vuln_report", "").nullable().read_only();

/// Writes what every unit has.
fn write_head(object: &mut Object<'_>, unit: &ListedUnit, root: Root, table: Option<&TypeTable>) {
    // A type whose plugin is gone has no path.
    let place = table.map(|table| (&table.plugin, &table.content_type));
    let href = place.map(|(plugin, content_type)| {
        format!(
            "{}content/{plugin}/{}/{}/",
            root.path(),
            content_type.plural,
            unit.uuid
        )
    });
    let (plugin, model) = place.map_or(("core", "content"), |(plugin, content_type)| {
        (plugin.as_str(), content_type.model.as_str())
    });
    object
        .field("pulp_href", href)
        .field(
            "prn",
            Text(format_args!("prn:{plugin}.{model}:{}", unit.uuid)),
        )
        .field("pulp_created", unit.pulp_created)
        .field("pulp_last_updated", unit.pulp_created);
    match &unit.pulp_labels {
        Some(labels) => object.field("pulp_labels", labels),
        None => object.object("pulp_labels", |_| {}),
    };
    object.field("vuln_report", ());
}

/// Writes a unit of any type, with all its artifacts.
pub(super) fn write_base(
    object: &mut Object<'_>,
    unit: &ListedUnit,
    root: Root,
    table: Option<&TypeTable>,
    paths: &[ArtifactPath],
) {
    write_head(object, unit, root, table);
    object.field(
        "artifacts",
        Artifacts {
            root,
            paths: paths_of(unit, paths),
        },
    );
}

/// Writes a unit of a type, with its fields.
pub(crate) fn write(
    object: &mut Object<'_>,
    unit: &ListedUnit,
    root: Root,
    table: &TypeTable,
    beside: &Beside,
) {
    write_head(object, unit, root, Some(table));
    let content_type = &table.content_type;
    match content_type.artifacts {
        ArtifactCount::None => {}
        ArtifactCount::One => {
            let uuid = unit.artifact.as_ref().map(|artifact| artifact.uuid);
            object.field("artifact", uuid.map(|uuid| Href(root, Artifact(uuid))));
        }
        ArtifactCount::Many => {
            object.field(
                "artifacts",
                Artifacts {
                    root,
                    paths: paths_of(unit, &beside.paths),
                },
            );
        }
    }
    let fields = content_type.fields.iter().zip(&unit.values);
    for (field, value) in fields.filter(|(field, _)| !field.is_hidden) {
        if field.is_signing_service
            && let Some(service) = value.as_str().and_then(Reference::parse)
        {
            let path = format_args!("{}/{}/", service.kind.collection(), service.uuid);
            object.field(&field.name, Href(root, path));
        } else {
            object.field(&field.name, value);
        }
    }
    for name in &content_type.derived {
        object.field(name, beside.derived(unit.id, name));
    }
    for link in &content_type.links {
        let (place, uuids) = beside.link(unit.id, &link.name);
        if link.is_list {
            object.field(&link.name, Hrefs { root, place, uuids });
        } else {
            let one = uuids.first().map(|uuid| Place(place, uuid));
            object.field(&link.name, one.map(|one| Href(root, one)));
        }
    }
    if let Some(name) = &content_type.picture {
        let mut paths = paths_of(unit, &beside.paths).iter();
        let is_there = paths.any(|(.., stored)| stored.is_some());
        let (plugin, plural, uuid) = (&table.plugin, &content_type.plural, unit.uuid);
        let place = format_args!("content/{plugin}/{plural}/{uuid}/{PICTURE}/");
        object.field(name, is_there.then_some(Href(root, place)));
    }
    if content_type.artifacts == ArtifactCount::One {
        write_digests(object, unit, table);
    }
}

/// Writes the digests of a unit's one artifact, but for those that are its own fields.
fn write_digests(object: &mut Object<'_>, unit: &ListedUnit, table: &TypeTable) {
    let artifact = unit.artifact.as_ref();
    for name in ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"] {
        if table
            .content_type
            .fields
            .iter()
            .all(|field| field.name != name)
        {
            object.field(name, artifact.and_then(|one| one.digest(name)));
        }
    }
}

fn paths_of<'a>(unit: &ListedUnit, paths: &'a [ArtifactPath]) -> &'a [ArtifactPath] {
    let begin = paths.partition_point(|(id, ..)| *id < unit.id);
    let own = paths[begin..]
        .iter()
        .take_while(|(id, ..)| *id == unit.id)
        .count();
    &paths[begin..begin + own]
}

/// The paths of several units of one type.
struct Hrefs<'a> {
    root: Root,
    place: &'a str,
    uuids: &'a [Uuid],
}

impl Serialize for Hrefs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let places = self.uuids.iter().map(|uuid| Place(self.place, uuid));
        serializer.collect_seq(places.map(|place| Href(self.root, place)))
    }
}

struct Place<'a>(&'a str, &'a Uuid);

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/", self.0, self.1)
    }
}

struct Artifact(Uuid);

impl std::fmt::Display for Artifact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "artifacts/{}/", self.0)
    }
}

/// A map from paths to artifacts; null where the bytes are still upstream.
struct Artifacts<'a> {
    root: Root,
    paths: &'a [ArtifactPath],
}

impl Serialize for Artifacts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.paths.len()))?;
        for (_, path, uuid) in self.paths {
            map.serialize_entry(path, &uuid.map(|uuid| Href(self.root, Artifact(uuid))))?;
        }
        map.end()
    }
}

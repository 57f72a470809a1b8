//! How a repository version looks to clients.

use pith_content::types::Types;
use pith_db::membership::Counts;
use pith_db::version::Version;
use pith_model::Root;
use pith_model::VersionId;
use pith_model::reference::{Kind, core_prn, typed_path, version_path};
use serde_json::{Value, json};

use crate::document::{Href, Object};
use crate::openapi::{Field, Resource};

/// What the document says of a version.
pub(super) static VERSION: Resource = Resource::new(
    "RepositoryVersion",
    "An immutable, numbered set of content.",
    &[
        Field::href("pulp_href", "").read_only(),
        Field::text("prn", "").read_only(),
        Field::time("pulp_created", "").read_only(),
        Field::time("pulp_last_updated", "").read_only(),
        Field::integer("number", 0, "").read_only(),
        Field::href("repository", "").read_only(),
        Field::href("base_version", "The version that it was made from.")
            .nullable()
            .read_only(),
        Field::schema_of(
            "content_summary",
            content_summary,
            "What it added, removed and has.",
        )
        .read_only(),
        Field::text("vuln_report", "").nullable().read_only(),
    ],
)
.of_host();

fn content_summary() -> Value {
    let counts = json!({"type": "object", "additionalProperties": {"type": "object",
        "properties": {
            "count": {"type": "integer"},
            "href": {"type": "string", "format": "uri-reference"}}}});
    json!({"type": "object", "properties":
        {"added": counts, "removed": counts, "present": counts}})
}

/// The counts of several versions, ordered by version.
pub(super) type AllCounts = [(VersionId, Counts)];

/// Writes a version.
pub(super) fn write(
    object: &mut Object<'_>,
    version: &Version,
    root: Root,
    types: &Types,
    counts: &AllCounts,
) {
    let (plugin, type_name) = (version.plugin.as_str(), version.type_name.as_str());
    let repository = version.repository_uuid;
    let path = |number| Href(root, version_path(plugin, type_name, repository, number));
    let repository_path = typed_path(Kind::Repository, plugin, type_name, repository);
    object
        .field("pulp_href", path(version.number))
        .field("prn", core_prn(Kind::Version, version.uuid))
        .field("pulp_created", version.pulp_created)
        .field("pulp_last_updated", version.pulp_created)
        .field("number", version.number)
        .field("repository", Href(root, repository_path))
        .field("base_version", version.base_number.map(path))
        .object("content_summary", |summary| {
            let begin = counts.partition_point(|(id, _)| *id < version.id);
            let end = counts.partition_point(|(id, _)| *id <= version.id);
            let href = path(version.number).to_string();
            write_summary(summary, root, types, &href, &counts[begin..end]);
        })
        .field("vuln_report", ());
}

/// How a summary calls a count, the list of what it counts, and where it stands.
type Summary = (&'static str, &'static str, fn(&Counts) -> i64);

const SUMMARIES: [Summary; 3] = [
    ("added", "repository_version_added", |counts| counts.added),
    ("removed", "repository_version_removed", |counts| {
        counts.removed
    }),
    ("present", "repository_version", |counts| counts.present),
];

/// Writes how many units of each type a version added, removed and has, with the list
/// of each.
fn write_summary(
    summary: &mut Object<'_>,
    root: Root,
    types: &Types,
    href: &str,
    counts: &AllCounts,
) {
    for (name, parameter, pick) in SUMMARIES {
        summary.object(name, |by_type| {
            for (_, counts) in counts.iter().filter(|(_, counts)| pick(counts) > 0) {
                let Some(table) = types.by_id(counts.content_type) else {
                    continue;
                };
                let plural = &table.content_type.plural;
                let list = format_args!("content/{}/{plural}/?{parameter}={href}", table.plugin);
                by_type.object(&table.full_name, |entry| {
                    entry
                        .field("count", pick(counts))
                        .field("href", Href(root, list));
                });
            }
        });
    }
}

//! How a component looks to clients.

use pith_model::Root;
use pith_model::descriptor::Descriptor;
use pith_plugin::components::{Problem, Shown, limits_by_name};
use pith_plugin::{Abilities, Used};
use serde_json::{Value, json};

use crate::document::{Href, Object, Text};
use crate::openapi::{Field, Resource};

/// What the document says of a component.
pub(super) static COMPONENT: Resource = Resource::new(
    "Component",
    "A loaded plugin: the build that is in service on all servers, and how it stands on the \
     one that answers.",
    &[
        Field::href("pulp_href", "").read_only(),
        Field::text("prn", "Null for a file that never became a plugin.")
            .nullable()
            .read_only(),
        Field::time("pulp_created", "").nullable().read_only(),
        Field::time("pulp_last_updated", "").nullable().read_only(),
        Field::text("name", "The plugin's name.").read_only(),
        Field::blank("title", "").nullable().read_only(),
        Field::text("version", "").nullable().read_only(),
        Field::text("digest", "").nullable().read_only(),
        Field::integer("size", 0, "In bytes.")
            .nullable()
            .read_only(),
        Field::one_of(
            "status",
            &["active", "disabled", "failed", "refused"],
            "How it stands on this server.",
        )
        .read_only(),
        Field::boolean("enabled", "Whether it is to be in service."),
        Field::integer("generation", 1, "Counts the builds that were in service.")
            .nullable()
            .read_only(),
        Field::one_of(
            "origin",
            &["builtin", "upload", "directory"],
            "Where the build came from.",
        )
        .nullable()
        .read_only(),
        Field::text("file", "The file in a plugin directory that it came from.")
            .nullable()
            .read_only(),
        Field::texts("abilities", "What it can do.").read_only(),
        Field::texts("imports", "What it asks of the host.").read_only(),
        Field::texts("content_types", "").read_only(),
        Field::texts("task_types", "").read_only(),
        Field::object(
            "limits",
            "What a call may use, by name; null takes a limit back to the server's own.",
        )
        .nullable(),
        Field::object("used", "By calls of this build on this server.")
            .nullable()
            .read_only(),
        Field::object("problem", "What was refused last, and at which gate.")
            .nullable()
            .read_only(),
    ],
);

/// Writes a component: what the rows say of it, and what this server knows.
pub(super) fn write(object: &mut Object<'_>, shown: &Shown, root: Root) {
    let row = shown.row.as_ref();
    let generation = shown.generation.as_deref();
    let descriptor = generation.map(pith_plugin::Generation::descriptor);
    object
        .field(
            "pulp_href",
            Href(root, format_args!("components/{}/", shown.name)),
        )
        .field(
            "prn",
            row.map(|row| format!("prn:core.component:{}", row.uuid)),
        )
        .field("pulp_created", row.map(|row| row.pulp_created))
        .field("pulp_last_updated", row.map(|row| row.pulp_last_updated))
        .field("name", Text(&shown.name))
        .field("title", descriptor.map(|it| it.title.as_str()))
        .field("version", row.map(|row| row.version.as_str()))
        .field(
            "digest",
            row.map(|row| format!("sha256:{}", hex::encode(row.digest))),
        )
        .field("size", row.map(|row| row.size))
        .field("status", shown.status.as_str())
        .field("enabled", row.is_some_and(|row| row.enabled))
        .field("generation", row.map(|row| row.generation))
        .field("origin", row.map(|row| row.origin.as_str()))
        .field("file", row.and_then(|row| row.file.as_deref()))
        .field(
            "abilities",
            generation.map_or_else(Vec::new, |it| abilities(it.abilities())),
        )
        .field(
            "imports",
            generation
                .map(pith_plugin::Generation::imports)
                .unwrap_or_default(),
        )
        .field(
            "content_types",
            descriptor.map_or_else(Vec::new, content_types),
        )
        .field("task_types", descriptor.map_or_else(Vec::new, task_types))
        .field("limits", generation.map(|it| limits_by_name(it.limits())))
        .field("used", generation.map(|it| used(it.used())))
        .field("problem", shown.problem.as_ref().map(problem));
}

fn abilities(abilities: Abilities) -> Vec<&'static str> {
    [
        ("sync", abilities.sync),
        ("upload", abilities.upload),
        ("publish", abilities.publish),
        ("serve", abilities.serve),
        ("resolve", abilities.resolve),
        ("change", abilities.change),
        ("order", abilities.order),
        ("derive", abilities.derive),
    ]
    .into_iter()
    .filter_map(|(name, has)| has.then_some(name))
    .collect()
}

fn content_types(descriptor: &Descriptor) -> Vec<String> {
    let types = descriptor.content_types.iter();
    types.map(|one| one.full_name(&descriptor.name)).collect()
}

fn task_types(descriptor: &Descriptor) -> Vec<&str> {
    let types = descriptor.task_types.iter();
    types.map(|one| one.name.as_str()).collect()
}

/// By calls of the build in service, in the process that answers.
fn used(used: Used) -> Value {
    json!({
        "calls": used.calls,
        "running": used.running,
        "traps": used.traps,
        "cpu_seconds": used.cpu.as_secs_f64(),
        "largest_memory_bytes": used.largest_memory,
    })
}

fn problem(problem: &Problem) -> Value {
    json!({
        "gate": problem.gate.map(pith_plugin::Gate::as_str),
        "reason": problem.reason,
        "source": problem.source,
        "at": problem.at,
    })
}

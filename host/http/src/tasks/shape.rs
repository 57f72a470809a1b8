//! How a task looks to clients.

use pith_db::task::Task;
use pith_model::reference::{Kind, core_prn};
use pith_model::{Root, TaskId};
use pith_tasks::work::PATH;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::document::{Href, Object};
use crate::openapi::{Field, Resource};

/// What the document says of a task.
pub(super) static TASK: Resource = Resource::new(
    "Task",
    "Work that the server does or did.",
    &[
        Field::href("pulp_href", "").read_only(),
        Field::text("prn", "").read_only(),
        Field::time("pulp_created", "").read_only(),
        Field::time("pulp_last_updated", "").read_only(),
        Field::one_of(
            "state",
            &[
                "waiting",
                "running",
                "completed",
                "failed",
                "canceling",
                "canceled",
                "skipped",
            ],
            "",
        )
        .read_only(),
        Field::text("name", "Pulp's name for it.").read_only(),
        Field::text("pulp_api_version", "").read_only(),
        Field::text("plugin", "").read_only(),
        Field::text("type", "The last word of its path below `tasks/`.").read_only(),
        Field::text("plugin_version", "").nullable().read_only(),
        Field::object("parameters", "As they were given.").read_only(),
        Field::blank("logging_cid", "Under which name it is in the log.").read_only(),
        Field::href("created_by", "").nullable().read_only(),
        Field::time("unblocked_at", "When nothing was in its way any more.")
            .nullable()
            .read_only(),
        Field::time("started_at", "").nullable().read_only(),
        Field::time("finished_at", "").nullable().read_only(),
        Field::object("error", "Why it failed.")
            .nullable()
            .read_only(),
        Field::schema_of("result", anything, "")
            .nullable()
            .read_only(),
        Field::href("worker", "").nullable().read_only(),
        Field::href("parent_task", "").nullable().read_only(),
        Field::hrefs("child_tasks", "").read_only(),
        Field::href("task_group", "").nullable().read_only(),
        Field::objects("progress_reports", "").read_only(),
        Field::href("created_resource", "The main one of what it made.")
            .nullable()
            .read_only(),
        Field::hrefs("created_resources", "").read_only(),
        Field::texts("created_resource_prns", "").read_only(),
        Field::texts("reserved_resources_record", "What it holds while it runs.").read_only(),
    ],
);

fn anything() -> Value {
    json!({})
}

/// A result with the paths in it as hrefs.
fn rooted(result: &Value, root: Root) -> Value {
    match result {
        Value::Object(map) => match map.get(PATH).and_then(Value::as_str) {
            Some(path) if map.len() == 1 => Href(root, path).to_string().into(),
            _ => map
                .iter()
                .map(|(name, value)| (name.clone(), rooted(value, root)))
                .collect(),
        },
        Value::Array(list) => list.iter().map(|value| rooted(value, root)).collect(),
        other => other.clone(),
    }
}

/// The children of several tasks, in order of the parents.
pub(super) type Children = [(TaskId, Uuid)];

/// Writes a task.
pub(super) fn write(object: &mut Object<'_>, task: &Task, root: Root, children: &Children) {
    let href = |uuid: Uuid| Href(root, format!("tasks/{uuid}/"));
    let created = || task.created.as_array().into_iter().flatten();
    let created_resources: Vec<Href<&str>> = created()
        .filter_map(|one| Some(Href(root, one["path"].as_str()?)))
        .collect();
    let created_prns: Vec<&Value> = created().map(|one| &one["prn"]).collect();
    let children = children.iter().filter(|(parent, _)| *parent == task.id);
    object
        .field("pulp_href", href(task.uuid))
        .field("prn", core_prn(Kind::Task, task.uuid))
        .field("pulp_created", task.pulp_created)
        .field("pulp_last_updated", task.pulp_last_updated)
        .field("state", task.state.as_str())
        .field("name", &task.name)
        .field("pulp_api_version", "v3")
        .field("plugin", &task.plugin)
        .field("type", &task.type_name)
        .field("plugin_version", &task.plugin_version)
        .field("parameters", &task.parameters)
        .field("logging_cid", &task.logging_cid)
        .field(
            "created_by",
            task.user.map(|user| Href(root, format!("users/{user}/"))),
        )
        .field("unblocked_at", task.unblocked_at)
        .field("started_at", task.started_at)
        .field("finished_at", task.finished_at)
        .field("error", &task.error)
        .field(
            "result",
            task.result.as_ref().map(|result| rooted(result, root)),
        )
        .field(
            "worker",
            task.worker
                .map(|uuid| Href(root, format!("workers/{uuid}/"))),
        )
        .field("parent_task", task.parent.map(href))
        .field(
            "child_tasks",
            children.map(|(_, uuid)| href(*uuid)).collect::<Vec<_>>(),
        )
        .field(
            "task_group",
            task.group
                .map(|uuid| Href(root, format!("task-groups/{uuid}/"))),
        )
        .field("progress_reports", &task.progress)
        .field("created_resource", created_resources.first())
        .field("created_resources", &created_resources)
        .field("created_resource_prns", created_prns)
        .field("reserved_resources_record", &task.reserved);
}

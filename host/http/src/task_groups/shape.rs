//! How a group looks to clients.

use pith_db::Connection;
use pith_db::task::Task;
use pith_db::task_group::{self, Group};
use pith_model::reference::{Kind, core_prn};
use pith_model::task::TaskState;
use pith_model::{Root, Timestamp};
use serde::Serialize;

use crate::document::{Href, Object};
use crate::error::Result;
use crate::openapi::{Field, Resource};

/// What the document says of a group.
pub(super) static GROUP: Resource = Resource::new(
    "TaskGroup",
    "Tasks that belong together.",
    &[
        Field::href("pulp_href", "").read_only(),
        Field::text("prn", "").read_only(),
        Field::time("pulp_created", "").read_only(),
        Field::blank("description", "").read_only(),
        Field::boolean(
            "atomic",
            "Whether its results appear together or not at all.",
        )
        .read_only(),
        Field::boolean("all_tasks_dispatched", "Always so.").read_only(),
        Field::integer("waiting", 0, "How many of its tasks are so.").read_only(),
        Field::integer("skipped", 0, "How many of its tasks are so.").read_only(),
        Field::integer("running", 0, "How many of its tasks are so.").read_only(),
        Field::integer("completed", 0, "How many of its tasks are so.").read_only(),
        Field::integer("canceled", 0, "How many of its tasks are so.").read_only(),
        Field::integer("failed", 0, "How many of its tasks are so.").read_only(),
        Field::integer("canceling", 0, "How many of its tasks are so.").read_only(),
        Field::objects("tasks", "The first of its tasks, in their order.").read_only(),
        Field::objects("group_progress_reports", "").read_only(),
    ],
);

/// What is inside of several groups.
pub(super) struct Inside {
    counts: Vec<(i64, String, i64)>,
    tasks: Vec<Task>,
}

impl Inside {
    /// A few questions, however many groups there are.
    pub(super) async fn of(connection: &mut Connection, groups: &[Group]) -> Result<Self> {
        let ids: Vec<i64> = groups.iter().map(|group| group.id).collect();
        Ok(Self {
            counts: task_group::counts(connection, &ids).await?,
            tasks: task_group::first_tasks(connection, &ids).await?,
        })
    }

    fn count(&self, group: &Group, state: TaskState) -> i64 {
        let found = self
            .counts
            .iter()
            .find(|(id, word, _)| *id == group.id && word == state.as_str());
        found.map_or(0, |(.., count)| *count)
    }
}

/// Writes a group.
pub(super) fn write(object: &mut Object<'_>, group: &Group, inside: &Inside, root: Root) {
    object
        .field(
            "pulp_href",
            Href(root, format_args!("task-groups/{}/", group.uuid)),
        )
        .field("prn", core_prn(Kind::TaskGroup, group.uuid))
        .field("pulp_created", group.pulp_created)
        .field("description", &group.description)
        .field("atomic", group.atomic)
        .field("all_tasks_dispatched", true);
    for state in TaskState::ALL {
        object.field(state.as_str(), inside.count(group, state));
    }
    let tasks = inside
        .tasks
        .iter()
        .filter(|task| task.group == Some(group.uuid));
    let tasks: Vec<Minimal<'_>> = tasks.map(|task| Minimal::of(task, root)).collect();
    object
        .field("tasks", tasks)
        .field("group_progress_reports", [(); 0]);
}

/// What a group shows of a task.
#[derive(Serialize)]
struct Minimal<'a> {
    pulp_href: Href<String>,
    prn: String,
    pulp_created: Timestamp,
    pulp_last_updated: Timestamp,
    name: &'a str,
    state: &'static str,
    unblocked_at: Option<Timestamp>,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    worker: Option<Href<String>>,
}

impl<'a> Minimal<'a> {
    fn of(task: &'a Task, root: Root) -> Self {
        Self {
            pulp_href: Href(root, format!("tasks/{}/", task.uuid)),
            prn: core_prn(Kind::Task, task.uuid),
            pulp_created: task.pulp_created,
            pulp_last_updated: task.pulp_last_updated,
            name: &task.name,
            state: task.state.as_str(),
            unblocked_at: task.unblocked_at,
            started_at: task.started_at,
            finished_at: task.finished_at,
            worker: task
                .worker
                .map(|uuid| Href(root, format!("workers/{uuid}/"))),
        }
    }
}

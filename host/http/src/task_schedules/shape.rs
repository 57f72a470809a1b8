//! How a schedule looks to clients.

use pith_db::task_schedule::Schedule;
use pith_model::Root;
use pith_model::reference::{Kind, core_prn};

use super::interval;
use crate::document::{Href, Object};
use crate::openapi::{Field, Resource};

/// What the document says of a schedule.
pub(super) static SCHEDULE: Resource = Resource::new(
    "TaskSchedule",
    "A task that is made again and again, or once at a given time.",
    &[
        Field::href("pulp_href", "").read_only(),
        Field::text("prn", "").read_only(),
        Field::time("pulp_created", "").read_only(),
        Field::time("pulp_last_updated", "").read_only(),
        Field::text("name", "").required(),
        Field::text("type", "For example `file/syncs`.").required(),
        Field::object(
            "parameters",
            "What the type takes; checked again at each run.",
        ),
        Field::text("task_name", "Pulp's name for the task.").read_only(),
        Field::text(
            "dispatch_interval",
            "Between two runs: `1 02:30:00`, `P1DT2H30M` or seconds.",
        )
        .nullable(),
        Field::text("cron", "Instead of an interval: a cron expression, in UTC.").nullable(),
        Field::time("next_dispatch", "When it runs next.").nullable(),
        Field::boolean("enabled", "Whether it runs at all."),
        Field::href("last_task", "").nullable().read_only(),
        Field::object("last_error", "Why the last run made no task.")
            .nullable()
            .read_only(),
    ],
);

/// Writes a schedule.
pub(super) fn write(object: &mut Object<'_>, schedule: &Schedule, root: Root) {
    let settings = &schedule.settings;
    object
        .field(
            "pulp_href",
            Href(root, format_args!("task-schedules/{}/", schedule.uuid)),
        )
        .field("prn", core_prn(Kind::TaskSchedule, schedule.uuid))
        .field("pulp_created", schedule.pulp_created)
        .field("pulp_last_updated", schedule.pulp_last_updated)
        .field("name", &settings.name)
        .field(
            "type",
            format!("{}/{}", settings.plugin, settings.type_name),
        )
        .field("parameters", &settings.parameters)
        .field("task_name", &settings.task_name)
        .field(
            "dispatch_interval",
            settings.dispatch_interval.map(interval::write),
        )
        .field("cron", &settings.cron)
        .field("next_dispatch", settings.next_dispatch)
        .field("enabled", settings.enabled)
        .field(
            "last_task",
            schedule
                .last_task
                .map(|uuid| Href(root, format!("tasks/{uuid}/"))),
        )
        .field("last_error", &schedule.last_error);
}

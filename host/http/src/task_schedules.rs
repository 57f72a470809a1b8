//! Tasks that are made again and again, or once at a given time: `task-schedules/`.

mod create;
mod delete;
mod interval;
mod list;
mod read;
pub(crate) mod run;
mod settings;
mod shape;
mod update;

use pith_db::Connection;
use pith_db::task_schedule::{self, Schedule};

use crate::auth::need::Need;
use crate::error::{Error, Result};
use crate::lookup::uuid_in_path;
use crate::openapi::Operation;
use crate::routes::{Routes, get};
use pith_model::access::Securable;

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(
            "/task-schedules/",
            get(
                Operation::new("task_schedules_list", "List task schedules")
                    .needs(Need::User)
                    .lists(&shape::SCHEDULE, list::FILTERS),
                list::list,
            )
            .post(
                Operation::new("task_schedules_create", "Create a task schedule")
                    .needs(Need::Add(Securable::TaskSchedule))
                    .about("By a cron expression in UTC, by an interval, or once.")
                    .creates(&shape::SCHEDULE),
                create::create,
            ),
        )
        .route(
            "/task-schedules/{id}/",
            get(
                Operation::new("task_schedules_read", "Inspect a task schedule")
                    .needs(Need::Object(Securable::TaskSchedule, "view"))
                    .reads(&shape::SCHEDULE),
                read::read,
            )
            .put(
                Operation::new("task_schedules_update", "Update a task schedule")
                    .needs(Need::Object(Securable::TaskSchedule, "change"))
                    .replaces(&shape::SCHEDULE),
                update::replace,
            )
            .patch(
                Operation::new(
                    "task_schedules_partial_update",
                    "Update fields of a task schedule",
                )
                .needs(Need::Object(Securable::TaskSchedule, "change"))
                .changes(&shape::SCHEDULE),
                update::change,
            )
            .delete(
                Operation::new("task_schedules_delete", "Delete a task schedule")
                    .needs(Need::Object(Securable::TaskSchedule, "delete"))
                    .answers_nothing(204),
                delete::delete,
            ),
        )
}

/// The schedule that a path names.
async fn find(connection: &mut Connection, id: &str) -> Result<Schedule> {
    task_schedule::by_uuid(connection, uuid_in_path(id)?)
        .await?
        .ok_or_else(Error::not_found)
}

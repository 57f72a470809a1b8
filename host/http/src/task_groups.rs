//! Groups of tasks: `task-groups/`.

mod cancel;
mod create;
mod list;
mod read;
mod shape;

use pith_db::Connection;
use pith_db::task_group::{self, Group};

use crate::auth::need::Need;
use crate::error::{Error, Result};
use crate::lookup::uuid_in_path;
use crate::openapi::Operation;
use crate::routes::{Routes, get};
use crate::tasks::cancel_described;

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(
            "/task-groups/",
            get(
                Operation::new("task_groups_list", "List task groups")
                    .needs(Need::User)
                    .lists(&shape::GROUP, list::FILTERS),
                list::list,
            )
            .post(
                Operation::new("task_groups_create", "Start several tasks")
                    .needs(Need::User)
                    .about("The results of an atomic group appear together or not at all.")
                    .takes("TaskGroup", |_| create::described())
                    .shows(202, &shape::GROUP),
                create::create,
            ),
        )
        .route(
            "/task-groups/{id}/",
            get(
                Operation::new("task_groups_read", "Inspect a task group")
                    .needs(Need::TaskGroup("view"))
                    .reads(&shape::GROUP),
                read::read,
            )
            .patch(
                Operation::new("task_groups_cancel", "Cancel all tasks of a group")
                    .needs(Need::TaskGroup("change"))
                    .takes("PatchedTaskCancel", |_| cancel_described())
                    .shows(200, &shape::GROUP)
                    .shows(409, &shape::GROUP),
                cancel::cancel,
            ),
        )
}

/// The group that a path names.
async fn find(connection: &mut Connection, id: &str) -> Result<Group> {
    task_group::by_uuid(connection, uuid_in_path(id)?)
        .await?
        .ok_or_else(Error::not_found)
}

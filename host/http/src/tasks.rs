//! Tasks: all at `tasks/`, typed ones at `tasks/<plugin>/<type>/`.

mod build;
mod cancel;
mod clones;
mod create;
mod delete;
mod events;
mod list;
mod profile;
mod purge;
mod read;
mod shape;
mod types;

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use http::Method;
use pith_db::Connection;
use pith_db::task::{self, Task};
use uuid::Uuid;

use crate::auth::need::Need;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::lookup::uuid_in_path;
use crate::openapi::Operation;
use crate::routes::{Routes, get, post};
use pith_model::access::Securable;

pub(crate) use build::order_of;
pub(crate) use cancel::described as cancel_described;

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(
            "/tasks/",
            get(
                Operation::new("tasks_list", "List tasks")
                    .needs(Need::User)
                    .lists(&shape::TASK, list::FILTERS),
                list::all,
            ),
        )
        .route(
            "/tasks/{id}/profile_artifacts/",
            get(profile::operation(), profile::list),
        )
        .route(
            "/tasks/purge/",
            post(
                Operation::new("tasks_purge", "Purge completed tasks")
                    .needs(Need::User)
                    .about("Forgets tasks that are over, by a task of its own.")
                    .tag("Tasks")
                    .may_take("Purge", |_| purge::described())
                    .orders(),
                purge::purge,
            ),
        )
        .route(
            "/tasks/{id}/clones/",
            post(
                Operation::new("tasks_clone", "Do the same again")
                    .needs(Need::Object(Securable::Task, "view"))
                    .about("Any parameter that is given replaces that of the task.")
                    .may_take("TaskClone", |_| clones::described())
                    .shows(202, &shape::TASK),
                clones::clone,
            ),
        )
        .route(
            "/tasks/{id}/events/",
            get(
                Operation::new("tasks_events", "Follow a task")
                    .needs(Need::Object(Securable::Task, "view"))
                    .about(
                        "Server-sent events: `state` with the task, `progress` with its reports.",
                    )
                    .answers_bytes(200, "text/event-stream"),
                events::events,
            ),
        )
        .route(
            "/tasks/{word}/",
            get(
                Operation::new("tasks_read", "Inspect a task")
                    .needs(Need::Object(Securable::Task, "view"))
                    .at("/tasks/{id}/")
                    .reads(&shape::TASK),
                task_or_types,
            )
            .also(
                Method::GET,
                Operation::new(
                    "tasks_{plugin}_list_types",
                    "List a plugin's types of tasks",
                )
                .needs(Need::User)
                .at("/tasks/{plugin}/")
                .answers(200, "TaskTypes", |_| types::described()),
            )
            .patch(
                Operation::new("tasks_cancel", "Cancel a task")
                    .needs(Need::Object(Securable::Task, "change"))
                    .at("/tasks/{id}/")
                    .takes("PatchedTaskCancel", |_| cancel::described())
                    .shows(200, &shape::TASK)
                    .shows(409, &shape::TASK),
                cancel::cancel,
            )
            .delete(
                Operation::new("tasks_delete", "Forget a task that is over")
                    .needs(Need::Object(Securable::Task, "delete"))
                    .at("/tasks/{id}/")
                    .answers_nothing(204),
                delete::delete,
            ),
        )
        .route(
            "/tasks/{plugin}/{type_name}/",
            get(
                Operation::new(
                    "tasks_{plugin}_{type_name}_list",
                    "List {plugin} {type_name}",
                )
                .needs(Need::User)
                .lists(&shape::TASK, list::FILTERS),
                list::of_type,
            )
            .post(
                Operation::new(
                    "tasks_{plugin}_{type_name}_create",
                    "Start one of the {plugin} {type_name}",
                )
                .needs(Need::User)
                .takes("{plugin}.{type_name}.Task", types::described_one)
                .shows(202, &shape::TASK),
                create::create,
            ),
        )
        .route(
            "/tasks/{plugin}/{type_name}/{id}/",
            get(
                Operation::new(
                    "tasks_{plugin}_{type_name}_read",
                    "Inspect one of the {plugin} {type_name}",
                )
                .needs(Need::Object(Securable::Task, "view"))
                .reads(&shape::TASK),
                read::typed,
            )
            .patch(
                Operation::new(
                    "tasks_{plugin}_{type_name}_cancel",
                    "Cancel one of the {plugin} {type_name}",
                )
                .needs(Need::Object(Securable::Task, "change"))
                .takes("PatchedTaskCancel", |_| cancel::described())
                .shows(200, &shape::TASK)
                .shows(409, &shape::TASK),
                cancel::typed,
            )
            .delete(
                Operation::new(
                    "tasks_{plugin}_{type_name}_delete",
                    "Forget one of the {plugin} {type_name} that is over",
                )
                .needs(Need::Object(Securable::Task, "delete"))
                .answers_nothing(204),
                delete::typed,
            ),
        )
        .route(
            "/tasks/{plugin}/{type_name}/{id}/events/",
            get(
                Operation::new(
                    "tasks_{plugin}_{type_name}_events",
                    "Follow one of the {plugin} {type_name}",
                )
                .needs(Need::Object(Securable::Task, "view"))
                .answers_bytes(200, "text/event-stream"),
                events::typed,
            ),
        )
        .route(
            "/tasks/{plugin}/{type_name}/{id}/clones/",
            post(
                Operation::new(
                    "tasks_{plugin}_{type_name}_clone",
                    "Do one of the {plugin} {type_name} again",
                )
                .needs(Need::Object(Securable::Task, "view"))
                .may_take("TaskClone", |_| clones::described())
                .shows(202, &shape::TASK),
                clones::typed,
            ),
        )
}

pub(crate) use profile::open_routes;
pub(crate) use types::documented;

/// `GET tasks/<id>/`, or `GET tasks/<plugin>/`: no plugin is called like a UUID.
async fn task_or_types(
    context: Context,
    Path(word): Path<String>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    if Uuid::try_parse(&word).is_ok() {
        read::read(&context, &word, text.as_deref()).await
    } else {
        list::of_plugin(&context, &word, text.as_deref()).await
    }
}

/// The task that a path names.
async fn find(connection: &mut Connection, id: &str) -> Result<Task> {
    task::by_uuid(connection, uuid_in_path(id)?)
        .await?
        .ok_or_else(Error::not_found)
}

/// The task that a typed path names.
async fn find_typed(
    connection: &mut Connection,
    (plugin, type_name, id): &(String, String, String),
) -> Result<Task> {
    let task = find(connection, id).await?;
    if task.plugin == *plugin && task.type_name == *type_name {
        Ok(task)
    } else {
        Err(Error::not_found())
    }
}

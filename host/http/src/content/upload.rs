//! Making one unit while the client waits.

use axum::extract::{Path, Request};
use axum::response::Response;
use http::StatusCode;
use pith_db::task::{self, Task};
use pith_model::TaskId;
use pith_model::reference::Kind;
use pith_model::task::TaskState;
use uuid::Uuid;

use super::{create, read};
use crate::context::Context;
use crate::declared;
use crate::error::{Error, Result};
use crate::order;

/// `POST content/<plugin>/<plural>/upload/`
pub(super) async fn upload(
    context: Context,
    Path((plugin, plural)): Path<(String, String)>,
    request: Request,
) -> Result<Response> {
    let table = declared::content_type(&context.app, &plugin, &plural)?;
    let order = create::order_of_request(&context, &table, request).await?;
    let (task, _) = order::place(&context, order).await?;
    let task = ended(&context, task).await?;
    if task.state != TaskState::Completed {
        return Err(why(&task));
    }
    let uuid = made(&task, &plugin, &plural)
        .ok_or_else(|| Error::bad_request("The file holds no content of this type."))?;
    let mut response = read::show(&context, &table, uuid, None).await?;
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// Waits for the end of a task.
async fn ended(context: &Context, id: TaskId) -> Result<Task> {
    // Before the first look at the row, so that no change falls between.
    let mut watcher = context.app.scheduler.watch(id);
    loop {
        let task = {
            let mut connection = context.app.database.read().await?;
            task::by_id(&mut connection, id)
                .await?
                .ok_or_else(Error::not_found)?
        };
        if task.state.is_over() {
            return Ok(task);
        }
        tokio::select! {
            () = watcher.changed() => {}
            () = context.app.closing.cancelled() => {
                return Err(Error::unavailable("The server is stopping; the task goes on later."));
            }
        }
    }
}

/// What the task says of its failure.
fn why(task: &Task) -> Error {
    let description = task
        .error
        .as_ref()
        .and_then(|error| error["description"].as_str())
        .unwrap_or("The upload was cancelled.");
    Error::bad_request(description.to_owned())
}

/// The unit of this type among what the task made.
fn made(task: &Task, plugin: &str, plural: &str) -> Option<Uuid> {
    let folder = format!("{}/{plugin}/{plural}/", Kind::Content.collection());
    let created = task.created.as_array()?;
    created
        .iter()
        .filter_map(|one| one["path"].as_str())
        .find_map(|path| {
            path.strip_prefix(&folder)?
                .trim_end_matches('/')
                .parse()
                .ok()
        })
}

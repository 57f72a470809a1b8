//! Asking all tasks of a group to stop.

use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use pith_db::task_group;
use pith_db::task_life::Cancelled;

use super::{find, read};
use crate::body::Fields;
use crate::context::Context;
use crate::error::Result;
use crate::form::Form;

/// `PATCH task-groups/<id>/`: 200 with the group, or 409 if all of it was over already.
pub(super) async fn cancel(
    context: Context,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response> {
    let mut form = Form::from(fields);
    form.require("state");
    if let Some(state) = form.text("state")
        && state != "canceled"
    {
        form.wrong(
            "state",
            "The only acceptable value for 'state' is 'canceled'.",
        );
    }
    form.finish()?;
    let (group, tasks) = {
        let mut connection = context.app.database.read().await?;
        let group = find(&mut connection, &id).await?;
        let tasks = task_group::unfinished(&mut connection, group.id).await?;
        (group, tasks)
    };
    let mut all_over = true;
    for task in tasks {
        let outcome = context.app.scheduler.cancel(task).await?;
        all_over &= outcome == Cancelled::TooLate;
    }
    let mut connection = context.app.database.read().await?;
    let mut response = read::answer(&context, &mut connection, &group, None).await?;
    if all_over {
        *response.status_mut() = StatusCode::CONFLICT;
    }
    Ok(response)
}

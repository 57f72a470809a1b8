//! Asking a task to stop.

use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use pith_db::task::{self, Task};
use pith_db::task_life::Cancelled;
use serde_json::Value;

use super::{find, find_typed, read};
use crate::body::Fields;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::form::Form;
use crate::openapi::Field;
use crate::openapi::resource::object;

/// What it takes.
pub(crate) fn described() -> Value {
    object(&[Field::one_of("state", &["canceled"], "").required()])
}

/// `PATCH tasks/<id>/`
pub(super) async fn cancel(
    context: Context,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response> {
    let task = {
        let mut connection = context.app.database.read().await?;
        find(&mut connection, &id).await?
    };
    stop(&context, task, fields).await
}

/// `PATCH tasks/<plugin>/<type>/<id>/`
pub(super) async fn typed(
    context: Context,
    Path(path): Path<(String, String, String)>,
    fields: Fields,
) -> Result<Response> {
    let task = {
        let mut connection = context.app.database.read().await?;
        find_typed(&mut connection, &path).await?
    };
    stop(&context, task, fields).await
}

/// 200 with the task, or 409 with the task if it was over already.
async fn stop(context: &Context, task: Task, fields: Fields) -> Result<Response> {
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
    let outcome = context.app.scheduler.cancel(task.id).await?;
    let mut connection = context.app.database.read().await?;
    let task = task::by_id(&mut connection, task.id)
        .await?
        .ok_or_else(Error::not_found)?;
    let mut response = read::answer(context, &mut connection, &task, None).await?;
    if outcome == Cancelled::TooLate {
        *response.status_mut() = StatusCode::CONFLICT;
    }
    Ok(response)
}

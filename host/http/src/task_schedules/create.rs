//! Making a schedule.

use axum::response::Response;
use http::StatusCode;
use pith_db::task_schedule;

use super::{find, settings, shape};
use crate::body::Fields;
use crate::context::Context;
use crate::document::{self, Href};
use crate::error::Result;
use crate::order;

/// `POST task-schedules/`
pub(super) async fn create(context: Context, fields: Fields) -> Result<Response> {
    let settings = settings::take(&context, fields, None).await?;
    let user = context.user()?.id;
    let mut transaction = context.app.database.write_durably().await?;
    let uuid = task_schedule::insert(&mut transaction, &settings, user).await?;
    let schedule = find(&mut transaction, &uuid.to_string()).await?;
    transaction.commit().await?;
    context.app.schedules_changed.notify_one();
    let mut response = document::object(None, |object| {
        shape::write(object, &schedule, context.root);
    });
    *response.status_mut() = StatusCode::CREATED;
    let href = Href(context.root, format_args!("task-schedules/{uuid}/")).to_string();
    order::set_location(&mut response, &href);
    Ok(response)
}

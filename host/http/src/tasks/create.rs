//! Making a typed task. Pulp's verbs make the very same ones.

use axum::extract::{Path, Request};
use axum::response::Response;
use http::StatusCode;
use pith_db::task;
use pith_model::TaskId;

use super::build::order_of;
use super::{read, types};
use crate::body;
use crate::context::Context;
use crate::document::Href;
use crate::error::{Error, Result};
use crate::order;

/// `POST tasks/<plugin>/<type>/`
pub(super) async fn create(
    context: Context,
    Path((plugin, type_name)): Path<(String, String)>,
    request: Request,
) -> Result<Response> {
    types::find(&context.app, &plugin, &type_name)?;
    let fields = body::read(request, body::LIMIT_OF_UNITS).await?;
    let order = order_of(&context, &plugin, &type_name, fields).await?;
    let (id, _) = order::place(&context, order).await?;
    accepted(&context, id).await
}

/// 202 with the whole task, and where it is.
pub(super) async fn accepted(context: &Context, id: TaskId) -> Result<Response> {
    let mut connection = context.app.database.read().await?;
    let task = task::by_id(&mut connection, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let mut response = read::answer(context, &mut connection, &task, None).await?;
    *response.status_mut() = StatusCode::ACCEPTED;
    let href = Href(context.root, format_args!("tasks/{}/", task.uuid)).to_string();
    order::set_location(&mut response, &href);
    Ok(response)
}

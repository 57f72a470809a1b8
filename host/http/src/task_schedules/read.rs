//! One schedule.

use axum::extract::{Path, RawQuery};
use axum::response::Response;

use super::{find, shape};
use crate::context::Context;
use crate::document;
use crate::error::Result;
use crate::query;

/// `GET task-schedules/<id>/`
pub(super) async fn read(
    context: Context,
    Path(id): Path<String>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let projection = query::projection(text.as_deref())?;
    let mut connection = context.app.database.read().await?;
    let schedule = find(&mut connection, &id).await?;
    Ok(document::object(Some(&projection), |object| {
        shape::write(object, &schedule, context.root);
    }))
}

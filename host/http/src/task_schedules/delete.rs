//! Removing a schedule; the tasks that it made stay.

use axum::extract::Path;
use http::StatusCode;
use pith_db::task_schedule;

use super::find;
use crate::context::Context;
use crate::error::Result;

/// `DELETE task-schedules/<id>/`
pub(super) async fn delete(context: Context, Path(id): Path<String>) -> Result<StatusCode> {
    let mut transaction = context.app.database.write_durably().await?;
    let schedule = find(&mut transaction, &id).await?;
    task_schedule::delete(&mut transaction, schedule.id).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

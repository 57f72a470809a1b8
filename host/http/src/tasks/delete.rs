//! Forgetting a task that is over.

use axum::extract::Path;
use http::StatusCode;
use pith_db::Transaction;
use pith_db::task::{self, Task};

use super::{find, find_typed};
use crate::context::Context;
use crate::error::{Error, Result};

/// `DELETE tasks/<id>/`
pub(super) async fn delete(context: Context, Path(id): Path<String>) -> Result<StatusCode> {
    let mut transaction = context.app.database.write().await?;
    let task = find(&mut transaction, &id).await?;
    forget(transaction, &task).await
}

/// `DELETE tasks/<plugin>/<type>/<id>/`
pub(super) async fn typed(
    context: Context,
    Path(path): Path<(String, String, String)>,
) -> Result<StatusCode> {
    let mut transaction = context.app.database.write().await?;
    let task = find_typed(&mut transaction, &path).await?;
    forget(transaction, &task).await
}

async fn forget(mut transaction: Transaction, task: &Task) -> Result<StatusCode> {
    if !task::delete(&mut transaction, task.id).await? {
        return Err(Error::conflict(format!(
            "The task is {}: only a task that is over can be deleted. Cancel it first.",
            task.state.as_str()
        )));
    }
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

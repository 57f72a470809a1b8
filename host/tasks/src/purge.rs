//! Forgets tasks that are over.

use pith_db::access::Access;
use pith_db::{Condition, Connection, Result, task_purge};
use pith_model::access::Securable;
use pith_model::task::{TaskError, TaskState};
use pith_model::{Timestamp, UserId};

use crate::commit::{Commit, Done};
use crate::run::{Context, failed_db};

/// Tasks of one transaction, so that other writers get their turn.
const BATCH: usize = 1_000;

pub(crate) async fn run(
    context: &Context,
    before: i64,
    states: &[TaskState],
    user: Option<i64>,
) -> Result<Box<dyn Commit>, TaskError> {
    let database = &context.toolbox.services.database;
    let report = |purged| {
        let message = "Purged task-objects total";
        context
            .progress
            .report("purge.tasks.total", message, purged, None);
    };
    let mut purged = 0;
    report(purged);
    loop {
        let mut transaction = database.write().await.map_err(failed_db)?;
        let allowed = allowed(&mut transaction, user).await.map_err(failed_db)?;
        let before = Timestamp(before);
        let now = task_purge::purge(&mut transaction, states, before, allowed, BATCH)
            .await
            .map_err(failed_db)?;
        transaction.commit().await.map_err(failed_db)?;
        purged += now;
        report(purged);
        if now < BATCH as u64 {
            break;
        }
    }
    let mut transaction = database.write().await.map_err(failed_db)?;
    task_purge::empty_groups(&mut transaction)
        .await
        .map_err(failed_db)?;
    transaction.commit().await.map_err(failed_db)?;
    Ok(Box::new(Done::default()))
}

/// The condition that the user may delete a task, as his roles are now.
async fn allowed(connection: &mut Connection, user: Option<i64>) -> Result<Option<Condition>> {
    let Some(user) = user else {
        return Ok(None);
    };
    let Some(user) = pith_db::user::by_id(connection, UserId(user)).await? else {
        return Ok(Some(Condition::new("FALSE", [])));
    };
    let access = Access::of(connection, &user).await?;
    Ok(access.allowed(Securable::Task, "delete", "t"))
}

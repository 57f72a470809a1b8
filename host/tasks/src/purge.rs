//! Forgets tasks that are over.

use pith_db::task_purge;
use pith_model::Timestamp;
use pith_model::task::{TaskError, TaskState};

use crate::commit::{Commit, Done};
use crate::run::{Context, failed_db};

/// Tasks of one transaction, so that other writers get their turn.
const BATCH: usize = 1_000;

pub(crate) async fn run(
    context: &Context,
    before: i64,
    states: &[TaskState],
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
        let now = task_purge::purge(&mut transaction, states, Timestamp(before), BATCH)
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

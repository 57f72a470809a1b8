//! The last sync of a repository, or from a remote.

use pith_model::{RepositoryId, TaskId, Timestamp};
use serde_json::Value as JsonValue;
use uuid::Uuid;

use crate::condition::Condition;
use crate::database::Connection;
use crate::error::Result;
use crate::statement::sql;

/// A task that is or was a sync.
#[derive(Clone, Debug, PartialEq)]
pub struct LastSync {
    /// The PRN of what it syncs, or syncs from.
    pub resource: String,
    /// Of the task.
    pub task: Uuid,
    /// The task's state, as the API shows it.
    pub state: String,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// What went wrong, as the API shows it.
    pub error: Option<JsonValue>,
}

/// Notes that a task is the newest sync of these, whose queues it has entered.
pub(crate) async fn note(
    connection: &mut Connection,
    task: TaskId,
    resources: &[String],
) -> Result<()> {
    for resource in resources {
        sql("INSERT INTO last_sync (resource, task_id) VALUES (?, ?)
             ON CONFLICT (resource) DO UPDATE SET task_id = excluded.task_id")
        .quick()
        .bind(resource.as_str())
        .bind(task)
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// Those of these resources whose tasks, `t`, may be seen.
pub async fn of(
    connection: &mut Connection,
    resources: Vec<String>,
    seen: Option<Condition>,
) -> Result<Vec<LastSync>> {
    let seen = seen.unwrap_or_else(|| Condition::new("TRUE", []));
    let rows = sql(format!(
        "SELECT s.resource, t.uuid, t.state, t.started_at, t.finished_at, t.error
         FROM last_sync s JOIN task t ON t.id = s.task_id
         WHERE s.resource IN (?*) AND ({})",
        seen.text
    ))
    .bind(resources)
    .bind_all(seen.values)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(LastSync {
                resource: row.get(0)?,
                task: row.get(1)?,
                state: row.get(2)?,
                started_at: row.get(3)?,
                finished_at: row.get(4)?,
                error: row.get(5)?,
            })
        })
        .collect()
}

/// When each of these repositories last took something new, if the remote that it came from is as
/// it was then.
pub async fn times(
    connection: &mut Connection,
    repositories: Vec<i64>,
) -> Result<Vec<(RepositoryId, Timestamp)>> {
    let rows = sql("SELECT c.repository_id, c.synced FROM sync_checkpoint c
         JOIN remote m ON m.id = c.remote_id AND m.pulp_last_updated = c.remote_updated
         WHERE c.repository_id IN (?*) AND c.synced = (
             SELECT MAX(o.synced) FROM sync_checkpoint o WHERE o.repository_id = c.repository_id)")
    .bind(repositories)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

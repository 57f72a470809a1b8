//! Forgetting tasks that are over, many at a time.

use pith_model::Timestamp;
use pith_model::task::TaskState;

use crate::database::Connection;
use crate::error::Result;
use crate::statement::sql;

/// Forgets up to `limit` tasks that ended before a moment in one of these states; how many.
pub async fn purge(
    connection: &mut Connection,
    states: &[TaskState],
    before: Timestamp,
    limit: usize,
) -> Result<u64> {
    let states: Vec<String> = states
        .iter()
        .map(|state| state.as_str().to_owned())
        .collect();
    sql(format!(
        "DELETE FROM task WHERE id IN
             (SELECT id FROM task WHERE finished_at < ? AND state IN (?*)
              ORDER BY finished_at LIMIT {limit})"
    ))
    .bind(before)
    .bind(states)
    .execute(connection)
    .await
}

/// Forgets groups that have no tasks any more.
pub async fn empty_groups(connection: &mut Connection) -> Result<u64> {
    sql("DELETE FROM task_group WHERE NOT EXISTS
             (SELECT 1 FROM task t WHERE t.group_id = task_group.id)")
    .execute(connection)
    .await
}

//! Forgetting tasks that are over, many at a time.

use pith_model::Timestamp;
use pith_model::task::TaskState;

use crate::condition::Condition;
use crate::database::Connection;
use crate::error::Result;
use crate::statement::sql;

/// Forgets up to `limit` tasks (`t`) that ended before a moment in one of these states, and
/// are allowed to go; how many.
pub async fn purge(
    connection: &mut Connection,
    states: &[TaskState],
    before: Timestamp,
    allowed: Option<Condition>,
    limit: usize,
) -> Result<u64> {
    let states: Vec<String> = states
        .iter()
        .map(|state| state.as_str().to_owned())
        .collect();
    let Condition { text, values, .. } = allowed.unwrap_or_else(|| Condition::new("TRUE", []));
    sql(format!(
        "DELETE FROM task WHERE id IN
             (SELECT t.id FROM task t WHERE t.finished_at < ? AND t.state IN (?*) AND ({text})
              ORDER BY t.finished_at LIMIT {limit})"
    ))
    .bind(before)
    .bind(states)
    .bind_all(values)
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

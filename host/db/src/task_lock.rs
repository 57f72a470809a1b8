//! Locks of tasks: a queue for each resource, in the order of the tasks' numbers.
//!
//! A lock is granted when nothing before it in its queue stands in its way. A task can
//! run when all its locks are granted, and its row counts those that are not; so the
//! next task is found by an index, however many wait.

use pith_model::TaskId;
use pith_model::task::Lock;

use crate::database::Connection;
use crate::dialect::Dialect;
use crate::error::Result;
use crate::statement::sql;

/// Keeps other transactions from the queues of these resources until this one ends.
/// SQLite has one writer, so there it is nothing to do.
pub(crate) async fn enter(connection: &mut Connection, locks: &[Lock]) -> Result<()> {
    if connection.dialect() == Dialect::Postgres {
        // In one order, so that no two transactions wait for each other.
        for lock in locks {
            sql("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))")
                .bind(lock.resource.as_str())
                .execute(connection)
                .await?;
        }
    }
    Ok(())
}

/// Which locks could be granted now; one answer each, in order.
pub(crate) async fn could_grant(connection: &mut Connection, locks: &[Lock]) -> Result<Vec<bool>> {
    let mut answers = Vec::with_capacity(locks.len());
    for lock in locks {
        let blocked: bool = sql(
            "SELECT EXISTS (SELECT 1 FROM task_lock WHERE resource = ? AND granted = FALSE)
                 OR EXISTS (SELECT 1 FROM task_lock WHERE resource = ? AND granted = TRUE
                            AND (exclusive OR ?))",
        )
        .bind(lock.resource.as_str())
        .bind(lock.resource.as_str())
        .bind(lock.exclusive)
        .scalar(connection)
        .await?;
        answers.push(!blocked);
    }
    Ok(answers)
}

/// Puts a task into the queues.
pub(crate) async fn insert(
    connection: &mut Connection,
    task: TaskId,
    locks: &[Lock],
    granted: &[bool],
) -> Result<()> {
    crate::insert_many(
        connection,
        "INSERT INTO task_lock (resource, task_id, exclusive, granted)",
        locks.iter().zip(granted).map(|(lock, granted)| {
            vec![
                lock.resource.as_str().into(),
                task.into(),
                lock.exclusive.into(),
                (*granted).into(),
            ]
        }),
        "",
    )
    .await?;
    Ok(())
}

/// Takes a task out of the queues and grants what it stood in the way of; how many
/// tasks can run now that could not before.
pub(crate) async fn release(connection: &mut Connection, task: TaskId) -> Result<u64> {
    let rows = sql("SELECT resource, exclusive FROM task_lock WHERE task_id = ? ORDER BY resource")
        .bind(task)
        .fetch_all(connection)
        .await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let locks: Vec<Lock> = rows
        .iter()
        .map(|row| {
            Ok(Lock {
                resource: row.get(0)?,
                exclusive: row.get(1)?,
            })
        })
        .collect::<Result<_>>()?;
    enter(connection, &locks).await?;
    sql("DELETE FROM task_lock WHERE task_id = ?")
        .bind(task)
        .execute(connection)
        .await?;
    let mut runnable = 0;
    for lock in &locks {
        runnable += grant_next(connection, &lock.resource).await?;
    }
    Ok(runnable)
}

/// Grants what can be granted at the head of a queue.
async fn grant_next(connection: &mut Connection, resource: &str) -> Result<u64> {
    // How the head is held: nobody, or shared (MAX of FALSE), or exclusively.
    let held: Option<i64> = sql(
        "SELECT MAX(CASE WHEN exclusive THEN 1 ELSE 0 END) FROM task_lock
         WHERE resource = ? AND granted = TRUE",
    )
    .bind(resource)
    .scalar(connection)
    .await?;
    if held == Some(1) {
        return Ok(0);
    }
    let mut nobody = held.is_none();
    let mut runnable = 0;
    loop {
        let next = sql(
            "SELECT task_id, exclusive FROM task_lock WHERE resource = ? AND granted = FALSE
             ORDER BY task_id LIMIT 1",
        )
        .bind(resource)
        .fetch_optional(connection)
        .await?;
        let Some(next) = next else { break };
        let (task, exclusive): (TaskId, bool) = (next.get(0)?, next.get(1)?);
        if exclusive && !nobody {
            break;
        }
        sql("UPDATE task_lock SET granted = TRUE
             WHERE resource = ? AND granted = FALSE AND task_id = ?")
        .bind(resource)
        .bind(task)
        .execute(connection)
        .await?;
        runnable += crate::task::grant_one(connection, task).await?;
        nobody = false;
        if exclusive {
            break;
        }
    }
    Ok(runnable)
}

/// Which of these resources a task that is not over holds or waits for.
pub async fn wanted(connection: &mut Connection, resources: Vec<String>) -> Result<Vec<String>> {
    sql("SELECT DISTINCT resource FROM task_lock WHERE resource IN (?*)")
        .bind(resources)
        .scalars(connection)
        .await
}

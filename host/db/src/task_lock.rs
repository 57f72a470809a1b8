//! Locks of tasks: a queue for each resource, in the order of the tasks' numbers.
//!
//! A lock is granted when nothing before it in its queue stands in its way. A task can
//! run when all its locks are granted, and its row counts those that are not; so the
//! next task is found by an index, however many wait. When the task is over its locks
//! stay as notes of what it held.

use pith_model::TaskId;
use pith_model::task::Lock;

use crate::database::Connection;
use crate::dialect::Dialect;
use crate::error::Result;
use crate::statement::{Value, sql};

/// How a lock stands in its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Something before it is in its way.
    Waits = 0,
    /// Held by its task, which may itself wait for others.
    Held = 1,
    /// Not in the queue: what a task held, or what the first of its group holds for it.
    Note = 2,
}

/// One lock a resource, the exclusive one, in the order of the resources.
pub(crate) fn tidy(mut locks: Vec<Lock>) -> Vec<Lock> {
    locks.sort();
    // The exclusive one is sorted last.
    locks.reverse();
    locks.dedup_by(|a, b| a.resource == b.resource);
    locks.reverse();
    locks
}

/// Keeps other transactions from the queues of these resources until this one ends.
/// SQLite has one writer, so there it is nothing to do.
pub(crate) async fn enter(connection: &mut Connection, locks: &[Lock]) -> Result<()> {
    if connection.dialect() == Dialect::Postgres && !locks.is_empty() {
        connection.run_script(&enter_text(locks)).await?;
    }
    Ok(())
}

/// What PostgreSQL is told to enter the queues: one statement each, in one order, so that no
/// two transactions wait for each other.
pub(crate) fn enter_text(locks: &[Lock]) -> String {
    let mut resources: Vec<&str> = locks.iter().map(|lock| lock.resource.as_str()).collect();
    resources.sort_unstable();
    resources.dedup();
    let enter = |resource: &&str| {
        // In hexadecimal nothing has to be quoted.
        let name = hex::encode(resource);
        format!(
            "SELECT pg_advisory_xact_lock(hashtextextended(
                 convert_from(decode('{name}', 'hex'), 'UTF8'), 0));"
        )
    };
    resources.iter().map(enter).collect()
}

/// How many of these locks could not be granted now, as an expression, and its values.
pub(crate) fn count_blocked(locks: &[Lock]) -> (String, Vec<Value>) {
    let counted = format!(" + CASE WHEN {BLOCKED} THEN 1 ELSE 0 END");
    let sum = format!("0{}", counted.repeat(locks.len()));
    (sum, locks.iter().flat_map(blocked_values).collect())
}

/// Whether something stands in the way of a lock.
const BLOCKED: &str = "(EXISTS (SELECT 1 FROM task_lock WHERE resource = ? AND standing = 0)
     OR EXISTS (SELECT 1 FROM task_lock WHERE resource = ? AND standing = 1 AND (exclusive OR ?)))";

fn blocked_values(lock: &Lock) -> [Value; 3] {
    let resource = lock.resource.as_str();
    [resource.into(), resource.into(), lock.exclusive.into()]
}

/// Which locks could be granted now; one answer each, in order.
pub(crate) async fn could_grant(connection: &mut Connection, locks: &[Lock]) -> Result<Vec<bool>> {
    let mut answers = Vec::with_capacity(locks.len());
    for lock in locks {
        let blocked: bool = sql(format!("SELECT {BLOCKED}"))
            .quick()
            .bind_all(blocked_values(lock))
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
    let standings = granted.iter().map(|granted| match granted {
        true => Standing::Held,
        false => Standing::Waits,
    });
    write(connection, task, locks.iter().zip(standings)).await
}

/// Notes what a task needs whose locks another one holds.
pub(crate) async fn note(connection: &mut Connection, task: TaskId, locks: &[Lock]) -> Result<()> {
    let notes = locks.iter().map(|lock| (lock, Standing::Note));
    write(connection, task, notes).await
}

async fn write<'a>(
    connection: &mut Connection,
    task: TaskId,
    locks: impl IntoIterator<Item = (&'a Lock, Standing)>,
) -> Result<()> {
    let rows = locks.into_iter().map(|(lock, standing)| {
        vec![
            lock.resource.as_str().into(),
            task.into(),
            lock.exclusive.into(),
            (standing as i64).into(),
        ]
    });
    let head = "INSERT INTO task_lock (resource, task_id, exclusive, standing)";
    crate::insert_many(connection, head, rows, "")
        .await
        .map(drop)
}

/// Takes a task out of the queues and grants what it stood in the way of; how many
/// tasks can run now that could not before.
pub(crate) async fn release(connection: &mut Connection, task: TaskId) -> Result<u64> {
    // Before the queues are entered, which is safe: whoever is in one of them still sees
    // the lock and queues up behind it, and is seen from within.
    let leave = "UPDATE task_lock SET standing = 2 WHERE task_id = ? AND standing < 2
         RETURNING resource";
    let text = match connection.dialect() {
        Dialect::Sqlite => leave.to_owned(),
        Dialect::Postgres => format!(
            "WITH mine AS ({leave}), sorted AS (SELECT resource FROM mine ORDER BY resource)
             SELECT resource, pg_advisory_xact_lock(hashtextextended(resource, 0)) FROM sorted"
        ),
    };
    let rows = sql(text).quick().bind(task).fetch_all(connection).await?;
    let resources: Result<Vec<String>> = rows.iter().map(|row| row.get(0)).collect();
    let mut resources = resources?;
    resources.sort_unstable();
    let mut runnable = 0;
    for resource in &resources {
        runnable += grant_next(connection, resource).await?;
    }
    Ok(runnable)
}

/// Grants what can be granted at the head of a queue.
async fn grant_next(connection: &mut Connection, resource: &str) -> Result<u64> {
    let Some(mut next) = first_waiting(connection, resource).await? else {
        return Ok(0);
    };
    if next.held == Some(true) {
        return Ok(0);
    }
    let mut nobody = next.held.is_none();
    let mut runnable = 0;
    loop {
        let Waiting {
            task, exclusive, ..
        } = next;
        if exclusive && !nobody {
            break;
        }
        sql("UPDATE task_lock SET standing = 1
             WHERE resource = ? AND standing = 0 AND task_id = ?")
        .quick()
        .bind(resource)
        .bind(task)
        .execute(connection)
        .await?;
        runnable += crate::task_life::grant_one(connection, task).await?;
        nobody = false;
        if exclusive {
            break;
        }
        match first_waiting(connection, resource).await? {
            Some(other) => next = other,
            None => break,
        }
    }
    Ok(runnable)
}

/// Which of these resources a task that is not over holds or waits for.
pub async fn wanted(connection: &mut Connection, resources: Vec<String>) -> Result<Vec<String>> {
    sql("SELECT DISTINCT resource FROM task_lock WHERE resource IN (?*) AND standing IN (0, 1)")
        .bind(resources)
        .scalars(connection)
        .await
}

/// The first task that waits in a queue.
struct Waiting {
    task: TaskId,
    /// Whether it wants to be alone.
    exclusive: bool,
    /// How the resource is held, if it is: by one alone, or not.
    held: Option<bool>,
}

async fn first_waiting(connection: &mut Connection, resource: &str) -> Result<Option<Waiting>> {
    let next = sql("SELECT task_id, exclusive,
             (SELECT MAX(CASE WHEN exclusive THEN 1 ELSE 0 END) FROM task_lock
              WHERE resource = ? AND standing = 1)
         FROM task_lock WHERE resource = ? AND standing = 0 ORDER BY task_id LIMIT 1")
    .quick()
    .bind(resource)
    .bind(resource)
    .fetch_optional(connection)
    .await?;
    next.map(|row| {
        let held: Option<i64> = row.get(2)?;
        Ok(Waiting {
            task: row.get(0)?,
            exclusive: row.get(1)?,
            held: held.map(|held| held == 1),
        })
    })
    .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_locks_on_one_resource_the_exclusive_one_stays() {
        let locks = tidy(vec![
            Lock::shared("b"),
            Lock::exclusive("a"),
            Lock::shared("a"),
            Lock::exclusive("b"),
        ]);
        assert_eq!(locks, [Lock::exclusive("a"), Lock::exclusive("b")]);
    }
}

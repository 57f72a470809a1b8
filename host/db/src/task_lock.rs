//! Locks of tasks: a queue for each resource, in the order of the tasks' numbers.
//!
//! A lock is granted when nothing before it in its queue stands in its way. A task can
//! run when all its locks are granted, and its row counts those that are not; so the
//! next task is found by an index, however many wait. When the task is over its locks
//! stay as notes of what it held.

use pith_model::TaskId;
use pith_model::task::Lock;
use serde_json::Value as JsonValue;

use crate::database::Connection;
use crate::dialect::Dialect;
use crate::error::Result;
use crate::statement::{Statement, Value, sql};

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

/// What a task shows of its locks.
pub(crate) fn record_of(locks: &[Lock]) -> JsonValue {
    locks.iter().map(Lock::record).collect()
}

/// Reads what [`record_of`] writes.
pub(crate) fn of_record(record: &JsonValue) -> Vec<Lock> {
    let records = record.as_array().into_iter().flatten();
    let locks = records.filter_map(JsonValue::as_str);
    locks.map(Lock::of_record).collect()
}

/// Keeps other transactions from the queues of these resources until this one ends.
/// SQLite has one writer, so there it is nothing to do.
pub(crate) async fn enter(connection: &mut Connection, locks: &[Lock]) -> Result<()> {
    let is_needed = connection.dialect() == Dialect::Postgres && !connection.entered;
    if is_needed && !locks.is_empty() {
        connection.run_script(&enter_text(locks)).await?;
    }
    Ok(())
}

/// The same for the locks that a task holds or waits for.
async fn enter_of(connection: &mut Connection, task: TaskId) -> Result<()> {
    if connection.dialect() == Dialect::Sqlite || connection.entered {
        return Ok(());
    }
    sql("WITH sorted AS MATERIALIZED (
             SELECT resource FROM task_lock WHERE task_id = ? AND standing < 2 ORDER BY resource)
         SELECT COUNT(pg_advisory_xact_lock(hashtextextended(resource, 0))) FROM sorted")
    .bind(task)
    .execute(connection)
    .await
    .map(drop)
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
    let counted = format!(" + CASE WHEN {} THEN 1 ELSE 0 END", blocked("?", "?"));
    let sum = format!("0{}", counted.repeat(locks.len()));
    (sum, locks.iter().flat_map(blocked_values).collect())
}

/// The condition that something stands in the way of a lock.
fn blocked(resource: &str, exclusive: &str) -> String {
    format!(
        "(EXISTS (SELECT 1 FROM task_lock o WHERE o.resource = {resource} AND o.standing = 0)
          OR EXISTS (SELECT 1 FROM task_lock o WHERE o.resource = {resource} AND o.standing = 1
                     AND (o.exclusive OR {exclusive})))"
    )
}

fn blocked_values(lock: &Lock) -> [Value; 3] {
    let resource = lock.resource.as_str();
    [resource.into(), resource.into(), lock.exclusive.into()]
}

/// Which locks could be granted now; one answer each, in order.
pub(crate) async fn could_grant(connection: &mut Connection, locks: &[Lock]) -> Result<Vec<bool>> {
    let mut answers = Vec::with_capacity(locks.len());
    for lock in locks {
        let blocked: bool = sql(format!("SELECT {}", blocked("?", "?")))
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

/// The same as a part of PostgreSQL's statement that makes the task, whose row is `made`,
/// and its values. What could be granted is looked up.
pub(crate) fn insert_text(locks: &[Lock]) -> (String, Vec<Value>) {
    let rows = vec!["(?, ?)"; locks.len()].join(", ");
    let text = format!(
        "INSERT INTO task_lock (resource, task_id, exclusive, standing)
         SELECT l.resource, made.id, l.exclusive, CASE WHEN {} THEN 0 ELSE 1 END
         FROM made, (VALUES {rows}) l (resource, exclusive)",
        blocked("l.resource", "l.exclusive")
    );
    let values = |lock: &Lock| [lock.resource.as_str().into(), lock.exclusive.into()];
    (text, locks.iter().flat_map(values).collect())
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

/// Ends a task by a statement, which returns its row if it did, and takes it out of its
/// queues. `None` if the statement ended nothing; otherwise how many tasks can run now that
/// could not before.
pub(crate) async fn release(
    connection: &mut Connection,
    task: TaskId,
    end: Statement<'_>,
) -> Result<Option<u64>> {
    enter_of(connection, task).await?;
    let resources: Vec<Option<String>> = match connection.dialect() {
        Dialect::Sqlite => {
            if end.quick().fetch_optional(connection).await?.is_none() {
                return Ok(None);
            }
            let left = sql(leave("= ?")).quick().bind(task);
            left.scalars(connection).await?
        }
        // In one trip. Only queues are named in which somebody waits, at least one NULL.
        Dialect::Postgres => {
            let both = end.within(|end| {
                let leave = leave("IN (SELECT id FROM ended)");
                format!(
                    "WITH ended AS ({end}), queues AS ({leave})
                     SELECT q.resource FROM ended LEFT JOIN queues q ON EXISTS (
                         SELECT 1 FROM task_lock o
                         WHERE o.resource = q.resource AND o.standing = 0)"
                )
            });
            let resources = both.scalars(connection).await?;
            if resources.is_empty() {
                return Ok(None);
            }
            resources
        }
    };
    let mut resources: Vec<String> = resources.into_iter().flatten().collect();
    resources.sort_unstable();
    let mut runnable = 0;
    for resource in &resources {
        runnable += grant_next(connection, resource).await?;
    }
    Ok(Some(runnable))
}

/// Takes the locks of tasks out of their queues, and names those.
fn leave(of: &str) -> String {
    format!(
        "UPDATE task_lock SET standing = 2 WHERE task_id {of} AND standing < 2 RETURNING resource"
    )
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

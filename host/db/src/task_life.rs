//! How tasks are claimed, ended and called off.
//!
//! Invariant: whoever ends a task does so in the transaction that makes its results
//! visible, and only while the task is still his ([`finish`] tells).
//!
//! The tasks of an atomic group have one life: its first task is claimed, holds the locks
//! of all, and whatever ends it ends the others.

use std::collections::HashMap;

use pith_model::task::{Lock, TaskError, TaskState};
use pith_model::{TaskId, Timestamp, UserId, WorkerId};
use serde_json::{Value as JsonValue, json};
use uuid::Uuid;

use crate::database::Connection;
use crate::error::Result;
use crate::insert::insert_many;
use crate::row::Row;
use crate::statement::sql;
use crate::task_lock;

/// What a worker needs of a task.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the task's row")]
pub struct Claimed {
    pub id: TaskId,
    pub uuid: Uuid,
    pub name: String,
    pub plugin: String,
    pub work: JsonValue,
    /// Whether it is the first of an atomic group.
    pub leads: bool,
    /// On whose behalf it runs.
    pub user: Option<UserId>,
    /// What it locks; of an atomic group the first task holds those of all.
    pub locks: Vec<Lock>,
}

/// The columns of [`Claimed`].
const CLAIMED: &str =
    "id, uuid, name, plugin, work, CASE WHEN leader_id = id THEN 1 ELSE 0 END, user_id,
     reserved";

fn claimed(row: &Row) -> Result<Claimed> {
    Ok(Claimed {
        id: row.get(0)?,
        uuid: row.get(1)?,
        name: row.get(2)?,
        plugin: row.get(3)?,
        work: row.get(4)?,
        leads: row.get::<i64>(5)? == 1,
        user: row.get(6)?,
        locks: task_lock::of_record(&row.get(7)?),
    })
}

/// One more lock of a waiting task is granted; 1 if it can run now.
pub(crate) async fn grant_one(connection: &mut Connection, task: TaskId) -> Result<u64> {
    let now = Timestamp::now();
    let left: i64 = sql("UPDATE task SET ungranted = ungranted - 1,
             unblocked_at = CASE WHEN ungranted = 1 THEN ? ELSE unblocked_at END
         WHERE id = ? RETURNING ungranted")
    .quick()
    .bind(now)
    .bind(task)
    .scalar(connection)
    .await?;
    Ok(u64::from(left == 0))
}

/// Takes up to `limit` tasks that can run, oldest first.
pub async fn claim(
    connection: &mut Connection,
    worker: WorkerId,
    limit: usize,
) -> Result<Vec<Claimed>> {
    // A statement may wait before it begins; what ended meanwhile ended before.
    let text = format!(
        "UPDATE task SET state = 'running', worker_id = ?, started_at = {}, pulp_last_updated = ?
         WHERE id IN (SELECT id FROM task WHERE state = 'waiting' AND ungranted = 0
                      ORDER BY id LIMIT {limit}{}) RETURNING {CLAIMED}",
        connection.dialect().not_before_now(),
        connection.dialect().skip_locked()
    );
    let now = Timestamp::now();
    let rows = sql(text)
        .quick()
        .bind(worker)
        .bind(now)
        .bind(now)
        .fetch_all(connection)
        .await?;
    let mut tasks = rows.iter().map(claimed).collect::<Result<Vec<_>>>()?;
    tasks.sort_unstable_by_key(|task| task.id);
    Ok(tasks)
}

/// Whether a task could run now; asked before a write transaction is begun for it.
pub async fn any_ready(connection: &mut Connection) -> Result<bool> {
    let one: Option<i64> =
        sql("SELECT id FROM task WHERE state = 'waiting' AND ungranted = 0 ORDER BY id LIMIT 1")
            .quick()
            .scalar_optional(connection)
            .await?;
    Ok(one.is_some())
}

/// The tasks of an atomic group in their order, its first included.
pub async fn of_leader(connection: &mut Connection, leader: TaskId) -> Result<Vec<Claimed>> {
    let rows = sql(format!(
        "SELECT {CLAIMED} FROM task WHERE leader_id = ? ORDER BY id"
    ))
    .bind(leader)
    .fetch_all(connection)
    .await?;
    rows.iter().map(claimed).collect()
}

/// The next task of an atomic group begins; false if somebody called it off.
pub async fn begin_follower(
    connection: &mut Connection,
    task: TaskId,
    worker: WorkerId,
) -> Result<bool> {
    let now = Timestamp::now();
    let changed = sql(
        "UPDATE task SET state = 'running', worker_id = ?, started_at = ?, pulp_last_updated = ?
         WHERE id = ? AND state = 'waiting'",
    )
    .quick()
    .bind(worker)
    .bind(now)
    .bind(now)
    .bind(task)
    .execute(connection)
    .await?;
    Ok(changed > 0)
}

/// How a task ended.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Ending {
    pub state: TaskState,
    pub error: Option<TaskError>,
    pub result: Option<JsonValue>,
    pub progress: JsonValue,
    /// `[{"path", "prn"}]`
    pub created: JsonValue,
}

/// Ends a running task and frees its locks. `None` if it was not `worker`'s any more:
/// then roll back, for somebody else has ended it. Otherwise how many tasks can run
/// now that could not before.
pub async fn finish(
    connection: &mut Connection,
    task: TaskId,
    worker: WorkerId,
    ending: Ending,
) -> Result<Option<u64>> {
    // A task that is asked to stop may still end well: it was faster.
    let now = Timestamp::now();
    note_created(connection, task, &ending.created).await?;
    let end = sql(
        "UPDATE task SET state = ?, error = ?, result = ?, progress = ?, created = ?,
             finished_at = ?, pulp_last_updated = ?
         WHERE id = ? AND worker_id = ? AND state IN ('running', 'canceling') RETURNING id",
    )
    .bind(ending.state.as_str())
    .bind(ending.error.map(|error| json!(error)))
    .bind(ending.result)
    .bind(ending.progress)
    .bind(ending.created)
    .bind(now)
    .bind(now)
    .bind(task)
    .bind(worker);
    task_lock::release(connection, task, end).await
}

/// Lets a task be found by what it made.
async fn note_created(
    connection: &mut Connection,
    task: TaskId,
    created: &JsonValue,
) -> Result<()> {
    let rows = created.as_array().into_iter().flatten().map(|one| {
        vec![
            task.into(),
            one["path"].as_str().unwrap_or_default().into(),
            one["prn"].as_str().unwrap_or_default().into(),
        ]
    });
    let head = "INSERT INTO task_created (task_id, path, prn)";
    insert_many(connection, head, rows, "").await.map(drop)
}

/// Ends a task that never began, as one of a group that another task of it ended.
pub async fn finish_waiting(
    connection: &mut Connection,
    task: TaskId,
    state: TaskState,
    error: Option<&TaskError>,
) -> Result<()> {
    let now = Timestamp::now();
    sql(
        "UPDATE task SET state = ?, error = ?, finished_at = ?, pulp_last_updated = ?
         WHERE id = ? AND state = 'waiting'",
    )
    .quick()
    .bind(state.as_str())
    .bind(error.map(|error| json!(error)))
    .bind(now)
    .bind(now)
    .bind(task)
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps the progress of a running task.
pub async fn set_progress(
    connection: &mut Connection,
    task: TaskId,
    progress: JsonValue,
) -> Result<()> {
    sql("UPDATE task SET progress = ?, pulp_last_updated = ?
         WHERE id = ? AND state IN ('running', 'canceling')")
    .quick()
    .bind(progress)
    .bind(Timestamp::now())
    .bind(task)
    .execute(connection)
    .await?;
    Ok(())
}

/// What a wish to cancel led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It waited and is over now; how many tasks can run that could not before.
    Ended(u64),
    /// It runs; its worker has to stop this task, of a group its first.
    Asked(TaskId),
    /// It was over already.
    TooLate,
}

/// Cancels a task; one of an atomic group with all the others.
pub async fn cancel(connection: &mut Connection, task: TaskId) -> Result<Cancelled> {
    let leader: Option<TaskId> = sql("SELECT COALESCE(leader_id, id) FROM task WHERE id = ?")
        .quick()
        .bind(task)
        .scalar_optional(connection)
        .await?;
    let Some(leader) = leader else {
        return Ok(Cancelled::TooLate);
    };
    let now = Timestamp::now();
    let end = sql(
        "UPDATE task SET state = 'canceled', finished_at = ?, pulp_last_updated = ?
         WHERE id = ? AND state = 'waiting' RETURNING id",
    )
    .bind(now)
    .bind(now)
    .bind(leader);
    if let Some(runnable) = task_lock::release(connection, leader, end).await? {
        sql(
            "UPDATE task SET state = 'canceled', finished_at = ?, pulp_last_updated = ?
             WHERE leader_id = ? AND state = 'waiting'",
        )
        .bind(now)
        .bind(now)
        .bind(leader)
        .execute(connection)
        .await?;
        return Ok(Cancelled::Ended(runnable));
    }
    let asked = sql("UPDATE task SET state = 'canceling', pulp_last_updated = ?
         WHERE (id = ? OR leader_id = ?) AND state = 'running'")
    .quick()
    .bind(now)
    .bind(leader)
    .bind(leader)
    .execute(connection)
    .await?;
    Ok(if asked > 0 {
        Cancelled::Asked(leader)
    } else {
        Cancelled::TooLate
    })
}

/// Which of a process's tasks were asked to stop; of groups, the first of each.
pub async fn to_cancel(connection: &mut Connection, worker: WorkerId) -> Result<Vec<TaskId>> {
    sql("SELECT DISTINCT COALESCE(leader_id, id) FROM task
         WHERE state = 'canceling' AND worker_id = ?")
    .bind(worker)
    .scalars(connection)
    .await
}

/// When each of these tasks last changed.
pub async fn last_changes(
    connection: &mut Connection,
    tasks: &[TaskId],
) -> Result<HashMap<TaskId, Timestamp>> {
    let ids: Vec<i64> = tasks.iter().map(|task| task.0).collect();
    let rows = sql("SELECT id, pulp_last_updated FROM task WHERE id IN (?*)")
        .bind(ids)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// A task that is said to run, and that nobody runs.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the task's row")]
pub struct Lost {
    pub id: TaskId,
    /// Of an atomic group: its first task.
    pub leader: Option<TaskId>,
    canceling: bool,
    progress: JsonValue,
}

/// The tasks that are said to run in a process.
pub async fn running_of(connection: &mut Connection, worker: WorkerId) -> Result<Vec<Lost>> {
    // The sign keeps the databases from going through all that a worker ever ran.
    let rows = sql("SELECT id, leader_id, state, progress FROM task
         WHERE state IN ('running', 'canceling') AND +worker_id = ?")
    .quick()
    .bind(worker)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Lost {
                id: row.get(0)?,
                leader: row.get(1)?,
                canceling: row.get::<String>(2)? == "canceling",
                progress: row.get(3)?,
            })
        })
        .collect()
}

/// Ends a task of `worker`'s that nobody runs.
pub async fn fail_lost(
    connection: &mut Connection,
    worker: WorkerId,
    task: &Lost,
    error: &TaskError,
) -> Result<()> {
    let state = if task.canceling {
        TaskState::Canceled
    } else {
        TaskState::Failed
    };
    let mut progress = task.progress.clone();
    for report in progress.as_array_mut().into_iter().flatten() {
        if report["state"] == "running" {
            report["state"] = state.as_str().into();
        }
    }
    let ending = Ending {
        state,
        error: (!task.canceling).then(|| error.clone()),
        result: None,
        progress,
        created: json!([]),
    };
    finish(connection, task.id, worker, ending).await?;
    if let Some(leader) = task.leader {
        skip_followers(connection, leader).await?;
    }
    Ok(())
}

/// Ends the tasks of an atomic group that did not begin.
async fn skip_followers(connection: &mut Connection, leader: TaskId) -> Result<()> {
    let now = Timestamp::now();
    sql(
        "UPDATE task SET state = 'skipped', finished_at = ?, pulp_last_updated = ?
         WHERE leader_id = ? AND state = 'waiting'",
    )
    .bind(now)
    .bind(now)
    .bind(leader)
    .execute(connection)
    .await?;
    Ok(())
}

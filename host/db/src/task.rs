//! Tasks: durable rows that a worker of any process takes.
//!
//! Invariant: whoever ends a task does so in the transaction that makes its results
//! visible, and only while the task is still his ([`finish`] tells).

use pith_model::task::{Lock, TaskError, TaskState};
use pith_model::{TaskId, Timestamp, UserId, WorkerId};
use serde_json::{Value as JsonValue, json};
use uuid::Uuid;

use crate::database::Connection;
use crate::error::{Error, Result};
use crate::list::{Column, Condition, Kind, Record, record};
use crate::row::Row;
use crate::statement::sql;
use crate::task_lock;

/// A task's row.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Task {
    pub id: TaskId,
    pub uuid: Uuid,
    pub name: String,
    pub plugin: String,
    pub type_name: String,
    pub plugin_version: Option<String>,
    pub state: TaskState,
    pub parameters: JsonValue,
    pub work: JsonValue,
    pub reserved: JsonValue,
    pub logging_cid: String,
    pub user: Option<UserId>,
    pub parent: Option<Uuid>,
    pub worker: Option<Uuid>,
    pub pulp_created: Timestamp,
    pub pulp_last_updated: Timestamp,
    pub unblocked_at: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub error: Option<JsonValue>,
    pub result: Option<JsonValue>,
    pub progress: JsonValue,
    pub created: JsonValue,
}

impl Record for Task {
    const FROM: &'static str = "task t LEFT JOIN worker w ON w.id = t.worker_id
        LEFT JOIN task parent ON parent.id = t.parent_id";
    const KEY: &'static str = "t.id";
    const COLUMNS: &'static [Column] = &[
        Column::new("", "t.id", Kind::Integer),
        Column::new("pulp_id", "t.uuid", Kind::Uuid),
        Column::new("name", "t.name", Kind::Text),
        Column::new("plugin", "t.plugin", Kind::Text),
        Column::new("type", "t.type_name", Kind::Text),
        Column::new("plugin_version", "t.plugin_version", Kind::Text),
        Column::new("state", "t.state", Kind::Text),
        Column::new("", "t.parameters", Kind::Json),
        Column::new("", "t.work", Kind::Json),
        Column::new("", "t.reserved", Kind::Json),
        Column::new("logging_cid", "t.logging_cid", Kind::Text),
        Column::new("", "t.user_id", Kind::Integer),
        Column::new("", "parent.uuid", Kind::Uuid),
        Column::new("", "w.uuid", Kind::Uuid),
        Column::new("pulp_created", "t.pulp_created", Kind::Time),
        Column::new("pulp_last_updated", "t.pulp_last_updated", Kind::Time),
        Column::new("unblocked_at", "t.unblocked_at", Kind::Time),
        Column::new("started_at", "t.started_at", Kind::Time),
        Column::new("finished_at", "t.finished_at", Kind::Time),
        Column::new("", "t.error", Kind::Json),
        Column::new("", "t.result", Kind::Json),
        Column::new("", "t.progress", Kind::Json),
        Column::new("", "t.created", Kind::Json),
    ];

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            uuid: row.get(1)?,
            name: row.get(2)?,
            plugin: row.get(3)?,
            type_name: row.get(4)?,
            plugin_version: row.get(5)?,
            state: state(&row.get::<String>(6)?)?,
            parameters: row.get(7)?,
            work: row.get(8)?,
            reserved: row.get(9)?,
            logging_cid: row.get(10)?,
            user: row.get(11)?,
            parent: row.get(12)?,
            worker: row.get(13)?,
            pulp_created: row.get(14)?,
            pulp_last_updated: row.get(15)?,
            unblocked_at: row.get(16)?,
            started_at: row.get(17)?,
            finished_at: row.get(18)?,
            error: row.get(19)?,
            result: row.get(20)?,
            progress: row.get(21)?,
            created: row.get(22)?,
        })
    }
}

fn state(text: &str) -> Result<TaskState> {
    TaskState::parse(text).ok_or_else(|| Error::Unexpected("a task in an unknown state".into()))
}

/// The column of its UUID.
pub const UUID: &str = "t.uuid";

/// The column of its parent's UUID.
pub const PARENT: &str = "parent.uuid";

/// The column of its worker's UUID.
pub const WORKER: &str = "w.uuid";

/// The condition that a task is of a type.
pub fn of_type(plugin: &str, type_name: &str) -> Condition {
    Condition::new(
        "t.plugin = ? AND t.type_name = ?",
        [plugin.into(), type_name.into()],
    )
}

/// The condition that it is the parent of one of these.
pub fn parent_of(children: Vec<Uuid>) -> Condition {
    Condition::new(
        "t.id IN (SELECT child.parent_id FROM task child WHERE child.uuid IN (?*))",
        [children.into()],
    )
}

/// A task to make.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct NewTask {
    pub name: String,
    pub plugin: String,
    pub type_name: String,
    pub plugin_version: Option<String>,
    /// As the user gave them.
    pub parameters: JsonValue,
    /// As the worker needs them.
    pub work: JsonValue,
    pub locks: Vec<Lock>,
    pub logging_cid: String,
    pub user: Option<UserId>,
    pub parent: Option<TaskId>,
}

/// Makes a task and puts it into the queues of its locks.
pub async fn insert(connection: &mut Connection, mut new: NewTask) -> Result<(TaskId, Uuid)> {
    new.locks.sort();
    // One lock a resource; the exclusive one (sorted last) wins.
    new.locks.reverse();
    new.locks.dedup_by(|a, b| a.resource == b.resource);
    new.locks.reverse();
    let uuid = Uuid::now_v7();
    let now = Timestamp::now();
    task_lock::enter(connection, &new.locks).await?;
    let granted = task_lock::could_grant(connection, &new.locks).await?;
    let ungranted =
        i64::try_from(granted.iter().filter(|granted| !**granted).count()).unwrap_or(i64::MAX);
    let reserved: Vec<String> = new.locks.iter().map(Lock::record).collect();
    let id: TaskId = sql(
        "INSERT INTO task (uuid, name, plugin, type_name, plugin_version, state, ungranted,
             parameters, work, reserved, logging_cid, user_id, parent_id, pulp_created,
             pulp_last_updated, unblocked_at, progress, created)
         VALUES (?, ?, ?, ?, ?, 'waiting', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
    )
    .bind(uuid)
    .bind(new.name)
    .bind(new.plugin)
    .bind(new.type_name)
    .bind(new.plugin_version)
    .bind(ungranted)
    .bind(new.parameters)
    .bind(new.work)
    .bind(json!(reserved))
    .bind(new.logging_cid)
    .bind(new.user)
    .bind(new.parent)
    .bind(now)
    .bind(now)
    .bind((ungranted == 0).then_some(now))
    .bind(json!([]))
    .bind(json!([]))
    .scalar(connection)
    .await?;
    task_lock::insert(connection, id, &new.locks, &granted).await?;
    Ok((id, uuid))
}

/// One more lock of a waiting task is granted; 1 if it can run now.
pub(crate) async fn grant_one(connection: &mut Connection, task: TaskId) -> Result<u64> {
    let now = Timestamp::now();
    let left: i64 = sql("UPDATE task SET ungranted = ungranted - 1,
             unblocked_at = CASE WHEN ungranted = 1 THEN ? ELSE unblocked_at END
         WHERE id = ? RETURNING ungranted")
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
) -> Result<Vec<TaskId>> {
    let text = format!(
        "UPDATE task SET state = 'running', worker_id = ?, started_at = ?, pulp_last_updated = ?
         WHERE id IN (SELECT id FROM task WHERE state = 'waiting' AND ungranted = 0
                      ORDER BY id LIMIT {limit}{}) RETURNING id",
        connection.dialect().skip_locked()
    );
    let now = Timestamp::now();
    let mut ids: Vec<TaskId> = sql(text)
        .bind(worker)
        .bind(now)
        .bind(now)
        .scalars(connection)
        .await?;
    ids.sort_unstable();
    Ok(ids)
}

/// Whether a task could run now; asked before a write transaction is begun for it.
pub async fn any_ready(connection: &mut Connection) -> Result<bool> {
    let one: Option<i64> =
        sql("SELECT id FROM task WHERE state = 'waiting' AND ungranted = 0 ORDER BY id LIMIT 1")
            .scalar_optional(connection)
            .await?;
    Ok(one.is_some())
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
    let changed = sql(
        "UPDATE task SET state = ?, error = ?, result = ?, progress = ?, created = ?,
             finished_at = ?, pulp_last_updated = ?
         WHERE id = ? AND worker_id = ? AND state IN ('running', 'canceling')",
    )
    .bind(ending.state.as_str())
    .bind(ending.error.map(|error| json!(error)))
    .bind(ending.result)
    .bind(ending.progress)
    .bind(ending.created)
    .bind(now)
    .bind(now)
    .bind(task)
    .bind(worker)
    .execute(connection)
    .await?;
    if changed == 0 {
        return Ok(None);
    }
    task_lock::release(connection, task).await.map(Some)
}

/// Keeps the progress of a running task.
pub async fn set_progress(
    connection: &mut Connection,
    task: TaskId,
    progress: JsonValue,
) -> Result<()> {
    sql("UPDATE task SET progress = ?, pulp_last_updated = ?
         WHERE id = ? AND state IN ('running', 'canceling')")
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
    /// It runs; its worker has to stop it.
    Asked,
    /// It was over already.
    TooLate,
}

/// Cancels a task.
pub async fn cancel(connection: &mut Connection, task: TaskId) -> Result<Cancelled> {
    let now = Timestamp::now();
    let ended = sql(
        "UPDATE task SET state = 'canceled', finished_at = ?, pulp_last_updated = ?
         WHERE id = ? AND state = 'waiting'",
    )
    .bind(now)
    .bind(now)
    .bind(task)
    .execute(connection)
    .await?;
    if ended > 0 {
        return task_lock::release(connection, task)
            .await
            .map(Cancelled::Ended);
    }
    let asked = sql("UPDATE task SET state = 'canceling', pulp_last_updated = ?
         WHERE id = ? AND state = 'running'")
    .bind(now)
    .bind(task)
    .execute(connection)
    .await?;
    Ok(if asked > 0 {
        Cancelled::Asked
    } else {
        Cancelled::TooLate
    })
}

/// Which of a process's tasks were asked to stop.
pub async fn to_cancel(connection: &mut Connection, worker: WorkerId) -> Result<Vec<TaskId>> {
    sql("SELECT id FROM task WHERE state = 'canceling' AND worker_id = ?")
        .bind(worker)
        .scalars(connection)
        .await
}

/// Ends the tasks of a process that died; how many there were.
pub async fn fail_all_of(
    connection: &mut Connection,
    worker: WorkerId,
    error: &TaskError,
) -> Result<usize> {
    let rows = sql("SELECT id, state, progress FROM task
         WHERE worker_id = ? AND state IN ('running', 'canceling')")
    .bind(worker)
    .fetch_all(connection)
    .await?;
    for row in &rows {
        let canceling = row.get::<String>(1)? == "canceling";
        let mut progress: JsonValue = row.get(2)?;
        for report in progress.as_array_mut().into_iter().flatten() {
            if report["state"] == "running" {
                report["state"] = if canceling { "canceled" } else { "failed" }.into();
            }
        }
        let ending = Ending {
            state: if canceling {
                TaskState::Canceled
            } else {
                TaskState::Failed
            },
            error: (!canceling).then(|| error.clone()),
            result: None,
            progress,
            created: json!([]),
        };
        finish(connection, row.get(0)?, worker, ending).await?;
    }
    Ok(rows.len())
}

/// A task by its UUID.
pub async fn by_uuid(connection: &mut Connection, uuid: Uuid) -> Result<Option<Task>> {
    record(connection, "t.uuid = ?", [uuid.into()]).await
}

/// A task by its number.
pub async fn by_id(connection: &mut Connection, id: TaskId) -> Result<Option<Task>> {
    record(connection, "t.id = ?", [id.into()]).await
}

/// The UUIDs of a task's children.
pub async fn children(connection: &mut Connection, task: TaskId) -> Result<Vec<Uuid>> {
    sql("SELECT uuid FROM task WHERE parent_id = ? ORDER BY id")
        .bind(task)
        .scalars(connection)
        .await
}

/// The UUIDs of the children of tasks: (parent, child), in order.
pub async fn children_of(
    connection: &mut Connection,
    tasks: &[TaskId],
) -> Result<Vec<(TaskId, Uuid)>> {
    let ids: Vec<i64> = tasks.iter().map(|id| id.0).collect();
    let rows = sql("SELECT parent_id, uuid FROM task WHERE parent_id IN (?*) ORDER BY id")
        .bind(ids)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// Removes a task that is over.
pub async fn delete(connection: &mut Connection, task: TaskId) -> Result<bool> {
    let deleted = sql(
        "DELETE FROM task WHERE id = ? AND state IN ('completed', 'failed', 'canceled', 'skipped')",
    )
    .bind(task)
    .execute(connection)
    .await?;
    Ok(deleted > 0)
}

/// How many tasks wait and run, for `status/`.
pub async fn unfinished(connection: &mut Connection) -> Result<(i64, i64)> {
    let row = sql("SELECT COUNT(CASE WHEN state = 'waiting' THEN 1 END),
                COUNT(CASE WHEN state <> 'waiting' THEN 1 END)
         FROM task WHERE state IN ('waiting', 'running', 'canceling')")
    .fetch_optional(connection)
    .await?;
    row.map_or(Ok((0, 0)), |row| Ok((row.get(0)?, row.get(1)?)))
}

//! Tasks: durable rows that a worker of any process takes. How they begin and end is in
//! [`task_life`](crate::task_life).

use pith_model::access::Securable;
use pith_model::task::{Lock, TaskState};
use pith_model::{TaskId, Timestamp, UserId, WorkerId};
use serde_json::{Value as JsonValue, json};
use uuid::Uuid;

use crate::access::{self, Object};
use crate::database::Connection;
use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::last_sync;
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
    pub group: Option<Uuid>,
    /// Of an atomic group: its first task.
    pub leader: Option<TaskId>,
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
        LEFT JOIN task parent ON parent.id = t.parent_id
        LEFT JOIN task_group tg ON tg.id = t.group_id";
    const KEY: &'static str = "t.id";
    const COLUMNS: &'static [Column] = &[
        Column::new("", "t.id", Kind::Integer),
        Column::new("pulp_id", "t.uuid", Kind::Uuid).indexed(),
        Column::new("name", "t.name", Kind::Text).indexed(),
        Column::new("plugin", "t.plugin", Kind::Text),
        Column::new("type", "t.type_name", Kind::Text),
        Column::new("plugin_version", "t.plugin_version", Kind::Text),
        Column::new("state", "t.state", Kind::Text).indexed(),
        Column::new("", "t.parameters", Kind::Json),
        Column::new("", "t.work", Kind::Json),
        Column::new("", "t.reserved", Kind::Json),
        Column::new("logging_cid", "t.logging_cid", Kind::Text).indexed(),
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
        Column::new("", "tg.uuid", Kind::Uuid),
        Column::new("", "t.leader_id", Kind::Integer),
    ];
    const FILTERS: &'static [Column] = &[
        Column::new("pk", "t.uuid", Kind::Uuid),
        Column::new(
            "pulp_href",
            "'{root}tasks/' || {uuid t.uuid} || '/'",
            Kind::Text,
        ),
        Column::new("prn", "'prn:core.task:' || {uuid t.uuid}", Kind::Text),
        Column::new("parameters", "t.parameters", Kind::Json),
        Column::new(
            "created_by",
            "'{root}users/' || t.user_id || '/'",
            Kind::Text,
        ),
        Column::new("error", "t.error", Kind::Json),
        Column::new("result", "t.result", Kind::Json),
        Column::new(
            "worker",
            "'{root}workers/' || {uuid w.uuid} || '/'",
            Kind::Text,
        ),
        Column::new(
            "parent_task",
            "'{root}tasks/' || {uuid parent.uuid} || '/'",
            Kind::Text,
        ),
        Column::new("progress_reports", "t.progress", Kind::Json),
        Column::new("created_resources", "t.created", Kind::Json),
        Column::new("reserved_resources_record", "t.reserved", Kind::Json),
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
            group: row.get(23)?,
            leader: row.get(24)?,
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

/// The column of its group's UUID.
pub const GROUP: &str = "tg.uuid";

/// The condition that a task is of a plugin.
pub fn of_plugin(plugin: &str) -> Condition {
    Condition::new("t.plugin = ?", [plugin.into()])
}

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
    /// The resources, by PRN, of which it is the newest sync.
    pub synced: Vec<String>,
    pub logging_cid: String,
    pub user: Option<UserId>,
    /// Whether the user gets the owner's role for it; who may do everything needs none.
    pub owned: bool,
    pub parent: Option<TaskId>,
}

/// A group that a new task belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Membership {
    pub(crate) group: i64,
    pub(crate) place: Place,
}

/// A new task's place in its group.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// One of many that have nothing to do with each other.
    Single,
    /// The first of an atomic group.
    Leader,
    /// One that the first of an atomic group runs.
    Follower(TaskId),
}

/// Makes a task and puts it into the queues of its locks.
pub async fn insert(connection: &mut Connection, new: NewTask) -> Result<(TaskId, Uuid)> {
    let (id, uuid, _) = insert_for(connection, new, None).await?;
    Ok((id, uuid))
}

/// The same for a worker with a free place: whether the task is that worker's now, and
/// runs, because no lock stands in its way.
pub async fn insert_for(
    connection: &mut Connection,
    mut new: NewTask,
    worker: Option<WorkerId>,
) -> Result<(TaskId, Uuid, bool)> {
    let locks = task_lock::tidy(std::mem::take(&mut new.locks));
    task_lock::enter(connection, &locks).await?;
    let begin = Begin {
        waiting: 0,
        locks: &locks,
        worker,
        membership: None,
    };
    let made = insert_row(connection, new, task_lock::record_of(&locks), begin).await?;
    let runs = worker.is_some() && made.ungranted == 0;
    Ok((made.id, made.uuid, runs))
}

/// How a new task begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begin<'a> {
    /// How many locks are known not to be granted.
    pub(crate) waiting: usize,
    /// Others, whose queues were entered: they are looked at now, and the task is put into
    /// them.
    pub(crate) locks: &'a [Lock],
    /// Who runs it at once, if all are granted.
    pub(crate) worker: Option<WorkerId>,
    pub(crate) membership: Option<Membership>,
}

/// A task that was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    pub(crate) id: TaskId,
    pub(crate) uuid: Uuid,
    /// How many of its locks it waits for.
    pub(crate) ungranted: i64,
}

/// Makes a task's row.
pub(crate) async fn insert_row(
    connection: &mut Connection,
    new: NewTask,
    reserved: JsonValue,
    begin: Begin<'_>,
) -> Result<Made> {
    let Begin {
        waiting,
        locks,
        worker,
        membership,
    } = begin;
    let state = match worker {
        Some(_) => TaskState::Running,
        None => TaskState::Waiting,
    };
    let (blocked, blocked_values) = task_lock::count_blocked(locks);
    let uuid = Uuid::now_v7();
    let now = Timestamp::now();
    let leader = match membership.map(|membership| membership.place) {
        Some(Place::Follower(leader)) => Some(leader),
        _ => None,
    };
    let insert = sql(format!(
        "INSERT INTO task (uuid, name, plugin, type_name, plugin_version, state, ungranted,
             parameters, work, reserved, logging_cid, user_id, parent_id, group_id, leader_id,
             pulp_created, pulp_last_updated, unblocked_at, started_at, worker_id, progress,
             created)
         SELECT ?, ?, ?, ?, ?, CASE WHEN q.ungranted = 0 THEN ? ELSE 'waiting' END, q.ungranted,
             ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, CASE WHEN q.ungranted = 0 THEN ? END,
             CASE WHEN q.ungranted = 0 THEN ? END, CASE WHEN q.ungranted = 0 THEN ? END, ?, ?
         FROM (SELECT ? + {blocked} AS ungranted) q
         RETURNING id, ungranted"
    ))
    .quick()
    .bind(uuid)
    .bind(new.name)
    .bind(new.plugin)
    .bind(new.type_name)
    .bind(new.plugin_version)
    .bind(state.as_str())
    .bind(new.parameters)
    .bind(new.work)
    .bind(reserved)
    .bind(new.logging_cid)
    .bind(new.user)
    .bind(new.parent)
    .bind(membership.map(|membership| membership.group))
    .bind(leader)
    .bind(now)
    .bind(now)
    .bind(now)
    .bind(worker.map(|_| now))
    .bind(worker)
    .bind(json!([]))
    .bind(json!([]))
    .bind(i64::try_from(waiting).unwrap_or(i64::MAX))
    .bind_all(blocked_values);
    let is_queued = connection.dialect() == Dialect::Postgres && !locks.is_empty();
    let insert = if is_queued {
        let (queue, queued_values) = task_lock::insert_text(locks);
        let made = "SELECT id, ungranted FROM made";
        let both =
            insert.within(|insert| format!("WITH made AS ({insert}), queued AS ({queue}) {made}"));
        both.bind_all(queued_values)
    } else {
        insert
    };
    let row = insert
        .fetch_optional(connection)
        .await?
        .ok_or_else(|| Error::Unexpected("a task that was not made".into()))?;
    let (id, ungranted): (TaskId, i64) = (row.get(0)?, row.get(1)?);
    if !is_queued && !locks.is_empty() {
        let granted = match usize::try_from(ungranted) {
            Ok(0) => vec![true; locks.len()],
            Ok(all) if all == locks.len() => vec![false; all],
            _ => task_lock::could_grant(connection, locks).await?,
        };
        task_lock::insert(connection, id, locks, &granted).await?;
    }
    if membership.is_some_and(|membership| matches!(membership.place, Place::Leader)) {
        sql("UPDATE task SET leader_id = ? WHERE id = ?")
            .quick()
            .bind(id)
            .bind(id)
            .execute(connection)
            .await?;
    }
    last_sync::note(connection, id, &new.synced).await?;
    if let Some(user) = new.user.filter(|_| new.owned) {
        access::own(connection, user, &Object::core(Securable::Task, id.0)).await?;
    }
    Ok(Made {
        id,
        uuid,
        ungranted,
    })
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
        .quick()
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
    .quick()
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

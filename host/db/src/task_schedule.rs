//! Schedules: tasks that are made again and again, or once at a given time.

use pith_model::access::Securable;
use pith_model::{TaskId, Timestamp, UserId};
use serde_json::Value as JsonValue;
use uuid::Uuid;

use crate::access::{self, Object};
use crate::database::Connection;
use crate::error::Result;
use crate::list::{Column, Kind, Record, record};
use crate::row::Row;
use crate::statement::sql;

/// A schedule's row.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Schedule {
    pub id: i64,
    pub uuid: Uuid,
    pub pulp_created: Timestamp,
    pub pulp_last_updated: Timestamp,
    pub settings: Settings,
    pub last_task: Option<Uuid>,
    pub user: Option<UserId>,
    pub last_error: Option<JsonValue>,
}

/// What can be set of a schedule.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Settings {
    pub name: String,
    pub plugin: String,
    pub type_name: String,
    pub task_name: String,
    pub parameters: JsonValue,
    /// Microseconds.
    pub dispatch_interval: Option<i64>,
    pub cron: Option<String>,
    pub next_dispatch: Option<Timestamp>,
    pub enabled: bool,
}

impl Record for Schedule {
    const FROM: &'static str = "task_schedule s LEFT JOIN task lt ON lt.id = s.last_task_id";
    const KEY: &'static str = "s.id";
    const COLUMNS: &'static [Column] = &[
        Column::new("", "s.id", Kind::Integer),
        Column::new("pulp_id", "s.uuid", Kind::Uuid),
        Column::new("pulp_created", "s.pulp_created", Kind::Time),
        Column::new("pulp_last_updated", "s.pulp_last_updated", Kind::Time),
        Column::new("name", "s.name", Kind::Text),
        Column::new("plugin", "s.plugin", Kind::Text),
        Column::new("", "s.type_name", Kind::Text),
        Column::new("task_name", "s.task_name", Kind::Text),
        Column::new("", "s.parameters", Kind::Json),
        Column::new("", "s.dispatch_interval", Kind::Integer),
        Column::new("cron", "s.cron", Kind::Text),
        Column::new("next_dispatch", "s.next_dispatch", Kind::Time),
        Column::new("enabled", "s.enabled", Kind::Boolean),
        Column::new("", "lt.uuid", Kind::Uuid),
        Column::new("", "s.user_id", Kind::Integer),
        Column::new("", "s.last_error", Kind::Json),
    ];
    const FILTERS: &'static [Column] = &[
        Column::new("pk", "s.uuid", Kind::Uuid),
        Column::new(
            "pulp_href",
            "'{root}task-schedules/' || {uuid s.uuid} || '/'",
            Kind::Text,
        ),
        Column::new(
            "prn",
            "'prn:core.taskschedule:' || {uuid s.uuid}",
            Kind::Text,
        ),
        Column::new("type", "s.plugin || '/' || s.type_name", Kind::Text),
        Column::new("parameters", "s.parameters", Kind::Json),
        Column::new("last_error", "s.last_error", Kind::Json),
    ];

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            uuid: row.get(1)?,
            pulp_created: row.get(2)?,
            pulp_last_updated: row.get(3)?,
            settings: Settings {
                name: row.get(4)?,
                plugin: row.get(5)?,
                type_name: row.get(6)?,
                task_name: row.get(7)?,
                parameters: row.get(8)?,
                dispatch_interval: row.get(9)?,
                cron: row.get(10)?,
                next_dispatch: row.get(11)?,
                enabled: row.get(12)?,
            },
            last_task: row.get(13)?,
            user: row.get(14)?,
            last_error: row.get(15)?,
        })
    }
}

/// The column of its UUID.
pub const UUID: &str = "s.uuid";

/// The column of the UUID of the last task.
pub const LAST_TASK: &str = "lt.uuid";

/// A schedule by its UUID.
pub async fn by_uuid(connection: &mut Connection, uuid: Uuid) -> Result<Option<Schedule>> {
    record(connection, "s.uuid = ?", [uuid.into()]).await
}

/// Makes a schedule.
pub async fn insert(
    connection: &mut Connection,
    settings: &Settings,
    user: UserId,
) -> Result<Uuid> {
    let uuid = Uuid::now_v7();
    let now = Timestamp::now();
    let id: i64 = sql(
        "INSERT INTO task_schedule (uuid, name, pulp_created, pulp_last_updated, plugin,
             type_name, task_name, parameters, dispatch_interval, cron, next_dispatch, enabled,
             user_id)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
    )
    .bind(uuid)
    .bind(settings.name.as_str())
    .bind(now)
    .bind(now)
    .bind(settings.plugin.as_str())
    .bind(settings.type_name.as_str())
    .bind(settings.task_name.as_str())
    .bind(settings.parameters.clone())
    .bind(settings.dispatch_interval)
    .bind(settings.cron.clone())
    .bind(settings.next_dispatch)
    .bind(settings.enabled)
    .bind(user)
    .scalar(connection)
    .await?;
    access::own(connection, user, &Object::core(Securable::TaskSchedule, id)).await?;
    Ok(uuid)
}

/// Changes a schedule; what went wrong before is forgotten. From now on it runs on behalf of
/// the user, if one is given.
pub async fn update(
    connection: &mut Connection,
    id: i64,
    settings: &Settings,
    user: Option<UserId>,
) -> Result<()> {
    sql(
        "UPDATE task_schedule SET name = ?, pulp_last_updated = ?, plugin = ?, type_name = ?,
             task_name = ?, parameters = ?, dispatch_interval = ?, cron = ?, next_dispatch = ?,
             enabled = ?, user_id = COALESCE(?, user_id), last_error = NULL
         WHERE id = ?",
    )
    .bind(settings.name.as_str())
    .bind(Timestamp::now())
    .bind(settings.plugin.as_str())
    .bind(settings.type_name.as_str())
    .bind(settings.task_name.as_str())
    .bind(settings.parameters.clone())
    .bind(settings.dispatch_interval)
    .bind(settings.cron.clone())
    .bind(settings.next_dispatch)
    .bind(settings.enabled)
    .bind(user)
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes a schedule.
pub async fn delete(connection: &mut Connection, id: i64) -> Result<()> {
    sql("DELETE FROM task_schedule WHERE id = ?")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// The one that is due next.
pub async fn next(connection: &mut Connection) -> Result<Option<Schedule>> {
    let id: Option<i64> = sql("SELECT id FROM task_schedule
         WHERE enabled AND next_dispatch IS NOT NULL ORDER BY next_dispatch, id LIMIT 1")
    .scalar_optional(connection)
    .await?;
    match id {
        Some(id) => record(connection, "s.id = ?", [id.into()]).await,
        None => Ok(None),
    }
}

/// Takes a schedule until the end of the transaction; false if somebody else has it, or it
/// is not as it was read.
pub async fn take(connection: &mut Connection, schedule: &Schedule) -> Result<bool> {
    let text = format!(
        "SELECT id FROM task_schedule WHERE id = ?{}",
        connection.dialect().skip_locked()
    );
    let id: Option<i64> = sql(text)
        .bind(schedule.id)
        .scalar_optional(connection)
        .await?;
    if id.is_none() {
        return Ok(false);
    }
    let now: Option<Schedule> = record(connection, "s.id = ?", [schedule.id.into()]).await?;
    Ok(now.is_some_and(|now| now.settings == schedule.settings && now.user == schedule.user))
}

/// Notes a run and when the next one is due.
pub async fn note_run(
    connection: &mut Connection,
    id: i64,
    next: Option<Timestamp>,
    task: Result<TaskId, JsonValue>,
) -> Result<()> {
    let (task, error) = match task {
        Ok(task) => (Some(task), None),
        Err(error) => (None, Some(error)),
    };
    sql("UPDATE task_schedule SET next_dispatch = ?, last_error = ?,
             last_task_id = COALESCE(?, last_task_id)
         WHERE id = ?")
    .bind(next)
    .bind(error)
    .bind(task)
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

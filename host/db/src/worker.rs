//! Server processes: who is alive.

use std::time::Duration;

use pith_model::{Timestamp, WorkerId};
use uuid::Uuid;

use crate::database::Connection;
use crate::error::Result;
use crate::list::{Column, Condition, Kind, Record, Selection, record, records};
use crate::row::Row;
use crate::statement::sql;

/// How long a process may be silent before its tasks are taken from it. Long enough
/// for a paused machine or a slow disk, short enough that people do not give up.
pub const LEASE: Duration = Duration::from_secs(30);

/// How often a process says that it lives.
pub const HEARTBEAT: Duration = Duration::from_secs(5);

/// A process's row.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Worker {
    pub id: WorkerId,
    pub uuid: Uuid,
    pub name: String,
    pub pulp_created: Timestamp,
    pub last_heartbeat: Timestamp,
    pub version: String,
}

impl Record for Worker {
    const FROM: &'static str = "worker w";
    const KEY: &'static str = "w.id";
    const COLUMNS: &'static [Column] = &[
        Column::new("", "w.id", Kind::Integer),
        Column::new("pulp_id", "w.uuid", Kind::Uuid).indexed(),
        Column::new("name", "w.name", Kind::Text).indexed(),
        Column::new("pulp_created", "w.pulp_created", Kind::Time),
        Column::new("last_heartbeat", "w.last_heartbeat", Kind::Time),
        Column::new("", "w.version", Kind::Text),
        Column::new("pulp_last_updated", "w.last_heartbeat", Kind::Time),
    ];
    const FILTERS: &'static [Column] = &[
        Column::new("pk", "w.uuid", Kind::Uuid),
        Column::new(
            "pulp_href",
            "'{root}workers/' || {uuid w.uuid} || '/'",
            Kind::Text,
        ),
        Column::new("prn", "'prn:core.worker:' || {uuid w.uuid}", Kind::Text),
    ];

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            uuid: row.get(1)?,
            name: row.get(2)?,
            pulp_created: row.get(3)?,
            last_heartbeat: row.get(4)?,
            version: row.get(5)?,
        })
    }
}

/// The column of its UUID.
pub const UUID: &str = "w.uuid";

/// The condition that it renewed its lease in time, or that it did not.
pub fn is_online(online: bool) -> Condition {
    let since = Timestamp::now().minus(LEASE);
    let sign = if online { ">=" } else { "<" };
    Condition::new(format!("w.last_heartbeat {sign} ?"), [since.into()])
}

/// A process by its UUID.
pub async fn by_uuid(connection: &mut Connection, uuid: Uuid) -> Result<Option<Worker>> {
    record(connection, "w.uuid = ?", [uuid.into()]).await
}

/// The processes that renewed their lease in time.
pub async fn online(connection: &mut Connection) -> Result<Vec<Worker>> {
    let online = is_online(true);
    records(connection, &Selection::one(online.text, online.values)).await
}

/// Makes the row of a process that starts.
pub async fn insert(
    connection: &mut Connection,
    name: &str,
    version: &str,
) -> Result<(WorkerId, Uuid)> {
    let uuid = Uuid::now_v7();
    let now = Timestamp::now();
    let id = sql(
        "INSERT INTO worker (uuid, name, pulp_created, last_heartbeat, version)
         VALUES (?, ?, ?, ?, ?) RETURNING id",
    )
    .bind(uuid)
    .bind(name)
    .bind(now)
    .bind(now)
    .bind(version)
    .scalar(connection)
    .await?;
    Ok((id, uuid))
}

/// Renews a lease; false if the row is gone, because others gave the process up.
pub async fn beat(connection: &mut Connection, id: WorkerId) -> Result<bool> {
    let changed = sql("UPDATE worker SET last_heartbeat = ? WHERE id = ?")
        .quick()
        .bind(Timestamp::now())
        .bind(id)
        .execute(connection)
        .await?;
    Ok(changed > 0)
}

/// Processes that fell silent, and earlier lives of the one called `name`.
pub async fn dead(
    connection: &mut Connection,
    name: &str,
    except: WorkerId,
) -> Result<Vec<WorkerId>> {
    sql("SELECT id FROM worker WHERE id <> ? AND (last_heartbeat < ? OR name = ?)")
        .bind(except)
        .bind(Timestamp::now().minus(LEASE))
        .bind(name)
        .scalars(connection)
        .await
}

/// Removes the row of a process that ended.
pub async fn delete(connection: &mut Connection, id: WorkerId) -> Result<()> {
    sql("DELETE FROM worker WHERE id = ?")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

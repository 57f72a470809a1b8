//! Files that come in chunks: how far they came, and when they go.
//!
//! Invariant: a change of `received` names the value it started from and is refused when
//! that is not so any more, or when the upload is sealed.

use pith_model::access::Securable;
use pith_model::{ArtifactId, Timestamp, UploadId, UserId};
use uuid::Uuid;

use crate::access::{self, Object};
use crate::database::Connection;
use crate::dialect::Dialect;
use crate::error::Result;
use crate::list::{Column, Condition, Kind, Record, record};
use crate::row::Row;
use crate::statement::sql;

/// An upload's row.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the API and the table")]
pub struct Upload {
    pub id: UploadId,
    pub uuid: Uuid,
    pub user: UserId,
    pub pulp_created: Timestamp,
    pub pulp_last_updated: Timestamp,
    pub expires: Timestamp,
    pub size: Option<i64>,
    pub progress: Progress,
    pub sealed: bool,
    pub artifact: Option<ArtifactId>,
}

/// How far an upload came; the table says what each column means.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the table")]
pub struct Progress {
    pub received: i64,
    pub hash_state: Vec<u8>,
    pub synced: i64,
    pub synced_state: Vec<u8>,
    pub keeper: Option<String>,
}

impl Record for Upload {
    const FROM: &'static str = "upload u";
    const KEY: &'static str = "u.id";
    const COLUMNS: &'static [Column] = &[
        Column::new("", "u.id", Kind::Integer),
        Column::new("pulp_id", "u.uuid", Kind::Uuid),
        Column::new("", "u.user_id", Kind::Integer),
        Column::new("pulp_created", "u.pulp_created", Kind::Time),
        Column::new("pulp_last_updated", "u.pulp_last_updated", Kind::Time),
        Column::new("", "u.expires", Kind::Time),
        Column::new("size", "u.size", Kind::Integer),
        Column::new("", "u.received", Kind::Integer),
        Column::new("", "u.hash_state", Kind::Hex),
        Column::new("", "u.synced", Kind::Integer),
        Column::new("", "u.synced_state", Kind::Hex),
        Column::new("", "u.keeper", Kind::Text),
        Column::new("", "u.sealed", Kind::Boolean),
        Column::new("", "u.artifact_id", Kind::Integer),
    ];
    const FILTERS: &'static [Column] = &[
        Column::new("pk", "u.uuid", Kind::Uuid),
        Column::new(
            "pulp_href",
            "'{root}uploads/' || {uuid u.uuid} || '/'",
            Kind::Text,
        ),
        Column::new("prn", "'prn:core.upload:' || {uuid u.uuid}", Kind::Text),
        // A commit removes the upload, so that this is never set.
        Column::new("completed", "NULLIF(u.expires, u.expires)", Kind::Time),
    ];

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            uuid: row.get(1)?,
            user: row.get(2)?,
            pulp_created: row.get(3)?,
            pulp_last_updated: row.get(4)?,
            expires: row.get(5)?,
            size: row.get(6)?,
            progress: Progress {
                received: row.get(7)?,
                hash_state: row.get(8)?,
                synced: row.get(9)?,
                synced_state: row.get(10)?,
                keeper: row.get(11)?,
            },
            sealed: row.get(12)?,
            artifact: row.get(13)?,
        })
    }
}

/// The column of its UUID.
pub const UUID: &str = "u.uuid";

/// The condition that an upload is one of Pulp's kind, and did not expire.
pub fn listed() -> Condition {
    Condition::new(
        "u.size IS NOT NULL AND u.expires > ?",
        [Timestamp::now().into()],
    )
}

/// An upload by its UUID, if it did not expire.
pub async fn by_uuid(connection: &mut Connection, uuid: Uuid) -> Result<Option<Upload>> {
    let values = [uuid.into(), Timestamp::now().into()];
    record(connection, "u.uuid = ? AND u.expires > ?", values).await
}

/// An upload by its number, also one that expired.
pub async fn by_id(connection: &mut Connection, id: UploadId) -> Result<Option<Upload>> {
    record(connection, "u.id = ?", [id.into()]).await
}

/// An upload to make.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the table")]
pub struct NewUpload {
    pub uuid: Uuid,
    pub user: UserId,
    pub pulp_created: Timestamp,
    pub expires: Timestamp,
    pub size: Option<i64>,
    pub progress: Progress,
}

/// Makes an upload.
pub async fn insert(connection: &mut Connection, new: &NewUpload) -> Result<Upload> {
    let progress = new.progress.clone();
    let id: UploadId = sql(
        "INSERT INTO upload (uuid, user_id, pulp_created, pulp_last_updated, expires, size,
             received, hash_state, synced, synced_state, keeper)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
    )
    .bind(new.uuid)
    .bind(new.user)
    .bind(new.pulp_created)
    .bind(new.pulp_created)
    .bind(new.expires)
    .bind(new.size)
    .bind(progress.received)
    .bind(progress.hash_state)
    .bind(progress.synced)
    .bind(progress.synced_state)
    .bind(progress.keeper)
    .scalar(connection)
    .await?;
    access::own(connection, new.user, &Object::core(Securable::Upload, id.0)).await?;
    Ok(Upload {
        id,
        uuid: new.uuid,
        user: new.user,
        pulp_created: new.pulp_created,
        pulp_last_updated: new.pulp_created,
        expires: new.expires,
        size: new.size,
        progress: new.progress.clone(),
        sealed: false,
        artifact: None,
    })
}

/// Lets this transaction's commit return before it is on the disk: for progress whose
/// loss costs a client a few chunks that it sends again.
pub async fn need_not_last(connection: &mut Connection) -> Result<()> {
    if connection.dialect() == Dialect::Postgres {
        sql("SET LOCAL synchronous_commit TO OFF")
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Notes how far an upload came; false if it is not where it was, is sealed, or is gone.
pub async fn advance(
    connection: &mut Connection,
    id: UploadId,
    from: i64,
    progress: &Progress,
) -> Result<bool> {
    let changed = sql(
        "UPDATE upload SET received = ?, hash_state = ?, synced = ?, synced_state = ?,
             keeper = ?, pulp_last_updated = ?
         WHERE id = ? AND received = ? AND NOT sealed",
    )
    .bind(progress.received)
    .bind(progress.hash_state.clone())
    .bind(progress.synced)
    .bind(progress.synced_state.clone())
    .bind(progress.keeper.clone())
    .bind(Timestamp::now())
    .bind(id)
    .bind(from)
    .execute(connection)
    .await?;
    Ok(changed > 0)
}

/// Takes an upload back to an earlier point, also a sealed one that was not stored:
/// bytes beyond it were lost.
pub async fn step_back(
    connection: &mut Connection,
    id: UploadId,
    progress: &Progress,
) -> Result<()> {
    sql("DELETE FROM upload_chunk WHERE upload_id = ? AND end_byte > ?")
        .bind(id)
        .bind(progress.received)
        .execute(connection)
        .await?;
    sql(
        "UPDATE upload SET received = ?, hash_state = ?, synced = ?, synced_state = ?,
             keeper = ?, sealed = FALSE, pulp_last_updated = ?
         WHERE id = ? AND artifact_id IS NULL",
    )
    .bind(progress.received)
    .bind(progress.hash_state.clone())
    .bind(progress.synced)
    .bind(progress.synced_state.clone())
    .bind(progress.keeper.clone())
    .bind(Timestamp::now())
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Forbids more bytes; false if the upload is not where it was, or is gone.
pub async fn seal(connection: &mut Connection, id: UploadId, received: i64) -> Result<bool> {
    let changed = sql("UPDATE upload SET sealed = TRUE WHERE id = ? AND received = ?")
        .bind(id)
        .bind(received)
        .execute(connection)
        .await?;
    Ok(changed > 0)
}

/// Notes what a sealed upload became; false if it is gone.
pub async fn set_artifact(
    connection: &mut Connection,
    id: UploadId,
    artifact: ArtifactId,
) -> Result<bool> {
    let changed = sql("UPDATE upload SET artifact_id = ? WHERE id = ? AND sealed")
        .bind(artifact)
        .bind(id)
        .execute(connection)
        .await?;
    Ok(changed > 0)
}

/// Removes an upload; false if it was gone already.
pub async fn delete(connection: &mut Connection, id: UploadId) -> Result<bool> {
    let deleted = sql("DELETE FROM upload WHERE id = ?")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(deleted > 0)
}

/// How many uploads of a user are not stored yet, and how many bytes they have or have
/// announced.
pub async fn usage(connection: &mut Connection, user: UserId) -> Result<(i64, i64)> {
    let row = sql(
        "SELECT COUNT(*), CAST(COALESCE(SUM(COALESCE(size, received)), 0) AS BIGINT)
         FROM upload WHERE user_id = ? AND artifact_id IS NULL AND expires > ?",
    )
    .bind(user)
    .bind(Timestamp::now())
    .fetch_optional(connection)
    .await?;
    row.map_or(Ok((0, 0)), |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Uploads that expired before a moment, the oldest first.
pub async fn expired(
    connection: &mut Connection,
    before: Timestamp,
    limit: usize,
) -> Result<Vec<(UploadId, Uuid)>> {
    let rows = sql(format!(
        "SELECT id, uuid FROM upload WHERE expires < ? ORDER BY expires LIMIT {limit}"
    ))
    .bind(before)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// Which of these uploads have a row.
pub async fn known(connection: &mut Connection, uuids: Vec<Uuid>) -> Result<Vec<Uuid>> {
    sql("SELECT uuid FROM upload WHERE uuid IN (?*)")
        .bind(uuids)
        .scalars(connection)
        .await
}

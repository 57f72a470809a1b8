//! What a sync remembers for the next one of the same repository and remote.

use pith_model::{RemoteId, RepositoryId, Timestamp};
use serde_json::Value as JsonValue;

use crate::database::Connection;
use crate::error::Result;
use crate::statement::sql;

/// A remembered sync.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The version that it left.
    pub version_number: i64,
    /// The remote's last change that it saw.
    pub remote_updated: Timestamp,
    /// The plugin's own note.
    pub value: Option<JsonValue>,
    /// By URL: the validators of the last answer.
    pub validators: JsonValue,
}

/// The last one, if there is one.
pub async fn find(
    connection: &mut Connection,
    repository: RepositoryId,
    remote: RemoteId,
) -> Result<Option<Checkpoint>> {
    let row = sql(
        "SELECT version_number, remote_updated, value, validators FROM sync_checkpoint
         WHERE repository_id = ? AND remote_id = ?",
    )
    .bind(repository)
    .bind(remote)
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Checkpoint {
            version_number: row.get(0)?,
            remote_updated: row.get(1)?,
            value: row.get(2)?,
            validators: row.get(3)?,
        })
    })
    .transpose()
}

/// Keeps one, in place of the last.
pub async fn save(
    connection: &mut Connection,
    repository: RepositoryId,
    remote: RemoteId,
    checkpoint: &Checkpoint,
) -> Result<()> {
    sql("INSERT INTO sync_checkpoint
             (repository_id, remote_id, version_number, remote_updated, value, validators, synced)
         VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (repository_id, remote_id) DO UPDATE
         SET version_number = excluded.version_number, remote_updated = excluded.remote_updated,
             value = excluded.value, validators = excluded.validators,
             synced = excluded.synced")
    .bind(repository)
    .bind(remote)
    .bind(checkpoint.version_number)
    .bind(checkpoint.remote_updated)
    .bind(checkpoint.value.clone())
    .bind(checkpoint.validators.clone())
    .bind(Timestamp::now())
    .execute(connection)
    .await?;
    Ok(())
}

//! The stored files of a version, to be read again.

use pith_model::{RepositoryId, UnitId};

use crate::database::Connection;
use crate::error::{Error, Result};
use crate::membership::PRESENT;
use crate::statement::sql;

/// A stored file of a unit.
#[derive(Clone, Debug)]
pub struct StoredArtifact {
    /// Whose it is.
    pub unit: UnitId,
    /// The unit's artifact row.
    pub unit_artifact: i64,
    /// Where the unit puts it.
    pub path: String,
    /// Its digest.
    pub sha256: [u8; 32],
    /// In bytes.
    pub size: i64,
}

/// The next stored files of a version after a unit and path.
pub async fn artifacts(
    connection: &mut Connection,
    repository: RepositoryId,
    number: i64,
    after: &(UnitId, String),
) -> Result<Vec<StoredArtifact>> {
    let rows = sql(format!(
        "SELECT ua.unit_id, ua.id, ua.relative_path, a.sha256, a.size FROM membership m
         JOIN unit_artifact ua ON ua.unit_id = m.unit_id
         JOIN artifact a ON a.id = ua.artifact_id
         WHERE {PRESENT} AND (ua.unit_id > ? OR (ua.unit_id = ? AND ua.relative_path > ?))
         ORDER BY ua.unit_id, ua.relative_path LIMIT 1000"
    ))
    .bind(repository)
    .bind(number)
    .bind(number)
    .bind(after.0)
    .bind(after.0)
    .bind(after.1.as_str())
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(StoredArtifact {
                unit: row.get(0)?,
                unit_artifact: row.get(1)?,
                path: row.get(2)?,
                sha256: row
                    .get::<Vec<u8>>(3)?
                    .try_into()
                    .map_err(|_| Error::Unexpected("a digest of another length".into()))?,
                size: row.get(4)?,
            })
        })
        .collect()
}

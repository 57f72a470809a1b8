//! What nobody refers to any more: found in steps, so that a clean-up stays linear and
//! blocks nobody for long.

use pith_model::{ArtifactId, Timestamp, UnitId};

use crate::content_type::TypeTable;
use crate::database::Connection;
use crate::error::Result;
use crate::statement::sql;

/// Units after `after` that are in no repository and were last wanted before `before`.
pub async fn units(
    connection: &mut Connection,
    after: UnitId,
    before: Timestamp,
    only: Option<&[UnitId]>,
) -> Result<Vec<UnitId>> {
    let narrowed = if only.is_some() {
        "AND u.id IN (?*)"
    } else {
        ""
    };
    let mut statement = sql(format!(
        "SELECT u.id FROM unit u WHERE u.id > ? AND u.touched <= ? {narrowed}
         AND NOT EXISTS (SELECT 1 FROM membership m WHERE m.unit_id = u.id)
         ORDER BY u.id LIMIT 1000"
    ))
    .bind(after)
    .bind(before);
    if let Some(only) = only {
        statement = statement.bind(only.iter().map(|id| id.0).collect::<Vec<_>>());
    }
    statement.scalars(connection).await
}

/// Removes units; the database refuses while one is in a repository.
pub async fn delete_units(
    connection: &mut Connection,
    tables: &[TypeTable],
    units: &[UnitId],
) -> Result<()> {
    let ids: Vec<i64> = units.iter().map(|id| id.0).collect();
    // What hangs on a unit goes in bulk; a cascade would look for it unit by unit.
    sql("DELETE FROM remote_artifact WHERE unit_artifact_id IN
         (SELECT id FROM unit_artifact WHERE unit_id IN (?*))")
    .bind(ids.clone())
    .execute(connection)
    .await?;
    sql("DELETE FROM unit_artifact WHERE unit_id IN (?*)")
        .bind(ids.clone())
        .execute(connection)
        .await?;
    for table in ["unit_fragment", "unit_term"] {
        sql(format!("DELETE FROM {table} WHERE unit_id IN (?*)"))
            .bind(ids.clone())
            .execute(connection)
            .await?;
    }
    for table in tables {
        sql(format!("DELETE FROM {} WHERE unit_id IN (?*)", table.table))
            .bind(ids.clone())
            .execute(connection)
            .await?;
    }
    sql("DELETE FROM unit WHERE id IN (?*)")
        .bind(ids)
        .execute(connection)
        .await?;
    Ok(())
}

/// Artifacts after `after` that nothing refers to and that were last wanted before
/// `before`, with their SHA-256.
pub async fn artifacts(
    connection: &mut Connection,
    after: ArtifactId,
    before: Timestamp,
) -> Result<Vec<(ArtifactId, Vec<u8>)>> {
    let rows = sql(
        "SELECT a.id, a.sha256 FROM artifact a WHERE a.id > ? AND a.touched <= ?
         AND NOT EXISTS (SELECT 1 FROM unit_artifact ua WHERE ua.artifact_id = a.id)
         AND NOT EXISTS (SELECT 1 FROM published_file pf WHERE pf.artifact_id = a.id)
         AND NOT EXISTS (SELECT 1 FROM upload up WHERE up.artifact_id = a.id)
         AND NOT EXISTS (SELECT 1 FROM entity_file ef WHERE ef.artifact_id = a.id)
         ORDER BY a.id LIMIT 1000",
    )
    .bind(after)
    .bind(before)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

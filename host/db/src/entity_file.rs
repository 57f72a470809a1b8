//! Files of entities, such as pictures: one each at most.

use pith_model::ArtifactId;

use crate::database::Connection;
use crate::error::Result;
use crate::insert::insert_many;
use crate::statement::sql;

/// Gives an entity a file in place of the one that it has.
pub async fn set(
    connection: &mut Connection,
    entity: i64,
    artifact: ArtifactId,
    media_type: &str,
) -> Result<()> {
    insert_many(
        connection,
        "INSERT INTO entity_file (entity_id, artifact_id, media_type)",
        [vec![entity.into(), artifact.into(), media_type.into()]],
        "ON CONFLICT (entity_id) DO UPDATE SET artifact_id = excluded.artifact_id,
             media_type = excluded.media_type",
    )
    .await?;
    sql("UPDATE entity SET pulp_last_updated = ? WHERE id = ?")
        .bind(pith_model::Timestamp::now())
        .bind(entity)
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes an entity's file away; its bytes stay until a clean-up.
pub async fn remove(connection: &mut Connection, entity: i64) -> Result<()> {
    sql("DELETE FROM entity_file WHERE entity_id = ?")
        .bind(entity)
        .execute(connection)
        .await?;
    Ok(())
}

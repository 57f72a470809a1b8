//! Fragments of units: bytes that only publications use, one row a unit.

use pith_model::UnitId;

use crate::database::Connection;
use crate::error::Result;
use crate::insert::insert_many;
use crate::statement::sql;

/// Keeps the fragments of new units.
pub async fn insert(
    connection: &mut Connection,
    bodies: impl IntoIterator<Item = (UnitId, Vec<u8>)>,
) -> Result<()> {
    insert_many(
        connection,
        "INSERT INTO unit_fragment (unit_id, body)",
        bodies
            .into_iter()
            .map(|(unit, body)| vec![unit.into(), body.into()]),
        "",
    )
    .await?;
    Ok(())
}

/// Forgets the fragments of a unit.
pub async fn remove(connection: &mut Connection, unit: UnitId) -> Result<()> {
    sql("DELETE FROM unit_fragment WHERE unit_id = ?")
        .bind(unit)
        .execute(connection)
        .await?;
    Ok(())
}

/// The fragments of a few units, in no order; units without any are left out.
pub async fn find(connection: &mut Connection, units: &[UnitId]) -> Result<Vec<(UnitId, Vec<u8>)>> {
    let ids: Vec<i64> = units.iter().map(|id| id.0).collect();
    let rows = sql("SELECT unit_id, body FROM unit_fragment WHERE unit_id IN (?*)")
        .bind(ids)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

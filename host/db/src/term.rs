//! Terms of units: 64-bit hashes of words, by which units are found.

use pith_model::UnitId;

use crate::database::Connection;
use crate::error::Result;
use crate::insert::insert_many;
use crate::statement::sql;

/// Keeps the terms of new units; each unit has each at most once.
pub async fn insert(
    connection: &mut Connection,
    terms: impl IntoIterator<Item = (UnitId, i64)>,
) -> Result<()> {
    insert_many(
        connection,
        "INSERT INTO unit_term (hash, unit_id)",
        terms
            .into_iter()
            .map(|(unit, hash)| vec![hash.into(), unit.into()]),
        "",
    )
    .await?;
    Ok(())
}

/// The units that have one of these terms, each once.
pub async fn units(connection: &mut Connection, hashes: &[i64]) -> Result<Vec<UnitId>> {
    let dialect = connection.dialect();
    sql(format!(
        "SELECT DISTINCT t.unit_id FROM {} e CROSS JOIN unit_term t WHERE t.hash = e.value",
        dialect.each_number()
    ))
    .bind(dialect.numbers(hashes.iter().copied()))
    .scalars(connection)
    .await
}

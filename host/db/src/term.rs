//! Terms of units: 64-bit hashes of words, by which units are found.

use std::collections::HashMap;

use pith_model::UnitId;

use crate::database::Connection;
use crate::error::Result;
use crate::insert::insert_many;
use crate::statement::{Value, sql};

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

/// The terms of units, in order.
pub async fn of(
    connection: &mut Connection,
    units: &[UnitId],
) -> Result<HashMap<UnitId, Vec<i64>>> {
    let ids: Vec<i64> = units.iter().map(|unit| unit.0).collect();
    let rows = sql("SELECT unit_id, hash FROM unit_term WHERE unit_id IN (?*) ORDER BY hash")
        .bind(ids)
        .fetch_all(connection)
        .await?;
    let mut terms: HashMap<UnitId, Vec<i64>> = HashMap::new();
    for row in rows {
        terms.entry(row.get(0)?).or_default().push(row.get(1)?);
    }
    Ok(terms)
}

/// Forgets the terms of a unit.
pub async fn remove(connection: &mut Connection, unit: UnitId) -> Result<()> {
    sql("DELETE FROM unit_term WHERE unit_id = ?")
        .bind(unit)
        .execute(connection)
        .await?;
    Ok(())
}

/// Whether at least so many units have a term.
pub(crate) async fn is_common(
    connection: &mut Connection,
    hash: &Value,
    least: i64,
) -> Result<bool> {
    let found: i64 = sql(format!(
        "SELECT COUNT(*) FROM (SELECT 1 FROM unit_term WHERE hash = ? LIMIT {least}) t"
    ))
    .quick()
    .bind_all([hash.clone()])
    .scalar(connection)
    .await?;
    Ok(found >= least)
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

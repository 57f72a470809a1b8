//! Fragments of units: bytes that only publications use, one row a unit, and the dictionaries
//! that rows are compressed with.

use pith_model::UnitId;

use crate::database::Connection;
use crate::error::Result;
use crate::insert::insert_many;
use crate::statement::sql;

/// The fragments of a unit, packed.
#[derive(Clone, Debug)]
pub struct Packed {
    /// The number of the dictionary that it needs.
    pub dictionary: Option<i64>,
    /// Compressed.
    pub body: Vec<u8>,
}

/// What the fragments of a type have in common.
#[derive(Clone, Debug)]
pub struct Dictionary {
    /// As the compressor takes it.
    pub body: Vec<u8>,
    /// How many bytes one byte of a row stood for when it was made.
    pub ratio: f64,
}

/// Keeps the fragments of new units.
pub async fn insert(
    connection: &mut Connection,
    packed: impl IntoIterator<Item = (UnitId, Packed)>,
) -> Result<()> {
    let row = |(unit, packed): (UnitId, Packed)| {
        vec![unit.into(), packed.body.into(), packed.dictionary.into()]
    };
    insert_many(
        connection,
        "INSERT INTO unit_fragment (unit_id, body, dictionary_id)",
        packed.into_iter().map(row),
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
pub async fn find(connection: &mut Connection, units: &[UnitId]) -> Result<Vec<(UnitId, Packed)>> {
    let ids: Vec<i64> = units.iter().map(|id| id.0).collect();
    let rows = sql("SELECT unit_id, body, dictionary_id FROM unit_fragment WHERE unit_id IN (?*)")
        .bind(ids)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let packed = Packed {
                body: row.get(1)?,
                dictionary: row.get(2)?,
            };
            Ok((row.get(0)?, packed))
        })
        .collect()
}

/// Keeps a dictionary of a type; its number.
pub async fn insert_dictionary(
    connection: &mut Connection,
    content_type: i64,
    dictionary: &Dictionary,
) -> Result<i64> {
    sql(
        "INSERT INTO fragment_dictionary (content_type_id, body, ratio) VALUES (?, ?, ?)
         RETURNING id",
    )
    .bind(content_type)
    .bind(dictionary.body.as_slice())
    .bind(dictionary.ratio)
    .scalar(connection)
    .await
}

/// The newest dictionary of a type, and its number.
pub async fn newest_dictionary(
    connection: &mut Connection,
    content_type: i64,
) -> Result<Option<(i64, Dictionary)>> {
    let row = sql(
        "SELECT id, body, ratio FROM fragment_dictionary WHERE content_type_id = ?
         ORDER BY id DESC LIMIT 1",
    )
    .bind(content_type)
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let dictionary = Dictionary {
            body: row.get(1)?,
            ratio: row.get(2)?,
        };
        Ok((row.get(0)?, dictionary))
    })
    .transpose()
}

/// The bytes of a dictionary.
pub async fn dictionary(connection: &mut Connection, id: i64) -> Result<Option<Vec<u8>>> {
    sql("SELECT body FROM fragment_dictionary WHERE id = ?")
        .bind(id)
        .scalar_optional(connection)
        .await
}

//! Units that a copy may bring: where they are, and a few of their fields. All questions are
//! about some hundreds of units, never about one.

use std::fmt::Write as _;

use pith_model::descriptor::FieldKind;
use pith_model::{RepositoryId, UnitId};
use serde_json::Value as JsonValue;

use crate::content_type::{TypeTable, column};
use crate::database::Connection;
use crate::error::Result;
use crate::row::Row;
use crate::statement::sql;
use crate::unit::field_json;

/// A row of membership: in which versions of a repository a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    /// The unit.
    pub unit: UnitId,
    /// The repository.
    pub repository: RepositoryId,
    /// The first version that has it.
    pub added: i64,
    /// The first version after that which has not.
    pub removed: i64,
}

/// In which versions of these repositories these units are.
pub async fn stays(
    connection: &mut Connection,
    units: &[UnitId],
    repositories: &[RepositoryId],
) -> Result<Vec<Stay>> {
    let dialect = connection.dialect();
    let each = dialect.each_number();
    // In this order: a unit is in few repositories, but a repository has many units.
    let rows = sql(format!(
        "SELECT m.unit_id, m.repository_id, m.added, m.removed
         FROM {each} e CROSS JOIN membership m WHERE m.unit_id = e.value
         AND m.repository_id IN (SELECT r.value FROM {each} r)"
    ))
    .bind(dialect.numbers(units.iter().map(|unit| unit.0)))
    .bind(dialect.numbers(repositories.iter().map(|repository| repository.0)))
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Stay {
                unit: row.get(0)?,
                repository: row.get(1)?,
                added: row.get(2)?,
                removed: row.get(3)?,
            })
        })
        .collect()
}

/// The units that have one of these texts in a field.
pub async fn with_values(
    connection: &mut Connection,
    table: &TypeTable,
    field: &str,
    values: &[String],
) -> Result<Vec<UnitId>> {
    let mut units = Vec::new();
    for part in values.chunks(1_000) {
        let text = format!(
            "SELECT c.unit_id FROM {} c WHERE c.{} IN (?*)",
            table.table,
            column(field)
        );
        let found: Vec<UnitId> = sql(text).bind(part.to_vec()).scalars(connection).await?;
        units.extend(found);
    }
    Ok(units)
}

/// These fields of the units that are of a type, each as an object in JSON; units of other
/// types are left out. Lists and objects are not taken apart on the way.
pub async fn fields(
    connection: &mut Connection,
    table: &TypeTable,
    units: &[UnitId],
    fields: &[(String, FieldKind)],
) -> Result<Vec<(UnitId, String)>> {
    let dialect = connection.dialect();
    let mut text = String::from("SELECT c.unit_id");
    for (name, kind) in fields {
        let column = format!("c.{}", column(name));
        let column = match kind {
            FieldKind::Json => dialect.json_as_text(&column),
            _ => column,
        };
        let _ = write!(text, ", {column}");
    }
    let _ = write!(
        text,
        " FROM {} e CROSS JOIN {} c WHERE c.unit_id = e.value",
        dialect.each_number(),
        table.table
    );
    let rows = sql(text)
        .bind(dialect.numbers(units.iter().map(|unit| unit.0)))
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, object(row, fields)?)))
        .collect()
}

fn object(row: &Row, fields: &[(String, FieldKind)]) -> Result<String> {
    let mut text = String::from("{");
    for (at, (name, kind)) in fields.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        // Names are words of a schema, which need no escapes, but may have some.
        let _ = write!(text, "{}:", JsonValue::from(name.as_str()));
        if *kind == FieldKind::Json {
            let value: Option<String> = row.get(at + 1)?;
            text.push_str(value.as_deref().unwrap_or("null"));
        } else {
            let _ = write!(text, "{}", field_json(row, at + 1, *kind)?);
        }
    }
    text.push('}');
    Ok(text)
}

//! Links: which unit a text field of another one names.

use pith_model::UnitId;
use pith_model::descriptor::Link;
use uuid::Uuid;

use crate::condition::Condition;
use crate::content_type::{TypeTable, column, table_name};
use crate::database::Connection;
use crate::error::Result;
use crate::statement::{Value, sql};

/// The column of the unit that a link leads to.
pub const TARGET: &str = "xc.unit_id";

/// The units that a link of these units leads to, of those that may be seen: whose, and the
/// UUID. The condition is about [`TARGET`].
pub async fn targets(
    connection: &mut Connection,
    table: &TypeTable,
    link: &Link,
    units: &[UnitId],
    seen: Option<&Condition>,
) -> Result<Vec<(UnitId, Uuid)>> {
    let Some((target, key)) = target(table, link) else {
        return Ok(Vec::new());
    };
    let (text, values) = parts(seen);
    let mut found = Vec::new();
    for part in units.chunks(1000) {
        let ids: Vec<i64> = part.iter().map(|unit| unit.0).collect();
        let rows = sql(format!(
            "SELECT c.unit_id, xu.uuid FROM {table} c JOIN {target} xc ON xc.{key} = c.{field}
             JOIN unit xu ON xu.id = xc.unit_id
             WHERE c.unit_id IN (?*) AND ({text}) ORDER BY xc.unit_id",
            table = table.table,
            field = column(&link.field),
        ))
        .bind(ids)
        .bind_all(values.to_vec())
        .fetch_all(connection)
        .await?;
        for row in rows {
            found.push((row.get(0)?, row.get(1)?));
        }
    }
    Ok(found)
}

/// The condition that a link of a unit, `c`, leads to one whose UUID passes a test, such as `= ?`
/// with a value, and that may be seen. The other condition is about [`TARGET`].
pub fn leads_to(
    table: &TypeTable,
    link: &Link,
    (test, uuids): (&str, Value),
    seen: Option<&Condition>,
) -> Condition {
    let Some((target, key)) = target(table, link) else {
        return Condition::new("FALSE", []);
    };
    let (text, values) = parts(seen);
    let field = column(&link.field);
    Condition::new(
        format!(
            "c.{field} IN (SELECT xc.{key} FROM {target} xc JOIN unit xu ON xu.id = xc.unit_id
                           WHERE xu.uuid {test} AND ({text}))"
        ),
        std::iter::once(uuids).chain(values.to_vec()),
    )
}

fn parts(seen: Option<&Condition>) -> (&str, &[Value]) {
    seen.map_or(("TRUE", &[]), |seen| (&*seen.text, &*seen.values))
}

/// The table of the units that a link leads to, and the column that says which.
fn target(table: &TypeTable, link: &Link) -> Option<(String, String)> {
    let (reference, key) = table.content_type.linked(link)?;
    let target = table_name(&table.plugin, &reference.target);
    Some((target, column(key)))
}

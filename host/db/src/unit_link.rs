//! Links: which units a field of another one names.

use pith_model::UnitId;
use pith_model::descriptor::Link;
use uuid::Uuid;

use crate::condition::Condition;
use crate::content_type::{TypeTable, column, table_name};
use crate::database::Connection;
use crate::error::Result;
use crate::reference::Elements;
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
    let Some(reference) = table.content_type.linked(link) else {
        return Ok(Vec::new());
    };
    let elements = Elements::of(table, reference, connection.dialect());
    let (text, values) = parts(seen);
    let mut found = Vec::new();
    for part in units.chunks(1000) {
        let ids: Vec<i64> = part.iter().map(|unit| unit.0).collect();
        let rows = sql(format!(
            "SELECT DISTINCT c.unit_id, xu.uuid, xc.unit_id
             FROM {table} c{from} JOIN {target} xc ON {matches}
             JOIN unit xu ON xu.id = xc.unit_id
             WHERE c.unit_id IN (?*) AND ({text}) ORDER BY xc.unit_id",
            table = table.table,
            from = elements.from,
            target = table_name(&table.plugin, &reference.target),
            matches = elements.matches("xc", reference),
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

/// The condition that a link of a unit, `c`, to one other leads to one whose UUID passes a test,
/// such as `= ?` with a value, and that may be seen. The other condition is about [`TARGET`].
pub fn leads_to(
    table: &TypeTable,
    link: &Link,
    (test, uuids): (&str, Value),
    seen: Option<&Condition>,
) -> Condition {
    let reference = table.content_type.linked(link);
    let Some((reference, (_, key))) = reference.and_then(|one| Some((one, one.keys.first()?)))
    else {
        return Condition::new("FALSE", []);
    };
    let (text, values) = parts(seen);
    let (key, target) = (column(key), table_name(&table.plugin, &reference.target));
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

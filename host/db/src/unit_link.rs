//! Links: which units a field of another one names.

use std::collections::HashMap;

use pith_model::UnitId;
use pith_model::descriptor::{Link, Reference};
use serde_json::{Map, Value as JsonValue};
use uuid::Uuid;

use crate::condition::Condition;
use crate::content_type::{TypeTable, column, table_name};
use crate::database::Connection;
use crate::error::Result;
use crate::statement::{Value, sql};
use crate::unit::Key;

/// The column of the unit that a link leads to.
pub const TARGET: &str = "xc.unit_id";

/// The units that a link of these units leads to, of those that may be seen: whose, and the
/// UUID. The condition is about [`TARGET`].
pub async fn targets(
    connection: &mut Connection,
    (table, target): (&TypeTable, &TypeTable),
    link: &Link,
    units: &[UnitId],
    seen: Option<&Condition>,
) -> Result<Vec<(UnitId, Uuid)>> {
    let Some(reference) = table.content_type.linked(link) else {
        return Ok(Vec::new());
    };
    if link.is_list {
        return of_lists(connection, (table, target), reference, units, seen).await;
    }
    let Some((_, key)) = reference.keys.first() else {
        return Ok(Vec::new());
    };
    let (text, values) = parts(seen);
    let mut found = Vec::new();
    for part in units.chunks(PART) {
        let ids: Vec<i64> = part.iter().map(|unit| unit.0).collect();
        let rows = sql(format!(
            "SELECT c.unit_id, xu.uuid FROM {table} c JOIN {target} xc ON xc.{key} = c.{field}
             JOIN unit xu ON xu.id = xc.unit_id
             WHERE c.unit_id IN (?*) AND ({text}) ORDER BY xc.unit_id",
            table = table.table,
            target = target.table,
            key = column(key),
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

/// Rows or keys in one statement.
const PART: usize = 1000;

/// The same of lists, whose elements name units by their repository key: each is looked up by its
/// fingerprint, once, however many units share a part of it.
async fn of_lists(
    connection: &mut Connection,
    (table, target): (&TypeTable, &TypeTable),
    reference: &Reference,
    units: &[UnitId],
    seen: Option<&Condition>,
) -> Result<Vec<(UnitId, Uuid)>> {
    let field = reference.path.first().map_or("", String::as_str);
    let mut wanted: HashMap<Key, Vec<UnitId>> = HashMap::new();
    for part in units.chunks(PART) {
        let ids: Vec<i64> = part.iter().map(|unit| unit.0).collect();
        let rows = sql(format!(
            "SELECT c.unit_id, c.{} FROM {} c WHERE c.unit_id IN (?*)",
            column(field),
            table.table
        ))
        .bind(ids)
        .fetch_all(connection)
        .await?;
        for row in rows {
            let unit: UnitId = row.get(0)?;
            let list: Option<JsonValue> = row.get(1)?;
            let elements = list.as_ref().and_then(JsonValue::as_array);
            for element in elements.into_iter().flatten() {
                let key = target
                    .content_type
                    .repository_fingerprint(&named(reference, element));
                let whose = wanted.entry(key).or_default();
                // All elements of a unit come together.
                if whose.last() != Some(&unit) {
                    whose.push(unit);
                }
            }
        }
    }
    let (text, values) = parts(seen);
    let keys: Vec<Vec<u8>> = wanted.keys().map(|key| key.to_vec()).collect();
    let mut found = Vec::new();
    for part in keys.chunks(PART) {
        let rows = sql(format!(
            "SELECT xc.repository_key, xu.uuid FROM {} xc JOIN unit xu ON xu.id = xc.unit_id
             WHERE xc.repository_key IN (?*) AND ({text})",
            target.table
        ))
        .bind(part.to_vec())
        .bind_all(values.to_vec())
        .fetch_all(connection)
        .await?;
        for row in rows {
            let uuid: Uuid = row.get(1)?;
            let whose = wanted.get(row.get::<Vec<u8>>(0)?.as_slice());
            found.extend(whose.into_iter().flatten().map(|unit| (*unit, uuid)));
        }
    }
    // In the order of their making, which is that of their UUIDs.
    found.sort_unstable();
    Ok(found)
}

/// The fields that an element of a list names.
fn named(reference: &Reference, element: &JsonValue) -> Map<String, JsonValue> {
    let keys = reference.keys.iter();
    keys.map(|(property, field)| {
        let value = match property {
            Some(property) => &element[property.as_str()],
            None => element,
        };
        (field.clone(), value.clone())
    })
    .collect()
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

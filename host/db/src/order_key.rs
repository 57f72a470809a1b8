//! Order keys in tables: which units have none yet, and which a repository may let go by them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use pith_model::order_key::{OrderKey, Retention};
use pith_model::{RepositoryId, UnitId};
use serde_json::{Map, Value as JsonValue};

use crate::column::Column;
use crate::content_type::{TypeTable, column};
use crate::database::Connection;
use crate::error::Result;
use crate::membership::PRESENT;
use crate::statement::sql;

/// What a question compares in the order of a format: literals by the names of columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked(pub BTreeMap<String, BTreeSet<String>>);

impl Asked {
    /// Whether nothing is compared so.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what a filter compares.
    pub fn extend(&mut self, more: Option<(&str, Vec<&str>)>) {
        if let Some((name, literals)) = more {
            let known = self.0.entry(name.to_owned()).or_default();
            known.extend(literals.into_iter().map(str::to_owned));
        }
    }
}

/// The keys of the literals of a question, by the names of columns.
#[derive(Clone, Debug, Default)]
pub struct Keys(pub BTreeMap<String, HashMap<String, String>>);

impl Keys {
    /// The columns, which know these keys.
    pub fn put_into(&self, mut columns: Vec<Column>) -> Vec<Column> {
        for (name, keys) in &self.0 {
            let found = columns.iter_mut().find(|column| column.name == *name);
            if let Some(order) = found.and_then(|column| column.order.as_mut()) {
                order.keys.clone_from(keys);
            }
        }
        columns
    }
}

/// Units after that one which have no key: their rows, and the fields that it is of.
pub async fn without(
    connection: &mut Connection,
    table: &TypeTable,
    key: &OrderKey,
    after: UnitId,
    most: usize,
) -> Result<Vec<(UnitId, JsonValue)>> {
    let columns: Vec<String> = key.of.iter().map(|name| column(name)).collect();
    let rows = sql(format!(
        "SELECT unit_id, {} FROM {} WHERE {} IS NULL AND unit_id > ? ORDER BY unit_id LIMIT {most}",
        columns.join(", "),
        table.table,
        column(&key.name),
    ))
    .bind(after)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let mut fields = Map::new();
            for (at, name) in key.of.iter().enumerate() {
                let text: Option<String> = row.get(at + 1)?;
                fields.insert(name.clone(), text.unwrap_or_default().into());
            }
            Ok((row.get(0)?, fields.into()))
        })
        .collect()
}

/// Gives units their keys.
pub async fn fill(
    connection: &mut Connection,
    table: &TypeTable,
    key: &OrderKey,
    keys: &[(UnitId, String)],
) -> Result<()> {
    // Both databases call the columns of such a list so.
    for part in keys.chunks(1_000) {
        let rows = vec!["(CAST(? AS BIGINT), CAST(? AS TEXT))"; part.len()].join(", ");
        let mut statement = sql(format!(
            "UPDATE {} SET {} = s.column2 FROM (VALUES {rows}) s WHERE unit_id = s.column1",
            table.table,
            column(&key.name),
        ));
        for (unit, key) in part {
            statement = statement.bind(*unit).bind(key.as_str());
        }
        statement.execute(connection).await?;
    }
    Ok(())
}

/// The units of a version beyond the greatest `count` of those that are equal.
pub async fn beyond(
    connection: &mut Connection,
    table: &TypeTable,
    (repository, number): (RepositoryId, i64),
    key: &OrderKey,
    (retention, count): (&Retention, i64),
) -> Result<Vec<UnitId>> {
    let per: Vec<String> = retention
        .per
        .iter()
        .map(|name| format!("c.{}", column(name)))
        .collect();
    let partition = if per.is_empty() {
        String::new()
    } else {
        format!("PARTITION BY {} ", per.join(", "))
    };
    let stays = retention.unless.as_ref().map_or_else(String::new, |flag| {
        format!(" AND c.{} IS NOT TRUE", column(flag))
    });
    sql(format!(
        "SELECT r.unit_id FROM (
             SELECT c.unit_id, DENSE_RANK() OVER ({partition}ORDER BY c.{} DESC) AS place
             FROM membership m JOIN {} c ON c.unit_id = m.unit_id
             WHERE {PRESENT}{stays}) r
         WHERE r.place > ? ORDER BY r.unit_id",
        column(&key.name),
        table.table,
    ))
    .bind(repository)
    .bind(number)
    .bind(number)
    .bind(count)
    .scalars(connection)
    .await
}

//! Units that are written anew: their fields, fragments and terms, but never their keys.

use std::collections::HashMap;

use pith_model::UnitId;
use serde_json::Value as JsonValue;

use crate::content_type::TypeTable;
use crate::database::Connection;
use crate::error::{Error, Result};
use crate::fragment::Packed;
use crate::statement::{Value, sql};
use crate::unit::Key;
use crate::{fragment, served, setting, term};

/// A unit as it is to be.
#[derive(Clone, Debug)]
pub struct Renewed {
    /// Its row.
    pub unit: UnitId,
    /// Of its natural key, which stays.
    pub natural_key: Key,
    /// Of its repository key, which stays.
    pub repository_key: Key,
    /// One value for each field of its type, in the type's order.
    pub values: Vec<Value>,
    /// Its fragments; none where they stay as they are.
    pub fragments: Option<Fragments>,
    /// Hashes of its terms, in order and each once.
    pub terms: Vec<i64>,
}

/// The fragments that a unit gets, if any.
#[derive(Clone, Debug)]
pub struct Fragments(pub Option<Packed>);

/// The natural and the repository keys of units of a type; of another type they have none.
pub async fn keys(
    connection: &mut Connection,
    table: &TypeTable,
    units: &[UnitId],
) -> Result<HashMap<UnitId, (Key, Key)>> {
    let ids: Vec<i64> = units.iter().map(|unit| unit.0).collect();
    let rows = sql(format!(
        "SELECT unit_id, natural_key, repository_key FROM {} WHERE unit_id IN (?*)",
        table.table
    ))
    .bind(ids)
    .fetch_all(connection)
    .await?;
    let key = |bytes: Vec<u8>| {
        let key: Result<Key, _> = bytes.try_into();
        key.map_err(|_| Error::Unexpected("a key of another length".into()))
    };
    rows.iter()
        .map(|row| Ok((row.get(0)?, (key(row.get(1)?)?, key(row.get(2)?)?))))
        .collect()
}

/// Writes units of a type anew; how many are other than they were.
pub async fn renew(
    connection: &mut Connection,
    table: &TypeTable,
    units: &[Renewed],
) -> Result<u32> {
    let columns = table.columns();
    let list = |test: &str, between: &str| {
        let each = columns.iter().map(|name| format!("{name} {test} ?"));
        each.collect::<Vec<_>>().join(between)
    };
    let text = format!(
        "UPDATE {} SET {} WHERE unit_id = ? AND ({})",
        table.table,
        list("=", ", "),
        list("IS DISTINCT FROM", " OR ")
    );
    let ids: Vec<UnitId> = units.iter().map(|one| one.unit).collect();
    let mut terms = term::of(connection, &ids).await?;
    let mut changed = 0;
    for one in units {
        let written = sql(text.as_str())
            .bind_all(one.values.clone())
            .bind(one.unit)
            .bind_all(one.values.clone())
            .execute(connection)
            .await?;
        let has_new_terms = terms.remove(&one.unit).unwrap_or_default() != one.terms;
        if has_new_terms {
            term::remove(connection, one.unit).await?;
            let new = one.terms.iter().map(|hash| (one.unit, *hash));
            term::insert(connection, new).await?;
        }
        if let Some(Fragments(new)) = &one.fragments {
            fragment::remove(connection, one.unit).await?;
            let new = new.clone().map(|packed| (one.unit, packed));
            fragment::insert(connection, new).await?;
        }
        changed += u32::from(written > 0 || has_new_terms || one.fragments.is_some());
    }
    Ok(changed)
}

/// Where it is kept when units were renewed.
const NAME: &str = "units_renewed";

/// Tells whoever remembers lists of what is served that units of versions are other than they
/// were. The number that every change raises is locked until the transaction ends, so no two
/// renewals are told of by one number.
pub async fn tell(connection: &mut Connection) -> Result<()> {
    served::raise_epoch(connection).await?;
    let epoch = served::epoch(connection).await?;
    setting::set(connection, NAME, &epoch.into()).await
}

/// What was told last.
pub async fn last(connection: &mut Connection) -> Result<i64> {
    let known = setting::get(connection, NAME).await?;
    Ok(known.as_ref().and_then(JsonValue::as_i64).unwrap_or(0))
}

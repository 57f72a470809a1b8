//! Keys that sort as a format orders its versions: of literals that a filter has, and of units
//! that were stored before their type had the key.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use pith_content::error::{Code, Error, Result};
use pith_db::Database;
use pith_db::content_type::TypeTable;
use pith_db::order_key::{self, Asked, Keys};
use pith_model::UnitId;
use pith_model::order_key::OrderKey;
use pith_model::task::TaskError;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::bridge::contract::exports::pith::plugin::orderer::GuestIndices;
use crate::failure;
use crate::generation::Generation;

/// Values of one call, and units of one transaction.
const TOGETHER: usize = 1_000;

/// The longest key: what it is of has no more than some hundred bytes.
const LONGEST: usize = 4_096;

/// The longest literal that is compared.
const LONGEST_LITERAL: usize = 1_000;

/// The types whose units are known to have their keys, of one build in this process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Complete(Arc<Mutex<BTreeSet<i64>>>);

/// The keys of what a question compares.
///
/// # Errors
/// `invalid` where the plugin says that a literal is none.
pub async fn keys(
    generation: &Arc<Generation>,
    database: &Database,
    table: &TypeTable,
    asked: &Asked,
) -> Result<Keys> {
    let mut keys = Keys::default();
    if asked.is_empty() {
        return Ok(keys);
    }
    complete(generation, database, table).await?;
    for key in &table.content_type.order_keys {
        let Some(literals) = asked.0.get(&key.field) else {
            continue;
        };
        if literals
            .iter()
            .any(|literal| literal.len() > LONGEST_LITERAL)
        {
            return Err(Error::invalid(format!(
                "{} is compared with a text of more than {LONGEST_LITERAL} bytes",
                key.field
            )));
        }
        let mut known = HashMap::with_capacity(literals.len());
        let literals: Vec<&String> = literals.iter().collect();
        for part in literals.chunks(TOGETHER) {
            let values = part.iter().map(|text| Value::from(text.as_str()));
            let made = make(generation, table, key, values.collect()).await?;
            known.extend(part.iter().map(|text| (*text).clone()).zip(made));
        }
        keys.0.insert(key.field.clone(), known);
    }
    Ok(keys)
}

/// Sees to it that all units of a type have their keys.
///
/// # Errors
/// Where the plugin or the database fails.
pub async fn complete(
    generation: &Arc<Generation>,
    database: &Database,
    table: &TypeTable,
) -> Result<()> {
    let known = &generation.complete.0;
    let is_complete = || {
        let known = known.lock().expect("nobody panics while holding it");
        known.contains(&table.id)
    };
    if is_complete() {
        return Ok(());
    }
    for key in &table.content_type.order_keys {
        let mut last = UnitId(0);
        loop {
            let mut connection = database.read().await?;
            let units = order_key::without(&mut connection, table, key, last, TOGETHER).await?;
            drop(connection);
            let Some((end, _)) = units.last() else {
                break;
            };
            last = *end;
            let (units, values): (Vec<UnitId>, Vec<Value>) = units.into_iter().unzip();
            // What is stored is nobody's to mend who asks.
            let made = make(generation, table, key, values).await;
            let made = made.map_err(|error| match error.code {
                Code::Invalid => Error::internal(error.message),
                _ => error,
            })?;
            let pairs: Vec<(UnitId, String)> = units.into_iter().zip(made).collect();
            let mut transaction = database.write().await?;
            order_key::fill(&mut transaction, table, key, &pairs).await?;
            transaction.commit().await?;
            tracing::debug!(
                content_type = table.full_name,
                units = pairs.len(),
                "units got the order key {}",
                key.name
            );
        }
    }
    let mut known = known.lock().expect("nobody panics while holding it");
    known.insert(table.id);
    Ok(())
}

async fn make(
    generation: &Arc<Generation>,
    table: &TypeTable,
    key: &OrderKey,
    values: Vec<Value>,
) -> Result<Vec<String>> {
    let Some(orderer) = &generation.exports.orderer else {
        return Err(Error::internal("a type has order keys that nobody makes"));
    };
    let count = values.len();
    let values: Vec<String> = values.iter().map(Value::to_string).collect();
    let made = ask(generation, orderer, table, key, values)
        .await
        .map_err(of_plugin)?;
    if made.len() != count
        || made
            .iter()
            .any(|key| key.len() > LONGEST || key.contains('\0'))
    {
        return Err(Error::internal(format!(
            "plugin {} made keys of {} that are not one short text for each value",
            generation.name(),
            key.name
        )));
    }
    Ok(made)
}

async fn ask(
    generation: &Arc<Generation>,
    orderer: &GuestIndices,
    table: &TypeTable,
    key: &OrderKey,
    values: Vec<String>,
) -> std::result::Result<Vec<String>, TaskError> {
    const EXPORT: &str = "orderer.keys";
    let Generation { program, name, .. } = &**generation;
    let limits = generation.limits.while_serving();
    let span = tracing::info_span!(
        "plugin",
        plugin.name = generation.name(),
        plugin.version = generation.version(),
        generation = generation.number(),
        export = EXPORT,
    );
    let content_type = &table.content_type.name;
    let Some(seat) = program.engine.seat_for_asking(&program.asking).await else {
        return Err(failure::busy(generation));
    };
    let call = async {
        let never = CancellationToken::new();
        program
            .run(seat, name, &limits, &never, async |store, instance| {
                let guest = orderer.load(&mut *store, instance)?;
                guest
                    .call_keys(store, content_type, &key.name, &values)
                    .await
            })
            .await
    };
    let answered = call.instrument(span).await;
    answered.map_err(|ending| failure::task_error(&ending, generation, EXPORT))
}

/// Only what the plugin says of a literal is the client's to mend.
pub(crate) fn of_plugin(error: TaskError) -> Error {
    match error.code.as_str() {
        code if code == Code::Invalid.as_str() => Error::invalid(error.description),
        code if code == Code::Unavailable.as_str() => Error::unavailable(error.description),
        _ => Error::internal(error.description),
    }
}

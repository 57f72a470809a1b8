//! Fields that are not stored: a plugin makes them of the fragments of units, when somebody
//! reads them.

use std::collections::HashMap;
use std::sync::Arc;

use pith_content::error::{Code, Error, Result};
use pith_content::fragment::Fragment;
use pith_content::unpack::Fragments;
use pith_db::Database;
use pith_db::content_type::TypeTable;
use pith_model::UnitId;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::bridge::contract::exports::pith::plugin::deriver::GuestIndices;
use crate::bridge::contract::pith::plugin::host;
use crate::failure;
use crate::generation::Generation;
use crate::order::of_plugin;

/// Bytes of fragments that one call is given.
const TOGETHER: usize = 8 << 20;

/// The derived fields of a unit by their names, each as JSON.
pub type Derived = HashMap<String, Box<RawValue>>;

/// These derived fields of units of a type.
///
/// # Errors
/// Where the plugin or the database fails; nobody who asks can mend that.
pub async fn derive(
    generation: &Arc<Generation>,
    database: &Database,
    table: &TypeTable,
    fields: &[String],
    units: impl IntoIterator<Item = UnitId>,
) -> Result<HashMap<UnitId, Derived>> {
    let mut fragments = Fragments::of(database.clone(), units);
    let mut derived = HashMap::new();
    loop {
        let next = fragments.next(None, TOGETHER).await?;
        if next.is_empty() {
            return Ok(derived);
        }
        let (units, fragments): (Vec<UnitId>, Vec<_>) = next.into_iter().unzip();
        let made = ask(generation, table, fields, fragments).await?;
        derived.extend(units.into_iter().zip(made));
    }
}

/// One call.
async fn ask(
    generation: &Arc<Generation>,
    table: &TypeTable,
    fields: &[String],
    units: Vec<Vec<Fragment>>,
) -> Result<Vec<Derived>> {
    let Some(deriver) = &generation.exports.deriver else {
        return Err(Error::internal(
            "a type has derived fields that nobody makes",
        ));
    };
    let count = units.len();
    let units = units
        .into_iter()
        .map(|unit| unit.into_iter().map(given).collect());
    let made = call(generation, deriver, table, fields, units.collect()).await;
    // What is stored is nobody's to mend who asks.
    let made = made.map_err(|error| match error.code {
        Code::Invalid => Error::internal(error.message),
        _ => error,
    })?;
    let wrong = |why: &str| {
        Error::internal(format!(
            "plugin {} was asked for {} of {}: {why}",
            generation.name(),
            fields.join(", "),
            table.full_name
        ))
    };
    if made.len() != count {
        return Err(wrong("it did not answer for each unit"));
    }
    made.iter()
        .map(|text| {
            let object: Derived = serde_json::from_str(text)
                .map_err(|error| wrong(&format!("what it answered is no JSON object: {error}")))?;
            if fields.iter().all(|field| object.contains_key(field)) {
                Ok(object)
            } else {
                Err(wrong("it left some of them out"))
            }
        })
        .collect()
}

fn given(fragment: Fragment) -> host::Fragment {
    host::Fragment {
        name: fragment.name,
        bytes: fragment.bytes,
    }
}

async fn call(
    generation: &Arc<Generation>,
    deriver: &GuestIndices,
    table: &TypeTable,
    fields: &[String],
    units: Vec<Vec<host::Fragment>>,
) -> Result<Vec<String>> {
    const EXPORT: &str = "deriver.derive";
    let Generation { program, name, .. } = &**generation;
    let limits = generation.limits.while_serving();
    let span = tracing::info_span!(
        "plugin",
        plugin.name = generation.name(),
        plugin.version = generation.version(),
        generation = generation.number(),
        export = EXPORT,
    );
    let Some(seat) = program.engine.seat_for_asking(&program.asking).await else {
        return Err(of_plugin(failure::busy(generation)));
    };
    let never = CancellationToken::new();
    let call = program.run(seat, name, &limits, &never, async |store, instance| {
        let guest = deriver.load(&mut *store, instance)?;
        guest
            .call_derive(store, &table.content_type.name, fields, &units)
            .await
    });
    let answered = call.instrument(span).await;
    answered.map_err(|ending| of_plugin(failure::task_error(&ending, generation, EXPORT)))
}

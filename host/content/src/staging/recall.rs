//! Units that need no draft: they are there, and where their bytes are is known.

use std::collections::HashMap;
use std::sync::Arc;

use pith_db::content_type::TypeTable;
use pith_db::remote_artifact;
use pith_db::unit::{self, Key};
use pith_model::UnitId;
use pith_model::remote::Policy;
use serde_json::{Map, Value};

use super::draft::{ArtifactDraft, CheckedArtifact, check_artifact};
use super::existing::{There, existing};
use super::insert::remote_artifact;
use super::lookup::policy;
use super::{MAX_DRAFTS, Staging};
use crate::error::{Error, Result};

/// A unit as an upstream names it.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// The short name: `file`.
    pub content_type: String,
    /// The fields of its natural key, a JSON object.
    pub key: String,
    /// Its artifacts.
    pub artifacts: Vec<ArtifactDraft>,
}

/// A sighting that was found to be in order.
struct Seen {
    table: Arc<TypeTable>,
    key: Key,
    artifacts: Vec<CheckedArtifact>,
}

impl Staging {
    /// References to the units of sightings, in order; none for those that want a draft.
    ///
    /// # Errors
    /// What is wrong with a sighting.
    pub async fn recall(&self, sightings: Vec<Sighting>) -> Result<Vec<Option<u64>>> {
        if sightings.len() > MAX_DRAFTS {
            return Err(Error::limit(format!(
                "{} units were to be recalled at once; at most {MAX_DRAFTS} are",
                sightings.len()
            )));
        }
        let context = &self.context;
        let mut seen = Vec::with_capacity(sightings.len());
        for sighting in sightings {
            let table = Arc::clone(&context.checked(&sighting.content_type)?.table);
            let key = natural_key(&table, &sighting.key)?;
            let artifacts = sighting.artifacts.into_iter();
            let artifacts = artifacts.map(|artifact| check_artifact(context, artifact));
            seen.push(Seen {
                table,
                key,
                artifacts: artifacts.collect::<Result<_>>()?,
            });
        }
        // In the transaction that marks them as wanted, so that no clean-up takes them.
        let mut transaction = context.services.database.write().await?;
        let wanted: Vec<_> = seen.iter().map(|one| (&one.table, one.key)).collect();
        let there = There::find(&mut transaction, &wanted).await?;
        let noted = match &context.origin {
            Some(origin) => {
                let rows = there.rows();
                remote_artifact::of_remote(&mut transaction, origin.id, &rows).await?
            }
            None => HashMap::new(),
        };
        let is_immediate = policy(context) == Policy::Immediate;
        let known: Vec<Option<UnitId>> = seen
            .iter()
            .map(|one| {
                let unit = there.unit(&one.table, one.key)?;
                // What is there with other bytes is told of when its draft comes.
                let existing = existing(&one.artifacts, unit, there.artifacts(unit)).ok()?;
                let mut rows = existing.artifacts.iter().zip(&one.artifacts);
                rows.all(|((row, is_stored), artifact)| {
                    (*is_stored || !is_immediate)
                        && remote_artifact(context, artifact).as_ref() == noted.get(row)
                })
                .then_some(unit)
            })
            .collect();
        let wanted: Vec<UnitId> = known.iter().copied().flatten().collect();
        unit::touch(&mut transaction, &wanted).await?;
        transaction.commit().await?;
        let mut next = context.references.mint(wanted);
        Ok(known
            .into_iter()
            .map(|unit| {
                unit.map(|_| {
                    next += 1;
                    next - 1
                })
            })
            .collect())
    }
}

fn natural_key(table: &TypeTable, text: &str) -> Result<Key> {
    let name = &table.full_name;
    let fields: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
        Error::invalid(format!("the key of a {name} is not a JSON object: {error}"))
    })?;
    let mut wanted = table.content_type.natural_key.iter();
    if let Some(missing) = wanted.find(|field| !fields.contains_key(*field)) {
        return Err(Error::invalid(format!(
            "the key of a {name} has no field {missing:?}"
        )));
    }
    Ok(table.content_type.natural_fingerprint(&fields))
}

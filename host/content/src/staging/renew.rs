//! Units that are there and are written anew: what a newer plugin reads out of the same bytes.
//!
//! Invariant: keys and artifacts stay, so what a version has and serves stays the same; only
//! what is said of it changes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use pith_db::fragment::Packed;
use pith_db::unit_renewal::{self, Fragments, Renewed};
use pith_model::UnitId;

use super::fields::Fields;
use super::{Context, MAX_DRAFTS, Staging};
use crate::error::{Error, Result};
use crate::fragment::{self, Dictionaries, Fragment, Packer, Unpacker};
use crate::term;

/// A unit as a plugin reads it now.
#[derive(Clone, Debug)]
pub struct Renewal {
    /// A reference that a view gave.
    pub unit: u64,
    /// The short name: `file`.
    pub content_type: String,
    /// All its fields, a JSON object.
    pub fields: String,
    /// Its fragments.
    pub fragments: Vec<Fragment>,
    /// Words that it is found by.
    pub terms: Vec<String>,
}

impl Staging {
    /// Writes units anew; how many are other than they were.
    ///
    /// # Errors
    /// What is wrong with one of them; none is written then.
    pub async fn renew(&self, renewals: Vec<Renewal>) -> Result<u32> {
        if renewals.len() > MAX_DRAFTS {
            return Err(Error::limit(format!(
                "{} units were to be renewed at once; at most {MAX_DRAFTS} are",
                renewals.len()
            )));
        }
        let context = &self.context;
        let unit_of = |renewal: &Renewal| {
            context.references.unit(renewal.unit).ok_or_else(|| {
                Error::invalid(format!(
                    "the unit reference {} was not given to this call by a view",
                    renewal.unit
                ))
            })
        };
        let units: Vec<UnitId> = renewals.iter().map(unit_of).collect::<Result<_>>()?;
        let mut rows = Rows::of(context, &units).await?;
        let mut by_table = BTreeMap::new();
        for (unit, renewal) in units.into_iter().zip(renewals) {
            let kind = context.checked(&renewal.content_type)?;
            let fields = Fields::read(&kind, &renewal.fields)?;
            fragment::check(&renewal.fragments)?;
            let (_, of_table) = by_table
                .entry(kind.table.id)
                .or_insert_with(|| (Arc::clone(&kind.table), Vec::new()));
            of_table.push(Renewed {
                unit,
                natural_key: fields.natural_key,
                repository_key: fields.repository_key,
                values: fields.values,
                fragments: rows.renewed(context, unit, renewal.fragments).await?,
                terms: term::check(&context.plugin, &renewal.terms)?,
            });
        }
        let mut transaction = context.services.database.write().await?;
        let mut changed = 0;
        for (table, units) in by_table.values() {
            let ids: Vec<_> = units.iter().map(|one| one.unit).collect();
            let keys: HashMap<_, _> = unit_renewal::keys(&mut transaction, table, &ids).await?;
            for one in units {
                match keys.get(&one.unit) {
                    Some(known) if *known == (one.natural_key, one.repository_key) => {}
                    Some(_) => {
                        return Err(Error::conflict(format!(
                            "a unit of {} was to be renewed with other keys than it has",
                            table.full_name
                        )));
                    }
                    None => {
                        return Err(Error::not_found(format!(
                            "a unit that was to be renewed is no {}, or is gone",
                            table.full_name
                        )));
                    }
                }
            }
            changed += unit_renewal::renew(&mut transaction, table, units).await?;
        }
        if changed > 0 {
            unit_renewal::tell(&mut transaction).await?;
        }
        transaction.commit().await?;
        Ok(changed)
    }
}

/// The rows of fragments that units have.
struct Rows {
    by_unit: HashMap<UnitId, Packed>,
    dictionaries: Dictionaries,
    unpacker: Unpacker,
}

impl Rows {
    async fn of(context: &Context, units: &[UnitId]) -> Result<Self> {
        let mut connection = context.services.database.read().await?;
        let found = pith_db::fragment::find(&mut connection, units).await?;
        Ok(Self {
            by_unit: found.into_iter().collect(),
            dictionaries: Dictionaries::default(),
            unpacker: Unpacker::default(),
        })
    }

    /// The fragments of a unit where they are other ones than it has.
    async fn renewed(
        &mut self,
        context: &Context,
        unit: UnitId,
        fragments: Vec<Fragment>,
    ) -> Result<Option<Fragments>> {
        let database = &context.services.database;
        // A row depends on what it was compressed with: what is in it is compared.
        let mut before = Vec::new();
        if let Some(packed) = self.by_unit.remove(&unit) {
            let row = self.dictionaries.complete(database, packed).await?;
            self.unpacker.unpack(&row, |name, bytes| {
                before.push((name.to_vec(), bytes.to_vec()));
            })?;
        }
        let is_same = before.len() == fragments.len()
            && before
                .iter()
                .zip(&fragments)
                .all(|((name, bytes), new)| name == new.name.as_bytes() && *bytes == new.bytes);
        if is_same {
            return Ok(None);
        }
        pack(fragments).await.map(Fragments).map(Some)
    }
}

/// Packs fragments on a thread that may take its time.
async fn pack(fragments: Vec<Fragment>) -> Result<Option<Packed>> {
    if fragments.is_empty() {
        return Ok(None);
    }
    let packing = tokio::task::spawn_blocking(move || Packer::new(&[])?.pack(&fragments));
    let body = packing
        .await
        .map_err(|_| Error::internal("packing fragments broke; the server's log says why"))??;
    Ok(Some(Packed {
        dictionary: None,
        body,
    }))
}

//! Units that are there and are written anew: what a newer plugin reads out of the same bytes.
//!
//! Invariant: keys and artifacts stay, so what a version has and serves stays the same; only
//! what is said of it changes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use pith_db::unit_renewal::{self, Renewed};

use super::fields::Fields;
use super::{MAX_DRAFTS, Staging};
use crate::error::{Error, Result};
use crate::fragment::{self, Fragment, Packer};
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
        let mut by_table = BTreeMap::new();
        for renewal in renewals {
            let kind = context.checked(&renewal.content_type)?;
            let unit = context.references.unit(renewal.unit).ok_or_else(|| {
                Error::invalid(format!(
                    "the unit reference {} was not given to this call by a view",
                    renewal.unit
                ))
            })?;
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
                fragments: pack(renewal.fragments).await?,
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

/// Packs fragments on a thread that may take its time.
async fn pack(fragments: Vec<Fragment>) -> Result<Option<Vec<u8>>> {
    if fragments.is_empty() {
        return Ok(None);
    }
    let packing = tokio::task::spawn_blocking(move || Packer::new()?.pack(&fragments));
    let packed = packing
        .await
        .map_err(|_| Error::internal("packing fragments broke; the server's log says why"))?;
    packed.map(Some)
}

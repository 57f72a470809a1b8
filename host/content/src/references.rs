//! The references that a plugin holds during one call: numbers into a table that only
//! this call has, so that there is nothing to forge.
//!
//! A reference costs eight bytes, which is what memory grows by with the units of a
//! repository; everything else is bounded.

use std::sync::Mutex;

use pith_model::{ArtifactId, UnitId};

use crate::error::{Error, Result};

/// Stands for a unit whose row is not known yet.
const PENDING: i64 = 0;

/// Stored bytes that a call was handed or has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldArtifact {
    /// The row.
    pub id: ArtifactId,
    /// The digest.
    pub sha256: [u8; 32],
    /// In bytes.
    pub size: u64,
}

/// The table of one call.
#[derive(Debug, Default)]
pub struct References {
    units: Mutex<Vec<i64>>,
    artifacts: Mutex<Vec<Option<HeldArtifact>>>,
}

impl References {
    /// References to units whose rows will be known later; the first of `count`.
    pub fn mint_pending(&self, count: usize) -> u64 {
        let mut units = self.units.lock().expect("nobody panics while holding it");
        let first = units.len() as u64;
        let length = units.len() + count;
        units.resize(length, PENDING);
        first
    }

    /// References to units; the first of them, the others follow.
    pub fn mint(&self, ids: impl IntoIterator<Item = UnitId>) -> u64 {
        let mut units = self.units.lock().expect("nobody panics while holding it");
        let first = units.len() as u64;
        units.extend(ids.into_iter().map(|id| id.0));
        first
    }

    /// Tells the row of a pending reference.
    pub fn settle(&self, reference: u64, unit: UnitId) {
        let mut units = self.units.lock().expect("nobody panics while holding it");
        if let Some(slot) = usize::try_from(reference)
            .ok()
            .and_then(|at| units.get_mut(at))
        {
            *slot = unit.0;
        }
    }

    /// Whether all these were minted by this call.
    pub fn check(&self, references: &[u64]) -> Result<()> {
        let length = self
            .units
            .lock()
            .expect("nobody panics while holding it")
            .len() as u64;
        match references.iter().find(|reference| **reference >= length) {
            Some(wrong) => Err(Error::invalid(format!(
                "the unit reference {wrong} was not given to this call"
            ))),
            None => Ok(()),
        }
    }

    /// The row of a reference; none while it is pending.
    pub fn unit(&self, reference: u64) -> Option<UnitId> {
        let units = self.units.lock().expect("nobody panics while holding it");
        let slot = units.get(usize::try_from(reference).ok()?)?;
        (*slot != PENDING).then_some(UnitId(*slot))
    }

    /// A reference to stored bytes; none for bytes that are not stored.
    pub fn mint_artifact(&self, artifact: Option<HeldArtifact>) -> u64 {
        let mut artifacts = self
            .artifacts
            .lock()
            .expect("nobody panics while holding it");
        artifacts.push(artifact);
        artifacts.len() as u64 - 1
    }

    /// The stored bytes of a reference.
    pub fn artifact(&self, reference: u64) -> Result<HeldArtifact> {
        let artifacts = self
            .artifacts
            .lock()
            .expect("nobody panics while holding it");
        let slot = usize::try_from(reference)
            .ok()
            .and_then(|at| artifacts.get(at));
        match slot {
            Some(Some(artifact)) => Ok(artifact.clone()),
            Some(None) => Err(Error::not_found("the artifact is not stored yet")),
            None => Err(Error::invalid(format!(
                "the artifact reference {reference} was not given to this call"
            ))),
        }
    }
}

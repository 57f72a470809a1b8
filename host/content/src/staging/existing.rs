//! Units that are there, and whether they are the ones that are meant.

use std::collections::HashMap;
use std::sync::Arc;

use pith_db::Connection;
use pith_db::content_type::TypeTable;
use pith_db::unit::{self, Key, UnitArtifact};
use pith_model::UnitId;

use super::draft::CheckedArtifact;
use crate::error::{Error, Result};

/// Which of some units are there, and the rows of their artifacts.
#[derive(Debug, Default)]
pub(super) struct There {
    /// By table and natural key.
    units: HashMap<(i64, Key), UnitId>,
    artifacts: HashMap<UnitId, Vec<UnitArtifact>>,
}

impl There {
    /// Looks for units with a few queries for all.
    pub(super) async fn find(
        connection: &mut Connection,
        wanted: &[(&Arc<TypeTable>, Key)],
    ) -> Result<Self> {
        let mut keys: HashMap<i64, (&TypeTable, Vec<Key>)> = HashMap::new();
        for (table, key) in wanted {
            let of_table = keys.entry(table.id).or_insert_with(|| (*table, Vec::new()));
            of_table.1.push(*key);
        }
        let mut there = Self::default();
        for (id, (table, keys)) in keys {
            let found = unit::find(connection, table, &keys).await?;
            let found = found.into_iter().map(|(key, unit)| ((id, key), unit));
            there.units.extend(found);
        }
        let ids: Vec<UnitId> = there.units.values().copied().collect();
        for row in unit::artifacts(connection, &ids).await? {
            there.artifacts.entry(row.unit).or_default().push(row);
        }
        Ok(there)
    }

    pub(super) fn unit(&self, table: &TypeTable, key: Key) -> Option<UnitId> {
        self.units.get(&(table.id, key)).copied()
    }

    pub(super) fn artifacts(&self, unit: UnitId) -> &[UnitArtifact] {
        self.artifacts.get(&unit).map_or(&[], Vec::as_slice)
    }

    /// The rows of all artifacts.
    pub(super) fn rows(&self) -> Vec<i64> {
        self.artifacts
            .values()
            .flatten()
            .map(|row| row.id)
            .collect()
    }
}

/// A unit that is there.
#[derive(Debug)]
pub(super) struct Existing {
    pub(super) unit: UnitId,
    /// For each artifact of the draft, the unit's artifact row, and whether it names
    /// stored bytes.
    pub(super) artifacts: Vec<(i64, bool)>,
}

/// Checks that a unit that is there is the one that the draft means.
pub(super) fn existing(
    wanted: &[CheckedArtifact],
    unit: UnitId,
    rows: &[UnitArtifact],
) -> Result<Existing> {
    let mut artifacts = Vec::with_capacity(wanted.len());
    for artifact in wanted {
        let row = rows
            .iter()
            .find(|row| row.path == artifact.path)
            .ok_or_else(|| {
                Error::conflict(format!(
                    "a unit with the key of {:?} is there already, with other artifacts",
                    artifact.path
                ))
            })?;
        let known = match (&row.stored, &row.announced) {
            (Some((_, sha256, _)), _) => <[u8; 32]>::try_from(sha256.as_slice()).ok(),
            (None, Some((_, digests))) => announced_sha256(digests),
            (None, None) => None,
        };
        if let (Some(known), Some(new)) = (known, artifact.sha256())
            && known != new
        {
            return Err(Error::conflict(format!(
                "{:?} is there already with the digest sha256:{}, and now comes with sha256:{}",
                artifact.path,
                hex::encode(known),
                hex::encode(new)
            )));
        }
        artifacts.push((row.id, row.stored.is_some()));
    }
    Ok(Existing { unit, artifacts })
}

fn announced_sha256(digests: &str) -> Option<[u8; 32]> {
    let hexadecimal = digests
        .split(' ')
        .find_map(|one| one.strip_prefix("sha256:"))?;
    hex::decode(hexadecimal).ok()?.try_into().ok()
}

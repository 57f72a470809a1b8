//! First stage: what is there already.

use std::collections::HashMap;
use std::sync::Arc;

use pith_db::content_type::TypeTable;
use pith_db::unit::{self, Key, UnitArtifact};
use pith_model::remote::Policy;
use pith_model::{ArtifactId, UnitId};
use tokio::sync::mpsc;

use super::Context;
use super::draft::{Checked, CheckedArtifact, CheckedSource};
use crate::error::{Error, Result};
use crate::fragment::Packer;

/// A draft and what was found of it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) draft: Checked,
    /// The unit, if it is there.
    pub(super) existing: Option<Existing>,
    /// For each artifact of the draft, where its bytes are.
    pub(super) bytes: Vec<Bytes>,
}

/// A unit that is there.
#[derive(Debug)]
pub(super) struct Existing {
    pub(super) unit: UnitId,
    /// For each artifact of the draft, the unit's artifact row, and whether it names
    /// stored bytes.
    pub(super) artifacts: Vec<(i64, bool)>,
}

/// Where the bytes of an artifact are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bytes {
    /// In the store, with a row.
    Stored(ArtifactId),
    /// To be fetched now.
    Wanted,
    /// To stay upstream until somebody asks.
    Upstream,
    /// Fetched and stored; the row is made with the unit.
    Fetched([u8; 32]),
}

pub(super) async fn run(
    context: Context,
    mut drafts: mpsc::Receiver<Vec<Checked>>,
    next: mpsc::Sender<Vec<Found>>,
) -> Result<()> {
    while let Some(batch) = drafts.recv().await {
        let found = pack(look_up(&context, batch).await?).await?;
        if next.send(found).await.is_err() {
            // The next stage ended early, and has the reason.
            return Ok(());
        }
    }
    Ok(())
}

/// Finds units and stored bytes, with a few queries for a whole batch.
pub(super) async fn look_up(context: &Context, batch: Vec<Checked>) -> Result<Vec<Found>> {
    let mut connection = context.services.database.read().await?;
    let mut units: HashMap<(i64, Key), UnitId> = HashMap::new();
    for table in tables(batch.iter()) {
        let keys: Vec<Key> = batch
            .iter()
            .filter(|draft| draft.kind.table.id == table.id)
            .map(|draft| draft.natural_key)
            .collect();
        let found = unit::find(&mut connection, &table, &keys).await?;
        units.extend(found.into_iter().map(|(key, id)| ((table.id, key), id)));
    }
    let ids: Vec<UnitId> = units.values().copied().collect();
    let mut artifacts: HashMap<UnitId, Vec<UnitArtifact>> = HashMap::new();
    for artifact in unit::artifacts(&mut connection, &ids).await? {
        artifacts.entry(artifact.unit).or_default().push(artifact);
    }
    let digests: Vec<[u8; 32]> = batch
        .iter()
        .flat_map(|draft| draft.artifacts.iter().filter_map(CheckedArtifact::sha256))
        .collect();
    let stored = pith_db::artifact::find(&mut connection, &digests).await?;
    drop(connection);

    batch
        .into_iter()
        .map(|draft| {
            let unit = units
                .get(&(draft.kind.table.id, draft.natural_key))
                .copied();
            let rows = unit.and_then(|unit| artifacts.get(&unit));
            let existing = unit
                .map(|unit| existing(&draft.artifacts, unit, rows.map_or(&[], Vec::as_slice)))
                .transpose()?;
            let bytes = draft
                .artifacts
                .iter()
                .map(|artifact| {
                    let row =
                        rows.and_then(|rows| rows.iter().find(|row| row.path == artifact.path));
                    if let Some((id, ..)) = row.and_then(|row| row.stored.as_ref()) {
                        return Bytes::Stored(*id);
                    }
                    if let CheckedSource::Held(held) = &artifact.source {
                        return Bytes::Stored(held.id);
                    }
                    match artifact.sha256().and_then(|digest| stored.get(&digest)) {
                        Some(id) => Bytes::Stored(*id),
                        None if policy(context) == Policy::Immediate => Bytes::Wanted,
                        None => Bytes::Upstream,
                    }
                })
                .collect();
            Ok(Found {
                draft,
                existing,
                bytes,
            })
        })
        .collect()
}

/// Packs the fragments of units that are new, on a thread that may take its time.
async fn pack(mut batch: Vec<Found>) -> Result<Vec<Found>> {
    let has_work = |found: &Found| found.existing.is_none() && !found.draft.fragments.is_empty();
    if !batch.iter().any(has_work) {
        return Ok(batch);
    }
    let packing = tokio::task::spawn_blocking(move || {
        let mut packer = Packer::new()?;
        for found in batch.iter_mut().filter(|found| has_work(found)) {
            found.draft.packed = Some(packer.pack(&found.draft.fragments)?);
            found.draft.fragments = Vec::new();
        }
        Ok(batch)
    });
    packing
        .await
        .map_err(|_| Error::internal("packing fragments broke; the server's log says why"))?
}

pub(super) fn policy(context: &Context) -> Policy {
    context
        .origin
        .as_ref()
        .map_or(Policy::Immediate, |origin| origin.policy)
}

/// The tables of a batch's types, each once.
pub(super) fn tables<'a>(batch: impl Iterator<Item = &'a Checked>) -> Vec<Arc<TypeTable>> {
    let mut tables: Vec<_> = batch.map(|draft| Arc::clone(&draft.kind.table)).collect();
    tables.sort_by_key(|table| table.id);
    tables.dedup_by_key(|table| table.id);
    tables
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

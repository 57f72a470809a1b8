//! First stage: what is there already.

use std::sync::Arc;

use pith_db::content_type::TypeTable;
use pith_model::ArtifactId;
use pith_model::remote::Policy;
use tokio::sync::mpsc;

use super::Context;
use super::draft::{Checked, CheckedArtifact, CheckedSource};
use super::existing::{Existing, There, existing};
use super::pack::Packing;
use crate::error::Result;

/// A draft and what was found of it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) draft: Checked,
    /// The unit, if it is there.
    pub(super) existing: Option<Existing>,
    /// For each artifact of the draft, where its bytes are.
    pub(super) bytes: Vec<Bytes>,
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
    let mut packing = Packing::default();
    while let Some(batch) = drafts.recv().await {
        let found = look_up(&context, batch).await?;
        let found = packing.pack(&context, found).await?;
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
    let wanted: Vec<_> = batch
        .iter()
        .map(|draft| (&draft.kind.table, draft.natural_key))
        .collect();
    let there = There::find(&mut connection, &wanted).await?;
    let digests: Vec<[u8; 32]> = batch
        .iter()
        .flat_map(|draft| draft.artifacts.iter().filter_map(CheckedArtifact::sha256))
        .collect();
    let stored = pith_db::artifact::find(&mut connection, &digests).await?;
    drop(connection);

    batch
        .into_iter()
        .map(|draft| {
            let unit = there.unit(&draft.kind.table, draft.natural_key);
            let rows = unit.map_or(&[][..], |unit| there.artifacts(unit));
            let existing = unit
                .map(|unit| existing(&draft.artifacts, unit, rows))
                .transpose()?;
            let bytes = draft
                .artifacts
                .iter()
                .map(|artifact| {
                    let row = rows.iter().find(|row| row.path == artifact.path);
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

//! Third and fourth stage: fetched files become durable, and then rows.

use std::collections::HashMap;

use pith_db::unit::{self, Key, NewRemoteArtifact, NewUnit, NewUnitArtifact};
use pith_model::{ArtifactId, UnitId};
use pith_storage::Durable;
use tokio::sync::mpsc;

use super::Context;
use super::download::Fetched;
use super::draft::{CheckedArtifact, CheckedSource};
use super::existing::Existing;
use super::lookup::{Bytes, Found, tables};
use crate::error::{Code, Error, Result};
use crate::ingest::{self, REMOVAL_PAUSE, Rows};

/// So many units become rows in one transaction, so that others wait for it a moment only.
const TOGETHER: usize = 2_500;

/// Another transaction may be faster so often before something is wrong.
const ATTEMPTS: usize = 10;

/// Units whose fetched files survive a power loss.
#[derive(Debug)]
pub(super) struct Stored {
    units: Vec<Found>,
    durable: Durable,
}

/// Makes files durable; one sync for many.
pub(super) async fn store(
    context: Context,
    mut fetched: mpsc::Receiver<Fetched>,
    next: mpsc::Sender<Stored>,
) -> Result<()> {
    while let Some(Fetched { units, incoming }) = fetched.recv().await {
        let durable = if incoming.is_empty() {
            Durable::nothing()
        } else {
            context.services.store.keep(incoming).await?
        };
        if next.send(Stored { units, durable }).await.is_err() {
            // The next stage ended early, and has the reason.
            return Ok(());
        }
    }
    Ok(())
}

/// Makes rows. All batches that wait share a transaction: each writes the same pages of the
/// indexes whose keys are in no order, and these are written once then.
pub(super) async fn run(context: Context, mut stored: mpsc::Receiver<Stored>) -> Result<()> {
    while let Some(Stored { mut units, durable }) = stored.recv().await {
        let mut files = vec![durable];
        while units.len() < TOGETHER
            && let Ok(next) = stored.try_recv()
        {
            units.extend(next.units);
            files.push(next.durable);
        }
        let mut attempt = 0;
        let ids = loop {
            match insert(&context, &mut units, &files).await {
                Ok(ids) => break ids,
                Err(Failed::Final(error)) => return Err(error),
                Err(Failed::Again(error)) if attempt == ATTEMPTS => return Err(error),
                Err(Failed::Again(_)) => {
                    attempt += 1;
                    tokio::time::sleep(REMOVAL_PAUSE).await;
                    units = look_again(&context, units).await?;
                }
            }
        };
        for (found, id) in units.iter().zip(ids) {
            context.references.settle(found.draft.reference, id);
        }
    }
    Ok(())
}

/// Why a batch was not inserted.
enum Failed {
    /// Somebody else was faster; look again.
    Again(Error),
    Final(Error),
}

impl From<pith_db::Error> for Failed {
    fn from(error: pith_db::Error) -> Self {
        if error.is_transient() {
            Self::Again(Error::unavailable(
                "others were always faster to store the same units",
            ))
        } else {
            Self::Final(error.into())
        }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        if error.code == Code::Unavailable {
            Self::Again(error)
        } else {
            Self::Final(error)
        }
    }
}

/// Looks up a batch anew; what was fetched for it stays fetched.
async fn look_again(context: &Context, units: Vec<Found>) -> Result<Vec<Found>> {
    let fetched: Vec<Vec<Bytes>> = units.iter().map(|found| found.bytes.clone()).collect();
    let drafts = units.into_iter().map(|found| found.draft).collect();
    let mut found = super::lookup::look_up(context, drafts).await?;
    for (found, fetched) in found.iter_mut().zip(fetched) {
        for (now, before) in found.bytes.iter_mut().zip(fetched) {
            if matches!(
                (&now, &before),
                (Bytes::Wanted | Bytes::Upstream, Bytes::Fetched(_))
            ) {
                *now = before;
            }
        }
        if found.bytes.contains(&Bytes::Wanted) {
            // Stored bytes went away under us; the next sync fetches them.
            return Err(Error::unavailable(
                "stored bytes were cleaned up while they were about to be used; sync again",
            ));
        }
    }
    Ok(found)
}

async fn insert(
    context: &Context,
    units: &mut [Found],
    files: &[Durable],
) -> Result<Vec<UnitId>, Failed> {
    let services = &context.services;
    let mut transaction = services.database.write().await?;
    let mut rows = Rows::new();
    for durable in files {
        rows.extend(ingest::insert(&mut transaction, services.store.as_ref(), durable).await?);
    }
    let mut known: HashMap<(i64, Key), UnitId> = HashMap::new();
    for table in tables(units.iter().map(|found| &found.draft)) {
        let mut keys = Vec::new();
        let mut new = Vec::new();
        for found in units.iter_mut() {
            let key = found.draft.natural_key;
            if found.draft.kind.table.id != table.id
                || found.existing.is_some()
                || known.contains_key(&(table.id, key))
            {
                continue;
            }
            known.insert((table.id, key), UnitId(0));
            keys.push(key);
            new.push(new_unit(context, found, &rows)?);
        }
        let ids = unit::insert(&mut transaction, &table, new).await?;
        known.extend(keys.into_iter().map(|key| (table.id, key)).zip(ids));
    }
    let mut touched = Vec::new();
    let mut artifacts = Vec::new();
    let mut sources = Vec::new();
    let mut ids = Vec::with_capacity(units.len());
    for found in units.iter() {
        let Some(Existing {
            unit,
            artifacts: unit_artifacts,
        }) = &found.existing
        else {
            ids.push(known[&(found.draft.kind.table.id, found.draft.natural_key)]);
            continue;
        };
        ids.push(*unit);
        touched.push(*unit);
        for (((row, has_bytes), bytes), draft) in unit_artifacts
            .iter()
            .zip(&found.bytes)
            .zip(&found.draft.artifacts)
        {
            if !has_bytes && let Some(artifact) = artifact_row(bytes, &rows)? {
                artifacts.push((*row, artifact));
            }
            if let Some(source) = remote_artifact(context, draft) {
                sources.push((*row, source));
            }
        }
    }
    unit::touch(&mut transaction, &touched).await?;
    unit::set_artifact(&mut transaction, artifacts).await?;
    pith_db::remote_artifact::insert(&mut transaction, sources).await?;
    transaction.commit().await?;
    Ok(ids)
}

fn new_unit(context: &Context, found: &mut Found, rows: &Rows) -> Result<NewUnit> {
    let values = found.draft.take_values()?;
    let draft = &found.draft;
    let artifacts = draft
        .artifacts
        .iter()
        .zip(&found.bytes)
        .map(|(artifact, bytes)| {
            Ok(NewUnitArtifact {
                path: artifact.path.clone(),
                artifact: artifact_row(bytes, rows)?,
                remote: remote_artifact(context, artifact),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(NewUnit {
        natural_key: draft.natural_key,
        repository_key: draft.repository_key,
        values,
        artifacts,
        fragments: draft.packed.clone(),
        terms: draft.terms.clone(),
    })
}

fn artifact_row(bytes: &Bytes, rows: &Rows) -> Result<Option<ArtifactId>> {
    match bytes {
        Bytes::Stored(id) => Ok(Some(*id)),
        Bytes::Fetched(digest) => rows
            .get(digest)
            .copied()
            .map(Some)
            .ok_or_else(|| Error::internal("a fetched file has no row")),
        Bytes::Upstream | Bytes::Wanted => Ok(None),
    }
}

/// Where the bytes can be had again, also of what is stored: for a repair.
pub(super) fn remote_artifact(
    context: &Context,
    artifact: &CheckedArtifact,
) -> Option<NewRemoteArtifact> {
    let origin = context.origin.as_ref()?;
    let CheckedSource::Urls(urls) = &artifact.source else {
        return None;
    };
    Some(NewRemoteArtifact {
        remote: origin.id,
        urls: urls.iter().map(crate::fetch::without_credentials).collect(),
        size: artifact
            .expected
            .size
            .and_then(|size| i64::try_from(size).ok()),
        digests: artifact
            .expected
            .digests
            .iter()
            .map(ToString::to_string)
            .collect(),
    })
}

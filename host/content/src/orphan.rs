//! Clean-up of what nobody refers to: units, then artifacts, then stray files.

use std::time::{Duration, SystemTime};

use pith_db::content_type::TypeTable;
use pith_db::{artifact, orphan};
use pith_model::{ArtifactId, Timestamp, UnitId};
use pith_storage::Sha256Digest;

use crate::Services;
use crate::error::{Error, Result};
use crate::progress::Progress;

/// A file without a row that is younger than this may be on its way to get one.
const STRAY_AGE: Duration = Duration::from_hours(1);

/// What to clean up.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What was wanted later than this stays.
    pub before: Timestamp,
    /// Only these units, if given.
    pub only: Option<Vec<UnitId>>,
}

/// Cleans up, in steps that block nobody for long.
pub async fn clean_up(services: &Services, plan: &Plan, progress: &Progress) -> Result<()> {
    units(services, plan, progress).await?;
    artifacts(services, plan.before, progress).await?;
    if plan.only.is_none() {
        strays(services).await?;
    }
    Ok(())
}

async fn units(services: &Services, plan: &Plan, progress: &Progress) -> Result<()> {
    const CODE: &str = "clean-up.content";
    const MESSAGE: &str = "Clean up orphan Content";
    progress.report(CODE, MESSAGE, 0, None);
    let tables: Vec<TypeTable> = services
        .types
        .all()
        .iter()
        .map(|table| TypeTable::clone(table))
        .collect();
    let mut lists: Vec<Option<&[UnitId]>> = vec![None];
    if let Some(only) = &plan.only {
        lists = only.chunks(1000).map(Some).collect();
    }
    for only in lists {
        let mut after = UnitId(0);
        loop {
            let mut connection = services.database.read().await?;
            let found = orphan::units(&mut connection, after, plan.before, only).await?;
            drop(connection);
            let Some(last) = found.last() else { break };
            after = *last;
            let deleted = delete_units(services, &tables, &found).await?;
            progress.advance(CODE, MESSAGE, deleted);
        }
    }
    Ok(())
}

/// Deletes units; those that somebody took up meanwhile stay.
async fn delete_units(services: &Services, tables: &[TypeTable], units: &[UnitId]) -> Result<u64> {
    let mut transaction = services.database.write().await?;
    match orphan::delete_units(&mut transaction, tables, units).await {
        Ok(()) => {
            transaction.commit().await?;
            Ok(units.len() as u64)
        }
        Err(pith_db::Error::Related) if units.len() > 1 => {
            drop(transaction);
            let (one, other) = units.split_at(units.len() / 2);
            let one = Box::pin(delete_units(services, tables, one)).await?;
            Ok(one + Box::pin(delete_units(services, tables, other)).await?)
        }
        Err(pith_db::Error::Related) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

async fn artifacts(services: &Services, before: Timestamp, progress: &Progress) -> Result<()> {
    const CODE: &str = "clean-up.artifacts";
    const MESSAGE: &str = "Clean up orphan Artifacts";
    progress.report(CODE, MESSAGE, 0, None);
    let mut after = ArtifactId(0);
    loop {
        let mut connection = services.database.read().await?;
        let found = orphan::artifacts(&mut connection, after, before).await?;
        drop(connection);
        let Some((last, _)) = found.last() else { break };
        after = *last;
        let removed = remove_artifacts(services, &found).await?;
        progress.advance(CODE, MESSAGE, removed);
    }
    finish_removals(services).await
}

/// Turns rows into notes, durably, before any file goes.
async fn remove_artifacts(services: &Services, artifacts: &[(ArtifactId, Vec<u8>)]) -> Result<u64> {
    let mut transaction = services.database.write_durably().await?;
    match artifact::begin_removal(&mut transaction, artifacts).await {
        Ok(()) => transaction.commit().await?,
        Err(pith_db::Error::Related) if artifacts.len() > 1 => {
            drop(transaction);
            let (one, other) = artifacts.split_at(artifacts.len() / 2);
            let one = Box::pin(remove_artifacts(services, one)).await?;
            return Ok(one + Box::pin(remove_artifacts(services, other)).await?);
        }
        Err(pith_db::Error::Related) => return Ok(0),
        Err(error) => return Err(error.into()),
    }
    finish_removals(services).await?;
    Ok(artifacts.len() as u64)
}

/// Removes the files of all notes, then the notes. Also called at the start, for what a
/// crash left half done.
pub async fn finish_removals(services: &Services) -> Result<()> {
    loop {
        let mut connection = services.database.read().await?;
        let noted = artifact::removals(&mut connection).await?;
        drop(connection);
        if noted.is_empty() {
            return Ok(());
        }
        let digests = noted
            .iter()
            .map(|bytes| digest(bytes))
            .collect::<Result<Vec<_>>>()?;
        services.store.remove(&digests).await?;
        let mut transaction = services.database.write().await?;
        artifact::end_removal(&mut transaction, &noted).await?;
        transaction.commit().await?;
    }
}

fn digest(bytes: &[u8]) -> Result<Sha256Digest> {
    let bytes = bytes
        .try_into()
        .map_err(|_| Error::internal("a digest of another length"))?;
    Ok(Sha256Digest(bytes))
}

/// Removes files that no row names: left by a crash between storing and inserting.
async fn strays(services: &Services) -> Result<()> {
    let now = SystemTime::now();
    for first in 0..=u8::MAX {
        let mut old: Vec<[u8; 32]> = services
            .store
            .list(first)
            .await?
            .into_iter()
            .filter(|file| {
                now.duration_since(file.modified)
                    .is_ok_and(|age| age > STRAY_AGE)
            })
            .map(|file| file.digest.0)
            .collect();
        if old.is_empty() {
            continue;
        }
        let mut transaction = services.database.write_durably().await?;
        let known = artifact::find(&mut transaction, &old).await?;
        old.retain(|digest| !known.contains_key(digest));
        artifact::note_removal(&mut transaction, &old).await?;
        transaction.commit().await?;
        if !old.is_empty() {
            tracing::info!("removing {} files that no artifact names", old.len());
            finish_removals(services).await?;
        }
    }
    Ok(())
}

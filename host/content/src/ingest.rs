//! From stored bytes to rows, without ever naming bytes that are not there.
//!
//! The order is: place, sync, then one transaction that makes the rows. A clean-up that
//! runs beside (perhaps in another process) notes a digest in `artifact_removal`, then
//! removes the file, then the note; so while there is a note nobody may count on the
//! file, and once there is none, whether the file is still there tells all.

use std::collections::HashMap;
use std::time::Duration;

use pith_db::artifact::{self, NewArtifact};
use pith_db::{Connection, Database};
use pith_model::ArtifactId;
use pith_storage::{Durable, Incoming, Sha256Digest, Store, Stored};

use crate::error::{Error, Result};

/// The row of each stored file, by digest.
pub type Rows = HashMap<[u8; 32], ArtifactId>;

/// Makes rows for files in the caller's transaction.
///
/// # Errors
/// `unavailable` if a clean-up is removing one of them right now or has removed it in
/// between: store the bytes again.
pub async fn insert(
    connection: &mut Connection,
    store: &dyn Store,
    durable: &Durable,
) -> Result<Rows> {
    let new: Vec<NewArtifact> = durable.files().iter().map(row_of).collect();
    if new.is_empty() {
        return Ok(Rows::new());
    }
    let digests: Vec<[u8; 32]> = new.iter().map(|one| one.sha256).collect();
    if !artifact::being_removed(connection, &digests)
        .await?
        .is_empty()
    {
        return Err(being_removed());
    }
    let known = artifact::find(connection, &digests).await?;
    let unknown: Vec<Sha256Digest> = digests
        .iter()
        .filter(|digest| !known.contains_key(*digest))
        .map(|digest| Sha256Digest(*digest))
        .collect();
    if !unknown.is_empty() && !store.missing(&unknown).await?.is_empty() {
        return Err(being_removed());
    }
    let mut unique = new;
    unique.sort_by_key(|one| one.sha256);
    unique.dedup_by_key(|one| one.sha256);
    Ok(artifact::insert(connection, &unique).await?)
}

fn being_removed() -> Error {
    Error::unavailable("the same bytes are being cleaned up right now; try again")
}

fn row_of(file: &Stored) -> NewArtifact {
    NewArtifact {
        size: i64::try_from(file.size).unwrap_or(i64::MAX),
        sha256: file.digests.sha256.0,
        others: file
            .digests
            .iter()
            .filter(|digest| digest.algorithm() != pith_storage::Algorithm::Sha256)
            .map(|digest| (digest.algorithm().name(), digest.as_bytes().to_vec()))
            .collect(),
    }
}

/// Stores files and makes their rows, each a row in the answer in order.
pub async fn ingest(
    database: &Database,
    store: &dyn Store,
    incoming: Vec<Incoming>,
) -> Result<Vec<ArtifactId>> {
    let durable = store.keep(incoming).await?;
    let mut transaction = database.write_durably().await?;
    let rows = insert(&mut transaction, store, &durable).await?;
    transaction.commit().await?;
    durable
        .files()
        .iter()
        .map(|file| {
            rows.get(&file.digests.sha256.0)
                .copied()
                .ok_or_else(|| Error::internal("a stored file has no row"))
        })
        .collect()
}

/// How long to wait before bytes that are being cleaned up are stored again.
pub const REMOVAL_PAUSE: Duration = Duration::from_millis(200);

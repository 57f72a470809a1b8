//! Removing files, several at a time.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::blocking::blocking;
use crate::digest::Sha256Digest;
use crate::directory::Shared;
use crate::error::{Context as _, Error, Result};
use crate::folders::file_name;

/// So many threads remove at the same time: each waits for the disk to take back the blocks, or
/// for another machine.
const THREADS: usize = 8;

/// Fewer are not worth a thread.
const AT_LEAST: usize = 32;

/// After so many, new files are made elsewhere: see [`spread`](crate::temporary_folder::spread).
const MANY: usize = 256;

/// Removes files; those that are in use stay, and are returned.
pub(crate) async fn remove(
    shared: &Arc<Shared>,
    digests: &[Sha256Digest],
) -> Result<Vec<Sha256Digest>> {
    let mut digests = digests.to_vec();
    digests.sort_unstable();
    let part = digests.len().div_ceil(THREADS).max(AT_LEAST);
    let mut parts = JoinSet::new();
    for part in digests.chunks(part) {
        let (shared, part) = (Arc::clone(shared), part.to_vec());
        parts.spawn(blocking(move || remove_part(&shared, &part)));
    }
    // All come to their end, also after a failure: nobody is to find files going later on.
    let held: Result<Vec<_>> = parts.join_all().await.into_iter().collect();
    if digests.len() >= MANY {
        let shared = Arc::clone(shared);
        let changed = blocking(move || {
            let changed = shared.folders.change_temporary();
            changed.context("change the temporary folder")
        });
        // New files are made more slowly without, and that is all.
        if let Err(error) = changed.await {
            tracing::debug!(%error, "{error}");
        }
    }
    Ok(held?.concat())
}

fn remove_part(shared: &Shared, digests: &[Sha256Digest]) -> Result<Vec<Sha256Digest>> {
    let mut held = Vec::new();
    for group in digests.chunk_by(|one, next| one.0[0] == next.0[0]) {
        let shard = shared.folders.shard(group[0].0[0]);
        let shard = shard.context("open the store")?;
        for digest in group {
            let remove = || shared.file_system.remove(&shard, &file_name(digest));
            match shared.holds.unless_held(digest, remove) {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(Error::io_of(*digest, "remove", error)),
                None => held.push(*digest),
            }
        }
    }
    Ok(held)
}

//! Giving files their names in the store.

use std::io;
use std::sync::Arc;

use crate::directory::Shared;
use crate::durable::Placed;
use crate::error::{Context as _, Result};
use crate::folders::file_name;
use crate::incoming::Incoming;
use crate::sync::FEW;

/// Names every file whose name is free. Where the name is taken, the file waits until its bytes are
/// on the disk: what has the name may be in use, and must not give way to bytes that could be lost.
pub(crate) fn place(shared: &Arc<Shared>, incoming: Vec<Incoming>) -> Result<Placed> {
    let files = incoming.iter().map(|file| file.stored.clone()).collect();
    let mut arrivals = incoming;
    arrivals.sort_unstable_by_key(Incoming::sha256);
    arrivals.dedup_by_key(|file| file.sha256());
    let hold = shared
        .holds
        .hold(arrivals.iter().map(Incoming::sha256).collect());

    let many = arrivals.len() > FEW;
    for file in &mut arrivals {
        // A descriptor serves only a sync of the file by itself.
        if many || file.temporary.is_synced() {
            file.temporary.close();
        }
    }
    name_each(shared, &mut arrivals, |file, shard, name| {
        file.temporary.place(shard, name).map(|_free| ())
    })?;
    Ok(Placed {
        files,
        arrivals,
        hold,
    })
}

/// Names the files that found their names taken. Their bytes must be on the disk.
pub(crate) fn replace(shared: &Arc<Shared>, arrivals: &mut [Incoming]) -> Result<()> {
    name_each(shared, arrivals, |file, shard, name| {
        if file.temporary.is_named() {
            Ok(())
        } else {
            file.temporary.replace(shard, name)
        }
    })
}

/// Opens each shard once, for the files are in order.
fn name_each(
    shared: &Arc<Shared>,
    arrivals: &mut [Incoming],
    mut name: impl FnMut(&mut Incoming, &cap_std::fs::Dir, &str) -> io::Result<()>,
) -> Result<()> {
    for group in arrivals.chunk_by_mut(|one, next| one.sha256().0[0] == next.sha256().0[0]) {
        let first = group[0].sha256().0[0];
        let folder = shared.folders.shard(first).context("open the store")?;
        for file in group {
            let digest = file.sha256();
            name(file, &folder, &file_name(&digest))
                .with_context(|| format!("give the file sha256:{digest} its name"))?;
        }
    }
    Ok(())
}

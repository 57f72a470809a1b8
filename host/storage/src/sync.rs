//! Making placed files durable: whoever waits at the same time shares one sync.
//!
//! **Invariant**: an answer "durable" is given only after a sync that began when the file had its
//! bytes, and another (or the same) that began when it had its name.

use std::collections::BTreeSet;
use std::io::{Error as IoError, ErrorKind};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::task;

use crate::directory::Shared;
use crate::durable::{Durable, Placed};
use crate::error::{Context as _, Error, Result};
use crate::incoming::Incoming;
use crate::place::replace;

/// Up to so many files are synced one by one. A sync of the file system also waits for what other
/// programs wrote; each file by itself costs a flush of the disk, and these add up.
pub(crate) const FEW: usize = 16;

/// Who waits for a sync, and how often one failed.
#[derive(Debug, Default)]
pub(crate) struct GroupSync {
    queue: Mutex<Queue>,
    failures: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    running: bool,
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    placed: Placed,
    answer: oneshot::Sender<Result<Durable>>,
}

impl GroupSync {
    /// How many syncs of the whole file system have failed.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::SeqCst)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everybody who waits now. With nobody left, the next one who comes starts again.
    fn next_round(&self) -> Option<Vec<Waiting>> {
        let mut queue = self.queue();
        if queue.waiting.is_empty() {
            queue.running = false;
            return None;
        }
        Some(mem::take(&mut queue.waiting))
    }
}

/// Waits for a sync that begins after this call. The sync goes on if the caller gives up.
pub(crate) async fn make_durable(shared: &Arc<Shared>, placed: Placed) -> Result<Durable> {
    if placed.arrivals.is_empty() {
        return Ok(Durable::proven(placed.files, placed.hold));
    }
    let (answer, answered) = oneshot::channel();
    let idle = {
        let mut queue = shared.sync.queue();
        queue.waiting.push(Waiting { placed, answer });
        !mem::replace(&mut queue.running, true)
    };
    if idle {
        let shared = Arc::clone(shared);
        task::spawn_blocking(move || run(&shared));
    }
    answered.await.unwrap_or_else(|_| {
        let stopping = IoError::new(ErrorKind::Interrupted, "the server is stopping");
        Err(Error::io("bring files to the disk", stopping))
    })
}

/// Syncs round after round until nobody waits.
fn run(shared: &Arc<Shared>) {
    let guard = Running(shared);
    while let Some(round) = shared.sync.next_round() {
        sync_round(shared, round);
    }
    mem::forget(guard);
}

/// Lets others start again should a round panic: else they would wait forever.
struct Running<'a>(&'a Shared);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.sync.queue();
        queue.running = false;
        queue.waiting.clear();
    }
}

fn sync_round(shared: &Arc<Shared>, mut round: Vec<Waiting>) {
    let files = || round.iter().flat_map(|waiting| &waiting.placed.arrivals);
    let alone = files().count() <= FEW
        && files().all(|file| file.temporary.is_synced() || file.temporary.is_open());
    tracing::trace!(
        batches = round.len(),
        files = files().count(),
        alone,
        "syncing stored files"
    );
    let results = if alone {
        sync_each(shared, &mut round)
    } else {
        sync_all(shared, &mut round)
    };
    for (waiting, result) in round.into_iter().zip(results) {
        let Placed {
            files,
            arrivals,
            hold,
        } = waiting.placed;
        drop(arrivals);
        // Nobody may be left to hear it.
        let _ = waiting
            .answer
            .send(result.map(|()| Durable::proven(files, hold)));
    }
}

/// Each file by itself, then the folders that their names are in.
fn sync_each(shared: &Arc<Shared>, round: &mut [Waiting]) -> Vec<Result<()>> {
    // All on their way first: then the first sync takes most of the others along.
    let unsynced = round
        .iter()
        .flat_map(|waiting| &waiting.placed.arrivals)
        .filter(|file| !file.temporary.is_synced());
    unsynced.for_each(|file| file.temporary.start_writeback(0));

    let sync_one = |waiting: &mut Waiting| {
        let arrivals = &mut waiting.placed.arrivals;
        for file in &mut *arrivals {
            file.temporary.sync().context("bring a file to the disk")?;
        }
        replace(shared, arrivals)?;
        let shards: BTreeSet<_> = arrivals.iter().map(|file| file.sha256().0[0]).collect();
        for shard in shards {
            let folder = shared.folders.shard(shard);
            folder
                .and_then(|folder| shared.file_system.sync_directory(&folder))
                .context("bring the name of a file to the disk")?;
        }
        Ok(())
    };
    round.iter_mut().map(sync_one).collect()
}

/// All files with one sync of the file system, and a second one if some had to wait with their names.
fn sync_all(shared: &Arc<Shared>, round: &mut [Waiting]) -> Vec<Result<()>> {
    if let Err(error) = sync_file_system(shared) {
        return vec![Err(error); round.len()];
    }
    let failures = shared.sync.failures();
    let mut replaced = false;
    let mut results: Vec<_> = round
        .iter_mut()
        .map(|Waiting { placed, .. }| {
            if placed
                .arrivals
                .iter()
                .any(|file| is_suspect(file, failures))
            {
                let lost = IoError::other("the disk failed while they were being written");
                return Err(Error::io("bring files to the disk", lost));
            }
            replaced |= placed
                .arrivals
                .iter()
                .any(|file| !file.temporary.is_named());
            replace(shared, &mut placed.arrivals)
        })
        .collect();
    if replaced && let Err(error) = sync_file_system(shared) {
        results.fill(Err(error));
    }
    results
}

/// The kernel reports a failed write once, and the next sync succeeds although the bytes are gone.
/// So a failure spoils every file that was begun before it.
fn is_suspect(file: &Incoming, failures: u64) -> bool {
    !file.temporary.is_synced() && file.temporary.failures() < failures
}

fn sync_file_system(shared: &Shared) -> Result<()> {
    shared
        .file_system
        .sync_file_system(shared.folders.root())
        .map_err(|error| {
            shared.sync.failures.fetch_add(1, Ordering::SeqCst);
            Error::io("bring files to the disk", error)
        })
}

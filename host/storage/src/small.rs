//! Many small bodies at once: one trip to another thread, three system calls for each.

use std::sync::Arc;

use crate::directory::Shared;
use crate::error::{Context as _, Result};
use crate::hasher::MultiHasher;
use crate::incoming::{Incoming, Stored, TemporaryFile};
use crate::store::SmallBody;
use crate::sync::FEW;

/// Hashes, checks and writes each body; one that fails does not touch the others.
pub(crate) fn put_small(shared: &Arc<Shared>, bodies: Vec<SmallBody>) -> Vec<Result<Incoming>> {
    // More than a few are synced with the whole file system, and need no open file for it.
    let keep_open = bodies.len() <= FEW;
    bodies
        .into_iter()
        .map(|body| put_one(shared, body, keep_open))
        .collect()
}

fn put_one(shared: &Arc<Shared>, body: SmallBody, keep_open: bool) -> Result<Incoming> {
    let mut algorithms = body.algorithms;
    algorithms.extend(body.expected.algorithms());
    let mut hasher = MultiHasher::new(&algorithms);
    hasher.update(&body.bytes);
    let stored = Stored {
        digests: hasher.finish(),
        size: body.bytes.len() as u64,
    };
    body.expected.check(&stored.digests, stored.size)?;

    let mut temporary = TemporaryFile::create(shared).context("make a temporary file")?;
    temporary
        .append(&[body.bytes])
        .context("write a temporary file")?;
    if !keep_open {
        temporary.close();
    }
    Ok(Incoming { stored, temporary })
}

//! Digests that are being stored right now, which nothing may remove.
//!
//! Without this a file could vanish between its placing and the row that names it: a clean-up that
//! judged the digest unused, just before, would remove the new file.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::digest::Sha256Digest;

/// The digests that are held, and how often.
#[derive(Debug, Default)]
pub(crate) struct Holds(Mutex<HashMap<Sha256Digest, usize>>);

/// Keeps some digests from being removed until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Hold {
    holds: Arc<Holds>,
    digests: Vec<Sha256Digest>,
}

impl Holds {
    /// Holds digests. It must come before the files get their names.
    pub(crate) fn hold(self: &Arc<Self>, digests: Vec<Sha256Digest>) -> Hold {
        let mut counts = self.counts();
        for digest in &digests {
            *counts.entry(*digest).or_default() += 1;
        }
        drop(counts);
        Hold {
            holds: Arc::clone(self),
            digests,
        }
    }

    /// Runs `work` unless the digest is held; nobody can hold it meanwhile.
    pub(crate) fn unless_held<T>(
        &self,
        digest: &Sha256Digest,
        work: impl FnOnce() -> T,
    ) -> Option<T> {
        let counts = self.counts();
        if counts.contains_key(digest) {
            None
        } else {
            Some(work())
        }
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<Sha256Digest, usize>> {
        // Counts stay true even if `work` panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut counts = self.holds.counts();
        for digest in &self.digests {
            if let Some(count) = counts.get_mut(digest) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(digest);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_free_when_the_last_hold_is_gone() {
        let holds = Arc::new(Holds::default());
        let digest = Sha256Digest::of(b"");
        let free = || holds.unless_held(&digest, || ()).is_some();
        let first = holds.hold(vec![digest]);
        let second = holds.hold(vec![digest, Sha256Digest::of(b"other")]);
        assert!(!free());
        drop(first);
        assert!(!free());
        drop(second);
        assert!(free());
    }
}

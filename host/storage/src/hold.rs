//! Digests that are being stored right now, which nothing may remove.
//!
//! Without this a file could vanish between its placing and the row that names it: a clean-up that
//! judged the digest unused, just before, would remove the new file.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::digest::Sha256Digest;

/// The digests that are held, and how often. Apart by their first byte, as the files are:
/// several threads remove at the same time.
#[derive(Debug)]
pub(crate) struct Holds(Box<[Mutex<Counts>; 256]>);

type Counts = HashMap<Sha256Digest, usize>;

impl Default for Holds {
    fn default() -> Self {
        Self(Box::new(std::array::from_fn(|_| Mutex::default())))
    }
}

/// Keeps some digests from being removed until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Hold {
    holds: Arc<Holds>,
    digests: Vec<Sha256Digest>,
}

impl Holds {
    /// Holds digests. It must come before the files get their names.
    pub(crate) fn hold(self: &Arc<Self>, digests: Vec<Sha256Digest>) -> Hold {
        for digest in &digests {
            *self.counts(digest).entry(*digest).or_default() += 1;
        }
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
        let counts = self.counts(digest);
        if counts.contains_key(digest) {
            None
        } else {
            Some(work())
        }
    }

    fn counts(&self, digest: &Sha256Digest) -> MutexGuard<'_, Counts> {
        let counts = &self.0[usize::from(digest.0[0])];
        // Counts stay true even if `work` panicked.
        counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        for digest in &self.digests {
            let mut counts = self.holds.counts(digest);
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

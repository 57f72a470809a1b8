//! One at a time for each session, first come, first served, within this process.
//!
//! Other processes are kept out by the lock on the session's file, which the kernel gives back when
//! a process dies.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::session::SessionName;

/// Whose turn it is.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<HashMap<SessionName, Arc<Gate>>>);

#[derive(Debug)]
struct Gate {
    place: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// A turn; the next one's comes when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Arc<Turns>,
    name: SessionName,
    gate: Arc<Gate>,
    place: Option<OwnedSemaphorePermit>,
}

impl Turns {
    /// Waits for a turn.
    pub(crate) async fn take(self: &Arc<Self>, name: SessionName) -> Turn {
        let gate = Arc::clone(self.gates().entry(name).or_insert_with(|| {
            Arc::new(Gate {
                place: Arc::new(Semaphore::new(1)),
                waiting: AtomicUsize::new(0),
            })
        }));
        // Tidies up too if it is given up while it waits.
        let mut turn = Turn {
            turns: Arc::clone(self),
            name,
            gate,
            place: None,
        };
        let waiting = Waiting::new(&turn.gate.waiting);
        let place = Arc::clone(&turn.gate.place).acquire_owned().await;
        drop(waiting);
        turn.place = place.ok();
        turn
    }

    fn gates(&self) -> MutexGuard<'_, HashMap<SessionName, Arc<Gate>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts whoever waits, also one who gives up.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Turn {
    /// Whether somebody waits for it to end.
    pub(crate) fn is_contested(&self) -> bool {
        self.gate.waiting.load(Ordering::Relaxed) > 0
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.place.take());
        let mut gates = self.turns.gates();
        // The map's and this one's: nobody waits.
        if Arc::strong_count(&self.gate) == 2 {
            gates.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn turns_come_one_by_one_and_leave_nothing() {
        let turns = Arc::new(Turns::default());
        let name = SessionName(7);
        let first = turns.take(name).await;
        let other = turns.take(SessionName(8)).await;
        assert!(!first.is_contested());
        let waiting = tokio::spawn({
            let turns = Arc::clone(&turns);
            async move { drop(turns.take(name).await) }
        });
        let impatient = tokio::time::timeout(Duration::from_millis(20), turns.take(name));
        assert!(impatient.await.is_err());
        assert!(first.is_contested());
        assert!(!other.is_contested());
        drop(first);
        waiting.await.unwrap();
        drop(other);
        assert!(turns.gates().is_empty());
    }
}

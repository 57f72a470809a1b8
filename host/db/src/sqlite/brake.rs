//! What ends a question on a connection: a client's time that is over, or a trial on a thread
//! that must not wait.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Result};

/// How many of its steps SQLite makes between two looks at the brake: some ten microseconds.
const STEPS: i32 = 1_000;

/// How many looks a trial has: half a millisecond of work. Not of time, for a thread that others
/// hold up tells nothing of the question.
const LOOKS: u32 = 25;

/// No moment.
const NEVER: u64 = u64::MAX;

/// The brake of one connection.
#[derive(Debug)]
pub(crate) struct Brake {
    began: Instant,
    /// Microseconds since then.
    limit: AtomicU64,
    /// The looks that a trial has left, while there is one.
    trial: AtomicU32,
}

impl Brake {
    /// Puts a brake on a connection.
    pub(super) fn install(connection: &Connection) -> Result<Arc<Self>> {
        let brake = Arc::new(Self {
            began: Instant::now(),
            limit: AtomicU64::new(NEVER),
            trial: AtomicU32::new(u32::MAX),
        });
        let own = Arc::clone(&brake);
        connection.progress_handler(STEPS, Some(move || own.is_due()))?;
        Ok(brake)
    }

    /// Ends what is asked from now on after so long; without a time, never.
    pub(crate) fn limit(&self, time: Option<Duration>) {
        let until = time.map(|time| micros(self.began.elapsed() + time));
        self.limit.store(until.unwrap_or(NEVER), Ordering::Relaxed);
    }

    /// Ends what is asked as long as the trial lives when it took the work of one.
    pub(super) fn begin_trial(&self) -> Trial<'_> {
        self.trial.store(LOOKS, Ordering::Relaxed);
        Trial(self)
    }

    /// Whether there is a limit.
    pub(super) fn is_limited(&self) -> bool {
        self.limit.load(Ordering::Relaxed) != NEVER
    }

    /// Whether the limit has passed.
    pub(super) fn is_over(&self) -> bool {
        self.is_limited() && micros(self.began.elapsed()) >= self.limit.load(Ordering::Relaxed)
    }

    fn is_due(&self) -> bool {
        // Only the thread that asks looks, and it does not begin or end a trial meanwhile.
        let left = self.trial.load(Ordering::Relaxed);
        if left == 0 {
            return true;
        }
        if left != u32::MAX {
            self.trial.store(left - 1, Ordering::Relaxed);
        }
        self.is_over()
    }
}

/// A trial that goes on; dropped, it is over.
pub(super) struct Trial<'a>(&'a Brake);

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        self.0.trial.store(u32::MAX, Ordering::Relaxed);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(NEVER)
}

/// So many texts are remembered. What is forgotten is tried once more.
const TEXTS: usize = 1_000;

/// A question that was slow is tried again after so many times: it may have become quick.
const REST: u32 = 100;

/// Which questions were slow, and how often they are not to be tried still; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Trials(Arc<Mutex<HashMap<u64, u32>>>);

impl Trials {
    /// Whether to try this one.
    pub(super) fn may_be_quick(&self, text: &str) -> bool {
        let key = key(text);
        let mut slow = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match slow.get_mut(&key) {
            None => true,
            Some(0) => {
                slow.remove(&key);
                true
            }
            Some(rest) => {
                *rest -= 1;
                false
            }
        }
    }

    /// Remembers that this one was not.
    pub(super) fn was_slow(&self, text: &str) {
        let mut slow = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slow.len() >= TEXTS {
            slow.clear();
        }
        slow.insert(key(text), REST);
    }
}

fn key(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It counts for minutes.
    const LONG: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
        SELECT MAX(i) FROM (SELECT i FROM n LIMIT 10000000000)";

    #[test]
    fn a_question_ends_by_the_limit_and_by_the_trial() {
        let connection = Connection::open_in_memory().expect("a database");
        let brake = Brake::install(&connection).expect("a brake");
        let ask = || connection.query_row(LONG, [], |row| row.get::<_, i64>(0));
        let trial = brake.begin_trial();
        assert!(ask().is_err());
        assert!(!brake.is_over(), "that was the trial");
        drop(trial);
        brake.limit(Some(Duration::from_millis(20)));
        assert!(ask().is_err());
        assert!(brake.is_over());
        brake.limit(None);
        let brief = connection.query_row("SELECT 7", [], |row| row.get::<_, i64>(0));
        assert_eq!(brief, Ok(7));
    }

    #[test]
    fn what_was_slow_is_tried_again_after_a_while() {
        let trials = Trials::default();
        assert!(trials.may_be_quick("one"));
        trials.was_slow("one");
        let tried = (0..=REST).filter(|_| trials.may_be_quick("one")).count();
        assert_eq!(tried, 1);
        assert!(trials.may_be_quick("one"), "it was not slow again");
        assert!(trials.may_be_quick("two"));
    }
}

//! A connection in use, and the thread on which it is asked.
//!
//! Invariants: a connection goes back only when nothing runs on it any more, and a question
//! whose asker went away is interrupted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use deadpool::managed::Object;
use rusqlite::{Connection, InterruptHandle};
use tokio::sync::{OwnedMutexGuard, mpsc};

use super::brake::Brake;
use super::insertion::Insertion;
use super::query::{Query, SqliteRow};
use super::readers::Manager;
use super::writer::Slot;
use crate::error::{Error, Result};

/// Rows that travel between threads together.
const BATCH: usize = 256;

/// How many batches may be under way.
const BATCHES: usize = 2;

/// How long a question may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speed {
    /// Microseconds: an index answers, few rows change, nothing waits for the disk. It is
    /// asked on the caller's thread.
    Quick,
    /// Nobody knows. It is asked on a thread that may wait; what only reads is tried on the
    /// caller's first, for half a millisecond: most is answered by then.
    Slow,
}

/// A borrowed connection; it goes back when this is dropped.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "it lies behind an Arc as long as it lives"
)]
pub(crate) enum Lease {
    /// From the pool.
    Reader(Object<Manager>),
    /// The only one that writes.
    Writer(OwnedMutexGuard<Slot>),
}

impl Lease {
    /// The connection.
    ///
    /// # Errors
    /// When the writer's connection was given up.
    pub(crate) fn connection(&mut self) -> Result<&mut Connection> {
        match self {
            Self::Reader(reader) => Ok(&mut reader.connection),
            Self::Writer(slot) => slot.connection(),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Self::Writer(slot) = self {
            slot.roll_back();
        }
    }
}

/// A connection in use.
#[derive(Debug)]
pub(crate) struct Session {
    lease: Arc<Mutex<Lease>>,
    /// Of a reader's connection.
    brake: Option<Arc<Brake>>,
}

impl Session {
    pub(crate) fn new(lease: Lease) -> Self {
        let brake = match &lease {
            Lease::Reader(reader) => Some(Arc::clone(&reader.brake)),
            Lease::Writer(_) => None,
        };
        Self {
            lease: Arc::new(Mutex::new(lease)),
            brake,
        }
    }

    /// The connection, if no question runs on it.
    fn idle(&self) -> Option<MutexGuard<'_, Lease>> {
        match self.lease.try_lock() {
            Ok(lease) => Some(lease),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Does something with the connection.
    pub(crate) async fn with<T: Send + 'static>(
        &self,
        speed: Speed,
        work: impl FnOnce(&mut Lease) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if speed == Speed::Quick
            && let Some(mut lease) = self.idle()
        {
            return work(&mut lease);
        }
        let asking = Asking::default();
        let ended = asking.spawn(Arc::clone(&self.lease), work);
        ended
            .await
            .map_err(|_| Error::Unexpected("a question that broke off".into()))?
    }

    /// The brake of a reader's connection.
    pub(crate) fn brake(&self) -> Option<Arc<Brake>> {
        self.brake.clone()
    }

    /// Asks on this thread what may turn out to be quick; nothing if it does not. Only of
    /// readers, whose questions may be asked twice.
    fn tried<T>(
        &self,
        query: &Query,
        ask: impl FnOnce(&Query, &Connection) -> rusqlite::Result<T>,
    ) -> Option<Result<T>> {
        let lease = self.idle()?;
        let Lease::Reader(reader) = &*lease else {
            return None;
        };
        // What has a limit is known to be slow, and one of its steps may look for a pattern in a
        // long text.
        let is_slow = query.is_bulky() || reader.brake.is_limited();
        if is_slow || !reader.trials.may_be_quick(query.text()) {
            return None;
        }
        let trial = reader.brake.begin_trial();
        let answer = ask(query, &reader.connection).map_err(Error::from);
        drop(trial);
        if matches!(answer, Err(Error::TimedOut)) {
            reader.trials.was_slow(query.text());
            return None;
        }
        Some(answer)
    }

    /// Does something with the connection that nobody waits for; it goes back then.
    pub(crate) fn leave_to(self, work: impl FnOnce(&mut Lease) + Send + 'static) {
        tokio::task::spawn_blocking(move || work(&mut lock(&self.lease)));
    }

    /// Runs a statement; how many rows it changed.
    pub(crate) async fn execute(&self, speed: Speed, query: Query) -> Result<u64> {
        self.with(speed, move |lease| Ok(query.execute(lease.connection()?)?))
            .await
    }

    /// Inserts rows; how many there are more, or other.
    pub(crate) async fn insert(&self, speed: Speed, insertion: Insertion) -> Result<u64> {
        self.with(speed, |lease| Ok(insertion.execute(lease.connection()?)?))
            .await
    }

    /// All rows of an answer.
    pub(crate) async fn all(&self, speed: Speed, query: Query) -> Result<Vec<SqliteRow>> {
        if speed == Speed::Slow
            && let Some(answer) = self.tried(&query, Query::all)
        {
            return answer;
        }
        self.with(speed, move |lease| Ok(query.all(lease.connection()?)?))
            .await
    }

    /// The first row of an answer.
    pub(crate) async fn first(&self, speed: Speed, query: Query) -> Result<Option<SqliteRow>> {
        if speed == Speed::Slow
            && let Some(answer) = self.tried(&query, Query::first)
        {
            return answer;
        }
        self.with(speed, move |lease| Ok(query.first(lease.connection()?)?))
            .await
    }

    /// The rows of an answer while they arrive.
    pub(crate) fn stream(&self, query: Query) -> Rows {
        let (sender, receiver) = mpsc::channel(BATCHES);
        let asking = Asking::default();
        // What it answers says nothing that the channel does not.
        drop(asking.spawn(Arc::clone(&self.lease), move |lease| {
            let mut batch = Vec::with_capacity(BATCH);
            let asked = lease.connection().and_then(|connection| {
                query.each(connection, |row| {
                    batch.push(row);
                    batch.len() < BATCH
                        || sender.blocking_send(Ok(std::mem::take(&mut batch))).is_ok()
                })?;
                Ok(())
            });
            let last = asked.map(|()| batch);
            let _ = sender.blocking_send(last);
            Ok(())
        }));
        Rows {
            receiver,
            batch: Vec::new().into_iter(),
            _asking: asking,
        }
    }
}

fn lock(lease: &Mutex<Lease>) -> MutexGuard<'_, Lease> {
    // Whoever panicked left a transaction at most, and that is rolled back.
    lease.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Rows that arrive from another thread.
#[derive(Debug)]
pub(crate) struct Rows {
    receiver: mpsc::Receiver<Result<Vec<SqliteRow>>>,
    batch: std::vec::IntoIter<SqliteRow>,
    _asking: Asking,
}

impl Rows {
    /// The next row.
    pub(crate) async fn next(&mut self) -> Result<Option<SqliteRow>> {
        loop {
            if let Some(row) = self.batch.next() {
                return Ok(Some(row));
            }
            match self.receiver.recv().await {
                Some(batch) => self.batch = batch?.into_iter(),
                None => return Ok(None),
            }
        }
    }
}

/// A question on another thread; dropped before it is answered, it ends.
#[derive(Debug, Default)]
struct Asking(Arc<Mutex<Stage>>);

#[derive(Default)]
enum Stage {
    #[default]
    Waits,
    Runs(InterruptHandle),
    Over,
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Waits => "Waits",
            Self::Runs(_) => "Runs",
            Self::Over => "Over",
        })
    }
}

impl Asking {
    fn spawn<T: Send + 'static>(
        &self,
        lease: Arc<Mutex<Lease>>,
        work: impl FnOnce(&mut Lease) -> Result<T> + Send + 'static,
    ) -> tokio::task::JoinHandle<Result<T>> {
        let stage = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || {
            let mut lease = lock(&lease);
            let interrupt = lease.connection()?.get_interrupt_handle();
            {
                let mut stage = lock_stage(&stage);
                if matches!(*stage, Stage::Over) {
                    return Err(Error::TimedOut);
                }
                *stage = Stage::Runs(interrupt);
            }
            let answer = work(&mut lease);
            // Before the connection is free for others, who are not to be interrupted.
            *lock_stage(&stage) = Stage::Over;
            answer
        })
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let mut stage = lock_stage(&self.0);
        if let Stage::Runs(interrupt) = &*stage {
            interrupt.interrupt();
        }
        *stage = Stage::Over;
    }
}

fn lock_stage(stage: &Mutex<Stage>) -> MutexGuard<'_, Stage> {
    stage.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::sqlite::{Readers, Writer};

    /// It counts for minutes.
    const LONG: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
        SELECT MAX(i) FROM (SELECT i FROM n LIMIT 10000000000)";

    const HUNDRED_THOUSAND: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
         SELECT i FROM n LIMIT 100000";

    async fn readers() -> (tempfile::TempDir, Readers) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("test.sqlite");
        Writer::open(path.clone()).await.expect("a writer");
        let readers = Readers::of(path).expect("readers");
        (folder, readers)
    }

    fn query(text: &str) -> Query {
        Query::new(text, Vec::new())
    }

    #[tokio::test]
    async fn a_question_ends_when_its_asker_goes_away() {
        let (_folder, readers) = readers().await;
        let session = readers.get().await.expect("a reader");
        let asked = session.all(Speed::Slow, query(LONG));
        let short = Duration::from_millis(50);
        assert!(tokio::time::timeout(short, asked).await.is_err());
        let begun = Instant::now();
        let next = session.all(Speed::Quick, query("SELECT 7")).await;
        assert_eq!(next.expect("an answer"), [[7.into()]]);
        assert!(begun.elapsed() < Duration::from_secs(5));
    }

    #[tokio::test]
    async fn rows_arrive_in_order_and_as_many_as_are_wanted() {
        let (_folder, readers) = readers().await;
        let session = readers.get().await.expect("a reader");
        let mut rows = session.stream(query(HUNDRED_THOUSAND));
        let mut last = 0;
        while let Some(row) = rows.next().await.expect("a row") {
            last += 1;
            assert_eq!(row, [last.into()]);
        }
        assert_eq!(last, 100_000);
        let mut rows = session.stream(query(LONG.replace("MAX(i)", "i").as_str()));
        for _ in 0..1000 {
            rows.next().await.expect("a row").expect("one more");
        }
        drop(rows);
        let next = session.all(Speed::Slow, query("SELECT 7")).await;
        assert_eq!(next.expect("an answer"), [[7.into()]]);
    }

    #[tokio::test]
    async fn an_error_in_the_middle_reaches_whoever_reads_the_rows() {
        let (_folder, readers) = readers().await;
        let session = readers.get().await.expect("a reader");
        let text = "SELECT json_extract(CASE WHEN i < 600 THEN '1' ELSE 'no JSON' END, '$')
            FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
                  SELECT i FROM n LIMIT 1000)";
        let mut rows = session.stream(query(text));
        let mut count = 0;
        let ended = loop {
            match rows.next().await {
                Ok(Some(_)) => count += 1,
                other => break other,
            }
        };
        assert!(ended.is_err());
        assert_eq!(count, 512);
    }

    #[tokio::test]
    async fn what_is_not_quick_leaves_the_callers_thread() {
        let (_folder, readers) = readers().await;
        let session = readers.get().await.expect("a reader");
        // Some ten milliseconds: longer than a trial.
        let text = HUNDRED_THOUSAND
            .replace("SELECT i FROM n", "SELECT COUNT(*) FROM (SELECT i FROM n")
            + ")";
        for _ in 0..3 {
            let counted = session.first(Speed::Slow, query(&text)).await;
            assert_eq!(counted.expect("an answer"), Some(vec![100_000.into()]));
        }
        let Lease::Reader(reader) = &*session.idle().expect("no question runs") else {
            unreachable!("it is a reader's");
        };
        assert!(!reader.trials.may_be_quick(&text));
        assert!(reader.trials.may_be_quick("SELECT 7"));
    }

    #[tokio::test]
    async fn a_limit_ends_a_question() {
        let (_folder, readers) = readers().await;
        let session = readers.get().await.expect("a reader");
        let brake = session.brake().expect("a brake");
        for time in [Duration::ZERO, Duration::from_millis(30)] {
            brake.limit(Some(time));
            let asked = session.all(Speed::Slow, query(LONG)).await;
            assert!(matches!(asked, Err(Error::TimedOut)));
        }
        brake.limit(None);
        let next = session.all(Speed::Slow, query("SELECT 7")).await;
        assert_eq!(next.expect("an answer"), [[7.into()]]);
    }

    #[tokio::test]
    async fn readers_change_nothing() {
        let (_folder, readers) = readers().await;
        let session = readers.get().await.expect("a reader");
        let query = query("CREATE TABLE t (x INTEGER)");
        assert!(session.execute(Speed::Slow, query).await.is_err());
    }
}

//! SQLite's one writer: a connection that is handed from transaction to transaction.
//!
//! Not a pool of one: a pool asks its connection whether it is well before and after each
//! use, two trips to the connection's thread that everybody waits for who wants to write.
//!
//! Invariant: who is in line is served in order, and a transaction that was given up is
//! rolled back before the next one begins.

use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Executor as _};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::error::{Error, Result};

/// Whoever waits longer for its turn is told that the database is busy.
const PATIENCE: Duration = Duration::from_mins(2);

/// The writer; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Writer(Arc<Mutex<Slot>>);

#[derive(Debug)]
struct Slot {
    /// None once it was closed.
    options: Option<SqliteConnectOptions>,
    /// None after it failed: the next turn opens it again.
    connection: Option<SqliteConnection>,
    /// Whether commits wait for the disk now, where that is certain.
    durable: Option<bool>,
    /// Whether a transaction may have been begun and not ended.
    is_open: bool,
}

/// A transaction of the writer; rolled back when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    /// There until the drop.
    slot: Option<OwnedMutexGuard<Slot>>,
}

impl Writer {
    /// Opens the connection.
    pub(crate) async fn open(options: SqliteConnectOptions) -> Result<Self> {
        let connection = SqliteConnection::connect_with(&options).await?;
        Ok(Self(Arc::new(Mutex::new(Slot {
            options: Some(options),
            connection: Some(connection),
            durable: None,
            is_open: false,
        }))))
    }

    /// Waits for a turn and begins a transaction.
    pub(crate) async fn begin(&self, durable: bool) -> Result<Turn> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.0).lock_owned());
        let mut slot = turn.await.map_err(|_| Error::TimedOut)?;
        let begun = slot.begin(durable).await;
        if begun.is_err() {
            slot.connection = None;
        }
        begun?;
        Ok(Turn { slot: Some(slot) })
    }

    /// Waits for the last transaction and closes the connection.
    pub(crate) async fn close(&self) {
        let mut slot = self.0.lock().await;
        slot.options = None;
        if let Some(connection) = slot.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the database was not closed in order: {error}");
        }
    }
}

impl Slot {
    async fn begin(&mut self, durable: bool) -> Result<()> {
        self.roll_back().await;
        if self.connection.is_none() {
            let options = self.options.as_ref().ok_or(sqlx::Error::PoolClosed)?;
            self.connection = Some(SqliteConnection::connect_with(options).await?);
            self.durable = None;
        }
        if self.durable != Some(durable) {
            let pragma = if durable {
                "PRAGMA synchronous = FULL"
            } else {
                "PRAGMA synchronous = NORMAL"
            };
            // Whoever waits here may be gone when it is done, and then nobody knows.
            self.durable = None;
            self.connection().execute(pragma).await?;
            self.durable = Some(durable);
        }
        // Before it is asked for, for the same reason.
        self.is_open = true;
        self.connection().execute("BEGIN IMMEDIATE").await?;
        Ok(())
    }

    fn connection(&mut self) -> &mut SqliteConnection {
        self.connection
            .as_mut()
            .expect("a turn begins with an open connection and closes none")
    }

    /// Takes back what nobody committed.
    async fn roll_back(&mut self) {
        if self.is_open
            && let Some(connection) = &mut self.connection
            // It fails where the transaction has ended by itself, as after a full disk.
            && let Err(error) = connection.execute("ROLLBACK").await
        {
            tracing::debug!(%error, "there was nothing to take back: {error}");
        }
        self.is_open = false;
    }
}

impl Turn {
    /// The connection, inside of the transaction.
    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        let slot = self.slot.as_mut();
        slot.expect("a turn has its slot until it is dropped")
            .connection()
    }

    /// Makes it visible and gives the turn to the next.
    pub(crate) async fn commit(mut self) -> Result<()> {
        self.connection().execute("COMMIT").await?;
        if let Some(slot) = &mut self.slot {
            slot.is_open = false;
        }
        Ok(())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(mut slot) = self.slot.take() else {
            return;
        };
        // At once and not by the next who comes: other processes wait for the file's lock.
        if slot.is_open
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move { slot.roll_back().await });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use sqlx::Row as _;

    use super::*;

    async fn writer() -> (tempfile::TempDir, Writer) {
        let folder = tempfile::tempdir().expect("a folder");
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("test.sqlite"))
            .create_if_missing(true)
            .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
        let writer = Writer::open(options).await.expect("a writer");
        let mut turn = writer.begin(true).await.expect("a turn");
        let table = "CREATE TABLE t (x INTEGER)";
        turn.connection().execute(table).await.expect("a table");
        turn.commit().await.expect("committed");
        (folder, writer)
    }

    async fn number(turn: &mut Turn, question: &'static str) -> i64 {
        let row = turn.connection().fetch_one(question).await;
        row.expect("a row").get(0)
    }

    /// Asks for a turn, looks for it `polls` times, and goes away.
    fn begin_and_leave(writer: &Writer, durable: bool, polls: usize) {
        let mut begun = pin!(writer.begin(durable));
        for _ in 0..polls {
            let mut context = Context::from_waker(Waker::noop());
            if begun.as_mut().poll(&mut context).is_ready() {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[tokio::test]
    async fn commits_stay_durable_when_somebody_went_away_while_waiting() {
        let (_folder, writer) = writer().await;
        for polls in 1..6 {
            begin_and_leave(&writer, false, polls);
            let mut turn = writer.begin(true).await.expect("a turn");
            // FULL
            assert_eq!(number(&mut turn, "PRAGMA synchronous").await, 2, "{polls}");
            turn.commit().await.expect("committed");
        }
    }

    #[tokio::test]
    async fn what_was_not_committed_never_happened() {
        let (_folder, writer) = writer().await;
        for polls in 0..6 {
            begin_and_leave(&writer, polls % 2 == 0, polls);
            let mut turn = writer.begin(false).await.expect("a turn");
            let insert = "INSERT INTO t (x) VALUES (1)";
            turn.connection().execute(insert).await.expect("inserted");
            drop(turn);
            let mut turn = writer.begin(false).await.expect("a turn");
            assert_eq!(number(&mut turn, "SELECT COUNT(*) FROM t").await, 0);
            turn.commit().await.expect("committed");
        }
    }

    #[tokio::test]
    async fn nothing_begins_once_it_is_closed() {
        let (_folder, writer) = writer().await;
        writer.close().await;
        assert!(writer.begin(false).await.is_err());
    }
}

//! SQLite's one writer: a connection that is handed from transaction to transaction.
//!
//! Invariant: who is in line is served in order, and a transaction that was given up is
//! rolled back before the next one begins.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::Mutex;

use super::connect;
use super::session::{Lease, Session, Speed};
use crate::error::{Error, Result};

/// Whoever waits longer for its turn is told that the database is busy.
const PATIENCE: Duration = Duration::from_mins(2);

/// How many pages (of 4 KiB) the log has before they are copied to where they belong, which
/// waits for the disk twice.
const LOG_PAGES: i32 = 8192;

/// The writer; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Writer(Arc<Mutex<Slot>>);

/// What is handed on.
#[derive(Debug)]
pub(crate) struct Slot {
    /// None once it was closed.
    path: Option<PathBuf>,
    /// None after it failed: the next turn opens it again.
    connection: Option<Connection>,
    /// Whether commits wait for the disk now.
    durable: bool,
    /// Whether a transaction was begun and not ended.
    is_open: bool,
}

thread_local! {
    /// How long the log is after the last commit of this thread, in pages. SQLite tells a
    /// function that knows nothing else.
    static LOG: Cell<i32> = const { Cell::new(0) };
}

impl Slot {
    /// The connection.
    pub(super) fn connection(&mut self) -> Result<&mut Connection> {
        self.connection.as_mut().ok_or(Error::Closed)
    }

    fn take_over(&mut self, connection: Connection) {
        connection.wal_hook(Some(|_, pages| {
            LOG.set(pages);
            Ok(())
        }));
        self.durable = false;
        self.connection = Some(connection);
    }

    /// Begins a transaction; waits so long for other programs.
    fn begin(&mut self, durable: bool, patience: Duration) -> Result<()> {
        if self.durable != durable {
            let level = if durable { "FULL" } else { "NORMAL" };
            self.connection()?
                .execute_batch(&format!("PRAGMA synchronous = {level}"))?;
            self.durable = durable;
        }
        let connection = self.connection()?;
        connection.busy_timeout(patience)?;
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        self.is_open = true;
        Ok(())
    }

    /// Commits; how many pages the log has then.
    fn commit(&mut self) -> Result<i32> {
        LOG.set(0);
        self.connection()?.prepare_cached("COMMIT")?.execute([])?;
        self.is_open = false;
        Ok(LOG.get())
    }

    /// Takes back what nobody committed.
    pub(super) fn roll_back(&mut self) {
        if std::mem::take(&mut self.is_open)
            && let Some(connection) = &self.connection
            // It may have ended by itself, as after a full disk.
            && !connection.is_autocommit()
            && let Err(error) = connection.execute_batch("ROLLBACK")
        {
            tracing::warn!(%error, "the writer is opened again: {error}");
            self.connection = None;
        }
    }

    /// Copies the log's pages to where they belong.
    fn checkpoint(&mut self) {
        let Some(connection) = &self.connection else {
            return;
        };
        // Others may read meanwhile; what they still need stays for the next time.
        if let Err(error) = connection.execute_batch("PRAGMA wal_checkpoint(PASSIVE)") {
            tracing::warn!(%error, "the database's log was not cleared: {error}");
        }
    }
}

/// A transaction of the writer; rolled back when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    session: Session,
    durable: bool,
    /// Whether everything in it was quick, so that its commit is.
    is_quick: bool,
}

impl Writer {
    /// Opens the connection.
    pub(crate) async fn open(path: PathBuf) -> Result<Self> {
        let mut slot = Slot {
            path: Some(path.clone()),
            connection: None,
            durable: false,
            is_open: false,
        };
        slot.take_over(connect(path).await?);
        Ok(Self(Arc::new(Mutex::new(slot))))
    }

    /// Waits for a turn and begins a transaction.
    pub(crate) async fn begin(&self, durable: bool) -> Result<Turn> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.0).lock_owned());
        let mut slot = turn.await.map_err(|_| Error::TimedOut)?;
        let path = slot.path.clone().ok_or(Error::Closed)?;
        if slot.connection.is_none() {
            let connection = connect(path).await?;
            slot.take_over(connection);
        }
        let session = Session::new(Lease::Writer(slot));
        let begin = move |patience| {
            move |lease: &mut Lease| match lease {
                Lease::Writer(slot) => slot.begin(durable, patience),
                Lease::Reader(_) => Err(Error::Closed),
            }
        };
        // Nobody else writes, as a rule; if another program does, a thread waits for it.
        match session.with(Speed::Quick, begin(Duration::ZERO)).await {
            Err(Error::Serialization) => {
                session.with(Speed::Slow, begin(connect::PATIENCE)).await?;
            }
            begun => begun?,
        }
        Ok(Turn {
            session,
            durable,
            is_quick: true,
        })
    }

    /// Waits for the last transaction and closes the connection.
    pub(crate) async fn close(&self) {
        let mut slot = self.0.lock().await;
        slot.path = None;
        if let Some(connection) = slot.connection.take() {
            let closed = tokio::task::spawn_blocking(move || {
                if let Err((_, error)) = connection.close() {
                    tracing::warn!(%error, "the database was not closed in order: {error}");
                }
            });
            let _ = closed.await;
        }
    }
}

async fn connect(path: PathBuf) -> Result<Connection> {
    let opened = tokio::task::spawn_blocking(move || connect::writer(&path)).await;
    Ok(opened.map_err(|_| Error::Unexpected("a writer that broke".into()))??)
}

impl Turn {
    /// The connection, inside of the transaction, for a question that takes so long.
    pub(crate) fn session(&mut self, speed: Speed) -> &Session {
        self.is_quick &= speed == Speed::Quick;
        &self.session
    }

    /// Makes it visible and gives the turn to the next.
    pub(crate) async fn commit(self) -> Result<()> {
        let speed = if self.is_quick && !self.durable {
            Speed::Quick
        } else {
            Speed::Slow
        };
        let commit = |lease: &mut Lease| match lease {
            Lease::Writer(slot) => slot.commit(),
            Lease::Reader(_) => Err(Error::Closed),
        };
        if self.session.with(speed, commit).await? >= LOG_PAGES {
            self.session.leave_to(|lease| {
                if let Lease::Writer(slot) = lease {
                    slot.checkpoint();
                }
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::Query;

    async fn writer() -> (tempfile::TempDir, Writer) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("test.sqlite");
        let writer = Writer::open(path).await.expect("a writer");
        let mut turn = writer.begin(true).await.expect("a turn");
        change(&mut turn, "CREATE TABLE t (x INTEGER)").await;
        turn.commit().await.expect("committed");
        (folder, writer)
    }

    async fn change(turn: &mut Turn, text: &str) {
        let query = Query::new(text, Vec::new());
        let changed = turn.session(Speed::Slow).execute(Speed::Slow, query);
        changed.await.expect("changed");
    }

    async fn number(turn: &mut Turn, text: &str) -> rusqlite::types::Value {
        let query = Query::new(text, Vec::new());
        let rows = turn.session(Speed::Quick).all(Speed::Quick, query).await;
        rows.expect("an answer")[0][0].clone()
    }

    const INSERT: &str = "INSERT INTO t (x) VALUES (1)";

    #[tokio::test]
    async fn what_was_not_committed_never_happened() {
        let (_folder, writer) = writer().await;
        for durable in [false, true, false] {
            let mut turn = writer.begin(durable).await.expect("a turn");
            change(&mut turn, INSERT).await;
            drop(turn);
            let mut turn = writer.begin(durable).await.expect("a turn");
            let count = number(&mut turn, "SELECT COUNT(*) FROM t").await;
            assert_eq!(count, 0.into());
        }
    }

    #[tokio::test]
    async fn commits_are_as_durable_as_asked_for() {
        let (_folder, writer) = writer().await;
        for (durable, level) in [(true, 2), (false, 1), (true, 2), (true, 2)] {
            let mut turn = writer.begin(durable).await.expect("a turn");
            let found = number(&mut turn, "PRAGMA synchronous").await;
            assert_eq!(found, level.into());
            turn.commit().await.expect("committed");
        }
    }

    #[tokio::test]
    async fn the_log_does_not_grow_with_what_was_written() {
        let (folder, writer) = writer().await;
        // A hundred times 1 MiB.
        let insert = "INSERT INTO t (x) VALUES (zeroblob(1048576))";
        for _ in 0..100 {
            let mut turn = writer.begin(false).await.expect("a turn");
            change(&mut turn, insert).await;
            turn.commit().await.expect("committed");
        }
        writer.begin(false).await.expect("a turn");
        let log = folder.path().join("test.sqlite-wal");
        let length = std::fs::metadata(log).expect("a log").len();
        assert!(length < 50 << 20, "{length}");
    }

    #[tokio::test]
    async fn another_program_that_writes_is_waited_for() {
        let (folder, writer) = writer().await;
        let other = Connection::open(folder.path().join("test.sqlite")).expect("open");
        other.execute_batch("BEGIN IMMEDIATE").expect("begun");
        let waiting = tokio::spawn(async move { writer.begin(false).await.map(drop) });
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!waiting.is_finished());
        other.execute_batch("COMMIT").expect("committed");
        waiting.await.expect("no panic").expect("a turn");
    }

    #[tokio::test]
    async fn nothing_begins_once_it_is_closed() {
        let (_folder, writer) = writer().await;
        writer.close().await;
        assert!(matches!(writer.begin(false).await, Err(Error::Closed)));
    }
}

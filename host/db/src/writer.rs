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
    options: SqliteConnectOptions,
    /// None after it failed: the next turn opens it again.
    connection: Option<SqliteConnection>,
    /// Whether commits wait for the disk now.
    durable: bool,
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
            options,
            connection: Some(connection),
            durable: false,
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
        if let Some(connection) = self.0.lock().await.connection.take()
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
            self.connection = Some(SqliteConnection::connect_with(&self.options).await?);
            self.durable = false;
        }
        if self.durable != durable {
            let pragma = if durable {
                "PRAGMA synchronous = FULL"
            } else {
                "PRAGMA synchronous = NORMAL"
            };
            self.connection().execute(pragma).await?;
            self.durable = durable;
        }
        // Before it is asked for: whoever waits here may be gone when it is done.
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
        if std::mem::take(&mut self.is_open)
            && let Some(connection) = &mut self.connection
        {
            // It fails where the transaction has ended by itself, as after a full disk.
            if let Err(error) = connection.execute("ROLLBACK").await {
                tracing::debug!(%error, "there was nothing to take back: {error}");
            }
        }
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

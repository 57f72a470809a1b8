//! SQLite's readers: connections that change nothing, lent one at a time.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{self, Metrics, Pool, PoolError, QueueMode, RecycleResult, Timeouts};
use rusqlite::Connection;

use super::brake::{Brake, Trials};
use super::connect;
use super::session::{Lease, Session};
use crate::error::{Error, Result};

/// How many questions are answered at once.
const MOST: usize = 16;

/// Whoever waits longer for a connection is told that the database is busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// An unused connection is closed after so long.
const IDLE: Duration = Duration::from_mins(1);

/// The readers; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Readers(Pool<Manager>);

/// Opens connections.
#[derive(Debug)]
pub(crate) struct Manager {
    path: PathBuf,
    trials: Trials,
}

/// A connection that changes nothing.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(super) connection: Connection,
    pub(super) brake: Arc<Brake>,
    /// What all readers know of questions.
    pub(super) trials: Trials,
}

impl managed::Manager for Manager {
    type Type = Reader;
    type Error = Error;

    async fn create(&self) -> Result<Reader> {
        let path = self.path.clone();
        let opened = tokio::task::spawn_blocking(move || connect::reader(&path)).await;
        let connection = opened.map_err(|_| Error::Unexpected("a reader that broke".into()))??;
        Ok(Reader {
            brake: Brake::install(&connection)?,
            connection,
            trials: self.trials.clone(),
        })
    }

    /// A file does not go away as a server does: nothing to look at.
    async fn recycle(&self, _: &mut Reader, _: &Metrics) -> RecycleResult<Error> {
        Ok(())
    }
}

impl Readers {
    /// Readers of the file, which is there; opened when they are needed.
    pub(crate) fn of(path: PathBuf) -> Result<Self> {
        let trials = Trials::default();
        let pool = Pool::builder(Manager { path, trials })
            .max_size(MOST)
            // The one whose pages are still in its cache.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts {
                wait: Some(PATIENCE),
                create: None,
                recycle: None,
            })
            .build()
            .map_err(|_| Error::Unexpected("readers that cannot be made".into()))?;
        tokio::spawn(close_idle(pool.weak()));
        Ok(Self(pool))
    }

    /// Waits for a connection.
    pub(crate) async fn get(&self) -> Result<Session> {
        let reader = self.0.get().await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            PoolError::Timeout(_) => Error::TimedOut,
            _ => Error::Closed,
        })?;
        Ok(Session::new(Lease::Reader(reader)))
    }

    /// Closes what is not in use, and everything else when it comes back.
    pub(crate) fn close(&self) {
        self.0.close();
    }
}

async fn close_idle(pool: managed::WeakPool<Manager>) {
    loop {
        tokio::time::sleep(IDLE).await;
        let Some(pool) = pool.upgrade() else { return };
        if pool.is_closed() {
            return;
        }
        let idle = pool.retain(|_, metrics| metrics.last_used() < IDLE).removed;
        if !idle.is_empty() {
            tokio::task::spawn_blocking(move || drop(idle));
        }
    }
}

//! Time budgets: how long a question of a client may keep the database busy.
//!
//! A filter that no index answers looks at every row. What takes too long is ended inside
//! of the database, so that nothing goes on behind an answer that was given up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sqlx::Postgres;
use sqlx::pool::PoolConnection;

use crate::database::{Connection, Handle};
use crate::error::Result;
use crate::sqlite::{Session, Speed};

/// How many of its steps SQLite makes between two looks at the clock: some milliseconds.
const STEPS: i32 = 20_000;

/// A reader's connection that may have a time limit.
#[derive(Debug)]
pub(crate) struct SqliteReader {
    pub(crate) session: Session,
    /// Looked at by the handler that outlives the use of the connection.
    limited: Option<Arc<AtomicBool>>,
}

/// A reader's connection that may have a time limit.
#[derive(Debug)]
pub(crate) struct PostgresReader {
    pub(crate) connection: PoolConnection<Postgres>,
    limited: bool,
}

impl From<Session> for SqliteReader {
    fn from(session: Session) -> Self {
        Self {
            session,
            limited: None,
        }
    }
}

impl From<PoolConnection<Postgres>> for PostgresReader {
    fn from(connection: PoolConnection<Postgres>) -> Self {
        Self {
            connection,
            limited: false,
        }
    }
}

impl Drop for SqliteReader {
    fn drop(&mut self) {
        if let Some(limited) = &self.limited {
            limited.store(false, Ordering::Relaxed);
        }
    }
}

impl Drop for PostgresReader {
    fn drop(&mut self) {
        // The client went away in the middle: the next user must not find the limit.
        if self.limited {
            self.connection.close_on_drop();
        }
    }
}

impl Connection {
    /// Ends what is asked from now on after so long, with [`crate::Error::TimedOut`].
    /// Transactions are left alone: they change something and are never a client's query.
    pub(crate) async fn limit(&mut self, time: Duration) -> Result<()> {
        match &mut self.handle {
            Handle::Sqlite(reader) => {
                let limited = Arc::new(AtomicBool::new(true));
                let until = Instant::now() + time;
                let flag = Arc::clone(&limited);
                let is_over = move || flag.load(Ordering::Relaxed) && Instant::now() >= until;
                reader
                    .session
                    .with(Speed::Quick, move |lease| {
                        let connection = lease.connection()?;
                        Ok(connection.progress_handler(STEPS, Some(is_over))?)
                    })
                    .await?;
                reader.limited = Some(limited);
            }
            Handle::Postgres(reader) => {
                reader.limited = true;
                let text = format!("SET statement_timeout = {}", time.as_millis());
                self.run_script(&text).await?;
            }
            Handle::SqliteTransaction(_) | Handle::PostgresTransaction(_) => {}
        }
        Ok(())
    }

    /// Takes the limit away again.
    pub(crate) async fn unlimit(&mut self) -> Result<()> {
        match &mut self.handle {
            Handle::Sqlite(reader) => {
                if let Some(limited) = reader.limited.take() {
                    limited.store(false, Ordering::Relaxed);
                }
            }
            Handle::Postgres(_) => {
                self.run_script("RESET statement_timeout").await?;
                if let Handle::Postgres(reader) = &mut self.handle {
                    reader.limited = false;
                }
            }
            Handle::SqliteTransaction(_) | Handle::PostgresTransaction(_) => {}
        }
        Ok(())
    }
}

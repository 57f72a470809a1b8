//! Time budgets: how long a question of a client may keep the database busy.
//!
//! A filter that no index answers looks at every row. What takes too long is ended inside
//! of the database, so that nothing goes on behind an answer that was given up.

use std::sync::Arc;
use std::time::Duration;

use sqlx::Postgres;
use sqlx::pool::PoolConnection;

use crate::database::{Connection, Handle};
use crate::error::Result;
use crate::sqlite::{Brake, Session};

/// A reader's connection that may have a time limit.
#[derive(Debug)]
pub(crate) struct SqliteReader {
    pub(crate) session: Session,
    /// Of the connection, which outlives this use of it; if there is a limit.
    limited: Option<Arc<Brake>>,
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
        if let Some(brake) = &self.limited {
            brake.limit(None);
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
                reader.limited = reader.session.brake();
                if let Some(brake) = &reader.limited {
                    brake.limit(Some(time));
                }
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
                if let Some(brake) = reader.limited.take() {
                    brake.limit(None);
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

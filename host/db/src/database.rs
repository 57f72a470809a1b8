//! The database: how it is opened, and the connections and transactions it hands out.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pith_model::task::Lock;
use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection as _, Executor, PgPool, Postgres};

use crate::budget::{PostgresReader, SqliteReader};
use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::sqlite::{Readers, Session, Speed, Turn, Writer};
use crate::task_lock;

/// How to open the database.
#[derive(Clone, Debug)]
pub enum Options {
    /// This file, made when it is not there.
    Sqlite(PathBuf),
    /// `postgres://…`
    Postgres(String),
}

/// The database, cheap to clone.
#[derive(Clone, Debug)]
pub struct Database {
    pools: Pools,
    /// How often this process changed what is served.
    served_changes: Arc<AtomicU64>,
}

#[derive(Clone, Debug)]
enum Pools {
    Sqlite {
        readers: Readers,
        /// SQLite has one writer, and waiting for it here is fair, which waiting for the
        /// file's lock is not.
        writer: Writer,
    },
    Postgres(PgPool),
}

/// A connection on which questions are asked.
#[derive(Debug)]
pub struct Connection {
    pub(crate) handle: Handle,
    /// Whether what is served changes when this transaction commits.
    pub(crate) changes_served: bool,
    /// Whether the transaction entered the queues of its task's locks when it began.
    pub(crate) entered: bool,
}

#[derive(Debug)]
pub(crate) enum Handle {
    Sqlite(SqliteReader),
    SqliteTransaction(Turn),
    Postgres(PostgresReader),
    PostgresTransaction(sqlx::Transaction<'static, Postgres>),
}

pub(crate) enum Raw<'c> {
    Sqlite(&'c Session),
    Postgres(&'c mut PgConnection),
}

impl Connection {
    /// Which database this is.
    pub fn dialect(&self) -> Dialect {
        match &self.handle {
            Handle::Sqlite(_) | Handle::SqliteTransaction(_) => Dialect::Sqlite,
            Handle::Postgres(_) | Handle::PostgresTransaction(_) => Dialect::Postgres,
        }
    }

    /// The connection, for a statement that takes so long.
    pub(crate) fn raw(&mut self, speed: Speed) -> Raw<'_> {
        match &mut self.handle {
            Handle::Sqlite(reader) => Raw::Sqlite(&reader.session),
            Handle::SqliteTransaction(turn) => Raw::Sqlite(turn.session(speed)),
            Handle::Postgres(reader) => Raw::Postgres(&mut reader.connection),
            Handle::PostgresTransaction(transaction) => Raw::Postgres(transaction),
        }
    }

    /// Runs several statements without values, as in a migration.
    pub async fn run_script(&mut self, text: &str) -> Result<()> {
        let text = text.to_owned();
        match self.raw(Speed::Slow) {
            Raw::Sqlite(raw) => {
                raw.with(Speed::Slow, move |lease| {
                    Ok(lease.connection()?.execute_batch(&text)?)
                })
                .await
            }
            Raw::Postgres(raw) => {
                let script = sqlx::raw_sql(AssertSqlSafe(text));
                raw.execute(script).await?;
                Ok(())
            }
        }
    }
}

/// A transaction; dropped without [`Transaction::commit`], it never happened.
#[derive(Debug)]
pub struct Transaction {
    connection: Connection,
    served_changes: Arc<AtomicU64>,
}

impl Transaction {
    /// Makes everything in it visible to others at once.
    pub async fn commit(self) -> Result<()> {
        let changes_served = self.connection.changes_served;
        match self.connection.handle {
            Handle::SqliteTransaction(turn) => turn.commit().await?,
            Handle::PostgresTransaction(transaction) => transaction.commit().await?,
            Handle::Sqlite(_) | Handle::Postgres(_) => {}
        }
        if changes_served {
            self.served_changes.fetch_add(1, Ordering::Release);
        }
        Ok(())
    }
}

impl std::ops::Deref for Transaction {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl std::ops::DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Database {
    /// Opens it; migrations are another step.
    pub async fn open(options: &Options) -> Result<Self> {
        let pools = match options {
            Options::Sqlite(path) => open_sqlite(path).await?,
            Options::Postgres(url) => open_postgres(url).await?,
        };
        Ok(Self {
            pools,
            served_changes: Arc::default(),
        })
    }

    /// Changes whenever this process committed a change of what is served; other
    /// processes' changes show in `served::epoch` only.
    pub fn served_changes(&self) -> u64 {
        self.served_changes.load(Ordering::Acquire)
    }

    /// Which database this is.
    pub fn dialect(&self) -> Dialect {
        match &self.pools {
            Pools::Sqlite { .. } => Dialect::Sqlite,
            Pools::Postgres(_) => Dialect::Postgres,
        }
    }

    /// A connection for questions that change nothing.
    pub async fn read(&self) -> Result<Connection> {
        let handle = match &self.pools {
            Pools::Sqlite { readers, .. } => Handle::Sqlite(readers.get().await?.into()),
            Pools::Postgres(pool) => Handle::Postgres(pool.acquire().await?.into()),
        };
        Ok(Connection {
            handle,
            changes_served: false,
            entered: false,
        })
    }

    /// A transaction whose commit is atomic, and durable a moment later: a power loss
    /// (not a crash of this program, nor of the database) may take back the last of them.
    pub async fn write(&self) -> Result<Transaction> {
        self.begin(false, "").await
    }

    /// The same, which makes or ends a task with these locks and does little else: their
    /// queues are nobody else's from its beginning.
    pub async fn write_in(&self, locks: &[Lock]) -> Result<Transaction> {
        let enter = match self.dialect() {
            Dialect::Sqlite => String::new(),
            Dialect::Postgres => task_lock::enter_text(locks),
        };
        let mut transaction = self.begin(false, &enter).await?;
        transaction.connection.entered = true;
        Ok(transaction)
    }

    /// A transaction that is on disk when its commit returns, together with all
    /// before it. For what is promised to a user, and before bytes are removed.
    pub async fn write_durably(&self) -> Result<Transaction> {
        self.begin(true, "").await
    }

    /// `then` is what PostgreSQL is told in the same trip.
    async fn begin(&self, durable: bool, then: &str) -> Result<Transaction> {
        let handle = match &self.pools {
            Pools::Sqlite { writer, .. } => Handle::SqliteTransaction(writer.begin(durable).await?),
            Pools::Postgres(pool) => {
                let soon = if durable {
                    ""
                } else {
                    "SET LOCAL synchronous_commit = off; "
                };
                let text = AssertSqlSafe(format!("BEGIN; {soon}{then}"));
                Handle::PostgresTransaction(pool.begin_with(text).await?)
            }
        };
        Ok(Transaction {
            connection: Connection {
                handle,
                changes_served: false,
                entered: false,
            },
            served_changes: Arc::clone(&self.served_changes),
        })
    }

    /// The pool, for `LISTEN`; none on SQLite, which one process serves alone.
    pub fn postgres(&self) -> Option<&PgPool> {
        match &self.pools {
            Pools::Sqlite { .. } => None,
            Pools::Postgres(pool) => Some(pool),
        }
    }

    /// Waits for connections to come back and closes them.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite {
                readers, writer, ..
            } => {
                readers.close();
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

async fn open_sqlite(path: &Path) -> Result<Pools> {
    // First, for it makes the file.
    let writer = Writer::open(path.to_owned()).await?;
    let readers = Readers::of(path.to_owned())?;
    Ok(Pools::Sqlite { readers, writer })
}

/// For the first connection to PostgreSQL.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection that was used so lately is taken to be there still.
const FRESH: Duration = Duration::from_secs(1);

async fn open_postgres(url: &str) -> Result<Pools> {
    let options = PgConnectOptions::from_str(url)?
        .application_name("pith")
        .statement_cache_capacity(256);
    // A pool tries for a minute; whoever starts a server with a wrong address wants to
    // know at once.
    let first = tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&options))
        .await
        .map_err(|_| Error::TimedOut)??;
    first.close().await?;
    let pool = PoolOptions::new()
        .max_connections(20)
        .min_connections(1)
        .acquire_timeout(Duration::from_mins(1))
        // It was well a moment ago: asking again would cost as much as the question.
        .test_before_acquire(false)
        .before_acquire(|connection: &mut PgConnection, metadata| {
            Box::pin(async move {
                if metadata.idle_for > FRESH {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_with(options)
        .await
        .map_err(Error::from)?;
    Ok(Pools::Postgres(pool))
}

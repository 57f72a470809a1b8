//! A database per test: a file below the data folder, or one cut from the run's template.

use std::env;
use std::fmt::{self, Display, Formatter};
use std::process;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// The cluster of the run: `postgres://user:password@host:port`, without a database.
const CLUSTER: &str = "PITH_TEST_POSTGRES";
/// A migrated database to copy. Without it each server migrates for itself.
const TEMPLATE: &str = "PITH_TEST_POSTGRES_TEMPLATE";

/// What the server keeps its rows in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// The embedded default.
    Sqlite,
    /// A server of its own.
    Postgres,
}

impl Display for Database {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        })
    }
}

/// The databases that one test made.
#[derive(Debug)]
pub(crate) struct Databases {
    kind: Database,
    names: Mutex<Vec<String>>,
}

impl Databases {
    pub(crate) fn new(kind: Database) -> Self {
        Self {
            kind,
            names: Mutex::default(),
        }
    }

    pub(crate) fn kind(&self) -> Database {
        self.kind
    }

    /// A new database and its URL, if this kind has one.
    pub(crate) async fn create(&self) -> Result<Option<String>> {
        if self.kind == Database::Sqlite {
            return Ok(None);
        }
        let cluster = cluster()?;
        let name = self.with(|names| {
            let name = format!("pith_test_{}_{}", process::id(), names.len());
            names.push(name.clone());
            name
        });
        let template = env::var(TEMPLATE).unwrap_or_else(|_| "template0".to_owned());
        administer(
            &cluster,
            &format!("CREATE DATABASE {name} TEMPLATE {template}"),
        )
        .await?;
        Ok(Some(format!("{cluster}/{name}")))
    }

    /// Removes them, whoever is still connected.
    pub(crate) async fn drop_all(&self) -> Result<()> {
        for name in self.with(std::mem::take) {
            administer(&cluster()?, &format!("DROP DATABASE {name} WITH (FORCE)")).await?;
        }
        Ok(())
    }

    fn with<T>(&self, change: impl FnOnce(&mut Vec<String>) -> T) -> T {
        change(&mut self.names.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn cluster() -> Result<String> {
    env::var(CLUSTER).with_context(|| {
        format!("{CLUSTER} is not set: run `make test`, or `eval \"$(tests/postgres.sh up)\"`")
    })
}

/// Statements about databases take no parameters; the names in them are made above.
async fn administer(cluster: &str, statement: &str) -> Result<()> {
    run_sql(&format!("{cluster}/postgres"), statement).await
}

/// Runs statements that take no parameters.
pub(crate) async fn run_sql(url: &str, statements: &str) -> Result<()> {
    let mut connection = PgConnection::connect(url)
        .await
        .context("the PostgreSQL cluster of the run does not answer")?;
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(statements)))
        .await
        .with_context(|| statements.to_owned())?;
    connection.close().await?;
    Ok(())
}

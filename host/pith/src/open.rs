//! Opens the database, for the server and for commands beside it.

use std::process::ExitCode;

use anyhow::Context as _;
use pith_db::{Database, Options};

use crate::config::Config;
use crate::data_directory::{self, DataDirectory};

/// Where the database is.
pub(crate) fn options(config: &Config) -> anyhow::Result<Options> {
    Ok(match &config.database_url {
        Some(url) => {
            anyhow::ensure!(
                url.starts_with("postgres://") || url.starts_with("postgresql://"),
                "the database URL must begin with postgres:// (without one, SQLite is used)"
            );
            Options::Postgres(url.clone())
        }
        None => {
            let folder = data_directory::make(&config.data_dir)?;
            Options::Sqlite(DataDirectory::database(&folder))
        }
    })
}

/// Opens the database and brings it to the expected shape.
pub(crate) async fn database(config: &Config) -> anyhow::Result<Database> {
    let database =
        Database::open(&options(config)?)
            .await
            .with_context(|| match &config.database_url {
                Some(_) => "the PostgreSQL database cannot be reached".to_owned(),
                None => format!(
                    "the database in {} cannot be opened",
                    config.data_dir.display()
                ),
            })?;
    pith_db::migrate::migrate(&database)
        .await
        .context("the database cannot be migrated")?;
    Ok(database)
}

/// `pith migrate`.
pub(crate) async fn migrate(config: &Config) -> anyhow::Result<ExitCode> {
    let database = database(config).await?;
    println!("the {} database is up to date", database.dialect().name());
    database.close().await;
    Ok(ExitCode::SUCCESS)
}

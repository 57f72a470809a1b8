//! How a connection to SQLite is opened and set up.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Result};

use super::regexp;

/// How long a connection waits for other programs: only the command line beside a running
/// server makes anybody wait.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 256;

/// Opens the writer's connection, and makes the file if it is not there.
pub(super) fn writer(path: &Path) -> Result<Connection> {
    // The log is checkpointed when a commit is over, not within one.
    connect(
        path,
        "PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 0;",
    )
}

/// Opens a connection that changes nothing.
pub(super) fn reader(path: &Path) -> Result<Connection> {
    connect(path, "PRAGMA cache_size = -8192; PRAGMA query_only = ON;")
}

fn connect(path: &Path, settings: &str) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;",
    )?;
    connection.execute_batch(settings)?;
    regexp::install(&connection)?;
    Ok(connection)
}

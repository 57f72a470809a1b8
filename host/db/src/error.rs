//! What can go wrong in the database, as decisions that a caller can take.

use std::borrow::Cow;

/// The result of a question to the database.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The same key is there already. Ask again, or tell the user.
    #[error("{0} exists already")]
    Unique(Constraint),
    /// A row that is referred to is gone, or a row that is referred to was to go.
    #[error("a related row is missing or in use")]
    Related,
    /// Two transactions met; the same transaction may succeed when tried again.
    #[error("the database could not finish two transactions side by side")]
    Serialization,
    /// The database does not understand a regular expression that the user gave.
    #[error("the database does not understand the regular expression")]
    Pattern,
    /// The database took too long for one question.
    #[error("the database took too long")]
    TimedOut,
    /// These filters of a client took longer than a list may.
    #[error("a list took too long because of {}", .0.join(", "))]
    TooSlow(Vec<String>),
    /// The database cannot be reached, is full or is damaged: nothing to decide here.
    #[error("the database failed: {0}")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database was closed: the server stops.
    #[error("the database was closed")]
    Closed,
    /// What a plugin declares does not fit the content that is stored: a sentence for its
    /// author.
    #[error("{0}")]
    Incompatible(String),
    /// The database holds something that this program did not write.
    #[error("the database holds something unexpected: {0}")]
    Unexpected(Cow<'static, str>),
}

/// The name of a constraint, or on SQLite the columns (`repository.name`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint(pub String);

impl Constraint {
    /// Whether this is the constraint that keeps `column` of `table` unique.
    pub fn is(&self, table: &str, column: &str) -> bool {
        self.0 == format!("{table}.{column}") || self.0 == format!("{table}_{column}_key")
    }
}

impl std::fmt::Display for Constraint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::error::ErrorKind;
        let sqlx::Error::Database(database) = &error else {
            return match error {
                sqlx::Error::PoolTimedOut => Self::TimedOut,
                sqlx::Error::PoolClosed => Self::Closed,
                other => Self::Other(other.into()),
            };
        };
        match database.kind() {
            ErrorKind::UniqueViolation => {
                let name = database.constraint().unwrap_or_default();
                Self::Unique(Constraint(name.to_owned()))
            }
            ErrorKind::ForeignKeyViolation => Self::Related,
            _ => match database.code().as_deref() {
                // Serialization failure, deadlock.
                Some("40001" | "40P01") => Self::Serialization,
                Some("2201B") => Self::Pattern,
                // Canceled.
                Some("57014") => Self::TimedOut,
                _ => Self::Other(error.into()),
            },
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        use rusqlite::ffi;
        let rusqlite::Error::SqliteFailure(failure, message) = &error else {
            return Self::Other(error.into());
        };
        match (failure.code, failure.extended_code) {
            (
                _,
                ffi::SQLITE_CONSTRAINT_UNIQUE
                | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                | ffi::SQLITE_CONSTRAINT_ROWID,
            ) => {
                // "UNIQUE constraint failed: repository.name"
                let message = message.as_deref().unwrap_or_default();
                let name = message.rsplit(": ").next().unwrap_or(message);
                Self::Unique(Constraint(name.to_owned()))
            }
            (_, ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => Self::Related,
            (ErrorCode::DatabaseBusy, _) => Self::Serialization,
            (ErrorCode::OperationInterrupted, _) => Self::TimedOut,
            _ => Self::Other(error.into()),
        }
    }
}

impl Error {
    /// Whether the same transaction may succeed when tried again.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Serialization | Self::Unique(_) | Self::Related)
    }
}

//! What can go wrong with content, in the words of the plugin contract.

use std::borrow::Cow;

/// The result of work on content.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure; the same words as in the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// What was given is wrong.
    Invalid,
    /// It is not there.
    NotFound,
    /// The same key with other bytes.
    Conflict,
    /// Not allowed.
    Denied,
    /// The upstream answered wrongly.
    Upstream,
    /// The upstream did not answer.
    Unavailable,
    /// Too large, too many, too long.
    Limit,
    /// The task was asked to stop.
    Cancelled,
    /// Left to somebody else.
    Unsupported,
    /// A fault of this server or its disk.
    Internal,
}

impl Code {
    /// The word for a task's error.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NotFound => "not-found",
            Self::Conflict => "conflict",
            Self::Denied => "denied",
            Self::Upstream => "upstream",
            Self::Unavailable => "unavailable",
            Self::Limit => "limit",
            Self::Cancelled => "cancelled",
            Self::Unsupported => "unsupported",
            Self::Internal => "internal",
        }
    }
}

/// A failure with a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What kind.
    pub code: Code,
    /// What happened, to what, what to do.
    pub message: Cow<'static, str>,
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $code:ident),* $(,)?) => {
        impl Error {$(
            $(#[$doc])*
            pub fn $name(message: impl Into<Cow<'static, str>>) -> Self {
                Self { code: Code::$code, message: message.into() }
            }
        )*}
    };
}

constructors! {
    /// What was given is wrong.
    invalid => Invalid,
    /// It is not there.
    not_found => NotFound,
    /// The same key with other bytes.
    conflict => Conflict,
    /// Not allowed.
    denied => Denied,
    /// The upstream answered wrongly.
    upstream => Upstream,
    /// The upstream did not answer.
    unavailable => Unavailable,
    /// Too large, too many, too long.
    limit => Limit,
    /// The task was asked to stop.
    cancelled => Cancelled,
    /// A fault of this server or its disk.
    internal => Internal,
}

impl From<pith_db::Error> for Error {
    fn from(error: pith_db::Error) -> Self {
        // The database's own words are for the log, not for whoever made the task.
        tracing::error!(%error, "the database failed: {error}");
        match error {
            pith_db::Error::TimedOut => Self::internal("the database took too long"),
            pith_db::Error::Other(error) if is_full(&error.to_string()) => {
                Self::internal("the database's disk is full: free some space and try again")
            }
            _ => Self::internal(
                "the database could not do what was needed; the server's log says why",
            ),
        }
    }
}

fn is_full(message: &str) -> bool {
    message.contains("database or disk is full") || message.contains("No space left on device")
}

impl From<pith_storage::Error> for Error {
    fn from(error: pith_storage::Error) -> Self {
        use pith_storage::Error as Storage;
        match &error {
            Storage::DigestMismatch { .. } | Storage::SizeMismatch { .. } => {
                Self::invalid(error.to_string())
            }
            Storage::Missing(_) => Self::not_found(error.to_string()),
            _ => {
                tracing::error!(%error, "the store failed: {error}");
                Self::internal(error.to_string())
            }
        }
    }
}

//! What can go wrong in a store, one variant for each decision that a caller can take.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use crate::digest::{Algorithm, Digest, Sha256Digest};

/// The result of a store's work.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a store could not do what it was asked.
///
/// It can be cloned, for one failed sync answers everybody who waited for it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// No space, or no quota, is left. Nothing is damaged: ask again once space is freed.
    #[error("the disk is full: free some space, or give the store a larger disk, and try again")]
    Full,

    /// No file with this digest is stored.
    #[error("no stored file has the digest sha256:{0}")]
    Missing(Sha256Digest),

    /// The bytes are not the bytes that were announced.
    #[error("the digest does not match: expected {expected}, but the bytes have {actual}")]
    DigestMismatch {
        /// What was announced.
        expected: Digest,
        /// What the bytes have.
        actual: Digest,
    },

    /// There are more or fewer bytes than announced or allowed.
    #[error(
        "the size does not match: expected {expected} bytes, but there are {actual}{}",
        if *at_least { " or more" } else { "" }
    )]
    SizeMismatch {
        /// The announced size, or the limit.
        expected: u64,
        /// How many bytes there are.
        actual: u64,
        /// True when writing was stopped early, so that the full size is not known.
        at_least: bool,
    },

    /// A digest was to be compared whose algorithm was not named when the file was begun.
    #[error(
        "cannot compare the {0} digest: it was not computed while the bytes arrived; name it when the file is begun"
    )]
    NotComputed(Algorithm),

    /// A file that was followed while it was being written broke off.
    #[error("the file that was being followed broke off before its end")]
    Abandoned,

    /// Another request has the session, and did not let go of it in time.
    #[error("another request is still sending to the same upload")]
    Busy,

    /// The operating system refused.
    #[error("could not {what}: {source}")]
    Io {
        /// What was tried, as words that follow "could not".
        what: String,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
}

impl Error {
    /// Sorts an error of the operating system; `what` follows the words "could not".
    pub(crate) fn io(what: impl Into<String>, source: io::Error) -> Self {
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io {
                what: what.into(),
                source: Arc::new(source),
            },
        }
    }

    /// The same for an operation on the file of one digest, which may be absent.
    pub(crate) fn io_of(digest: Sha256Digest, what: &str, source: io::Error) -> Self {
        match source.kind() {
            ErrorKind::NotFound => Self::Missing(digest),
            _ => Self::io(format!("{what} the stored file sha256:{digest}"), source),
        }
    }
}

/// Lets `?` say what was tried.
pub(crate) trait Context<T> {
    /// Turns the operating system's error into ours; `what` follows the words "could not".
    fn context(self, what: &str) -> Result<T>;

    /// The same for words that have to be put together first.
    fn with_context(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, what: &str) -> Result<T> {
        self.map_err(|source| Error::io(what, source))
    }

    fn with_context(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| Error::io(what(), source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_spent_quota_are_full() {
        // ENOSPC and EDQUOT.
        for code in [28, 122] {
            let error = Error::io("write a file", io::Error::from_raw_os_error(code));
            assert!(matches!(error, Error::Full), "{error:?}");
            assert!(error.to_string().starts_with("the disk is full"));
        }
    }

    #[test]
    fn an_absent_file_is_missing_and_all_else_says_what_was_tried() {
        let digest = Sha256Digest::of(b"");
        let absent = Error::io_of(digest, "open", io::Error::from_raw_os_error(2));
        assert!(matches!(absent, Error::Missing(found) if found == digest));
        let broken = Error::io_of(digest, "open", io::Error::from_raw_os_error(5));
        assert!(
            broken
                .to_string()
                .starts_with("could not open the stored file sha256:e3b0c442")
        );
    }
}

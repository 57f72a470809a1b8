//! Why a call failed, in words for people and a code for the host.

use std::fmt::{self, Display};
use std::io;

use crate::ErrorCode;
use crate::bindings::imports::pith::plugin::types;

/// What most functions of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure: what happened, to what, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    code: ErrorCode,
    message: String,
}

macro_rules! constructors {
    ($($(#[doc = $documentation:literal])* $name:ident $code:ident)+) => {
        $(
            $(#[doc = $documentation])*
            pub fn $name(message: impl Into<String>) -> Self {
                Self { code: ErrorCode::$code, message: message.into() }
            }
        )+
    };
}

impl Error {
    constructors! {
        /// What was given is wrong: an index that cannot be parsed, a bad parameter.
        invalid Invalid
        /// Something that was asked for does not exist.
        not_found NotFound
        /// The same key with other bytes.
        conflict Conflict
        /// It may not be done.
        denied Denied
        /// The upstream answered wrongly.
        upstream Upstream
        /// The upstream did not answer.
        unavailable Unavailable
        /// A size, a count or a time was exceeded.
        limit Limit
        /// The task was cancelled.
        cancelled Cancelled
        /// The plugin leaves this call to the host's own implementation.
        unsupported Unsupported
        /// The plugin or the host broke its own rules.
        internal Internal
    }

    /// Which kind of failure it is.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The same failure, said of `what`: `what: message`.
    #[must_use]
    pub fn context(self, what: impl Display) -> Self {
        Self {
            code: self.code,
            message: format!("{what}: {}", self.message),
        }
    }
}

impl Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<types::Error> for Error {
    fn from(error: types::Error) -> Self {
        Self {
            code: error.code,
            message: error.message,
        }
    }
}

impl From<Error> for types::Error {
    fn from(error: Error) -> Self {
        Self {
            code: error.code,
            message: error.message,
        }
    }
}

// Readers and writers of this crate speak `std::io`, so that parsers can sit on them; the
// host's own error travels inside and comes out unchanged.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::other(error)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(ours) => ours,
            // Nothing but a parser or a decompressor makes an `io::Error` here.
            Err(theirs) => Self::invalid(theirs.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_goes_before_the_message_and_keeps_the_code() {
        let error = Error::limit("longer than 10 bytes").context("line 3");
        assert_eq!(error.to_string(), "line 3: longer than 10 bytes");
        assert_eq!(error.code(), ErrorCode::Limit);
    }

    #[test]
    fn an_error_survives_the_way_through_std_io() {
        let error = Error::unavailable("the upstream did not answer");
        assert_eq!(Error::from(io::Error::from(error.clone())), error);
    }

    #[test]
    fn an_error_of_std_io_alone_blames_what_was_read() {
        let error = Error::from(io::Error::new(io::ErrorKind::InvalidData, "bad header"));
        assert_eq!(error, Error::invalid("bad header"));
    }
}

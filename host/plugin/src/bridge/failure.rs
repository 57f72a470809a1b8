//! Why a host function failed: something to tell the plugin, or the end of its call.

use pith_content::error::{Code, Error};
use wasmtime::component::ResourceTableError;

use super::State;
use super::contract::pith::plugin::types;

/// What a host function answers instead of a result.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
#[derive(Debug)]
pub enum Failure {
    /// The plugin is told, and may go on.
    Told(Error),
    /// The plugin broke the contract, and its call ends.
    Trap(wasmtime::Error),
}

impl Failure {
    pub(super) fn limit(message: impl Into<String>) -> Self {
        Self::Told(Error::limit(message.into()))
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::Told(Error::invalid(message.into()))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

/// A handle that is none: the bindings let no plugin do that, so it is a fault of the host.
impl From<ResourceTableError> for Failure {
    fn from(error: ResourceTableError) -> Self {
        Self::Trap(error.into())
    }
}

impl types::Host for State {
    fn convert_error(&mut self, failure: Failure) -> wasmtime::Result<types::Error> {
        match failure {
            Failure::Told(error) => Ok(types::Error {
                code: to_contract(error.code),
                message: error.message.into_owned(),
            }),
            Failure::Trap(error) => Err(error),
        }
    }
}

fn to_contract(code: Code) -> types::ErrorCode {
    match code {
        Code::Invalid => types::ErrorCode::Invalid,
        Code::NotFound => types::ErrorCode::NotFound,
        Code::Conflict => types::ErrorCode::Conflict,
        Code::Denied => types::ErrorCode::Denied,
        Code::Upstream => types::ErrorCode::Upstream,
        Code::Unavailable => types::ErrorCode::Unavailable,
        Code::Limit => types::ErrorCode::Limit,
        Code::Cancelled => types::ErrorCode::Cancelled,
        Code::Unsupported => types::ErrorCode::Unsupported,
        Code::Internal => types::ErrorCode::Internal,
    }
}

/// The word for a code that a plugin answered with.
pub(crate) fn from_contract(code: types::ErrorCode) -> Code {
    match code {
        types::ErrorCode::Invalid => Code::Invalid,
        types::ErrorCode::NotFound => Code::NotFound,
        types::ErrorCode::Conflict => Code::Conflict,
        types::ErrorCode::Denied => Code::Denied,
        types::ErrorCode::Upstream => Code::Upstream,
        types::ErrorCode::Unavailable => Code::Unavailable,
        types::ErrorCode::Limit => Code::Limit,
        types::ErrorCode::Cancelled => Code::Cancelled,
        types::ErrorCode::Unsupported => Code::Unsupported,
        types::ErrorCode::Internal => Code::Internal,
    }
}

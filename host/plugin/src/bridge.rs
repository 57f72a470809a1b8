//! The host side of the contract: what a plugin's calls do. One resource a file.
//!
//! Invariant: a plugin reaches nothing but the handles that its call was given, and what it
//! opened through them; and whatever it passes is bounded before it is kept.

mod api;
mod body;
mod changes;
pub(crate) mod contract;
mod cursor;
mod failure;
mod file;
mod inputs;
mod lines;
pub(crate) mod log;
mod publication;
mod reader;
mod remote;
mod site;
mod staging;
mod state;
mod task;
mod view;
mod wasi;

pub(crate) use failure::from_contract;
pub(crate) use state::State;
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub use task::Task;

/// What one call of `body.read` or `reader.read-at` gives at most; a plugin asks again.
const MAX_READ: u32 = 1 << 20;

/// Units that one call of `cursor.next` gives at most.
const MAX_UNITS: u32 = 1_000;

//! SQLite: one writer and a pool of readers, and how they are asked.
//!
//! SQLite is a library, so a question costs what its work costs: where an index answers it
//! takes microseconds, and handing it to a thread would cost ten times that
//! (`Speed`). Where nobody knows, it is tried for half a millisecond first.

mod brake;
mod connect;
mod insertion;
mod query;
mod readers;
mod regexp;
mod session;
mod writer;

pub(crate) use brake::Brake;
pub(crate) use insertion::Insertion;
pub(crate) use query::{Query, SqliteRow};
pub(crate) use readers::Readers;
pub(crate) use session::{Session, Speed};
pub(crate) use writer::{Turn, Writer};

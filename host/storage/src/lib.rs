//! Stored bytes by digest, and how they become durable.
//!
//! Bytes come through a [`Writer`] or [`Store::put_small`] into a temporary place and are hashed on
//! the way. What they make is an [`Incoming`]; [`Store::place`] gives it its name, and
//! [`Store::make_durable`] waits until it survives a power loss. The [`Durable`] that this returns
//! is what a function that inserts rows asks for, so a row never refers to bytes that can be lost.
//!
//! A file that comes in chunks is a [`Session`] until all of it is there; sealed, it is an
//! [`Incoming`] like any other.

mod blocking;
mod digest;
mod directory;
mod durable;
mod error;
mod expected;
pub mod faults;
mod filesystem;
mod folders;
mod growing;
mod hasher;
mod hold;
mod incoming;
mod place;
mod reader;
mod remove;
mod resumable;
mod session;
mod session_directory;
mod session_file;
mod small;
mod store;
mod sync;
mod temporary_folder;
mod turn;
mod writer;

pub use digest::{Algorithm, Digest, DigestError, Digests, Sha256Digest};
pub use directory::DirectoryStore;
pub use durable::{Durable, Placed};
pub use error::{Error, Result};
pub use expected::Expected;
pub use filesystem::{FileSystem, NativeFileSystem};
pub use growing::Growing;
pub use hasher::MultiHasher;
pub use incoming::{Incoming, Stored};
pub use resumable::ResumableHasher;
pub use session::{Chunk, ChunkPlan, Session, SessionName};
pub use store::{Listed, Reader, SmallBody, Space, Store, Writer};

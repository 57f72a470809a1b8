//! What a Pith plugin written in Rust builds on.
#![doc = include_str!("../README.md")]

pub mod bindings;
pub mod content_type;
pub mod log;
pub mod openpgp;
pub mod relative_path;
pub mod schema;
pub mod server;

mod batcher;
mod body_reader;
mod error;
mod export;
mod file_writer;
#[cfg(all(target_arch = "wasm32", feature = "heap"))]
mod heap;
mod json;
mod line_reader;
mod panic;
mod plugin;
mod stored_reader;
mod units;

pub use batcher::{Batcher, MAX_BATCH, Sink};
pub use bindings::exports::describe::exports::pith::plugin::describe::{
    ArtifactCount, ContentType, Descriptor, Reference, ReferenceKey, ResourceType, TaskKind,
    TaskType,
};
pub use bindings::exports::resolve::exports::pith::plugin::resolver::{
    Pulled, Resolution, Unresolved,
};
pub use bindings::imports::pith::plugin::host::{
    Answer, Api, ArtifactDraft, Body, Candidate, Candidates, Changes, Codec, Cursor, Encoding,
    File, Fragment, Inputs, Lines, Link, Publication, Reader, Remote, Renewal, Request, Sighting,
    Signed, Site, Source, Staging, Strand, Task, Template, UnitDraft, UnitLink, View, Written,
};
pub use bindings::imports::pith::plugin::types::{
    Artifact, ArtifactRef, ErrorCode, Query, Unit, UnitRef,
};
pub use body_reader::BodyReader;
pub use error::{Error, Result};
pub use file_writer::FileWriter;
pub use line_reader::LineReader;
pub use plugin::{
    Changer, Deriver, Orderer, Plugin, Publisher, Resolver, Server, Syncer, Uploader,
};
pub use stored_reader::StoredReader;
pub use units::Units;

//! What happens to content between a plugin's words and the database's rows: fetching,
//! staging, versions, publications, pull-through and clean-up.

pub mod changes;
pub mod copy;
mod decode;
pub mod document;
pub mod encode;
pub mod error;
pub mod fetch;
pub mod fetch_file;
pub mod fragment;
pub mod ingest;
pub mod inputs;
pub mod lines;
pub mod orphan;
pub mod picture;
pub mod progress;
pub mod publish;
pub mod pull;
pub mod references;
pub mod repair;
pub mod seal;
pub mod signing;
pub mod splice;
pub mod staging;
pub mod task;
pub mod term;
pub mod types;
pub mod unpack;
pub mod upload;
pub mod version;
pub mod view;

use std::sync::Arc;

pub use error::{Code, Error, Result};

/// What everything here works with; cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// The rows.
    pub database: pith_db::Database,
    /// The bytes.
    pub store: Arc<dyn pith_storage::Store>,
    /// The tables of the content types.
    pub types: types::Types,
    /// The key for secrets at rest.
    pub seal: seal::Seal,
    /// Which addresses may be asked.
    pub addresses: fetch::AddressPolicy,
    /// What users may upload.
    pub uploads: upload::Limits,
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services").finish_non_exhaustive()
    }
}

//! Repositories and redirects in memory that a test may change between two syncs.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;

use crate::conditional::Entity;
use crate::manifest::{Manifest, ManifestLine, sha256_hex};

#[derive(Clone, Debug)]
pub(crate) struct HeldFile {
    pub(crate) bytes: Bytes,
    pub(crate) entity: Entity,
}

/// What a test put at a path.
#[derive(Clone, Debug)]
pub(crate) enum HeldEntry {
    File(HeldFile),
    Redirect(String),
}

/// The held repositories by name, each with its entries by path.
#[derive(Debug, Default)]
pub(crate) struct Held(Mutex<HashMap<String, BTreeMap<String, HeldEntry>>>);

impl Held {
    pub(crate) fn put(&self, name: &str, files: &[(&str, &[u8])]) {
        let lines = files
            .iter()
            .map(|(path, bytes)| ManifestLine::of(*path, bytes))
            .collect();
        let manifest = Manifest(lines).to_string();
        let mut repository: BTreeMap<_, _> = files
            .iter()
            .map(|(path, bytes)| {
                (
                    (*path).to_owned(),
                    HeldFile::new(Bytes::copy_from_slice(bytes)),
                )
            })
            .map(|(path, file)| (path, HeldEntry::File(file)))
            .collect();
        let manifest = HeldEntry::File(HeldFile::new(manifest.into()));
        repository.insert("PULP_MANIFEST".to_owned(), manifest);
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), repository);
    }

    /// Puts a redirect into a repository, in place of the file at its path.
    pub(crate) fn put_redirect(&self, name: &str, path: &str, target: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let redirect = HeldEntry::Redirect(target.to_owned());
        all.entry(name.to_owned())
            .or_default()
            .insert(path.to_owned(), redirect);
    }

    pub(crate) fn get(&self, name: &str, path: &str) -> Option<HeldEntry> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)?
            .get(path)
            .cloned()
    }
}

impl HeldFile {
    pub(crate) fn new(bytes: Bytes) -> Self {
        let entity = Entity {
            length: bytes.len() as u64,
            etag: format!("\"{}\"", sha256_hex(&bytes)),
            last_modified: SystemTime::now(),
            content_type: "application/octet-stream",
        };
        Self { bytes, entity }
    }
}

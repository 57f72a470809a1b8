//! A store in a directory of its own, and short ways to fill it.

#![expect(
    clippy::unwrap_used,
    reason = "a test that fails here says where and why"
)]

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use pith_storage::faults::{Event, FaultyFileSystem};
use pith_storage::{DirectoryStore, Expected, Incoming, Result, Sha256Digest, Store};
use tempfile::TempDir;

pub(crate) struct TestStore {
    pub(crate) directory: TempDir,
    pub(crate) store: Arc<DirectoryStore>,
    pub(crate) faults: Arc<FaultyFileSystem>,
}

impl TestStore {
    /// Whether a file with the digest is in the store.
    pub(crate) async fn is_there(&self, digest: &Sha256Digest) -> bool {
        let missing = self.store.missing(&[*digest]).await;
        missing.expect("the store can be looked at").is_empty()
    }

    pub(crate) fn open() -> Self {
        Self::with("")
    }

    pub(crate) fn with(faults: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let faults = Arc::new(FaultyFileSystem::from_spec(faults).unwrap());
        let store = DirectoryStore::open_with(directory.path(), faults.clone()).unwrap();
        Self {
            directory,
            store: Arc::new(store),
            faults,
        }
    }

    pub(crate) async fn write(&self, bytes: impl Into<Bytes>) -> Result<Incoming> {
        let mut writer = self.store.create(&[]);
        writer.write(bytes.into()).await?;
        writer.finish(&Expected::nothing()).await
    }

    pub(crate) async fn put(&self, count: u32) -> Vec<Incoming> {
        let bodies = (0..count).map(|number| body(number).into()).collect();
        self.store
            .put_small(bodies)
            .await
            .into_iter()
            .collect::<Result<_>>()
            .unwrap()
    }

    pub(crate) async fn read(&self, digest: &Sha256Digest) -> Bytes {
        let reader = self.store.open(digest).await.unwrap();
        reader.read_at(0, usize::MAX).await.unwrap()
    }

    /// How many files are under way.
    pub(crate) fn temporary_files(&self) -> usize {
        files_below(self.directory.path().join("tmp")).len()
    }

    /// How many files have their names.
    pub(crate) fn stored_files(&self) -> usize {
        files_below(self.directory.path().join("artifact")).len()
    }

    pub(crate) fn count(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.faults
            .events()
            .iter()
            .filter(|event| wanted(event))
            .count()
    }
}

pub(crate) fn body(number: u32) -> Bytes {
    format!("{number:01024}").into()
}

pub(crate) fn files_below(folder: PathBuf) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(path));
        } else {
            files.push(path);
        }
    }
    files
}

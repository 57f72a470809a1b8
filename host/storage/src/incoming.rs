//! A file whose bytes have come, but which has no name in the store yet.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use bytes::Bytes;
use cap_std::fs::Dir;

use crate::digest::{Digests, Sha256Digest};
use crate::directory::Shared;
use crate::error::{Context as _, Result};
use crate::reader::FileReader;
use crate::store::Reader;
use crate::temporary_folder::TemporaryFolder;

/// From this size on, a file is removed off the async threads: giving back its blocks takes a while.
const SLOW_TO_REMOVE: u64 = 16 << 20;

/// A file whose bytes have come and were checked, and which is not in the store yet.
///
/// Dropping it removes the bytes. One that came through a [`Writer`](crate::Writer) holds an open
/// file until it is placed, so gather hundreds rather than thousands.
#[derive(Debug)]
#[must_use = "dropping an incoming file removes it; place it to store it"]
pub struct Incoming {
    pub(crate) stored: Stored,
    pub(crate) temporary: TemporaryFile,
}

/// What is known of the bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The digests that were asked for, and the SHA-256.
    pub digests: Digests,
    /// How many bytes there are.
    pub size: u64,
}

impl Incoming {
    /// The digests that were asked for, and the SHA-256.
    pub fn digests(&self) -> &Digests {
        &self.stored.digests
    }

    /// The digest that the file will be stored by.
    pub fn sha256(&self) -> Sha256Digest {
        self.stored.digests.sha256
    }

    /// How many bytes there are.
    pub fn size(&self) -> u64 {
        self.stored.size
    }

    /// Opens the bytes for reading, before they are stored: an upload is parsed so.
    pub fn open(&self) -> Result<Arc<dyn Reader>> {
        let file = self.temporary.reopen().context("open a temporary file")?;
        Ok(Arc::new(FileReader::new(file, self.stored.size)))
    }
}

/// A file in the temporary folder, removed when it is dropped before it has got its final name.
#[derive(Debug)]
pub(crate) struct TemporaryFile {
    shared: Arc<Shared>,
    folder: Arc<TemporaryFolder>,
    name: String,
    file: Option<Arc<File>>,
    size: u64,
    /// How many syncs of the whole file system had failed when the file was begun.
    failures: u64,
    synced: bool,
    named: bool,
}

impl TemporaryFile {
    /// Makes an empty one.
    pub(crate) fn create(shared: &Arc<Shared>) -> io::Result<Self> {
        // Read before the first write: a sync that fails later might have lost this file's bytes.
        let failures = shared.sync.failures();
        let name = shared.next_name();
        let folder = shared.folders.temporary();
        let file = shared.file_system.create(folder.dir(), &name)?;
        Ok(Self {
            shared: Arc::clone(shared),
            folder,
            name,
            file: Some(Arc::new(file)),
            size: 0,
            failures,
            synced: false,
            named: false,
        })
    }

    /// Gives a file of `folder` a second name in the temporary folder; its bytes are on the disk.
    /// `None` where the file system has no second names.
    pub(crate) fn link(
        shared: &Arc<Shared>,
        folder: &Dir,
        name: &str,
        size: u64,
    ) -> io::Result<Option<Self>> {
        let new_name = shared.next_name();
        let own = shared.folders.temporary();
        let linked = shared
            .file_system
            .link(folder, name, own.dir(), &new_name)?;
        Ok(linked.then(|| Self {
            shared: Arc::clone(shared),
            folder: own,
            name: new_name,
            file: None,
            size,
            failures: shared.sync.failures(),
            synced: true,
            named: false,
        }))
    }

    /// Copies the first `size` bytes of a file and brings them to the disk.
    pub(crate) fn copy(shared: &Arc<Shared>, mut source: &File, size: u64) -> io::Result<Self> {
        let mut copy = Self::create(shared)?;
        if let Some(file) = &copy.file {
            source.seek(SeekFrom::Start(0))?;
            io::copy(&mut source.take(size), &mut &**file)?;
        }
        copy.size = size;
        copy.sync()?;
        Ok(copy)
    }

    /// Writes at the end.
    pub(crate) fn append(&mut self, chunks: &[Bytes]) -> io::Result<()> {
        if let Some(file) = &self.file {
            self.shared.file_system.append(file, chunks)?;
            self.size += chunks.iter().map(|chunk| chunk.len() as u64).sum::<u64>();
        }
        Ok(())
    }

    /// Asks the kernel to begin writing what came since `offset`.
    pub(crate) fn start_writeback(&self, offset: u64) {
        if let Some(file) = &self.file {
            let length = self.size.saturating_sub(offset);
            self.shared
                .file_system
                .start_writeback(file, offset, length);
        }
    }

    /// Waits until the bytes are on the disk.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if let (false, Some(file)) = (self.synced, &self.file) {
            self.shared.file_system.sync_file(file)?;
            self.synced = true;
        }
        Ok(())
    }

    /// Whether the bytes are on the disk, as far as this file itself was synced.
    pub(crate) fn is_synced(&self) -> bool {
        self.synced
    }

    /// Whether the file can be synced by itself.
    pub(crate) fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// How many syncs of the whole file system had failed when the file was begun.
    pub(crate) fn failures(&self) -> u64 {
        self.failures
    }

    /// Frees the descriptor; the bytes are then synced with the whole file system.
    pub(crate) fn close(&mut self) {
        self.file = None;
    }

    /// The open file, for readers that follow it.
    pub(crate) fn file(&self) -> Option<&Arc<File>> {
        self.file.as_ref()
    }

    /// The bytes, also when the descriptor was freed.
    fn reopen(&self) -> io::Result<Arc<File>> {
        if let Some(file) = &self.file {
            return Ok(Arc::clone(file));
        }
        let file = self.folder.dir().open(&self.name)?;
        Ok(Arc::new(file.into_std()))
    }

    /// Gives the file its final name, unless that is taken: then false.
    pub(crate) fn place(&mut self, shard: &Dir, name: &str) -> io::Result<bool> {
        let from = self.folder.dir();
        self.named = self
            .shared
            .file_system
            .place(from, &self.name, shard, name)?;
        Ok(self.named)
    }

    /// Gives the file its final name. Its bytes must be on the disk: what it replaces may be in use.
    pub(crate) fn replace(&mut self, shard: &Dir, name: &str) -> io::Result<()> {
        let from = self.folder.dir();
        self.shared
            .file_system
            .replace(from, &self.name, shard, name)?;
        self.named = true;
        Ok(())
    }

    /// Whether the file has its final name.
    pub(crate) fn is_named(&self) -> bool {
        self.named
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if self.named {
            return;
        }
        let (shared, folder) = (Arc::clone(&self.shared), Arc::clone(&self.folder));
        let name = std::mem::take(&mut self.name);
        let file = self.file.take();
        let remove = move || {
            drop(file);
            if let Err(error) = shared.file_system.remove(folder.dir(), &name) {
                // The next start clears the folder.
                tracing::warn!(file.name = name, %error, "could not remove temporary file {name}");
            }
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if self.size >= SLOW_TO_REMOVE => {
                runtime.spawn_blocking(remove);
            }
            _ => remove(),
        }
    }
}

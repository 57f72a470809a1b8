//! A store in a directory.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{fs, io};

use async_trait::async_trait;
use rustix::fs::AtFlags;

use crate::blocking::blocking;
use crate::digest::{Algorithm, Sha256Digest};
use crate::durable::{Durable, Placed};
use crate::error::{Context as _, Error, Result};
use crate::filesystem::{FileSystem, NativeFileSystem};
use crate::folders::{Folders, digest_of, file_name};
use crate::hold::Holds;
use crate::incoming::Incoming;
use crate::reader::{self, FileReader};
use crate::session::{Session, SessionName};
use crate::session_directory::DirectorySession;
use crate::session_file::{self, SessionFile};
use crate::store::{Listed, Reader, SmallBody, Space, Store, Writer};
use crate::sync::{self, GroupSync};
use crate::turn::Turns;
use crate::writer::DirectoryWriter;
use crate::{place, remove, small};

/// Files in a directory of this machine, which nobody but the server's user can read.
///
/// `artifact/ab/cdef…` is the file with the digest `abcdef…`; `tmp` is for what is not placed
/// yet, and `upload` for what comes in chunks.
/// Several processes may share the directory.
#[derive(Debug, Clone)]
pub struct DirectoryStore {
    shared: Arc<Shared>,
}

/// What the parts of a directory store share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) folders: Folders,
    pub(crate) file_system: Arc<dyn FileSystem>,
    pub(crate) holds: Arc<Holds>,
    pub(crate) sync: GroupSync,
    pub(crate) turns: Arc<Turns>,
    /// The machine since its last start: what its kernel has goes with it.
    keeper: Option<String>,
    names: AtomicU64,
}

impl Shared {
    /// A name that no other temporary file of this process has.
    pub(crate) fn next_name(&self) -> String {
        self.names.fetch_add(1, Ordering::Relaxed).to_string()
    }
}

impl DirectoryStore {
    /// Opens the store in a directory, which is made if it is missing. It blocks: call it at the start.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, Arc::new(NativeFileSystem))
    }

    /// Opens it on a file system of the caller's own, such as one that fails
    /// ([`FaultyFileSystem`](crate::faults::FaultyFileSystem)).
    pub fn open_with(path: impl AsRef<Path>, file_system: Arc<dyn FileSystem>) -> Result<Self> {
        let path = path.as_ref();
        let folders =
            Folders::open(path).with_context(|| format!("open the store in {}", path.display()))?;
        let keeper = keeper(&folders);
        Ok(Self {
            shared: Arc::new(Shared {
                folders,
                file_system,
                holds: Arc::default(),
                sync: GroupSync::default(),
                turns: Arc::default(),
                keeper,
                names: AtomicU64::new(0),
            }),
        })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<Shared>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let shared = Arc::clone(&self.shared);
        blocking(move || work(&shared)).await
    }
}

#[async_trait]
impl Store for DirectoryStore {
    fn create(&self, algorithms: &[Algorithm]) -> Box<dyn Writer> {
        Box::new(DirectoryWriter::new(&self.shared, algorithms))
    }

    async fn put_small(&self, bodies: Vec<SmallBody>) -> Vec<Result<Incoming>> {
        let count = bodies.len();
        self.blocking(move |shared| Ok(small::put_small(shared, bodies)))
            .await
            .unwrap_or_else(|stopping| (0..count).map(|_| Err(stopping.clone())).collect())
    }

    async fn place(&self, incoming: Vec<Incoming>) -> Result<Placed> {
        self.blocking(move |shared| place::place(shared, incoming))
            .await
    }

    async fn make_durable(&self, placed: Placed) -> Result<Durable> {
        sync::make_durable(&self.shared, placed).await
    }

    async fn missing(&self, digests: &[Sha256Digest]) -> Result<Vec<Sha256Digest>> {
        let mut digests = digests.to_vec();
        digests.sort_unstable();
        self.blocking(move |shared| missing(&shared.folders, &digests))
            .await
    }

    async fn open(&self, digest: &Sha256Digest) -> Result<Arc<dyn Reader>> {
        let digest = *digest;
        self.blocking(move |shared| {
            let opened = shared.folders.open_file(&digest).and_then(|file| {
                let length = file.metadata()?.len();
                Ok(FileReader::new(Arc::new(file), length))
            });
            let reader = opened.map_err(|error| Error::io_of(digest, "open", error))?;
            Ok(Arc::new(reader) as Arc<dyn Reader>)
        })
        .await
    }

    async fn verify(&self, digest: &Sha256Digest) -> Result<bool> {
        let digest = *digest;
        self.blocking(move |shared| {
            let hashed = shared
                .folders
                .open_file(&digest)
                .and_then(|file| reader::hash(&file));
            let actual = hashed.map_err(|error| Error::io_of(digest, "read", error))?;
            Ok(actual == digest)
        })
        .await
    }

    async fn remove(&self, digests: &[Sha256Digest]) -> Result<Vec<Sha256Digest>> {
        remove::remove(&self.shared, digests).await
    }

    async fn list(&self, first: u8) -> Result<Vec<Listed>> {
        self.blocking(move |shared| list(&shared.folders, first).context("list the stored files"))
            .await
    }

    async fn begin_session(&self, name: SessionName) -> Result<Box<dyn Session>> {
        let file = SessionFile::create(&self.shared, name).await?;
        Ok(Box::new(DirectorySession::new(file)?))
    }

    async fn resume_session(&self, name: SessionName) -> Result<Option<Box<dyn Session>>> {
        let Some(file) = SessionFile::open(&self.shared, name).await? else {
            return Ok(None);
        };
        Ok(Some(Box::new(DirectorySession::new(file)?)))
    }

    async fn remove_sessions(&self, names: &[SessionName]) -> Result<()> {
        let names = names.to_vec();
        self.blocking(move |shared| {
            for name in names {
                session_file::remove(shared, name).context("remove the file of an upload")?;
            }
            Ok(())
        })
        .await
    }

    async fn idle_sessions(&self, idle: Duration) -> Result<Vec<SessionName>> {
        self.blocking(move |shared| {
            session_file::list_idle(shared, idle).context("list the files of uploads")
        })
        .await
    }

    fn keeper(&self) -> Option<&str> {
        self.shared.keeper.as_deref()
    }

    async fn recover(&self) -> Result<u64> {
        self.blocking(|shared| {
            shared
                .folders
                .clear_abandoned()
                .context("clear the temporary folder")
        })
        .await
    }

    async fn space(&self) -> Result<Option<Space>> {
        self.blocking(|shared| {
            let found = rustix::fs::fstatvfs(shared.folders.root()).map_err(io::Error::from);
            let found = found.context("ask for the free space")?;
            Ok(Some(Space {
                total: found.f_blocks.saturating_mul(found.f_frsize),
                available: found.f_bavail.saturating_mul(found.f_frsize),
            }))
        })
        .await
    }
}

/// File systems that belong to one machine, by the number in `statfs`: ext, XFS, Btrfs, ZFS,
/// F2FS, Bcachefs, overlay, tmpfs.
const LOCAL: [u64; 8] = [
    0xEF53,
    0x5846_5342,
    0x9123_683E,
    0x2FC1_2FC1,
    0xF2F5_2010,
    0xCA45_1A4E,
    0x794C_7630,
    0x0102_1994,
];

/// The machine since its last start. On a file system that other machines may share there is
/// nobody to trust with bytes that were not synced.
fn keeper(folders: &Folders) -> Option<String> {
    let kind = rustix::fs::fstatfs(folders.root()).ok()?.f_type;
    if !LOCAL.contains(&u64::try_from(kind).ok()?) {
        return None;
    }
    let started = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(started.trim().to_owned())
}

/// Opens each shard once, for the digests are in order.
fn missing(folders: &Folders, digests: &[Sha256Digest]) -> Result<Vec<Sha256Digest>> {
    let mut missing = Vec::new();
    for group in digests.chunk_by(|one, next| one.0[0] == next.0[0]) {
        let shard = folders
            .shard(group[0].0[0])
            .map_err(|error| Error::io_of(group[0], "look for", error))?;
        for digest in group {
            match rustix::fs::statat(&shard, file_name(digest), AtFlags::SYMLINK_NOFOLLOW) {
                Ok(_) => {}
                Err(rustix::io::Errno::NOENT) => missing.push(*digest),
                Err(error) => return Err(Error::io_of(*digest, "look for", error.into())),
            }
        }
    }
    Ok(missing)
}

fn list(folders: &Folders, first: u8) -> io::Result<Vec<Listed>> {
    let mut listed = Vec::new();
    for entry in folders.shard(first)?.entries()? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(digest) = name.to_str().and_then(|name| digest_of(first, name)) else {
            continue;
        };
        match entry.metadata() {
            Ok(metadata) => listed.push(Listed {
                digest,
                size: metadata.len(),
                modified: metadata.modified()?.into_std(),
            }),
            // Removed since.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(listed)
}

//! The folders of a directory store: 256 shards of stored files, one for sessions, and a temporary one for each process.
//!
//! Every folder is an open handle and every name below it a single component, so that neither a
//! symbolic link nor a strange name leads out of the store.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{io, mem};

use cap_std::fs::Dir;
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::digest::Sha256Digest;
use crate::temporary_folder::{self, TemporaryFolder};

const ARTIFACT: &str = "artifact";
const TEMPORARY: &str = "tmp";
const SESSIONS: &str = "upload";

/// The open folders of one store.
#[derive(Debug)]
pub(crate) struct Folders {
    root: Dir,
    artifact: Dir,
    temporary: Dir,
    sessions: Dir,
    own: Mutex<Arc<TemporaryFolder>>,
}

impl Folders {
    /// Opens a store, and makes its folders where they are missing.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let root = Dir::from_std_file(File::open(path)?);
        let artifact = make(&root, ARTIFACT)?;
        for shard in 0..=u8::MAX {
            // All at once: later no write has to ask whether its shard is there, or to sync its parent.
            make_only(&artifact, &shard_name(shard))?;
        }
        let temporary = make(&root, TEMPORARY)?;
        let sessions = make(&root, SESSIONS)?;
        temporary_folder::spread(&temporary);
        let own = TemporaryFolder::make(&temporary)?;
        // The names of the shards; from here on they count as given.
        rustix::fs::fsync(&artifact)?;
        rustix::fs::fsync(&root)?;
        Ok(Self {
            root,
            artifact,
            temporary,
            sessions,
            own: Mutex::new(Arc::new(own)),
        })
    }

    /// The store's own folder, open since before the first write.
    pub(crate) fn root(&self) -> &Dir {
        &self.root
    }

    /// Where this process keeps what is not placed yet.
    pub(crate) fn temporary(&self) -> Arc<TemporaryFolder> {
        Arc::clone(&self.own())
    }

    /// From now on, what is not placed yet is kept in another folder.
    pub(crate) fn change_temporary(&self) -> io::Result<()> {
        let next = TemporaryFolder::make(&self.temporary)?;
        // Dropped behind the lock: it may be the last who has the old one, and removes it.
        let old = mem::replace(&mut *self.own(), Arc::new(next));
        drop(old);
        Ok(())
    }

    fn own(&self) -> MutexGuard<'_, Arc<TemporaryFolder>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where files are that come in chunks; all processes share it.
    pub(crate) fn sessions(&self) -> &Dir {
        &self.sessions
    }

    /// The folder of the stored files whose digest begins with this byte.
    pub(crate) fn shard(&self, first: u8) -> io::Result<Dir> {
        open(&self.artifact, &shard_name(first))
    }

    /// Opens a stored file for reading.
    pub(crate) fn open_file(&self, digest: &Sha256Digest) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let shard = self.shard(digest.0[0])?;
        Ok(rustix::fs::openat(&shard, file_name(digest), flags, Mode::empty())?.into())
    }

    /// Removes what processes that are gone have left, and says how many files there were.
    pub(crate) fn clear_abandoned(&self) -> io::Result<u64> {
        let mut removed = 0;
        for entry in self.temporary.entries()? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if !entry.file_type()?.is_dir() {
                self.temporary.remove_file(&name)?;
                removed += 1;
                continue;
            }
            match open(&self.temporary, &name) {
                Ok(folder) if lock(&folder)? => {
                    removed += empty(&folder)?;
                    ignore_absent(self.temporary.remove_dir(&name))?;
                }
                Ok(_alive) => {}
                Err(error) => ignore_absent(Err(error))?,
            }
        }
        Ok(removed)
    }
}

/// The name that a stored file has within its shard.
pub(crate) fn file_name(digest: &Sha256Digest) -> String {
    hex::encode(&digest.0[1..])
}

/// The digest of a stored file, if it has the name of one.
pub(crate) fn digest_of(shard: u8, name: &str) -> Option<Sha256Digest> {
    let mut bytes = [shard; 32];
    hex::decode_to_slice(name, &mut bytes[1..]).ok()?;
    Some(Sha256Digest(bytes))
}

fn shard_name(first: u8) -> String {
    hex::encode([first])
}

fn make_only(parent: &Dir, name: &str) -> io::Result<()> {
    match rustix::fs::mkdirat(parent, name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn make(parent: &Dir, name: &str) -> io::Result<Dir> {
    make_only(parent, name)?;
    open(parent, name)
}

pub(crate) fn open(parent: &Dir, name: &str) -> io::Result<Dir> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    Ok(Dir::from_std_file(folder.into()))
}

/// Locks a folder until it is closed, unless somebody has it, be it in this process.
pub(crate) fn lock(folder: &Dir) -> io::Result<bool> {
    match rustix::fs::flock(folder, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn empty(folder: &Dir) -> io::Result<u64> {
    let mut removed = 0;
    for entry in folder.entries()? {
        ignore_absent(folder.remove_file(entry?.file_name()))?;
        removed += 1;
    }
    Ok(removed)
}

pub(crate) fn ignore_absent(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_holds_is_cleared() {
        let place = tempfile::tempdir().unwrap();
        let first = Folders::open(place.path()).unwrap();
        let own = first.temporary();
        own.dir().write("alive", "bytes").unwrap();
        first.change_temporary().unwrap();
        let abandoned = place.path().join("tmp/7-abandoned");
        std::fs::create_dir(&abandoned).unwrap();
        std::fs::write(abandoned.join("0"), "bytes").unwrap();
        std::fs::write(place.path().join("tmp/stray"), "bytes").unwrap();

        let second = Folders::open(place.path()).unwrap();
        assert_eq!(second.clear_abandoned().unwrap(), 2);
        assert!(!abandoned.exists());
        assert_eq!(first.clear_abandoned().unwrap(), 0);
        assert!(own.dir().exists("alive"));
        assert!(!first.temporary().dir().exists("alive"));

        drop((first, own));
        assert_eq!(second.clear_abandoned().unwrap(), 1);
        assert_eq!(second.temporary.entries().unwrap().count(), 1);
    }

    #[test]
    fn a_symbolic_link_does_not_lead_out_of_the_store() {
        let place = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        let folders = Folders::open(place.path()).unwrap();
        let digest = Sha256Digest::of(b"secret");
        std::fs::write(outside.path().join(file_name(&digest)), "secret").unwrap();

        let shard = place.path().join("artifact").join(shard_name(digest.0[0]));
        let link = shard.join(file_name(&digest));
        std::os::unix::fs::symlink(outside.path().join(file_name(&digest)), link).unwrap();
        assert!(folders.open_file(&digest).is_err());

        std::fs::remove_dir_all(&shard).unwrap();
        std::os::unix::fs::symlink(outside.path(), &shard).unwrap();
        assert!(folders.open_file(&digest).is_err());
    }

    #[test]
    fn a_name_in_a_shard_is_a_digest_or_nothing() {
        let digest = Sha256Digest::of(b"abc");
        assert_eq!(digest_of(digest.0[0], &file_name(&digest)), Some(digest));
        assert_eq!(digest_of(0, "readme.txt"), None);
    }
}

//! A file system that fails on demand, for tests: it is never used unless it is asked for by name.
//!
//! It does the real work, fails where its [`Faults`] say so, keeps a log of what was done in which
//! order, and knows what a power loss would take ([`FaultyFileSystem::lose_unsynced`]).

mod ledger;
mod spec;

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use bytes::Bytes;
use cap_std::fs::Dir;
use rustix::fs::AtFlags;

use crate::digest::Sha256Digest;
use crate::filesystem::{FileSystem, NativeFileSystem};
use crate::folders::file_name;
use ledger::{Ledger, number_of};
pub use spec::{FaultError, Faults};

const NO_SPACE: i32 = 28;
const BROKEN: i32 = 5;

/// Something that was done, or tried. A name is the one within its folder: a number for a temporary
/// file, the digest without its first two digits for a stored one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A temporary file was made.
    Created(String),
    /// So many bytes were written to a file.
    Written(String, usize),
    /// A sync of a file, a folder or the file system began.
    SyncBegan,
    /// A file's bytes are on the disk.
    FileSynced(String),
    /// The names in a folder are on the disk.
    FolderSynced,
    /// Everything is on the disk.
    FileSystemSynced,
    /// A file got a name that was free.
    Placed(String),
    /// A file got a name that was taken.
    Replaced(String),
    /// A file was removed.
    Removed(String),
    /// An operation was made to fail.
    Failed(&'static str),
    /// A test wrote this down.
    Note(String),
}

/// The machine's own file system, with faults.
#[derive(Debug, Default)]
pub struct FaultyFileSystem {
    state: Mutex<State>,
    syncs_held: Mutex<bool>,
    syncs_released: Condvar,
}

#[derive(Debug, Default)]
struct State {
    faults: Faults,
    bytes: u64,
    writes: u64,
    renames: u64,
    syncs: u64,
    events: Vec<Event>,
    ledger: Ledger,
}

impl FaultyFileSystem {
    /// Fails as told; with [`Faults::default`] it only keeps the log.
    pub fn new(faults: Faults) -> Self {
        Self {
            state: Mutex::new(State {
                faults,
                ..State::default()
            }),
            ..Self::default()
        }
    }

    /// Reads the faults from a text such as `enospc-after=1048576,eio-sync=2`; see [`Faults`].
    pub fn from_spec(spec: &str) -> Result<Self, FaultError> {
        spec.parse().map(Self::new)
    }

    /// Has other faults from now on; all counts begin again.
    pub fn set_faults(&self, faults: Faults) {
        let mut state = self.state();
        (state.bytes, state.writes, state.renames, state.syncs) = (0, 0, 0, 0);
        state.faults = faults;
    }

    /// What was done so far, in order.
    pub fn events(&self) -> Vec<Event> {
        self.state().events.clone()
    }

    /// Writes something of the test's own into the log, such as "row committed".
    pub fn note(&self, text: impl Into<String>) {
        self.state().events.push(Event::Note(text.into()));
    }

    /// Whether a power loss now would leave the file with its bytes and its name.
    pub fn is_durable(&self, digest: &Sha256Digest) -> bool {
        self.state().ledger.is_durable(&file_name(digest))
    }

    /// Does what a power loss may do: a file that has its name but was not synced is empty, and a
    /// name that was not synced is gone. Returns how many files were lost.
    pub fn lose_unsynced(&self) -> io::Result<usize> {
        self.state().ledger.lose_unsynced()
    }

    /// Lets no sync return before [`Self::release_syncs`].
    pub fn hold_syncs(&self) {
        *self.syncs_held() = true;
    }

    /// Lets held syncs go on.
    pub fn release_syncs(&self) {
        *self.syncs_held() = false;
        self.syncs_released.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn syncs_held(&self) -> MutexGuard<'_, bool> {
        self.syncs_held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a sync, delays it, and says whether it is to fail.
    fn begin_sync(&self) -> io::Result<()> {
        let (fails, delay) = {
            let mut state = self.state();
            state.syncs += 1;
            state.events.push(Event::SyncBegan);
            (
                state.faults.eio_sync == Some(state.syncs),
                state.faults.slow_sync,
            )
        };
        let held = self.syncs_held();
        drop(
            self.syncs_released
                .wait_while(held, |held| *held)
                .unwrap_or_else(PoisonError::into_inner),
        );
        thread::sleep(delay);
        if fails {
            Err(self.state().fail("sync", BROKEN))
        } else {
            Ok(())
        }
    }

    fn rename(
        &self,
        (from, name): (&Dir, &str),
        (to, new_name): (&Dir, &str),
        replace: bool,
    ) -> io::Result<bool> {
        let mut state = self.state();
        state.renames += 1;
        if state.faults.eio_rename == Some(state.renames) {
            return Err(state.fail("rename", BROKEN));
        }
        let number = number_of(from, name)?;
        let replaced = number_of(to, new_name).ok();
        let renamed = if replace {
            NativeFileSystem.replace(from, name, to, new_name)?;
            state.events.push(Event::Replaced(new_name.to_owned()));
            true
        } else {
            NativeFileSystem.place(from, name, to, new_name)?
        };
        if renamed {
            state.ledger.named(number, to, new_name, replaced)?;
            if !replace {
                state.events.push(Event::Placed(new_name.to_owned()));
            }
        }
        Ok(renamed)
    }
}

impl State {
    fn fail(&mut self, what: &'static str, code: i32) -> io::Error {
        self.events.push(Event::Failed(what));
        io::Error::from_raw_os_error(code)
    }
}

impl FileSystem for FaultyFileSystem {
    fn create(&self, folder: &Dir, name: &str) -> io::Result<File> {
        let mut state = self.state();
        let file = NativeFileSystem.create(folder, name)?;
        state.ledger.created(file.metadata()?.ino(), name);
        state.events.push(Event::Created(name.to_owned()));
        Ok(file)
    }

    fn append(&self, file: &File, chunks: &[Bytes]) -> io::Result<()> {
        let mut state = self.state();
        let name = state.ledger.name_of(file.metadata()?.ino());
        state.writes += 1;
        if state.faults.eio_write == Some(state.writes) {
            return Err(state.fail("write", BROKEN));
        }
        for chunk in chunks {
            let room = state
                .faults
                .enospc_after
                .map_or(u64::MAX, |all| all - state.bytes);
            let fitting = usize::try_from(room).map_or(chunk.len(), |room| room.min(chunk.len()));
            NativeFileSystem.append(file, &[chunk.slice(..fitting)])?;
            state.bytes += fitting as u64;
            state.events.push(Event::Written(name.clone(), fitting));
            if fitting < chunk.len() {
                return Err(state.fail("write", NO_SPACE));
            }
        }
        Ok(())
    }

    fn sync_file(&self, file: &File) -> io::Result<()> {
        let number = file.metadata()?.ino();
        let result = self
            .begin_sync()
            .and_then(|()| NativeFileSystem.sync_file(file));
        let mut state = self.state();
        state.ledger.file_synced(number, result.is_ok());
        if result.is_ok() {
            let name = state.ledger.name_of(number);
            state.events.push(Event::FileSynced(name));
        }
        result
    }

    fn sync_directory(&self, folder: &Dir) -> io::Result<()> {
        let before = self.state().ledger.names_in(folder)?;
        self.begin_sync()?;
        NativeFileSystem.sync_directory(folder)?;
        let mut state = self.state();
        state.ledger.names_synced(&before);
        state.events.push(Event::FolderSynced);
        Ok(())
    }

    fn sync_file_system(&self, folder: &Dir) -> io::Result<()> {
        let before = self.state().ledger.everything();
        let result = self
            .begin_sync()
            .and_then(|()| NativeFileSystem.sync_file_system(folder));
        let mut state = self.state();
        state.ledger.everything_synced(&before, result.is_ok());
        if result.is_ok() {
            state.events.push(Event::FileSystemSynced);
        }
        result
    }

    fn place(&self, from: &Dir, name: &str, to: &Dir, new_name: &str) -> io::Result<bool> {
        self.rename((from, name), (to, new_name), false)
    }

    fn replace(&self, from: &Dir, name: &str, to: &Dir, new_name: &str) -> io::Result<()> {
        self.rename((from, name), (to, new_name), true).map(|_| ())
    }

    fn remove(&self, folder: &Dir, name: &str) -> io::Result<bool> {
        let mut state = self.state();
        // A file with a second name lives on under that.
        if let Ok(found) = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
            && found.st_nlink == 1
        {
            state.ledger.removed(found.st_ino);
        }
        let removed = NativeFileSystem.remove(folder, name)?;
        if removed {
            state.events.push(Event::Removed(name.to_owned()));
        }
        Ok(removed)
    }
}

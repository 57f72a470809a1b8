//! What a power loss would take: which files have their bytes, and which their names, on the disk.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;

use cap_std::fs::{Dir, OpenOptions};
use rustix::fs::AtFlags;

/// A file's or a folder's own number (inode).
type Number = u64;

#[derive(Debug, Default)]
pub(super) struct Ledger {
    files: HashMap<Number, Entry>,
    /// One handle for each folder, not one for each file.
    folders: HashMap<Number, Dir>,
}

#[derive(Debug, Clone)]
struct Entry {
    name: String,
    /// The folder of its final name.
    folder: Option<Number>,
    bytes: Bytes,
    name_synced: bool,
    /// It took the place of a file with the same digest, whose name is on the disk in any case.
    kept: bool,
}

/// Where the bytes of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bytes {
    InMemory,
    OnDisk,
    /// A sync failed while they were in memory: no later one brings them back.
    Lost,
}

/// Which files had their bytes and their names when a sync began.
#[derive(Debug)]
pub(super) struct Before {
    bytes: Vec<Number>,
    names: Vec<Number>,
}

impl Ledger {
    pub(super) fn created(&mut self, number: Number, name: &str) {
        let entry = Entry {
            name: name.to_owned(),
            folder: None,
            bytes: Bytes::InMemory,
            name_synced: false,
            kept: false,
        };
        self.files.insert(number, entry);
    }

    pub(super) fn removed(&mut self, number: Number) {
        self.files.remove(&number);
    }

    pub(super) fn name_of(&self, number: Number) -> String {
        self.files
            .get(&number)
            .map(|entry| entry.name.clone())
            .unwrap_or_default()
    }

    pub(super) fn named(
        &mut self,
        number: Number,
        folder: &Dir,
        name: &str,
        replaced: Option<Number>,
    ) -> io::Result<()> {
        let folder_number = own_number(folder)?;
        let handle = folder.try_clone()?;
        self.folders.entry(folder_number).or_insert(handle);
        // A file of an earlier run is not in the books: its name counts as synced.
        let kept = replaced.is_some_and(|old| {
            self.files
                .remove(&old)
                .is_none_or(|entry| entry.name_synced || entry.kept)
        });
        if let Some(entry) = self.files.get_mut(&number) {
            name.clone_into(&mut entry.name);
            entry.folder = Some(folder_number);
            entry.kept = kept;
        }
        Ok(())
    }

    pub(super) fn is_durable(&self, name: &str) -> bool {
        let stored = self.files.values().filter(|entry| entry.folder.is_some());
        stored
            .filter(|entry| entry.name == name)
            .any(|entry| entry.bytes == Bytes::OnDisk && (entry.name_synced || entry.kept))
    }

    pub(super) fn file_synced(&mut self, number: Number, done: bool) {
        self.bytes_synced(&[number], done);
    }

    pub(super) fn names_in(&self, folder: &Dir) -> io::Result<Vec<Number>> {
        let folder = Some(own_number(folder)?);
        let inside = self
            .files
            .iter()
            .filter(|(_, entry)| entry.folder == folder);
        Ok(inside.map(|(number, _)| *number).collect())
    }

    pub(super) fn names_synced(&mut self, numbers: &[Number]) {
        for number in numbers {
            if let Some(entry) = self.files.get_mut(number) {
                entry.name_synced = true;
            }
        }
    }

    pub(super) fn everything(&self) -> Before {
        let named = self
            .files
            .iter()
            .filter(|(_, entry)| entry.folder.is_some());
        Before {
            bytes: self.files.keys().copied().collect(),
            names: named.map(|(number, _)| *number).collect(),
        }
    }

    pub(super) fn everything_synced(&mut self, before: &Before, done: bool) {
        self.bytes_synced(&before.bytes, done);
        if done {
            self.names_synced(&before.names);
        }
    }

    fn bytes_synced(&mut self, numbers: &[Number], done: bool) {
        for number in numbers {
            if let Some(entry) = self.files.get_mut(number) {
                entry.bytes = match entry.bytes {
                    Bytes::InMemory if done => Bytes::OnDisk,
                    Bytes::InMemory => Bytes::Lost,
                    settled => settled,
                };
            }
        }
    }

    pub(super) fn lose_unsynced(&mut self) -> io::Result<usize> {
        let mut lost = 0;
        for entry in self.files.values() {
            let Some(folder) = entry.folder.and_then(|number| self.folders.get(&number)) else {
                continue;
            };
            if entry.bytes != Bytes::OnDisk {
                folder.open_with(&entry.name, OpenOptions::new().write(true).truncate(true))?;
                lost += 1;
            } else if !entry.name_synced && !entry.kept {
                folder.remove_file(&entry.name)?;
                lost += 1;
            }
        }
        self.files.clear();
        Ok(lost)
    }
}

/// The number of the file with a name.
pub(super) fn number_of(folder: &Dir, name: &str) -> io::Result<Number> {
    Ok(rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?.st_ino)
}

fn own_number(folder: &Dir) -> io::Result<Number> {
    Ok(folder.try_clone()?.into_std_file().metadata()?.ino())
}

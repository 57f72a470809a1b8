//! Every change that a directory store makes on disk, as the few system calls that it needs.
//!
//! The store makes no change but through this trait, so that a test can let any of them fail and
//! see in which order they came ([`crate::faults`]). Names are single path components, and folders
//! are open handles: nothing here can leave the folder it is given.

use std::fmt;
use std::fs::File;
use std::io::{self, IoSlice, Write as _};
use std::num::NonZeroU64;

use bytes::Bytes;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt as _};
use rustix::fs::{Advice, AtFlags, RenameFlags};
use rustix::io::Errno;

/// How many slices one write takes; the kernel's own limit (`UIO_MAXIOV`).
const SLICES: usize = 1024;

/// The changes on disk. The provided methods are the real ones.
pub trait FileSystem: Send + Sync + fmt::Debug {
    /// Makes a new file, which only the server's user can read.
    fn create(&self, folder: &Dir, name: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        folder
            .open_with(name, &options)
            .map(cap_std::fs::File::into_std)
    }

    /// Writes at the file's position, all of it.
    fn append(&self, mut file: &File, chunks: &[Bytes]) -> io::Result<()> {
        if let [chunk] = chunks {
            return file.write_all(chunk);
        }
        for group in chunks.chunks(SLICES) {
            let mut slices: Vec<_> = group.iter().map(|chunk| IoSlice::new(chunk)).collect();
            let mut rest = &mut slices[..];
            IoSlice::advance_slices(&mut rest, 0); // passes over empty chunks
            while !rest.is_empty() {
                match file.write_vectored(rest) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(written) => IoSlice::advance_slices(&mut rest, written),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Asks the kernel to begin writing a range to the disk, without waiting for it.
    ///
    /// The advice means "not needed soon": dirty pages go on their way and stay in the cache, as
    /// pages under way cannot be dropped. It is only a hint, so a failure is of no account.
    fn start_writeback(&self, file: &File, offset: u64, length: u64) {
        let _ = rustix::fs::fadvise(file, offset, NonZeroU64::new(length), Advice::DontNeed);
    }

    /// Cuts a file off after so many bytes.
    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    /// Gives a file a second name that nothing has yet; false where that cannot be.
    fn link(&self, from: &Dir, name: &str, to: &Dir, new_name: &str) -> io::Result<bool> {
        match rustix::fs::linkat(from, name, to, new_name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK | Errno::XDEV) => {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until a file's bytes are on the disk.
    fn sync_file(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    /// Waits until a folder's names are on the disk.
    fn sync_directory(&self, folder: &Dir) -> io::Result<()> {
        Ok(rustix::fs::fsync(folder)?)
    }

    /// Waits until all that was written to this file system is on the disk: bytes and names.
    fn sync_file_system(&self, folder: &Dir) -> io::Result<()> {
        Ok(rustix::fs::syncfs(folder)?)
    }

    /// Gives a file its final name, unless something has that name already: then false.
    ///
    /// A file system that cannot tell also answers false; [`FileSystem::replace`] is always right,
    /// only dearer.
    fn place(&self, from: &Dir, name: &str, to: &Dir, new_name: &str) -> io::Result<bool> {
        match rustix::fs::renameat_with(from, name, to, new_name, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a file its final name, in the place of what has that name.
    fn replace(&self, from: &Dir, name: &str, to: &Dir, new_name: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(from, name, to, new_name)?)
    }

    /// Removes a file; false if there was none.
    fn remove(&self, folder: &Dir, name: &str) -> io::Result<bool> {
        match folder.remove_file(name) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The machine's own file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct NativeFileSystem;

impl FileSystem for NativeFileSystem {}

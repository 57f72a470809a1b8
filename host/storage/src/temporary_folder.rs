//! The folder of what a process has not placed yet.

use std::io;
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use cap_std::fs::Dir;
use rustix::fs::{IFlags, Mode};
use rustix::io::Errno;

use crate::folders::{ignore_absent, lock, open};

/// A temporary folder of this process. Its lock tells other processes that it is alive.
#[derive(Debug)]
pub(crate) struct TemporaryFolder {
    parent: Dir,
    name: String,
    dir: Dir,
}

impl TemporaryFolder {
    /// Makes one that nobody has.
    pub(crate) fn make(parent: &Dir) -> io::Result<Self> {
        loop {
            // In a container every process may be number 1: the time tells them apart.
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            let name = format!("{}-{:x}", process::id(), now.as_nanos());
            match rustix::fs::mkdirat(parent, &name, Mode::RWXU) {
                Err(Errno::EXIST) => continue,
                other => other?,
            }
            // A process that starts at the same time may take a folder without a lock for
            // abandoned, and remove it under us: then the next name is tried.
            match open(parent, &name) {
                Ok(dir) if lock(&dir)? && parent.exists(&name) => {
                    return Ok(Self {
                        parent: parent.try_clone()?,
                        name,
                        dir,
                    });
                }
                Ok(_taken) => {}
                Err(error) => ignore_absent(Err(error))?,
            }
        }
    }

    /// The open folder.
    pub(crate) fn dir(&self) -> &Dir {
        &self.dir
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // Fails if files are left in it; the next start clears them.
        let _ = self.parent.remove_dir(&self.name);
    }
}

/// Asks the file system to put the folders below this one far from each other.
///
/// Files get their inodes near the folder that they are made in. ext4 without a journal does not
/// give an inode away again for minutes after its file was removed, and to find another looks at
/// all of these: a thousand new files took a second where many had gone. So what is made after a
/// clean-up is made in another folder, and that folder is to be elsewhere. File systems that do
/// not know the flag refuse it, and need it not.
pub(crate) fn spread(parent: &Dir) {
    let spread = rustix::fs::ioctl_getflags(parent)
        .and_then(|flags| rustix::fs::ioctl_setflags(parent, flags | IFlags::TOPDIR));
    if let Err(error) = spread {
        tracing::debug!(%error, "temporary folders stay close to each other");
    }
}

//! A session's file in a directory store: opened, locked, and removed if nobody wants it.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use tokio::time::Instant;

use crate::blocking::blocking;
use crate::directory::Shared;
use crate::error::{Context as _, Error, Result};
use crate::session::SessionName;
use crate::turn::Turn;

/// How long to wait while another request, perhaps of another process, has the session. Longer than
/// a client may be silent, so that the wait for one that is gone comes to an end.
const PATIENCE: Duration = Duration::from_secs(90);

/// How often the lock of another process is tried.
const PAUSE: Duration = Duration::from_millis(20);

/// A session's file, locked. The lock goes when the last work on the file is done, also when whoever
/// started that work has given up.
#[derive(Debug)]
pub(crate) struct SessionFile {
    pub(crate) shared: Arc<Shared>,
    pub(crate) name: SessionName,
    pub(crate) file: File,
    pub(crate) turn: Turn,
    /// Whether the file goes when it is dropped.
    pub(crate) is_new: AtomicBool,
}

enum Opened {
    Locked(File),
    Busy,
    Missing,
}

impl SessionFile {
    /// Makes a new one.
    pub(crate) async fn create(shared: &Arc<Shared>, name: SessionName) -> Result<Self> {
        let turn = shared.turns.take(name).await;
        let made = Arc::clone(shared);
        blocking(move || {
            let folder = made.folders.sessions();
            let file = made.file_system.create(folder, &name.to_string());
            file.map(drop).context("make the file of an upload")
        })
        .await?;
        Self::open_in(shared, name, turn, true)
            .await?
            .ok_or(Error::Abandoned)
    }

    /// Opens one, once nobody else has it; `None` if it is not there.
    pub(crate) async fn open(shared: &Arc<Shared>, name: SessionName) -> Result<Option<Self>> {
        let turn = tokio::time::timeout(PATIENCE, shared.turns.take(name))
            .await
            .map_err(|_| Error::Busy)?;
        Self::open_in(shared, name, turn, false).await
    }

    async fn open_in(
        shared: &Arc<Shared>,
        name: SessionName,
        turn: Turn,
        is_new: bool,
    ) -> Result<Option<Self>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let opening = Arc::clone(shared);
            let opened =
                blocking(move || open_locked(&opening, name).context("open the file of an upload"))
                    .await?;
            match opened {
                Opened::Locked(file) => {
                    return Ok(Some(Self {
                        shared: Arc::clone(shared),
                        name,
                        file,
                        turn,
                        is_new: AtomicBool::new(is_new),
                    }));
                }
                Opened::Missing => return Ok(None),
                Opened::Busy if Instant::now() > deadline => return Err(Error::Busy),
                Opened::Busy => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}

fn open_locked(shared: &Shared, name: SessionName) -> io::Result<Opened> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = shared.folders.sessions();
    let file: File = match rustix::fs::openat(folder, name.to_string(), flags, Mode::empty()) {
        Ok(file) => file.into(),
        Err(Errno::NOENT) => return Ok(Opened::Missing),
        Err(error) => return Err(error.into()),
    };
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Ok(Opened::Busy),
        Err(error) => return Err(error.into()),
    }
    // Removed between the opening and the locking.
    if rustix::fs::fstat(&file)?.st_nlink == 0 {
        return Ok(Opened::Missing);
    }
    Ok(Opened::Locked(file))
}

impl Drop for SessionFile {
    fn drop(&mut self) {
        if self.is_new.load(Ordering::Relaxed)
            && let Err(error) = remove(&self.shared, self.name)
        {
            let name = self.name;
            tracing::warn!(file.name = %name, %error, "could not remove the upload file {name}");
        }
    }
}

/// Removes a session's file; whoever has it open writes to a file without a name.
pub(crate) fn remove(shared: &Shared, name: SessionName) -> io::Result<bool> {
    let folder = shared.folders.sessions();
    shared.file_system.remove(folder, &name.to_string())
}

/// The sessions whose file nobody has open and nobody has written to for a while.
pub(crate) fn list_idle(shared: &Shared, idle: Duration) -> io::Result<Vec<SessionName>> {
    let now = SystemTime::now();
    let mut names = Vec::new();
    for entry in shared.folders.sessions().entries()? {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().and_then(SessionName::parse) else {
            continue;
        };
        let modified = match entry.metadata() {
            Ok(metadata) => metadata.modified()?.into_std(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if now.duration_since(modified).is_ok_and(|age| age >= idle)
            && matches!(open_locked(shared, name)?, Opened::Locked(_))
        {
            names.push(name);
        }
    }
    Ok(names)
}

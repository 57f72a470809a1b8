//! The data directory, and which of its servers this process is.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use rustix::fs::FlockOperation;

/// More servers than that on one directory are a mistake.
const MAX_SERVERS: usize = 64;

/// The directory, held as long as the process lives.
#[derive(Debug)]
pub(crate) struct DataDirectory {
    path: PathBuf,
    /// Of this installation and this of its servers, the same after a restart.
    pub(crate) server_name: String,
    /// Its lock ends with the process, however that ends.
    _lock: File,
}

impl DataDirectory {
    /// Takes the directory; makes it when it is not there. `shared` allows other servers
    /// beside this one, which a database in a file does not.
    pub(crate) fn take(path: &Path, shared: bool) -> anyhow::Result<Self> {
        let path = make(path)?;
        let instance = instance(&path)?;
        for number in 1..=MAX_SERVERS {
            let name = path.join(format!("server-{number}.lock"));
            let lock = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .open(&name)
                .with_context(|| format!("{} cannot be opened", name.display()))?;
            if rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
                let host = rustix::system::uname()
                    .nodename()
                    .to_string_lossy()
                    .into_owned();
                return Ok(Self {
                    path,
                    server_name: format!("{instance}.{number}@{host}"),
                    _lock: lock,
                });
            }
            if !shared {
                break;
            }
        }
        bail!(
            "another server uses the data directory {}; stop it, or give both a PostgreSQL database",
            path.display()
        )
    }

    /// The directory of what is stored.
    pub(crate) fn store(&self) -> PathBuf {
        self.path.clone()
    }

    /// The file of the embedded database.
    pub(crate) fn database(path: &Path) -> PathBuf {
        path.join("pith.sqlite")
    }

    /// The key for secrets at rest.
    pub(crate) fn key(&self) -> PathBuf {
        self.path.join("secret.key")
    }

    /// Compiled plugins.
    pub(crate) fn compiled(&self) -> PathBuf {
        self.path.join("compiled")
    }

    /// Plugins that are put here by hand; made, so that it can be watched.
    pub(crate) fn plugins(&self) -> anyhow::Result<PathBuf> {
        make(&self.path.join("plugins"))
    }
}

/// Makes the directory, readable for the server's user only.
pub(crate) fn make(path: &Path) -> anyhow::Result<PathBuf> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("the data directory {} cannot be made", path.display()))?;
    path.canonicalize()
        .with_context(|| format!("the data directory {} cannot be entered", path.display()))
}

/// A word that is this installation's own.
fn instance(path: &Path) -> anyhow::Result<String> {
    let file = path.join("instance");
    if let Ok(text) = fs::read_to_string(&file) {
        return Ok(text.trim().to_owned());
    }
    let word = uuid::Uuid::now_v7().simple().to_string()[20..].to_owned();
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&file);
    match written {
        Ok(mut new) => {
            use std::io::Write as _;
            writeln!(new, "{word}")
                .with_context(|| format!("{} cannot be written", file.display()))?;
            Ok(word)
        }
        // Another server was faster.
        Err(_) => Ok(fs::read_to_string(&file)
            .with_context(|| format!("{} cannot be read", file.display()))?
            .trim()
            .to_owned()),
    }
}

//! Plugin directories: a file that comes, changes or goes.
//!
//! Files are copied in parts and replaced by renames, so a file counts only when it looked
//! the same twice; and a build that was taken up once is not taken up again at each start.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use notify::{RecursiveMode, Watcher as _};
use pith_db::component::{self, Origin};
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;

use super::take_up::Source;
use super::{Components, Error};
use crate::load::{blocking, read};

/// How long a file must look the same before it counts as written.
const SETTLED: Duration = Duration::from_millis(250);

/// How often directories are looked at without a notice: network file systems send none.
const LOOK: Duration = Duration::from_secs(5);

/// What a file looks like from outside; none if it is not there.
type Looks = Option<(SystemTime, u64)>;

/// Watches the plugin directories.
pub(super) struct Watcher {
    components: Components,
    /// As files were when they were last dealt with.
    seen: BTreeMap<PathBuf, Looks>,
    /// As files were at the last look, if that was something new.
    pending: BTreeMap<PathBuf, Looks>,
}

impl Watcher {
    pub(super) fn new(components: Components) -> Self {
        Self {
            components,
            seen: BTreeMap::new(),
            pending: BTreeMap::new(),
        }
    }

    /// The first look: what is there is there, and what is gone since the last start is gone.
    pub(super) async fn begin(&mut self) -> anyhow::Result<()> {
        for directory in &self.components.0.directories {
            match std::fs::read_dir(directory) {
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(error).with_context(|| {
                        let directory = directory.display();
                        format!("the plugin directory {directory} cannot be read")
                    });
                }
            }
        }
        let files = self.look().await;
        for (file, looks) in &files {
            self.deal_with(file, *looks).await;
        }
        for file in self.components.files_of_rows().await? {
            if !files.contains_key(&file) {
                self.deal_with(&file, None).await;
            }
        }
        Ok(())
    }

    /// Looks again and again.
    pub(super) async fn run(mut self) {
        let noticed = Arc::new(Notify::new());
        let _watching = self.watch(&noticed);
        loop {
            let pause = if self.pending.is_empty() {
                LOOK
            } else {
                SETTLED
            };
            if self.pending.is_empty() {
                // Either way it is time to look.
                let _ = tokio::time::timeout(pause, noticed.notified()).await;
            } else {
                tokio::time::sleep(pause).await;
            }
            self.look_and_deal().await;
        }
    }

    /// Asks the system to tell of changes. Where it cannot, looking has to do.
    fn watch(&self, noticed: &Arc<Notify>) -> Option<notify::RecommendedWatcher> {
        let notice = Arc::clone(noticed);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // To look into a directory is an event of it too: answered by another look, it
            // would never end.
            if !event.is_ok_and(|event| event.kind.is_access()) {
                notice.notify_one();
            }
        });
        let mut watcher = match watcher {
            Ok(watcher) => watcher,
            Err(error) => {
                tracing::warn!(%error, "plugin directories are looked at every 5 s only: {error}");
                return None;
            }
        };
        for directory in &self.components.0.directories {
            if let Err(error) = watcher.watch(directory, RecursiveMode::NonRecursive) {
                let directory = directory.display();
                tracing::info!(%error, "{directory} is looked at every 5 s only: {error}");
            }
        }
        Some(watcher)
    }

    async fn look_and_deal(&mut self) {
        let files = self.look().await;
        let gone = self.seen.keys().filter(|file| !files.contains_key(*file));
        let gone: Vec<(PathBuf, Looks)> = gone.map(|file| (file.clone(), None)).collect();
        let mut pending = BTreeMap::new();
        for (file, looks) in files.into_iter().chain(gone) {
            if self.seen.get(&file) == Some(&looks) {
                continue;
            }
            if self.pending.get(&file) == Some(&looks) {
                self.deal_with(&file, looks).await;
            } else {
                pending.insert(file, looks);
            }
        }
        self.pending = pending;
        if self.components.take_forgotten() {
            self.seen.clear();
        }
    }

    /// The plugins in the directories, and what they look like. A name that begins with a
    /// dot is somebody's unfinished copy.
    async fn look(&self) -> BTreeMap<PathBuf, Looks> {
        let directories = self.components.0.directories.clone();
        blocking(move || {
            let entries = directories
                .iter()
                .filter_map(|directory| std::fs::read_dir(directory).ok())
                .flatten()
                .flatten();
            entries
                .map(|entry| entry.path())
                .filter(|path| path.extension().is_some_and(|ending| ending == "wasm"))
                .filter(|path| {
                    let name = path.file_name().unwrap_or_default();
                    !name.as_encoded_bytes().starts_with(b".")
                })
                .filter_map(|path| {
                    let metadata = std::fs::metadata(&path).ok()?;
                    let looks = (metadata.modified().ok()?, metadata.len());
                    metadata.is_file().then_some((path, Some(looks)))
                })
                .collect()
        })
        .await
    }

    async fn deal_with(&mut self, file: &Path, looks: Looks) {
        let name = file.to_string_lossy().into_owned();
        let dealt = match looks {
            Some(_) => self.components.load_file(file, &name).await,
            None => self.components.lose_file(&name).await,
        };
        match dealt {
            Ok(()) => self.components.forget_problem(&name),
            Err(error) => {
                tracing::error!(%error, "the plugin file {name} is left out: {error}");
                self.components.note_problem(&name, &name, &error);
            }
        }
        match looks {
            Some(_) => self.seen.insert(file.to_owned(), looks),
            None => self.seen.remove(file),
        };
    }
}

impl Components {
    /// Takes up a file, unless it is what it was when it was last taken up.
    async fn load_file(&self, file: &Path, name: &str) -> Result<(), Error> {
        let most = self.largest();
        let owned = file.to_owned();
        let bytes = blocking(move || read(&owned, most))
            .await
            .map_err(|refused| refused.of(name))?;
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        let mut connection = self.0.services.database.read().await?;
        let taken_up = component::digest_of_file(&mut connection, name).await?;
        drop(connection);
        if taken_up == Some(digest) {
            return Ok(());
        }
        let limits = self.0.defaults.clone();
        let candidate = self.0.loader.load(name, bytes.clone(), limits).await?;
        let plugin = candidate.name().to_owned();
        match self.take_up(candidate, &bytes, Source::File(name)).await {
            Err(Error::Refused(refused)) => Err(refused.of(name).into()),
            Err(other) => Err(other),
            Ok(_) => {
                tracing::debug!(plugin.name = plugin, "took up the plugin file {name}");
                Ok(())
            }
        }
    }

    /// A file is gone: so is its plugin, unless something belongs to it.
    async fn lose_file(&self, name: &str) -> Result<(), Error> {
        let mut transaction = self.0.services.database.write().await?;
        component::forget_file(&mut transaction, name).await?;
        let rows = component::all(&mut transaction).await?;
        transaction.commit().await?;
        let row = rows
            .into_iter()
            .find(|row| row.origin == Origin::Directory && row.file.as_deref() == Some(name));
        let Some(row) = row else {
            return Ok(());
        };
        if self.fall_back(&row.name).await? {
            return Ok(());
        }
        match self.remove(&row.name, &row).await {
            Err(Error::Conflict(reason)) => {
                tracing::warn!(
                    plugin.name = row.name,
                    "the file {name} is gone, but the plugin stays: {reason}"
                );
                Ok(())
            }
            other => other,
        }
    }

    /// Files that gave a plugin that is in service, in directories of this server.
    async fn files_of_rows(&self) -> Result<Vec<PathBuf>, Error> {
        let mut connection = self.0.services.database.read().await?;
        let rows = component::all(&mut connection).await?;
        let files = rows
            .into_iter()
            .filter(|row| row.origin == Origin::Directory)
            .filter_map(|row| row.file.map(PathBuf::from));
        Ok(files
            .filter(|file| {
                let parent = file.parent();
                self.0
                    .directories
                    .iter()
                    .any(|directory| parent == Some(directory.as_path()))
            })
            .collect())
    }

    /// After a plugin was removed, files that could take its place are looked at anew.
    pub(super) fn look_anew(&self) {
        self.known().is_forgotten = true;
    }

    fn take_forgotten(&self) -> bool {
        std::mem::take(&mut self.known().is_forgotten)
    }
}

//! The plugins of the installation: which build of each is in service, here and on every
//! other server of the same database.
//!
//! Invariant: what is in service here is what the rows say, or what they said a moment ago.
//! A build comes into service by one transaction (`take_up`), which all servers follow; a
//! candidate that fails a gate changes nothing but what is told of it.

mod administer;
mod directory;
mod follow;
mod overrides;
mod start;
mod take_up;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, OnceLock, PoisonError};

use pith_content::Services;
use pith_content::types::Prepared;
use pith_db::component::Component;
use pith_model::Timestamp;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use crate::gate::{Gate, Refused};
use crate::generation::Generation;
use crate::limits::Limits;
use crate::load::Loader;
use crate::registry::Plugins;

pub use administer::{Change, too_large};
pub use start::Parts;

/// Why a component was not loaded or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A gate stayed closed.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// There is no such component.
    #[error("there is no component {0:?}")]
    NotFound(String),
    /// It cannot be done as things stand.
    #[error("{0}")]
    Conflict(String),
    /// A limit that cannot be.
    #[error("{0}")]
    Limits(String),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] pith_db::Error),
}

/// What was last refused, of a plugin or a file.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The gate, if it was one.
    pub gate: Option<Gate>,
    /// Why: a sentence.
    pub reason: String,
    /// What was to be loaded.
    pub source: String,
    /// When.
    pub at: Timestamp,
}

/// How a component stands on this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// New work runs on it.
    Active,
    /// An administrator put it out of service.
    Disabled,
    /// It is to be in service, but this server could not load it.
    Failed,
    /// A file that never became a plugin.
    Refused,
}

impl Status {
    /// As it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

/// A component as it is shown: its row, and what this server knows of it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The plugin's name, or the file's.
    pub name: String,
    /// How it stands.
    pub status: Status,
    /// Which build is to be in service; none for a file that never became a plugin.
    pub row: Option<Component>,
    /// The build that this server has.
    pub generation: Option<Arc<Generation>>,
    /// What was refused last.
    pub problem: Option<Problem>,
}

/// The plugins of the installation; cheap to clone.
#[derive(Clone)]
pub struct Components(Arc<Inner>);

struct Inner {
    services: Services,
    plugins: Arc<Plugins>,
    loader: Loader,
    defaults: Limits,
    builtins: &'static [(&'static str, &'static [u8])],
    /// Of what the binary brings, in hexadecimal.
    builtin_digests: OnceLock<Vec<String>>,
    directories: Vec<PathBuf>,
    /// One change at a time in this process.
    turn: Mutex<()>,
    known: StdMutex<Known>,
}

impl Components {
    /// Whether a build is one that the binary brings.
    #[must_use]
    pub fn brings(&self, generation: &Generation) -> bool {
        let digests = self.0.builtin_digests.get_or_init(|| {
            let all = self.0.builtins.iter();
            all.map(|(_, bytes)| hex::encode(Sha256::digest(bytes)))
                .collect()
        });
        digests.iter().any(|digest| digest == generation.digest())
    }
}

/// What this process has loaded, in service or not, and what it could not load.
#[derive(Default)]
struct Known {
    generations: BTreeMap<String, (Arc<Generation>, Arc<Prepared>)>,
    /// By the plugin's name or the file's path.
    problems: BTreeMap<String, Problem>,
    /// The change that the rows were last read at.
    epoch: i64,
    /// Whether files that were dealt with are to be looked at anew.
    is_forgotten: bool,
}

impl std::fmt::Debug for Components {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Components")
            .field("directories", &self.0.directories)
            .finish_non_exhaustive()
    }
}

impl Components {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The largest component that is taken, in bytes.
    pub fn largest(&self) -> u64 {
        self.0.defaults.component_bytes
    }

    /// All components, and the files that never became one.
    pub async fn list(&self) -> Result<Vec<Shown>, Error> {
        let mut connection = self.0.services.database.read().await?;
        let rows = pith_db::component::all(&mut connection).await?;
        drop(connection);
        let known = self.known();
        let mut shown: Vec<Shown> = rows.into_iter().map(|row| known.show(row)).collect();
        for (key, problem) in &known.problems {
            let is_shown = shown.iter().any(|one| {
                one.problem
                    .as_ref()
                    .is_some_and(|it| it.source == problem.source)
            });
            if !is_shown {
                shown.push(Shown {
                    name: stem(key),
                    status: Status::Refused,
                    row: None,
                    generation: None,
                    problem: Some(problem.clone()),
                });
            }
        }
        Ok(shown)
    }

    /// One of them.
    pub async fn find(&self, name: &str) -> Result<Shown, Error> {
        let mut all = self.list().await?;
        all.retain(|one| one.name == name);
        all.into_iter()
            .next()
            .ok_or_else(|| Error::NotFound(name.to_owned()))
    }

    /// Remembers what was refused; `key` is the plugin's name or the file's path.
    fn note_problem(&self, key: &str, source: &str, error: &Error) {
        let (gate, reason) = match error {
            Error::Refused(refused) => (Some(refused.gate), refused.reason.clone()),
            // What the database said is for the log.
            Error::Database(_) => (None, "the database failed; the log says how".to_owned()),
            other => (None, other.to_string()),
        };
        let problem = Problem {
            gate,
            reason,
            source: source.to_owned(),
            at: Timestamp::now(),
        };
        self.known().problems.insert(key.to_owned(), problem);
    }

    fn forget_problem(&self, key: &str) {
        self.known().problems.remove(key);
    }
}

/// Limits by name, as they are shown and set.
pub fn limits_by_name(limits: &Limits) -> serde_json::Map<String, serde_json::Value> {
    overrides::show(limits)
}

impl Known {
    fn show(&self, row: Component) -> Shown {
        let generation = self
            .generations
            .get(&row.name)
            .map(|(generation, _)| Arc::clone(generation));
        let status = match &generation {
            _ if !row.enabled => Status::Disabled,
            Some(_) => Status::Active,
            None => Status::Failed,
        };
        let by_file = row.file.as_ref().and_then(|file| self.problems.get(file));
        Shown {
            name: row.name.clone(),
            status,
            problem: self.problems.get(&row.name).or(by_file).cloned(),
            generation,
            row: Some(row),
        }
    }
}

/// A file is called after its name without the ending.
fn stem(path: &str) -> String {
    std::path::Path::new(path).file_stem().map_or_else(
        || path.to_owned(),
        |stem| stem.to_string_lossy().into_owned(),
    )
}

//! Which base path serves what, remembered.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use pith_db::served::{self, Choice, FileSet, Site as Row};
use pith_db::version::Version;
use pith_db::{Database, Result};
use pith_model::DistributionId;
use tokio::sync::{Mutex, OnceCell};

/// How long what is remembered is believed; a change is seen within a second.
const BELIEVED: Duration = Duration::from_millis(400);

/// All distributions at one moment.
#[derive(Debug, Default)]
pub(crate) struct Table {
    epoch: i64,
    by_base_path: HashMap<String, Arc<Site>>,
}

/// One distribution.
#[derive(Debug)]
pub(crate) struct Site {
    row: Row,
    target: OnceCell<Target>,
}

/// What a distribution can serve; nothing if nothing was published.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Target {
    chosen: Option<FileSet>,
    /// The units of the newest version of its repository, where that has no publication.
    newest: Option<FileSet>,
}

impl Target {
    /// What it serves, depending on whether its plugin has publications. Where there are none,
    /// a repository is served as it is.
    pub(crate) fn files(self, publishes: bool) -> Option<FileSet> {
        self.chosen.or(self.newest.filter(|_| !publishes))
    }
}

/// A table, and when it was right.
#[derive(Debug)]
struct Known {
    since: Instant,
    /// How often this process had changed what is served.
    changes: u64,
    table: Arc<Table>,
}

/// All distributions, remembered.
#[derive(Debug)]
pub(crate) struct Sites {
    table: ArcSwap<Known>,
    refresh: Mutex<()>,
}

impl Default for Sites {
    fn default() -> Self {
        let long_ago = Instant::now()
            .checked_sub(BELIEVED * 2)
            .unwrap_or_else(Instant::now);
        Self {
            table: ArcSwap::from_pointee(Known {
                since: long_ago,
                changes: 0,
                table: Arc::default(),
            }),
            refresh: Mutex::default(),
        }
    }
}

impl Sites {
    /// The distributions as they are now, or were less than half a second ago.
    pub(crate) async fn current(&self, database: &Database) -> Result<Arc<Table>> {
        if let Some(table) = self.fresh(database) {
            return Ok(table);
        }
        let _one_at_a_time = self.refresh.lock().await;
        if let Some(table) = self.fresh(database) {
            return Ok(table);
        }
        // Taken before asking: a change while asking is found the next time.
        let (since, changes) = (Instant::now(), database.served_changes());
        let mut connection = database.read().await?;
        let epoch = served::epoch(&mut connection).await?;
        let known = Arc::clone(&self.table.load().table);
        let table = if known.epoch == epoch {
            known
        } else {
            let rows = served::sites(&mut connection).await?;
            let sites = rows.into_iter().map(|row| {
                (
                    row.base_path.clone(),
                    Arc::new(Site {
                        row,
                        target: OnceCell::new(),
                    }),
                )
            });
            Arc::new(Table {
                epoch,
                by_base_path: sites.collect(),
            })
        };
        let known = Known {
            since,
            changes,
            table: Arc::clone(&table),
        };
        self.table.store(Arc::new(known));
        Ok(table)
    }

    fn fresh(&self, database: &Database) -> Option<Arc<Table>> {
        let known = self.table.load();
        // A table that was never read has epoch 0, which no database has. What this very
        // process changed is seen at once.
        let fresh = known.table.epoch > 0
            && known.changes == database.served_changes()
            && known.since.elapsed() < BELIEVED;
        fresh.then(|| Arc::clone(&known.table))
    }
}

impl Table {
    /// The distribution of a path, and what is left of the path behind the slash after
    /// its base path; none if there is no slash.
    pub(crate) fn find<'a>(&self, path: &'a str) -> Option<(&Arc<Site>, Option<&'a str>)> {
        let ends = path
            .match_indices('/')
            .map(|(at, _)| at)
            .chain([path.len()]);
        for end in ends {
            if let Some(site) = self.by_base_path.get(&path[..end]) {
                return Some((site, path.get(end + 1..)));
            }
        }
        None
    }

    /// The base paths that are not hidden, sorted.
    pub(crate) fn base_paths(&self) -> Vec<&str> {
        let mut paths: Vec<&str> = self
            .by_base_path
            .values()
            .filter(|site| !site.row.hidden)
            .map(|site| site.row.base_path.as_str())
            .collect();
        paths.sort_unstable();
        paths
    }
}

impl Site {
    /// Which one it is.
    pub(crate) fn id(&self) -> DistributionId {
        self.row.id
    }

    /// Without slashes at its ends.
    pub(crate) fn base_path(&self) -> &str {
        &self.row.base_path
    }

    /// What it serves: found once for each time that something changed.
    pub(crate) async fn target(&self, database: &Database) -> Result<Target> {
        self.target
            .get_or_try_init(|| self.resolve(database))
            .await
            .copied()
    }

    /// Its plugin.
    pub(crate) fn plugin(&self) -> &str {
        &self.row.plugin
    }

    async fn resolve(&self, database: &Database) -> Result<Target> {
        let mut connection = database.read().await?;
        let Row {
            publication,
            version,
            repository,
            ..
        } = self.row;
        let choice = served::choose(&mut connection, publication, version, repository).await?;
        Ok(match choice {
            Some(Choice::Publication(publication)) => Target {
                chosen: served::publication_files(&mut connection, publication).await?,
                newest: None,
            },
            Some(Choice::Version(version)) => Target {
                chosen: Some(units_of(&version)),
                newest: None,
            },
            Some(Choice::Newest(version)) => Target {
                chosen: None,
                newest: Some(units_of(&version)),
            },
            None => Target::default(),
        })
    }
}

fn units_of(version: &Version) -> FileSet {
    FileSet {
        publication: None,
        units_of: Some((version.repository, version.number)),
    }
}

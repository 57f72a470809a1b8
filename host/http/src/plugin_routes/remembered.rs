//! What plugins looked up of what is served, so that it is not looked up for every request.
//!
//! Invariant: what a distribution serves is believed only while the number that every change of
//! something served raises is the same. Lists are kept until units are renewed: they are of
//! versions, which do not change otherwise, and show nothing else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use moka::sync::Cache;
use pith_content::error::Result;
use pith_db::distribution::Distribution;
use pith_db::version::Version;
use pith_db::{Database, search, served};
use tokio::sync::{OnceCell, OwnedMutexGuard};
use uuid::Uuid;

/// Base paths that are remembered; a kilobyte each.
const PLACES: usize = 10_000;

/// Memory for lists: those of some thousand collections.
const LISTS: u64 = 16 << 20;

/// Numbers of units that are remembered; some 300 bytes each.
const COUNTS: u64 = 20_000;

/// Memory for where searches found what: some ten thousand pages.
const PAGES: u64 = 8 << 20;

/// A page of more rows is not kept.
const MOST_ROWS: usize = 100;

/// More are read at once by nobody: what was read is cleared away then.
const FEW: usize = 256;

/// A longer list is not worth the room of so many short ones.
const LONGEST: usize = 256 << 10;

/// What one distribution serves.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) distribution: Distribution,
    /// None if nothing is served.
    pub(super) version: Option<Version>,
    /// How many units the version has, by the number of the content type.
    pub(super) present: HashMap<i64, i64>,
    /// Of the last renewal of units, whatever they were.
    pub(super) renewed: i64,
    /// The version as the API shows it; none if it was deleted.
    pub(super) shown: OnceCell<Option<String>>,
}

/// A list: the version's UUID, the content type, the last renewal of units before it was read,
/// and the query string.
pub(crate) type ListKey = (Uuid, i64, i64, String);

/// What a search found.
#[derive(Debug)]
pub(crate) struct FoundPage {
    /// In order.
    pub(crate) places: Vec<search::Place>,
    /// On all pages.
    pub(crate) count: i64,
}

/// What is remembered with one set of plugins.
pub(crate) struct Remembered {
    places: Mutex<Places>,
    lists: Cache<ListKey, Arc<str>>,
    /// With the filters alone for the query.
    counts: Cache<ListKey, i64>,
    /// With the filters, the order and the part of it for the query.
    pages: Cache<ListKey, Arc<FoundPage>>,
    /// Lists that somebody reads just now.
    reading: Mutex<HashMap<ListKey, Weak<tokio::sync::Mutex<()>>>>,
}

#[derive(Default)]
struct Places {
    /// What the number was when these were looked up.
    epoch: i64,
    by_base_path: HashMap<String, Arc<Place>>,
}

impl std::fmt::Debug for Remembered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remembered").finish_non_exhaustive()
    }
}

impl Default for Remembered {
    fn default() -> Self {
        let weight = |key: &ListKey, list: &Arc<str>| {
            // With what the cache itself keeps of each.
            u32::try_from(key.3.len() + list.len() + 256).unwrap_or(u32::MAX)
        };
        let weight_of_page = |key: &ListKey, page: &Arc<FoundPage>| {
            let places = page
                .places
                .iter()
                .map(|place| size_of_val(place) + place.told.capacity());
            u32::try_from(key.3.len() + places.sum::<usize>() + 256).unwrap_or(u32::MAX)
        };
        let pages = Cache::builder().max_capacity(PAGES);
        Self {
            places: Mutex::default(),
            pages: pages.weigher(weight_of_page).build(),
            counts: Cache::new(COUNTS),
            reading: Mutex::default(),
            lists: Cache::builder().max_capacity(LISTS).weigher(weight).build(),
        }
    }
}

impl Remembered {
    /// What is served at a base path, from memory or by `look_up`.
    pub(super) async fn place(
        &self,
        database: &Database,
        base_path: &str,
        look_up: impl AsyncFnOnce() -> Result<Place>,
    ) -> Result<Arc<Place>> {
        // Asked before looking up: a change meanwhile is found the next time.
        let epoch = {
            let mut connection = database.read().await?;
            served::epoch(&mut connection).await?
        };
        if let Some(known) = self.at(epoch).by_base_path.get(base_path) {
            return Ok(Arc::clone(known));
        }
        let place = Arc::new(look_up().await?);
        let mut places = self.at(epoch);
        if places.epoch == epoch && places.by_base_path.len() < PLACES {
            places
                .by_base_path
                .insert(base_path.to_owned(), Arc::clone(&place));
        }
        Ok(place)
    }

    /// The places as of a number; what is older is forgotten.
    fn at(&self, epoch: i64) -> std::sync::MutexGuard<'_, Places> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.epoch < epoch {
            *places = Places {
                epoch,
                by_base_path: HashMap::new(),
            };
        }
        places
    }

    /// A list that was read before.
    pub(super) fn list(&self, key: &ListKey) -> Option<Arc<str>> {
        self.lists.get(key)
    }

    /// Whoever comes first gets a turn at reading this list. The others get none, after a wait
    /// until that one is done: then it is remembered, or is not to be.
    pub(crate) async fn turn(&self, key: &ListKey) -> Option<OwnedMutexGuard<()>> {
        let turn = {
            let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
            if reading.len() >= FEW {
                reading.retain(|_, turn| turn.strong_count() > 0);
            }
            match reading.get(key).and_then(Weak::upgrade) {
                Some(turn) => turn,
                None => {
                    let turn = Arc::default();
                    reading.insert(key.clone(), Arc::downgrade(&turn));
                    turn
                }
            }
        };
        if let Ok(first) = Arc::clone(&turn).try_lock_owned() {
            return Some(first);
        }
        drop(turn.lock_owned().await);
        None
    }

    /// How many units passed the same filters before.
    pub(crate) fn count(&self, key: &ListKey) -> Option<i64> {
        self.counts.get(key)
    }

    /// Keeps a number of units.
    pub(crate) fn keep_count(&self, key: ListKey, count: i64) {
        self.counts.insert(key, count);
    }

    /// What a search found before.
    pub(crate) fn page(&self, key: &ListKey) -> Option<Arc<FoundPage>> {
        self.pages.get(key)
    }

    /// Keeps what a search found.
    pub(crate) fn keep_page(&self, key: ListKey, page: FoundPage) {
        if page.places.len() <= MOST_ROWS {
            self.pages.insert(key, Arc::new(page));
        }
    }

    /// Keeps a list.
    pub(super) fn keep(&self, key: ListKey, list: &str) {
        if list.len() <= LONGEST {
            self.lists.insert(key, list.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_a_change_is_forgotten() {
        let remembered = Remembered::default();
        assert_eq!(remembered.at(3).epoch, 3);
        // Whoever asked before the change gets nothing that was looked up after it wrong.
        assert_eq!(remembered.at(2).epoch, 3);
        assert_eq!(remembered.at(4).epoch, 4);
    }

    #[tokio::test]
    async fn one_reads_a_list_for_all() {
        let remembered = Remembered::default();
        let key = |query: usize| (Uuid::nil(), 1, 0, query.to_string());
        let first = remembered.turn(&key(0)).await;
        assert!(first.is_some());
        assert!(remembered.turn(&key(1)).await.is_some(), "another list");
        let same = key(0);
        let mut others: Vec<_> = (0..3).map(|_| Box::pin(remembered.turn(&same))).collect();
        for other in &mut others {
            assert!(futures::poll!(other).is_pending());
        }
        drop(first);
        for other in others {
            assert!(other.await.is_none(), "none waits for another one");
        }
        for query in 0..3 * FEW {
            drop(remembered.turn(&key(query)).await);
        }
        let reading = remembered.reading.lock().expect("nobody panicked");
        assert!(reading.len() <= FEW, "{}", reading.len());
    }

    #[test]
    fn long_lists_are_not_kept() {
        let remembered = Remembered::default();
        let key = (Uuid::nil(), 1, 0, String::new());
        remembered.keep(key.clone(), &"x".repeat(LONGEST + 1));
        assert!(remembered.list(&key).is_none());
        remembered.keep(key.clone(), "[]");
        assert_eq!(remembered.list(&key).as_deref(), Some("[]"));
    }
}

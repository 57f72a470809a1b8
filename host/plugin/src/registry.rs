//! Which generation of each plugin is in service.
//!
//! Invariant: a reader sees one set of generations, whole; taking a new one into service is
//! one swap of a pointer, and whoever holds an old one keeps it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use pith_content::Services;
use tokio::sync::watch;

use crate::generation::Generation;

/// The plugins in service, by name.
pub type Snapshot = BTreeMap<String, Arc<Generation>>;

/// The plugins of this process.
#[derive(Debug)]
pub struct Plugins {
    current: ArcSwap<Snapshot>,
    /// The last number given to each name. Also what makes writers queue.
    numbers: Mutex<BTreeMap<String, u64>>,
    changes: watch::Sender<u64>,
}

impl Default for Plugins {
    fn default() -> Self {
        Self {
            current: ArcSwap::default(),
            numbers: Mutex::default(),
            changes: watch::Sender::new(0),
        }
    }
}

impl Plugins {
    /// Takes a generation into service in place of the one before it. One without a number
    /// gets the next.
    pub fn install(&self, generation: Generation) -> Arc<Generation> {
        self.install_with(generation, || ())
    }

    /// The same, and what belongs to it, in one step for [`Plugins::pinned`].
    pub fn install_with(
        &self,
        mut generation: Generation,
        together: impl FnOnce(),
    ) -> Arc<Generation> {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let number = numbers.entry(generation.name().to_owned()).or_default();
        if generation.number == 0 {
            generation.number = *number + 1;
        }
        *number = generation.number;
        let generation = Arc::new(generation);

        let mut next = Snapshot::clone(&self.current.load());
        next.insert(generation.name().to_owned(), Arc::clone(&generation));
        together();
        self.put_in_service(next);
        drop(numbers);
        tracing::info!(
            plugin.name = generation.name(),
            plugin.version = generation.version(),
            generation = generation.number(),
            "plugin {} {} is in service as generation {}",
            generation.name(),
            generation.version(),
            generation.number()
        );
        generation
    }

    /// Takes a plugin out of service. What runs goes on.
    pub fn remove(&self, name: &str) -> Option<Arc<Generation>> {
        let numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = Snapshot::clone(&self.current.load());
        let removed = next.remove(name)?;
        self.put_in_service(next);
        drop(numbers);
        tracing::info!(plugin.name = name, "plugin {name} is out of service");
        Some(removed)
    }

    /// The plugins and the content types as they are now, for whoever must not see them
    /// change: a request, a task.
    #[must_use]
    pub fn pinned(&self, services: &Services) -> (Arc<Self>, Services) {
        // Whoever swaps holds this while plugins and types differ.
        let numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let plugins = Self {
            current: ArcSwap::new(self.current.load_full()),
            ..Self::default()
        };
        let services = Services {
            types: services.types.pinned(),
            ..services.clone()
        };
        drop(numbers);
        (Arc::new(plugins), services)
    }

    /// The generation of that plugin that new work runs on.
    pub fn current(&self, name: &str) -> Option<Arc<Generation>> {
        self.current.load().get(name).cloned()
    }

    /// All plugins in service at this moment.
    pub fn all(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// How often the set has changed.
    pub fn version(&self) -> u64 {
        *self.changes.borrow()
    }

    /// Tells whenever the set has changed. What it carries is how often.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn put_in_service(&self, next: Snapshot) {
        self.current.store(Arc::new(next));
        self.changes.send_modify(|count| *count += 1);
    }
}

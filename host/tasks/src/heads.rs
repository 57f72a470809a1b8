//! The versions that the tasks of one group have made so far: each repository's last one
//! is what the next task of the group sees as its newest.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use pith_content::version::Head;
use pith_model::RepositoryId;

/// Empty for a task that is in no group; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heads(Arc<Mutex<HashMap<RepositoryId, Head>>>);

impl Heads {
    /// The version that an earlier task of the group made of a repository.
    pub(crate) fn get(&self, repository: RepositoryId) -> Option<Head> {
        let heads = self.0.lock().expect("nobody panics while holding it");
        heads.get(&repository).cloned()
    }

    /// Keeps what a task made.
    pub(crate) fn set(&self, repository: RepositoryId, head: Head) {
        let mut heads = self.0.lock().expect("nobody panics while holding it");
        heads.insert(repository, head);
    }
}

//! Runs tasks: a scheduler over durable rows, workers in this process, and one kind of
//! task a file.

mod bury;
mod carry_out;
mod change;
mod clean_up;
mod commit;
mod commit_upload;
mod copy;
mod delete;
mod distribute;
mod entity_file;
mod group;
mod heads;
mod modify;
mod permit;
pub mod profile;
mod publish;
mod purge;
mod repair;
mod resolve;
mod run;
mod scheduler;
mod source;
mod sync;
mod upload;
mod watch;
pub mod work;
mod worker;

pub use scheduler::Scheduler;
pub use watch::Watcher;
pub use work::Work;
pub use worker::{Options, Workers};

use std::sync::Arc;

use pith_content::Services;
use pith_plugin::Plugins;

/// What tasks work with; cheap to clone.
#[derive(Clone, Debug)]
pub struct Toolbox {
    /// Rows, bytes, types.
    pub services: Services,
    /// The plugins in service.
    pub plugins: Arc<Plugins>,
}

impl Toolbox {
    /// The same, with the plugins and content types as they are now: a task ends on the
    /// builds that it began with.
    #[must_use]
    pub fn pinned(&self) -> Self {
        let (plugins, services) = self.plugins.pinned(&self.services);
        Self { services, plugins }
    }
}

//! What the packages and modules of a copy need, solved as RPM would for an installation.

mod answer;
mod capability;
mod encode;
mod gather;
mod least;
mod lookup;
mod modules;
mod need;
mod pool;
#[cfg(test)]
mod random;
mod rules;
#[cfg(test)]
mod scenarios;
mod search;
mod solver;
#[cfg(test)]
mod zoo;

use pith_plugin_sdk::{Lines, Resolution, Resolver, Result, Task};

use crate::RpmPlugin;
use solver::Solver;

/// The words for progress that the host shows.
const RESOLVING: (&str, &str) = ("copy.resolving", "Resolving Dependencies");

impl Resolver for RpmPlugin {
    fn resolve(task: &Task, lines: &Lines, upgrade: bool) -> Result<Resolution> {
        task.progress(RESOLVING.0, RESOLVING.1, 0, None);
        let mut solver = Solver::new(lines, upgrade);
        solver.run()?;
        let resolution = answer::of(&solver);
        let count = resolution.pulled.len() as u64;
        task.progress(RESOLVING.0, RESOLVING.1, count, Some(count));
        Ok(resolution)
    }
}

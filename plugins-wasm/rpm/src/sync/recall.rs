//! Which packages of an upstream are there already, so that most of them need not be read when
//! little has changed.

use pith_plugin_sdk::{Result, UnitRef};

use super::Upstream;
use super::packages::source;
use crate::package::Package;
use crate::primary::{self, Primary};

/// What was seen of a package at a glance.
pub(super) struct Seen {
    pub(super) package: Package,
    pub(super) base: Option<String>,
}

/// Asks which packages are there already, and need not be read. Where few are, that is work
/// for nothing, so it pauses ever longer.
#[derive(Default)]
pub(super) struct Recall {
    /// How many times it does not ask after one that was for nothing.
    pause: u32,
    /// How many of these are left.
    left: u32,
}

/// The longest pause.
const MAX_PAUSE: u32 = 31;

impl Recall {
    /// For each element, the unit that it names, if that is there as the upstream has it.
    pub(super) fn ask(
        &mut self,
        upstream: &Upstream<'_>,
        texts: &[String],
    ) -> Result<Vec<Option<(UnitRef, Seen)>>> {
        let mut known: Vec<Option<(UnitRef, Seen)>> = texts.iter().map(|_| None).collect();
        if self.left > 0 {
            self.left -= 1;
            return Ok(known);
        }
        let mut seen = Vec::with_capacity(texts.len());
        let mut sightings = Vec::with_capacity(texts.len());
        for (at, text) in texts.iter().enumerate() {
            // What is broken is told of when it is read.
            if let Ok(Primary { package, base, .. }) = primary::glance(text) {
                let source = source(upstream, &package, base.clone());
                sightings.push(package.sighting(source));
                seen.push((at, Seen { package, base }));
            }
        }
        let units = upstream.staging.recall(&sightings)?;
        let asked = seen.len();
        let mut found = 0;
        for ((at, seen), unit) in seen.into_iter().zip(units) {
            if let Some(unit) = unit {
                found += 1;
                known[at] = Some((unit, seen));
            }
        }
        self.learn(asked, found);
        Ok(known)
    }

    fn learn(&mut self, asked: usize, found: usize) {
        self.pause = if found * 4 >= asked {
            0
        } else {
            (2 * self.pause + 1).min(MAX_PAUSE)
        };
        self.left = self.pause;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_while_nothing_is_known_and_end_when_something_is() {
        let mut recall = Recall::default();
        let mut pauses = Vec::new();
        for found in [0, 1, 0, 0, 0, 0, 0, 25, 100] {
            recall.learn(100, found);
            pauses.push(recall.left);
        }
        assert_eq!(pauses, [1, 3, 7, 15, 31, 31, 31, 0, 0]);
    }
}

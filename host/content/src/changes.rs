//! The next version in the making: what a plugin wants in it and out of it.

use std::sync::{Arc, Mutex};

use pith_model::UnitId;
use roaring::RoaringTreemap;

use crate::Services;
use crate::error::{Error, Result};
use crate::publish::PublicationDraft;
use crate::references::References;

#[derive(Debug, Default)]
struct Wishes {
    clear: bool,
    /// In the order in which they were said; runs of references, for they come in runs.
    said: Vec<(bool, u64, u64)>,
}

/// The wishes of one call; cheap to clone.
#[derive(Clone, Debug)]
pub struct Changes {
    references: Arc<References>,
    wishes: Arc<Mutex<Wishes>>,
    /// What a publication is made with.
    services: Option<Services>,
    publication: Arc<Mutex<Option<Publishing>>>,
}

/// A publication that goes with the changes.
#[derive(Clone, Debug)]
pub struct Publishing {
    /// The publication.
    pub draft: PublicationDraft,
    /// As JSON text.
    pub settings: String,
}

/// What a version is to be, in rows.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is said on its own, by its name"
)]
pub struct Wanted {
    /// Nothing of the base stays but what is added.
    pub clear: bool,
    /// Units that are there do not give way to newcomers with their repository key.
    pub keep: bool,
    /// What is older than the repository's settings let stay goes.
    pub retain: bool,
    /// All that is added was in one version together, so no two of it have one repository key.
    pub of_one_version: bool,
    /// Units to add.
    pub add: RoaringTreemap,
    /// Units to remove.
    pub remove: RoaringTreemap,
}

/// More runs mean that references come in no order at all; still only 24 MiB.
const MAX_RUNS: usize = 1 << 20;

impl Changes {
    /// No wishes yet.
    pub fn new(references: Arc<References>) -> Self {
        Self {
            references,
            wishes: Arc::default(),
            services: None,
            publication: Arc::default(),
        }
    }

    /// The same, of a call that may publish what it makes.
    #[must_use]
    pub fn publishing(self, services: &Services) -> Self {
        Self {
            services: Some(services.clone()),
            ..self
        }
    }

    /// Begins the publication of the next version.
    pub fn publish(&self, settings: String) -> Result<PublicationDraft> {
        let services = self
            .services
            .as_ref()
            .ok_or_else(|| Error::denied("this call cannot publish"))?;
        let mut begun = self
            .publication
            .lock()
            .expect("nobody panics while holding it");
        if begun.is_some() {
            return Err(Error::invalid("a call makes one publication"));
        }
        let draft = PublicationDraft::new(services.clone(), Arc::clone(&self.references));
        *begun = Some(Publishing {
            draft: draft.clone(),
            settings,
        });
        Ok(draft)
    }

    /// The publication that was begun.
    pub fn take_publication(&self) -> Option<Publishing> {
        let mut begun = self
            .publication
            .lock()
            .expect("nobody panics while holding it");
        begun.take()
    }

    /// Start from nothing instead of the base.
    pub fn clear(&self) {
        let mut wishes = self.wishes.lock().expect("nobody panics while holding it");
        wishes.clear = true;
        wishes.said.clear();
    }

    /// These units are to be in it.
    pub fn add(&self, units: &[u64]) -> Result<()> {
        self.say(true, units)
    }

    /// These units are not to be in it.
    pub fn remove(&self, units: &[u64]) -> Result<()> {
        self.say(false, units)
    }

    fn say(&self, add: bool, units: &[u64]) -> Result<()> {
        self.references.check(units)?;
        let mut wishes = self.wishes.lock().expect("nobody panics while holding it");
        for unit in units {
            match wishes.said.last_mut() {
                Some((last_add, _, end)) if *last_add == add && *end == *unit => *end += 1,
                _ => wishes.said.push((add, *unit, *unit + 1)),
            }
        }
        if wishes.said.len() > MAX_RUNS {
            return Err(Error::limit(
                "units were added in too many scattered pieces; add them as they were staged",
            ));
        }
        Ok(())
    }

    /// The wishes in rows; call it when staging has finished.
    pub fn wanted(&self) -> Result<Wanted> {
        let wishes = self.wishes.lock().expect("nobody panics while holding it");
        let mut wanted = Wanted {
            clear: wishes.clear,
            ..Wanted::default()
        };
        for (add, start, end) in &wishes.said {
            for reference in *start..*end {
                let unit = self.references.unit(reference).ok_or_else(|| {
                    Error::internal("a unit that was added is not in the database")
                })?;
                wanted.say(*add, unit);
            }
        }
        Ok(wanted)
    }
}

impl Wanted {
    /// These units in, those out.
    pub fn of(add: impl IntoIterator<Item = i64>, remove: impl IntoIterator<Item = i64>) -> Self {
        let mut wanted = Self::default();
        for unit in remove {
            wanted.say(false, UnitId(unit));
        }
        for unit in add {
            wanted.say(true, UnitId(unit));
        }
        wanted
    }

    fn say(&mut self, add: bool, unit: UnitId) {
        let number = number(unit);
        if add {
            self.add.insert(number);
            self.remove.remove(number);
        } else {
            self.remove.insert(number);
            self.add.remove(number);
        }
    }
}

/// A unit's number in a set; row numbers are never negative.
pub(crate) fn number(unit: UnitId) -> u64 {
    u64::try_from(unit.0).unwrap_or(0)
}

/// The unit of a number in a set.
pub(crate) fn unit(number: u64) -> UnitId {
    UnitId(i64::try_from(number).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_counts_and_forged_references_do_not() {
        let references = Arc::new(References::default());
        references.mint((10..20).map(UnitId));
        let changes = Changes::new(references);
        changes.add(&[0, 1, 2, 5]).expect("known references");
        changes.remove(&[1]).expect("known references");
        assert!(changes.add(&[10]).is_err());
        let wanted = changes.wanted().expect("all settled");
        assert_eq!(wanted.add.iter().collect::<Vec<_>>(), [10, 12, 15]);
        assert_eq!(wanted.remove.iter().collect::<Vec<_>>(), [11]);
    }
}

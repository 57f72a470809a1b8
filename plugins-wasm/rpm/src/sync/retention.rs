//! How many builds of a package stay: decided by reading `primary` once before anything is
//! staged, so that no work is done for what would not stay.

use std::collections::HashMap;

use pith_plugin_sdk::{BodyReader, Changes, Result, UnitRef, View};
use serde::Deserialize;

use super::packages::snippets;
use super::{Modular, Upstream, blame};
use crate::PACKAGE;
use crate::evr::Evr;
use crate::package::Package;
use crate::primary;

/// References that go to the host together.
const TOGETHER: usize = 1_000;

/// The newest builds of each package and architecture. Packages of modules stay all: an old
/// stream is no old version.
#[derive(Debug)]
pub(crate) struct Retention {
    count: usize,
    newest: HashMap<(String, String), Vec<Evr>>,
}

/// What is asked of a package that the repository has.
#[derive(Deserialize)]
struct Present {
    name: String,
    arch: String,
    is_modular: bool,
    #[serde(flatten)]
    evr: Evr,
}

impl Retention {
    /// Reads what the upstream has, and what the repository has where that stays.
    pub(super) fn read(
        upstream: &Upstream<'_>,
        modular: &Modular,
        current: Option<&View>,
        count: usize,
    ) -> Result<Self> {
        let mut retention = Self {
            count,
            newest: HashMap::new(),
        };
        if let Some(index) = upstream.repomd.find("primary") {
            let body = upstream.open(index)?;
            let mut elements = snippets(BodyReader::new(&body));
            let blamed = |error| blame(error, index);
            while let Some(text) = elements.next_element().map_err(blamed)? {
                // Broken ones are named when they are read to be staged.
                let Ok(primary) = primary::read(&text) else {
                    continue;
                };
                let package = primary.package;
                if !upstream.skips(&package) && !modular.contains(&package.nevra()) {
                    retention.learn(package.name.clone(), package.arch.clone(), evr(&package));
                }
            }
        }
        if let Some(current) = current {
            retention.learn_all(current)?;
        }
        Ok(retention)
    }

    /// What a repository has.
    pub(crate) fn of(current: &View, count: usize) -> Result<Self> {
        let mut retention = Self {
            count,
            newest: HashMap::new(),
        };
        retention.learn_all(current)?;
        Ok(retention)
    }

    fn learn_all(&mut self, current: &View) -> Result<()> {
        for unit in current.units(PACKAGE, &[])? {
            let present: Present = unit?.fields_as()?;
            if !present.is_modular {
                self.learn(present.name, present.arch, present.evr);
            }
        }
        Ok(())
    }

    fn learn(&mut self, name: String, arch: String, evr: Evr) {
        let newest = self.newest.entry((name, arch)).or_default();
        // In order, the newest first.
        if let Err(at) = newest.binary_search_by(|known| evr.cmp(known))
            && at < self.count
        {
            newest.insert(at, evr);
            newest.truncate(self.count);
        }
    }

    fn has(&self, name: &str, arch: &str, evr: &Evr) -> bool {
        let newest = self.newest.get(&(name.to_owned(), arch.to_owned()));
        newest.is_some_and(|newest| newest.binary_search_by(|known| evr.cmp(known)).is_ok())
    }

    /// Whether a package of the upstream stays.
    pub(super) fn keeps(&self, package: &Package) -> bool {
        package.is_modular || self.has(&package.name, &package.arch, &evr(package))
    }

    /// Takes out of the next version what the repository has and does not keep.
    pub(super) fn prune(&self, current: &View, next: &Changes) -> Result<()> {
        self.each_old(current, 0, |_, units| Ok(next.remove(units)?))
    }

    /// Calls `each` with what is not kept of what came more than so many seconds ago, some
    /// at a time: names and references.
    pub(crate) fn each_old(
        &self,
        current: &View,
        seconds: u64,
        mut each: impl FnMut(&[String], &[UnitRef]) -> Result<()>,
    ) -> Result<()> {
        let (mut names, mut old) = (Vec::new(), Vec::new());
        for unit in current.older_units(PACKAGE, seconds)? {
            let unit = unit?;
            let present: Present = unit.fields_as()?;
            if !present.is_modular && !self.has(&present.name, &present.arch, &present.evr) {
                let Evr {
                    epoch,
                    version,
                    release,
                } = &present.evr;
                let (name, arch) = (&present.name, &present.arch);
                names.push(format!("{name}-{epoch}:{version}-{release}.{arch}"));
                old.push(unit.handle);
            }
            if old.len() == TOGETHER {
                each(&names, &old)?;
                (names, old) = (Vec::new(), Vec::new());
            }
        }
        each(&names, &old)
    }
}

fn evr(package: &Package) -> Evr {
    Evr {
        epoch: package.epoch.clone(),
        version: package.version.clone(),
        release: package.release.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_each_name_and_architecture_stay() {
        let mut retention = Retention {
            count: 2,
            newest: HashMap::new(),
        };
        let evr = |version: &str| Evr {
            epoch: "0".into(),
            version: version.into(),
            release: "1".into(),
        };
        for version in ["1.9", "1.10", "1.2", "1.10", "1.11"] {
            retention.learn("owl".into(), "noarch".into(), evr(version));
        }
        retention.learn("owl".into(), "src".into(), evr("1.2"));
        let stays = |arch: &str, version: &str| retention.has("owl", arch, &evr(version));
        assert!(stays("noarch", "1.11") && stays("noarch", "1.10") && stays("src", "1.2"));
        assert!(!stays("noarch", "1.9") && !stays("noarch", "1.2"));
        assert!(!retention.has("bear", "noarch", &evr("1.2")));
    }
}

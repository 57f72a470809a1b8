//! Looks up what needs are about: names by the hundred, and modules once they matter.

use std::collections::{HashMap, HashSet};

use pith_plugin_sdk::{Error, Result};
use serde::Deserialize;

use super::capability::{Capability, Word};
use super::lookup::Lookup;
use super::modules::Modules;
use super::need::Need;
use super::pool::{FIELDS, Pool};
use super::search::Variable;
use super::solver::Solver;
use crate::PACKAGE;
use crate::primary::read_paths;
use crate::terms::{is_singled_out, plain_name};

impl<L: Lookup> Solver<L> {
    /// The names that a unit's needs are about and that were not looked up.
    pub(super) fn names(&self, unit: Variable, names: &mut HashSet<Word>) {
        let Some(package) = self.pool.units[unit].package() else {
            return;
        };
        let is_settled = self.pool.units[unit].is_settled();
        if self.rules.has(unit) || is_settled || self.pool.is_source(package) {
            return;
        }
        let own: HashSet<Word> = package.provides.iter().map(|one| one.name).collect();
        let mut learn = |need: &Need, is_simple: bool| {
            need.for_each(&mut |capability| {
                // What a package gives itself needs nobody else, unless versions differ.
                let is_own =
                    is_simple && own.contains(&capability.name) && capability.evr.is_none();
                if !is_own && !self.known.contains(&capability.name) {
                    names.insert(capability.name);
                }
            });
        };
        for need in package.requires.iter().chain(&package.recommends) {
            learn(need, matches!(need, Need::One(_)));
        }
        // Whoever comes is held against simple conflicts; others must be known before.
        for need in &package.conflicts {
            if !matches!(need, Need::One(_)) {
                learn(need, false);
            }
        }
    }

    /// Takes in all units that fit these names.
    pub(super) fn look_up(&mut self, names: &HashSet<Word>) -> Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        let text = |word: &Word| self.pool.words.text(*word).to_owned();
        let mut texts: Vec<String> = names.iter().map(text).collect();
        texts.sort_unstable();
        self.known.extend(names);
        let (files, terms): (Vec<_>, Vec<_>) =
            texts.into_iter().partition(|name| name.starts_with('/'));
        let mut plain: Vec<String> = terms
            .iter()
            .map(|name| plain_name(name).to_owned())
            .collect();
        plain.dedup();
        let Self { lookup, pool, .. } = self;
        let mut is_modular = false;
        let mut each = |pool: &mut Pool, candidate| {
            let unit = pool.add_package(candidate)?;
            is_modular |= pool.units[unit].package().is_some_and(|one| one.is_modular);
            Ok(unit)
        };
        if !plain.is_empty() {
            lookup.named(PACKAGE, &plain, FIELDS, &mut |one| {
                each(pool, one).map(drop)
            })?;
            lookup.with_terms(PACKAGE, &terms, FIELDS, &mut |one| {
                each(pool, one).map(drop)
            })?;
        }
        if !files.is_empty() {
            let wanted: HashSet<&str> = files.iter().map(String::as_str).collect();
            let (mut handles, mut units) = (Vec::new(), Vec::new());
            lookup.with_terms(PACKAGE, &files, FIELDS, &mut |candidate| {
                handles.push(candidate.handle);
                units.push(each(pool, candidate)?);
                Ok(())
            })?;
            each_with_files(lookup, &handles, &wanted, |at, paths| {
                for path in paths {
                    pool.add_file(units[at], &path);
                }
            })?;
        }
        self.read_modules(is_modular)?;
        let hidden = files.into_iter().filter(|path| !is_singled_out(path));
        let hidden: HashSet<String> = hidden.filter(|path| !self.is_provided(path)).collect();
        self.walk_files(&hidden)
    }

    fn is_provided(&self, path: &str) -> bool {
        let word = self.pool.words.find(path);
        word.is_some_and(|word| {
            let capability = Capability::any(word);
            !self.pool.providers(capability).is_empty()
        })
    }

    /// Looks for files that no index singles out: through the lists of all packages.
    fn walk_files(&mut self, wanted: &HashSet<String>) -> Result<()> {
        if wanted.is_empty() {
            return Ok(());
        }
        let Self { lookup, pool, .. } = self;
        let (mut handles, mut names) = (Vec::new(), Vec::new());
        lookup.all(PACKAGE, &["name"], &mut |candidate| {
            handles.push(candidate.handle);
            names.push(name(&candidate.fields)?);
            Ok(())
        })?;
        let mut found: HashMap<u64, (String, Vec<String>)> = HashMap::new();
        let wanted: HashSet<&str> = wanted.iter().map(String::as_str).collect();
        each_with_files(lookup, &handles, &wanted, |at, paths| {
            found.insert(handles[at], (std::mem::take(&mut names[at]), paths));
        })?;
        let names: Vec<String> = found.values().map(|(name, _)| name.clone()).collect();
        let mut is_modular = false;
        if !names.is_empty() {
            lookup.named(PACKAGE, &names, FIELDS, &mut |candidate| {
                let handle = candidate.handle;
                let unit = pool.add_package(candidate)?;
                is_modular |= pool.units[unit].package().is_some_and(|one| one.is_modular);
                for path in found.get(&handle).iter().flat_map(|(_, paths)| paths) {
                    pool.add_file(unit, path);
                }
                Ok(())
            })?;
        }
        self.read_modules(is_modular)
    }

    /// Reads the modules once they matter.
    pub(super) fn read_modules(&mut self, matter: bool) -> Result<()> {
        if matter && !self.has_modules {
            self.has_modules = true;
            self.modules = Modules::read(&mut self.lookup, &mut self.pool)?;
            self.modules.activate(&self.pool);
            self.rules.forbid_inactive(&self.pool, &self.modules);
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

fn name(fields: &str) -> Result<String> {
    serde_json::from_str(fields)
        .map(|named: Named| named.name)
        .map_err(|error| broken(&error))
}

/// Looks through the files of packages: `take` gets the places of those that have some of the
/// wanted, and which.
fn each_with_files(
    lookup: &mut impl Lookup,
    packages: &[u64],
    wanted: &HashSet<&str>,
    mut take: impl FnMut(usize, Vec<String>),
) -> Result<()> {
    let mut at = 0;
    while at < packages.len() {
        let elements = lookup.filelists(&packages[at..])?;
        if elements.is_empty() {
            return Err(Error::internal("the files of packages are not to be had"));
        }
        for element in elements {
            // A package whose element was broken has none.
            if !element.is_empty() {
                let text = std::str::from_utf8(&element)
                    .map_err(|_| Error::internal("an element of filelists is no text"))?;
                let paths = read_paths(text, |path| wanted.contains(path))?;
                if !paths.is_empty() {
                    take(at, paths);
                }
            }
            at += 1;
        }
    }
    Ok(())
}

fn broken(error: &serde_json::Error) -> Error {
    Error::internal(format!("a package is stored wrongly: {error}"))
}

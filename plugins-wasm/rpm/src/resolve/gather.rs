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
use crate::package::File;
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
            let fields: Vec<&str> = FIELDS.iter().copied().chain(["files"]).collect();
            let wanted: HashSet<&str> = files.iter().map(String::as_str).collect();
            lookup.with_terms(PACKAGE, &files, &fields, &mut |candidate| {
                let paths = paths(&candidate.fields)?;
                let unit = each(pool, candidate)?;
                for path in paths.iter().filter(|path| wanted.contains(path.as_str())) {
                    pool.add_file(unit, path);
                }
                Ok(())
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
        let mut found: HashMap<u64, (String, Vec<String>)> = HashMap::new();
        let Self { lookup, pool, .. } = self;
        lookup.all(PACKAGE, &["name", "files"], &mut |candidate| {
            let mut paths = paths(&candidate.fields)?;
            paths.retain(|path| wanted.contains(path));
            if !paths.is_empty() {
                let name = name(&candidate.fields)?;
                found.insert(candidate.handle, (name, paths));
            }
            Ok(())
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

#[derive(Deserialize)]
struct Listed {
    files: Vec<File>,
}

/// The files of a package.
fn paths(fields: &str) -> Result<Vec<String>> {
    let listed: Listed = serde_json::from_str(fields).map_err(|error| broken(&error))?;
    let paths = listed.files.into_iter();
    Ok(paths.map(|File(_, folder, name)| folder + &name).collect())
}

fn broken(error: &serde_json::Error) -> Error {
    Error::internal(format!("a package is stored wrongly: {error}"))
}

//! Modules: which packages are theirs, and which streams are active.

use std::collections::{HashMap, HashSet};

use pith_plugin_sdk::{Candidate, Error, Result, UnitRef};
use serde::Deserialize;

use super::lookup::Lookup;
use super::pool::{Module, Package, Pool};
use super::search::Variable;
use crate::{MODULEMD, MODULEMD_DEFAULTS};

/// What provides the names of systems, which are in no repository.
const PLATFORM: &str = "platform";

#[derive(Deserialize)]
struct ModuleFields {
    name: String,
    stream: String,
    version: String,
    context: String,
    nevras: Vec<Nevra>,
    dependencies: Vec<HashMap<String, Vec<String>>>,
}

#[derive(Deserialize)]
struct Nevra {
    name: String,
    epoch: String,
    version: String,
    release: String,
    arch: String,
}

#[derive(Deserialize)]
struct DefaultFields {
    module: String,
    stream: String,
}

/// What names the default stream of a module.
#[derive(Debug)]
pub(super) struct Default {
    pub(super) handle: UnitRef,
    stream: String,
    pub(super) sources: Vec<u32>,
    pub(super) destinations: Vec<u32>,
    pub(super) is_chosen: bool,
}

/// The modules of all lines.
#[derive(Debug, Default)]
pub(super) struct Modules {
    pub(super) all: Vec<Variable>,
    /// By name, epoch, version, release and architecture of a package.
    by_package: HashMap<String, Vec<Variable>>,
    defaults: HashMap<String, Vec<Default>>,
    pub(super) active: HashSet<Variable>,
}

impl Modules {
    /// Reads the modules and their defaults.
    pub(super) fn read(lookup: &mut impl Lookup, pool: &mut Pool) -> Result<Self> {
        let mut modules = Self::default();
        let fields = [
            "name",
            "stream",
            "version",
            "context",
            "nevras",
            "dependencies",
        ];
        lookup.all(MODULEMD, &fields, &mut |candidate| {
            let fields: ModuleFields = read(&candidate)?;
            let names = fields.dependencies.into_iter().flatten();
            let requires = names.filter(|(name, _)| name != PLATFORM).collect();
            let unit = pool.add_module(
                candidate,
                Module {
                    name: fields.name,
                    stream: fields.stream,
                    version: fields.version,
                    context: fields.context,
                    requires,
                },
            );
            modules.all.push(unit);
            for nevra in fields.nevras {
                let Nevra {
                    name,
                    epoch,
                    version,
                    release,
                    arch,
                } = nevra;
                let evr = super::capability::evr_text(Some(&epoch), &version, Some(&release));
                let key = format!("{name}-{evr}.{arch}");
                modules.by_package.entry(key).or_default().push(unit);
            }
            Ok(())
        })?;
        lookup.all(MODULEMD_DEFAULTS, &["module", "stream"], &mut |candidate| {
            let fields: DefaultFields = read(&candidate)?;
            modules
                .defaults
                .entry(fields.module)
                .or_default()
                .push(Default {
                    handle: candidate.handle,
                    stream: fields.stream,
                    sources: candidate.sources,
                    destinations: candidate.destinations,
                    is_chosen: !candidate.chosen.is_empty(),
                });
            Ok(())
        })?;
        // The order of what is found is nobody's wish.
        for modules in modules.by_package.values_mut() {
            modules.sort_by_key(|module| order(pool, *module));
        }
        Ok(modules)
    }

    /// The modules that list a package, the newest first.
    pub(super) fn of(&self, pool: &Pool, unit: Variable) -> &[Variable] {
        self.by_package
            .get(&pool.label(unit))
            .map_or(&[], Vec::as_slice)
    }

    /// The modules that fulfill what a module requires, the newest first.
    pub(super) fn streams(&self, pool: &Pool, name: &str, streams: &[String]) -> Vec<Variable> {
        let excluded = |stream: &str| {
            let mut excluding = streams.iter().filter_map(|one| one.strip_prefix('-'));
            excluding.any(|one| one == stream)
        };
        let is_named = |stream: &str| {
            let mut named = streams
                .iter()
                .filter(|one| !one.starts_with('-'))
                .peekable();
            named.peek().is_none() || named.any(|one| one == stream)
        };
        let mut fitting: Vec<Variable> = self
            .all
            .iter()
            .copied()
            .filter(|unit| {
                pool.units[*unit].module().is_some_and(|module| {
                    module.name == name && is_named(&module.stream) && !excluded(&module.stream)
                })
            })
            .collect();
        fitting.sort_by_key(|unit| (!self.is_default(pool, *unit), order(pool, *unit)));
        fitting
    }

    /// The default of a module that names this stream: a destination's own counts before those
    /// that could come.
    pub(super) fn default_of(&self, module: &Module) -> Option<&Default> {
        let defaults = self.defaults.get(&module.name)?;
        let is_there = |one: &&Default| !one.destinations.is_empty();
        let first = defaults
            .iter()
            .find(is_there)
            .or_else(|| defaults.first())?;
        (first.stream == module.stream).then_some(first)
    }

    fn is_default(&self, pool: &Pool, unit: Variable) -> bool {
        let module = pool.units[unit].module();
        module.is_some_and(|module| self.default_of(module).is_some())
    }

    /// Decides which streams are active: those that are chosen or there, those of chosen
    /// packages, default streams of modules that have no other, and what these require.
    pub(super) fn activate(&mut self, pool: &Pool) {
        let mut active: HashSet<Variable> = HashSet::new();
        for module in &self.all {
            let unit = &pool.units[*module];
            if unit.is_chosen() || !unit.places.destinations.is_empty() {
                active.insert(*module);
            }
        }
        for (at, unit) in pool.units.iter().enumerate() {
            if unit.is_chosen() && unit.package().is_some_and(|one| one.is_modular) {
                active.extend(self.of(pool, at));
            }
        }
        let name = |module: &Variable| pool.units[*module].module().map(|one| one.name.as_str());
        let decided: HashSet<_> = active.iter().filter_map(name).collect();
        let defaults = self.all.iter().filter(|module| {
            self.is_default(pool, **module)
                && name(module).is_some_and(|name| !decided.contains(name))
        });
        let defaults: Vec<Variable> = defaults.copied().collect();
        active.extend(defaults);
        let mut new: Vec<Variable> = active.iter().copied().collect();
        while let Some(unit) = new.pop() {
            let Some(module) = pool.units[unit].module() else {
                continue;
            };
            for (name, streams) in &module.requires {
                for required in self.streams(pool, name, streams) {
                    if active.insert(required) {
                        new.push(required);
                    }
                }
            }
        }
        self.active = active;
    }

    /// Whether a package is of an active stream.
    pub(super) fn is_active(&self, pool: &Pool, unit: Variable, package: &Package) -> bool {
        package.is_modular
            && self
                .of(pool, unit)
                .iter()
                .any(|one| self.active.contains(one))
    }
}

/// The newest first; then anything that is always the same.
fn order(pool: &Pool, unit: Variable) -> (std::cmp::Reverse<u64>, String, UnitRef) {
    let handle = pool.units[unit].handle;
    match pool.units[unit].module() {
        Some(module) => {
            let version = module.version.parse().unwrap_or(0);
            (std::cmp::Reverse(version), module.context.clone(), handle)
        }
        None => (std::cmp::Reverse(0), String::new(), handle),
    }
}

fn read<T: serde::de::DeserializeOwned>(candidate: &Candidate) -> Result<T> {
    serde_json::from_str(&candidate.fields)
        .map_err(|error| Error::internal(format!("a module is stored wrongly: {error}")))
}

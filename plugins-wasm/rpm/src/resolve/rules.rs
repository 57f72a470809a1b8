//! Makes the rules of units that may come: what they require, and what they cannot be with.

use std::collections::{HashMap, HashSet};

use super::capability::{Capability, Word};
use super::encode::{Clause, Encoder};
use super::modules::Modules;
use super::need::Need;
use super::pool::{Kind, Package, Pool};
use super::search::{Rule, Search, Variable};

/// Why there is a rule; needs are numbered as the unit has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Requires(usize),
    /// A package of a module wants the module.
    Module,
    /// The module at that place of the module's own list.
    ModuleRequires(usize),
    Conflicts(usize),
    Obsoletes(Capability),
    /// Two builds of one name.
    SameName,
    /// Two streams of one module.
    OtherStream,
    /// The stream of a module is not active.
    Inactive,
}

impl Origin {
    /// Whether it says that something must be there.
    pub(super) fn is_wish(self) -> bool {
        matches!(
            self,
            Self::Requires(_) | Self::Module | Self::ModuleRequires(_)
        )
    }
}

/// The rules so far, and what new ones are made with.
#[derive(Debug, Default)]
pub(super) struct Rules {
    pub(super) search: Search<Origin>,
    /// What units recommend: by unit, the number of the need and its clauses.
    pub(super) weak: HashMap<Variable, Vec<(usize, Clause)>>,
    /// Of which unit a part of a need is.
    owners: HashMap<Variable, Variable>,
    expanded: HashSet<Variable>,
    /// What units that have rules cannot be with, by the name that they say.
    clashes: HashMap<Word, Vec<(Variable, Clash)>>,
    exclusive: HashSet<(Variable, Variable)>,
}

#[derive(Clone, Copy, Debug)]
enum Clash {
    Conflict(usize, Capability),
    Obsolete(Capability),
}

impl Rules {
    /// Whether a unit has its rules.
    pub(super) fn has(&self, unit: Variable) -> bool {
        self.expanded.contains(&unit)
    }

    /// The unit whose rule it is, of what a rule names first.
    pub(super) fn owner(&self, first: Variable) -> Variable {
        self.owners.get(&first).copied().unwrap_or(first)
    }

    /// Makes the rules of a unit whose names were looked up.
    pub(super) fn expand(&mut self, pool: &mut Pool, modules: &Modules, unit: Variable) {
        if !self.expanded.insert(unit) {
            return;
        }
        self.search.grow(pool.units.len());
        match &pool.units[unit].kind {
            Kind::Package(package) => {
                if pool.is_source(package) {
                    return;
                }
                self.exclude(pool, unit);
                self.be_excluded(pool, unit);
                if pool.units[unit].is_settled() {
                    return;
                }
                let Some(package) = pool.units[unit].package() else {
                    return;
                };
                let is_modular = package.is_modular;
                let (requires, recommends) = (package.requires.clone(), package.recommends.clone());
                self.require(pool, modules, unit, &requires);
                self.recommend(pool, modules, unit, &recommends);
                let wanted = modules.of(pool, unit);
                if is_modular && !wanted.is_empty() {
                    self.add(vec![unit], wanted.to_vec(), Origin::Module);
                }
            }
            Kind::Module(module) => {
                for (at, (name, streams)) in module.requires.iter().enumerate() {
                    let wanted = modules.streams(pool, name, streams);
                    self.add(vec![unit], wanted, Origin::ModuleRequires(at));
                }
                let others = modules.all.iter().copied().filter(|other| {
                    pool.units[*other].module().is_some_and(|other| {
                        other.name == module.name && other.stream != module.stream
                    })
                });
                for other in others.collect::<Vec<_>>() {
                    self.exclusive(unit, other, Origin::OtherStream);
                }
            }
            Kind::Part => {}
        }
    }

    /// Says that these modules cannot come.
    pub(super) fn forbid_inactive(&mut self, pool: &Pool, modules: &Modules) {
        self.search.grow(pool.units.len());
        for module in &modules.all {
            if !modules.active.contains(module) {
                self.add(vec![*module], Vec::new(), Origin::Inactive);
            }
        }
    }

    fn require(&mut self, pool: &mut Pool, modules: &Modules, unit: Variable, needs: &[Need]) {
        for (at, need) in needs.iter().enumerate() {
            for clause in self.clauses(pool, unit, need, true, at) {
                let wanted = active_first(pool, modules, clause.wanted);
                let mut given = vec![unit];
                given.extend(clause.given);
                self.add(given, wanted, Origin::Requires(at));
            }
        }
    }

    fn recommend(&mut self, pool: &mut Pool, modules: &Modules, unit: Variable, needs: &[Need]) {
        for (at, need) in needs.iter().enumerate() {
            for mut clause in self.clauses(pool, unit, need, true, at) {
                if clause.wanted.is_empty() || clause.wanted.contains(&unit) {
                    continue;
                }
                clause.wanted = active_first(pool, modules, clause.wanted);
                self.weak.entry(unit).or_default().push((at, clause));
            }
        }
    }

    /// The clauses of a need; the rules of its parts are added.
    fn clauses(
        &mut self,
        pool: &mut Pool,
        unit: Variable,
        need: &Need,
        is_wanted: bool,
        at: usize,
    ) -> Vec<Clause> {
        let mut encoder = Encoder {
            pool,
            of: unit,
            parts: Vec::new(),
        };
        let clauses = encoder.clauses(need, is_wanted);
        let parts = encoder.parts;
        self.search.grow(pool.units.len());
        for part in parts {
            self.owners.insert(part.given[0], unit);
            self.add(part.given, part.wanted, Origin::Requires(at));
        }
        clauses
    }

    /// What the unit cannot be with: other builds, and what it says unless that is settled.
    fn exclude(&mut self, pool: &mut Pool, unit: Variable) {
        let is_settled = pool.units[unit].is_settled();
        let Some(package) = pool.units[unit].package() else {
            return;
        };
        let name = package.name;
        let (conflicts, obsoletes) = (package.conflicts.clone(), package.obsoletes.clone());
        for other in pool.named(name).to_vec() {
            let is_same = |other| {
                let package = pool.units[unit].package();
                package.is_some_and(|one| pool.is_one_of_a_name(one, other))
            };
            let is_settled = is_settled && pool.units[other].is_settled();
            if other != unit && !is_settled && pool.units[other].package().is_some_and(is_same) {
                self.exclusive(unit, other, Origin::SameName);
            }
        }
        if is_settled {
            return;
        }
        for (at, need) in conflicts.iter().enumerate() {
            if let Need::One(capability) = need {
                let clash = Clash::Conflict(at, *capability);
                let clashes = self.clashes.entry(capability.name).or_default();
                clashes.push((unit, clash));
            }
            for clause in self.clauses(pool, unit, need, false, at) {
                // A package that names what it is itself means others.
                let mut given = vec![unit];
                given.extend(clause.given.into_iter().filter(|one| *one != unit));
                if given.len() > 1 || !clause.wanted.is_empty() || !matches!(need, Need::One(_)) {
                    self.add(given, clause.wanted, Origin::Conflicts(at));
                }
            }
        }
        for capability in obsoletes {
            let clashes = self.clashes.entry(capability.name).or_default();
            clashes.push((unit, Clash::Obsolete(capability)));
            for other in pool.named(capability.name).to_vec() {
                let itself = pool.units[other].package().map(Package::itself);
                if other != unit && itself.is_some_and(|it| it.overlaps(capability, &pool.words)) {
                    self.exclusive(unit, other, Origin::Obsoletes(capability));
                }
            }
        }
    }

    /// What others, which have their rules, say that they cannot be with.
    fn be_excluded(&mut self, pool: &Pool, unit: Variable) {
        let Some(package) = pool.units[unit].package() else {
            return;
        };
        let itself = package.itself();
        let mut against = Vec::new();
        for provided in &package.provides {
            for (other, clash) in self.clashes.get(&provided.name).into_iter().flatten() {
                let origin = match clash {
                    Clash::Conflict(at, capability) => provided
                        .overlaps(*capability, &pool.words)
                        .then_some(Origin::Conflicts(*at)),
                    Clash::Obsolete(capability) => itself
                        .overlaps(*capability, &pool.words)
                        .then_some(Origin::Obsoletes(*capability)),
                };
                against.extend(origin.map(|origin| (*other, origin)));
            }
        }
        for (other, origin) in against {
            if other != unit {
                self.exclusive(other, unit, origin);
            }
        }
    }

    /// Not both; the first is the one that says so.
    fn exclusive(&mut self, one: Variable, other: Variable, origin: Origin) {
        if self.exclusive.insert((one.min(other), one.max(other))) {
            self.add(vec![one, other], Vec::new(), origin);
        }
    }

    fn add(&mut self, given: Vec<Variable>, wanted: Vec<Variable>, origin: Origin) {
        self.search.add(Rule {
            given,
            wanted,
            origin,
        });
    }
}

/// Of packages of one name, those of active streams hide the others, as they do for clients.
fn active_first(pool: &Pool, modules: &Modules, mut wanted: Vec<Variable>) -> Vec<Variable> {
    if modules.active.is_empty() {
        return wanted;
    }
    let mut places: HashMap<Word, usize> = HashMap::new();
    for (at, unit) in wanted.iter().enumerate() {
        if let Some(package) = pool.units[*unit].package() {
            places.entry(package.name).or_insert(at);
        }
    }
    wanted.sort_by_cached_key(|unit| match pool.units[*unit].package() {
        Some(package) => (
            places.get(&package.name).copied().unwrap_or(0),
            !modules.is_active(pool, *unit, package),
        ),
        None => (usize::MAX, false),
    });
    wanted
}

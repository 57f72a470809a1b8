//! Solves a copy: for each chosen unit there is to be a set, of what is there and what comes,
//! that can be installed.
//!
//! A repository is no installation: two versions of a package may both be chosen. So units are
//! not solved as one installation, but in groups that can be installed together; whatever came
//! for one group is preferred by the next.

use std::collections::{HashMap, HashSet};

use pith_plugin_sdk::Result;

use super::capability::Word;
use super::lookup::Lookup;
use super::modules::Modules;
use super::pool::{FIELDS, Pool};
use super::rules::{Origin, Rules};
use super::search::Variable;
use crate::{MODULEMD, PACKAGE};

/// Why a unit comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    Rule(Origin),
    Recommends(usize),
}

/// A unit that comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pull {
    pub(super) unit: Variable,
    pub(super) wanted_by: Variable,
    pub(super) cause: Cause,
}

/// The state of a copy that is being solved.
pub(super) struct Solver<L> {
    pub(super) lookup: L,
    upgrade: bool,
    pub(super) pool: Pool,
    pub(super) modules: Modules,
    pub(super) has_modules: bool,
    pub(super) rules: Rules,
    pub(super) known: HashSet<Word>,
    /// Chosen units, and those that were pulled.
    pub(super) coming: HashSet<Variable>,
    pub(super) pulled: Vec<Pull>,
    /// Chosen units that cannot be installed with what is there, each with what came for it.
    pub(super) broken: Vec<(Variable, Vec<Variable>)>,
}

impl<L: Lookup> Solver<L> {
    pub(super) fn new(lookup: L, upgrade: bool) -> Self {
        Self {
            lookup,
            upgrade,
            pool: Pool::default(),
            modules: Modules::default(),
            has_modules: false,
            rules: Rules::default(),
            known: HashSet::new(),
            coming: HashSet::new(),
            pulled: Vec::new(),
            broken: Vec::new(),
        }
    }

    /// Solves everything.
    pub(super) fn run(&mut self) -> Result<()> {
        let Self { lookup, pool, .. } = self;
        lookup.chosen(PACKAGE, FIELDS, &mut |candidate| {
            pool.add_package(candidate).map(drop)
        })?;
        let mut has_modules = false;
        lookup.chosen(MODULEMD, &["name"], &mut |_| {
            has_modules = true;
            Ok(())
        })?;
        self.read_modules(has_modules)?;
        let mut roots: Vec<(String, Variable)> = (0..self.pool.units.len())
            .filter(|unit| self.pool.units[*unit].is_chosen())
            .map(|unit| (self.pool.label(unit), unit))
            .collect();
        roots.sort_unstable();
        let roots: Vec<Variable> = roots.into_iter().map(|(_, unit)| unit).collect();
        self.coming.extend(&roots);
        for group in self.groups(&roots) {
            self.settle(&group)?;
        }
        Ok(())
    }

    /// Units of one name and streams of one module are in groups of their own, for they cannot
    /// be installed together.
    fn groups(&self, roots: &[Variable]) -> Vec<Vec<Variable>> {
        let mut seen: HashMap<String, usize> = HashMap::new();
        let mut groups: Vec<Vec<Variable>> = Vec::new();
        for root in roots {
            let unit = &self.pool.units[*root];
            let key = match (unit.package(), unit.module()) {
                (Some(package), _) if !self.pool.is_source(package) => {
                    self.pool.words.text(package.name).to_owned()
                }
                (_, Some(module)) => format!("module {}", module.name),
                _ => continue,
            };
            let layer = seen.entry(key).or_default();
            if groups.len() == *layer {
                groups.push(Vec::new());
            }
            groups[*layer].push(*root);
            *layer += 1;
        }
        groups
    }

    /// Solves a group; if it cannot be installed together, its halves.
    fn settle(&mut self, group: &[Variable]) -> Result<()> {
        if group.is_empty() {
            return Ok(());
        }
        if self.solve(group)? {
            let extra = self.recommended(group)?;
            self.accept(group, &extra);
            return Ok(());
        }
        if let [unit] = group {
            return self.give_up(*unit);
        }
        // What can never be installed is put aside at once.
        let (hopeless, rest): (Vec<_>, Vec<_>) = group
            .iter()
            .partition(|unit| self.rules.search.is_hopeless(**unit));
        if !hopeless.is_empty() {
            hopeless
                .into_iter()
                .try_for_each(|unit| self.give_up(unit))?;
            return self.settle(&rest);
        }
        let (first, second) = group.split_at(group.len() / 2);
        self.settle(first)?;
        self.settle(second)
    }

    /// Whether something need not be brought for it.
    pub(super) fn is_free(&self, unit: Variable) -> bool {
        self.coming.contains(&unit)
            || (!self.upgrade && !self.pool.units[unit].places.destinations.is_empty())
    }

    /// Whether all these can be installed together, with what they need.
    fn solve(&mut self, wanted: &[Variable]) -> Result<bool> {
        let mut open: Vec<Variable> = wanted.to_vec();
        loop {
            self.expand(open)?;
            let (coming, pool, upgrade) = (&self.coming, &self.pool, self.upgrade);
            let is_free = |unit: Variable| {
                coming.contains(&unit)
                    || (!upgrade && !pool.units[unit].places.destinations.is_empty())
            };
            if !self.rules.search.solve(wanted, is_free) {
                return Ok(false);
            }
            let answer = self.rules.search.answer();
            open = answer.filter(|unit| self.is_open(*unit)).collect();
            if open.is_empty() {
                return Ok(true);
            }
        }
    }

    /// Whether a unit that comes has no rules yet.
    fn is_open(&self, unit: Variable) -> bool {
        !self.rules.has(unit)
    }

    /// Makes the rules of units, and of those that will probably come for them: so the host is
    /// asked for many names at once.
    fn expand(&mut self, mut units: Vec<Variable>) -> Result<()> {
        while !units.is_empty() {
            let mut names = HashSet::new();
            for unit in &units {
                self.names(*unit, &mut names);
            }
            self.look_up(&names)?;
            let mut next = Vec::new();
            for unit in units {
                self.rules.expand(&mut self.pool, &self.modules, unit);
                let rules = self.rules.search.rules_of(unit);
                let wishes = rules.filter(|rule| rule.given.len() == 1 && rule.origin.is_wish());
                let wishes = wishes.map(|rule| &rule.wanted);
                let weak = self.rules.weak.get(&unit).into_iter().flatten();
                for wanted in wishes.chain(weak.map(|(_, clause)| &clause.wanted)) {
                    if wanted.iter().any(|unit| self.is_free(*unit)) {
                        continue;
                    }
                    let first = wanted.first().copied();
                    next.extend(first.filter(|first| self.is_open(*first)));
                }
            }
            next.sort_unstable();
            next.dedup();
            units = next;
        }
        Ok(())
    }

    /// What can come beside an answer because its units recommend it; the answer has it then.
    fn recommended(&mut self, group: &[Variable]) -> Result<Vec<Pull>> {
        let mut extra: Vec<Pull> = Vec::new();
        let mut refused: HashSet<Variable> = HashSet::new();
        loop {
            let new = self.wishes(group, &extra, &refused);
            if new.is_empty() {
                return Ok(extra);
            }
            let units = |extra: &[Pull], new: &[Pull]| -> Vec<Variable> {
                let extra = extra.iter().chain(new).map(|pull| pull.unit);
                group.iter().copied().chain(extra).collect()
            };
            if self.solve(&units(&extra, &new))? {
                extra.extend(new);
                continue;
            }
            for pull in new {
                if self.solve(&units(&extra, &[pull]))? {
                    extra.push(pull);
                } else {
                    refused.insert(pull.unit);
                }
            }
            // The last question may have had no answer.
            self.solve(&units(&extra, &[]))?;
        }
    }

    /// What units of the answer recommend that is not there.
    fn wishes(&self, group: &[Variable], extra: &[Pull], refused: &HashSet<Variable>) -> Vec<Pull> {
        let search = &self.rules.search;
        let (needed, _) = self.least(group, extra);
        let mut wishes: Vec<Pull> = Vec::new();
        let mut units: HashSet<Variable> = HashSet::new();
        for unit in &needed {
            for (at, clause) in self.rules.weak.get(unit).into_iter().flatten() {
                let wanted = &clause.wanted;
                let is_there = |one: &Variable| search.has(*one) || self.is_free(*one);
                let is_moot = !clause.given.iter().all(|one| search.has(*one));
                if is_moot || wanted.iter().any(is_there) {
                    continue;
                }
                let is_possible =
                    |one: &&Variable| !refused.contains(*one) && !search.is_hopeless(**one);
                let Some(choice) = wanted.iter().find(is_possible) else {
                    continue;
                };
                let is_new = !wanted.iter().any(|one| units.contains(one));
                if is_new && self.rules.owner(*choice) == *choice {
                    units.insert(*choice);
                    wishes.push(Pull {
                        unit: *choice,
                        wanted_by: *unit,
                        cause: Cause::Recommends(*at),
                    });
                }
            }
        }
        wishes
    }

    /// Brings what the group needs of the answer.
    fn accept(&mut self, group: &[Variable], extra: &[Pull]) {
        let (_, pulls) = self.least(group, extra);
        self.pull(pulls);
    }

    fn pull(&mut self, pulls: Vec<Pull>) {
        for pull in pulls {
            let unit = &self.pool.units[pull.unit];
            let is_part = unit.package().is_none() && unit.module().is_none();
            let is_there = !unit.places.destinations.is_empty();
            if !is_part && !is_there && self.coming.insert(pull.unit) {
                self.pulled.push(pull);
            }
        }
    }

    /// A unit cannot be installed: brings what it asks for one by one.
    fn give_up(&mut self, root: Variable) -> Result<()> {
        let mut set = vec![root];
        let mut present = HashSet::from([root]);
        let mut at = 0;
        while at < set.len() {
            let unit = set[at];
            at += 1;
            if self.is_open(unit) {
                self.expand(vec![unit])?;
            }
            let mut pulls = Vec::new();
            for rule in self.rules.search.rules_of(unit) {
                let is_given = rule.given.iter().all(|one| present.contains(one));
                let is_there = |one: &Variable| present.contains(one) || self.is_free(*one);
                if !rule.origin.is_wish() || !is_given || rule.wanted.iter().any(is_there) {
                    continue;
                }
                let possible = |one: &&Variable| !self.rules.search.is_hopeless(**one);
                let choice = rule.wanted.iter().find(possible).or(rule.wanted.first());
                if let Some(choice) = choice {
                    present.insert(*choice);
                    set.push(*choice);
                    pulls.push(Pull {
                        unit: *choice,
                        wanted_by: self.rules.owner(rule.given[0]),
                        cause: Cause::Rule(rule.origin),
                    });
                }
            }
            self.pull(pulls);
        }
        self.broken.push((root, set));
        Ok(())
    }
}

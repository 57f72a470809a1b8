//! What of an answer has to come: walked from the chosen units along what is required, and
//! without what nothing lacks when it is left out.

use std::collections::{HashMap, HashSet, VecDeque};

use super::lookup::Lookup;
use super::rules::Origin;
use super::search::{Rule, Variable};
use super::solver::{Cause, Pull, Solver};

impl<L: Lookup> Solver<L> {
    /// What a group needs of the last answer, in order, and why. No unit of it that is pulled
    /// can be left out alone.
    pub(super) fn least(&self, group: &[Variable], extra: &[Pull]) -> (Vec<Variable>, Vec<Pull>) {
        let mut allowed: Option<HashSet<Variable>> = None;
        loop {
            let (order, pulls) = self.needed(group, extra, allowed.as_ref());
            let needless = self.needless(&order, &pulls);
            if needless.is_empty() {
                return (order, pulls);
            }
            // What stays is closed: the next walk never leaves it.
            let stays = order.into_iter().filter(|one| !needless.contains(one));
            allowed = Some(stays.collect());
        }
    }

    /// What the walk from a group reaches. The answer may have more: what was decided first
    /// and turned out to be needless.
    fn needed(
        &self,
        group: &[Variable],
        extra: &[Pull],
        allowed: Option<&HashSet<Variable>>,
    ) -> (Vec<Variable>, Vec<Pull>) {
        let mut needed: HashSet<Variable> = group.iter().copied().collect();
        let mut order = Vec::new();
        let mut pulls = Vec::new();
        let mut queue: VecDeque<Variable> = group.iter().copied().collect();
        // Where there is a choice, what something else needs anyway may do.
        let mut choices = VecDeque::new();
        loop {
            while let Some(unit) = queue.pop_front() {
                order.push(unit);
                for rule in self.rules.search.rules_of(unit) {
                    let is_given = rule.given.iter().all(|one| needed.contains(one));
                    if is_given && !rule.wanted.iter().any(|one| needed.contains(one)) {
                        choices.push_back(rule);
                    }
                }
            }
            choices.retain(|rule| !rule.wanted.iter().any(|one| needed.contains(one)));
            // What is forced comes first, then the choices that are left, one at a time.
            let (forced, open): (VecDeque<_>, _) = choices
                .into_iter()
                .partition(|rule| self.choice(rule, allowed).1);
            choices = open;
            let next = if forced.is_empty() {
                choices.pop_front().into_iter().collect()
            } else {
                forced
            };
            for rule in next {
                if let (Some(choice), _) = self.choice(rule, allowed)
                    && !rule.wanted.iter().any(|one| needed.contains(one))
                {
                    needed.insert(choice);
                    queue.push_back(choice);
                    pulls.push(Pull {
                        unit: choice,
                        wanted_by: self.rules.owner(rule.given[0]),
                        cause: Cause::Rule(rule.origin),
                    });
                }
            }
            if !queue.is_empty() || !choices.is_empty() {
                continue;
            }
            // What is recommended comes after all that is required.
            let next = extra.iter().find(|pull| {
                let is_allowed = allowed.is_none_or(|allowed| allowed.contains(&pull.unit));
                is_allowed && !needed.contains(&pull.unit) && needed.contains(&pull.wanted_by)
            });
            let Some(next) = next else {
                return (order, pulls);
            };
            needed.insert(next.unit);
            queue.push_back(next.unit);
            pulls.push(*next);
        }
    }

    /// What fulfills a rule, and whether it is to be taken before there are choices: nothing
    /// else does, or it need not come.
    fn choice(
        &self,
        rule: &Rule<Origin>,
        allowed: Option<&HashSet<Variable>>,
    ) -> (Option<Variable>, bool) {
        let is_there = |one: &&Variable| match allowed {
            Some(allowed) => allowed.contains(one),
            None => self.rules.search.has(**one),
        };
        let present: Vec<Variable> = rule.wanted.iter().filter(is_there).copied().collect();
        let free = present.iter().copied().find(|one| self.is_free(*one));
        let is_forced = present.len() < 2 || free.is_some();
        (free.or(present.first().copied()), is_forced)
    }

    /// Pulled units without which all that is there still has what it requires and recommends.
    fn needless(&self, order: &[Variable], pulls: &[Pull]) -> HashSet<Variable> {
        let there: HashSet<Variable> = order.iter().copied().collect();
        // What is wanted, each time as far as it is there, and how much of it stays.
        let mut wants: Vec<(Vec<Variable>, usize)> = Vec::new();
        for unit in order {
            let rules = self.rules.search.rules_of(*unit);
            let rules = rules.map(|rule| (&rule.given, &rule.wanted));
            let weak = self.rules.weak.get(unit).into_iter().flatten();
            let weak = weak.map(|(_, clause)| (&clause.given, &clause.wanted));
            for (given, wanted) in rules.chain(weak) {
                if !given.iter().all(|one| there.contains(one)) {
                    continue;
                }
                let present = wanted.iter().filter(|one| there.contains(one));
                let mut present: Vec<Variable> = present.copied().collect();
                // A rich need may name a unit more than once.
                present.sort_unstable();
                present.dedup();
                let count = present.len();
                wants.push((present, count));
            }
        }
        let mut wants_of: HashMap<Variable, Vec<usize>> = HashMap::new();
        for (at, (present, _)) in wants.iter().enumerate() {
            for one in present {
                wants_of.entry(*one).or_default().push(at);
            }
        }
        let mut needless = HashSet::new();
        // What came last came for the others.
        for pull in pulls.iter().rev().filter(|pull| !self.is_free(pull.unit)) {
            let of_it = wants_of.get(&pull.unit).map_or(&[][..], Vec::as_slice);
            if of_it.iter().any(|at| wants[*at].1 < 2) {
                continue;
            }
            for at in of_it {
                wants[*at].1 -= 1;
            }
            needless.insert(pull.unit);
        }
        needless
    }
}

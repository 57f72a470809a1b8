//! The solution in the contract's words: what comes into which line and why, and what is
//! missing.

use std::collections::{HashMap, HashSet};

use pith_plugin_sdk::{Pulled, Resolution, Unresolved};
use serde_json::json;

use super::lookup::Lookup;
use super::rules::Origin;
use super::search::Variable;
use super::solver::{Cause, Pull, Solver};

/// The answer of a copy that is solved.
pub(super) fn of<L: Lookup>(solver: &Solver<L>) -> Resolution {
    let mut answer = Answer {
        solver,
        lines: HashMap::new(),
        resolution: Resolution {
            pulled: Vec::new(),
            unresolved: Vec::new(),
        },
    };
    let mut defaults = HashSet::new();
    for pull in &solver.pulled {
        let Some(line) = answer.line(pull) else {
            continue;
        };
        answer.lines.insert(pull.unit, line);
        answer.pull(pull, line);
        answer.default(pull.unit, line, &mut defaults);
    }
    answer.unresolved();
    answer.resolution
}

struct Answer<'a, L> {
    solver: &'a Solver<L>,
    /// Into which line pulled units come.
    lines: HashMap<Variable, u32>,
    resolution: Resolution,
}

impl<L: Lookup> Answer<'_, L> {
    /// The line of the unit that wants it, if its source has it, or else the first.
    fn line(&self, pull: &Pull) -> Option<u32> {
        let sources = &self.solver.pool.units[pull.unit].places.sources;
        let wanting = &self.solver.pool.units[pull.wanted_by].places.chosen;
        let own = self.lines.get(&pull.wanted_by);
        let near = own
            .into_iter()
            .chain(wanting)
            .find(|line| sources.contains(line));
        near.or(sources.first()).copied()
    }

    fn pull(&mut self, pull: &Pull, line: u32) {
        let units = &self.solver.pool.units;
        self.resolution.pulled.push(Pulled {
            handle: units[pull.unit].handle,
            line,
            wanted_by: units[pull.wanted_by].handle,
            reason: self.reason(pull),
        });
    }

    fn reason(&self, pull: &Pull) -> String {
        let pool = &self.solver.pool;
        let wanting = &pool.units[pull.wanted_by];
        let label = pool.label(pull.wanted_by);
        let need = |at: usize, is_hard: bool| {
            let package = wanting.package();
            let needs = package.map(|one| {
                if is_hard {
                    &one.requires
                } else {
                    &one.recommends
                }
            });
            let need = needs.and_then(|needs| needs.get(at));
            need.map_or_else(String::new, |need| need.text(&pool.words))
        };
        match pull.cause {
            Cause::Recommends(at) => format!("{label} recommends {}", need(at, false)),
            Cause::Rule(Origin::ModuleRequires(at)) => {
                let module = wanting.module().and_then(|module| module.requires.get(at));
                let (name, streams) = module.map_or(("", &[][..]), |(name, streams)| {
                    (name.as_str(), streams.as_slice())
                });
                format!("{label} requires module {}", streams_text(name, streams))
            }
            Cause::Rule(Origin::Module) => format!("{label} is a package of it"),
            Cause::Rule(Origin::Requires(at)) => format!("{label} requires {}", need(at, true)),
            // Others want nothing.
            Cause::Rule(_) => label,
        }
    }

    /// A stream that is active by default only is active for clients of the destination if
    /// they are told.
    fn default(&mut self, unit: Variable, line: u32, pulled: &mut HashSet<u64>) {
        let solver = self.solver;
        let Some(module) = solver.pool.units[unit].module() else {
            return;
        };
        let Some(default) = solver.modules.default_of(module) else {
            return;
        };
        let is_there = !default.destinations.is_empty() || default.is_chosen;
        if is_there || !pulled.insert(default.handle) {
            return;
        }
        let line = if default.sources.contains(&line) {
            line
        } else {
            default.sources.first().copied().unwrap_or(line)
        };
        self.resolution.pulled.push(Pulled {
            handle: default.handle,
            line,
            wanted_by: solver.pool.units[unit].handle,
            reason: format!("it makes {}:{} the default", module.name, module.stream),
        });
    }

    /// What units that come require and nothing gives; and why a chosen one cannot be
    /// installed where nothing is missing.
    fn unresolved(&mut self) {
        let solver = self.solver;
        let mut coming: Vec<Variable> = solver.coming.iter().copied().collect();
        coming.sort_by_cached_key(|unit| (solver.pool.label(*unit), *unit));
        let mut lacking = HashSet::new();
        for unit in coming {
            let mut seen = HashSet::new();
            for rule in solver.rules.search.rules_of(unit) {
                let is_missing = rule.given.len() == 1 && rule.wanted.is_empty();
                let missing = match rule.origin {
                    Origin::Requires(at) if is_missing && seen.insert(at) => {
                        let package = solver.pool.units[unit].package();
                        let need = package.and_then(|package| package.requires.get(at));
                        let need = need.map(|need| need.text(&solver.pool.words));
                        let need = need.unwrap_or_default();
                        Some((need.clone(), json!({ "requires": need })))
                    }
                    Origin::ModuleRequires(at) if is_missing => {
                        let module = solver.pool.units[unit].module();
                        let required = module.and_then(|module| module.requires.get(at));
                        required.map(|(name, streams)| {
                            let text = format!("module {}", streams_text(name, streams));
                            (text, json!({"module": name, "streams": streams}))
                        })
                    }
                    _ => None,
                };
                if let Some((text, missing)) = missing {
                    lacking.insert(unit);
                    let label = solver.pool.label(unit);
                    self.miss(
                        unit,
                        format!("{label} requires {text}, which nothing provides"),
                        &missing,
                    );
                }
            }
        }
        for (root, set) in &solver.broken {
            if set.iter().any(|unit| lacking.contains(unit)) {
                continue;
            }
            let label = solver.pool.label(*root);
            let clash = self.clash(set);
            let why = clash.unwrap_or_else(|| "what it requires excludes each other".to_owned());
            self.miss(
                *root,
                format!("{label} cannot be installed with what there is: {why}"),
                &json!({ "installable": label }),
            );
        }
    }

    fn miss(&mut self, unit: Variable, reason: String, missing: &serde_json::Value) {
        self.resolution.unresolved.push(Unresolved {
            wanted_by: self.solver.pool.units[unit].handle,
            reason,
            missing: missing.to_string(),
        });
    }

    /// Two of a set that cannot be together, in words.
    fn clash(&self, set: &[Variable]) -> Option<String> {
        let solver = self.solver;
        let present: HashSet<Variable> = set.iter().copied().collect();
        for unit in set {
            for rule in solver.rules.search.rules_of(*unit) {
                let is_clash =
                    rule.wanted.is_empty() && rule.given.iter().all(|one| present.contains(one));
                if !is_clash {
                    continue;
                }
                let one = solver.pool.label(rule.given[0]);
                let other = rule.given.get(1).map(|other| solver.pool.label(*other));
                let other = other.unwrap_or_default();
                return Some(match rule.origin {
                    Origin::SameName | Origin::OtherStream => {
                        format!("it would take both {one} and {other}")
                    }
                    Origin::Obsoletes(_) => format!("{one} obsoletes {other}"),
                    Origin::Inactive => format!("{one} is not active"),
                    _ => format!("{one} conflicts with {other}"),
                });
            }
        }
        None
    }
}

fn streams_text(name: &str, streams: &[String]) -> String {
    match streams {
        [] => name.to_owned(),
        [stream] => format!("{name}:{stream}"),
        several => format!("{name}:{}", several.join("|")),
    }
}

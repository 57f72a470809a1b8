//! Needs as rules of the search.

use super::need::Need;
use super::pool::Pool;
use super::search::Variable;

/// Where there are all of the first, there must be one of the second, in order of choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Clause {
    pub(super) given: Vec<Variable>,
    pub(super) wanted: Vec<Variable>,
}

/// So many clauses a choice is spelled out to; beyond, its parts get variables.
const MOST_CLAUSES: usize = 64;

/// Makes clauses of a need.
pub(super) struct Encoder<'a> {
    pub(super) pool: &'a mut Pool,
    /// Whose need it is.
    pub(super) of: Variable,
    /// Rules of the parts that got variables: where there is the part.
    pub(super) parts: Vec<Clause>,
}

impl Encoder<'_> {
    /// All of these clauses together are the need, or that it is not.
    pub(super) fn clauses(&mut self, need: &Need, is_wanted: bool) -> Vec<Clause> {
        match need {
            Need::One(_) | Need::With(..) | Need::Without(..) => {
                let named = match need {
                    Need::One(capability) => Some(capability.name),
                    _ => None,
                };
                let set = self.set(need);
                if is_wanted {
                    let wanted = self.pool.in_order(self.of, named, set);
                    return vec![Clause {
                        given: Vec::new(),
                        wanted,
                    }];
                }
                set.into_iter()
                    .map(|unit| Clause {
                        given: vec![unit],
                        wanted: Vec::new(),
                    })
                    .collect()
            }
            Need::And(list) if is_wanted => self.all(list, true),
            Need::Or(list) if !is_wanted => self.all(list, false),
            Need::And(list) | Need::Or(list) => {
                let parts = list.iter().map(|need| self.clauses(need, is_wanted));
                let parts = parts.collect();
                self.any(parts)
            }
            Need::If(one, condition, other) => {
                if is_wanted {
                    let mut clauses = self.either((condition, false), (one, true));
                    if let Some(other) = other {
                        clauses.extend(self.either((condition, true), (other, true)));
                    }
                    return clauses;
                }
                match other {
                    None => {
                        let mut clauses = self.clauses(condition, true);
                        clauses.extend(self.clauses(one, false));
                        clauses
                    }
                    Some(other) => {
                        let mut clauses = self.either((condition, false), (one, false));
                        clauses.extend(self.either((condition, true), (other, false)));
                        clauses
                    }
                }
            }
            Need::Unless(one, condition, other) => match (other, is_wanted) {
                (None, true) => {
                    let mut clauses = self.clauses(one, true);
                    clauses.extend(self.clauses(condition, false));
                    clauses
                }
                (None, false) => self.either((condition, true), (one, false)),
                (Some(other), is_wanted) => {
                    let mut clauses = self.either((condition, true), (one, is_wanted));
                    clauses.extend(self.either((condition, false), (other, is_wanted)));
                    clauses
                }
            },
        }
    }

    /// The packages that are what one package must be.
    fn set(&self, need: &Need) -> Vec<Variable> {
        match need {
            Need::One(capability) => self.pool.providers(*capability),
            Need::With(one, other) => {
                let other = self.set(other);
                let mut set = self.set(one);
                set.retain(|unit| other.contains(unit));
                set
            }
            Need::Without(one, other) => {
                let other = self.set(other);
                let mut set = self.set(one);
                set.retain(|unit| !other.contains(unit));
                set
            }
            // Within `with`, others have no meaning but that of a choice.
            Need::And(list) | Need::Or(list) => {
                let mut set: Vec<Variable> = list.iter().flat_map(|one| self.set(one)).collect();
                set.sort_unstable();
                set.dedup();
                set
            }
            Need::If(one, ..) | Need::Unless(one, ..) => self.set(one),
        }
    }

    fn all(&mut self, list: &[Need], is_wanted: bool) -> Vec<Clause> {
        list.iter()
            .flat_map(|need| self.clauses(need, is_wanted))
            .collect()
    }

    fn either(&mut self, one: (&Need, bool), other: (&Need, bool)) -> Vec<Clause> {
        let parts = vec![self.clauses(one.0, one.1), self.clauses(other.0, other.1)];
        self.any(parts)
    }

    /// One of the parts.
    fn any(&mut self, parts: Vec<Vec<Clause>>) -> Vec<Clause> {
        let product: usize = parts.iter().map(Vec::len).fold(1, usize::saturating_mul);
        let parts = if product > MOST_CLAUSES {
            parts.into_iter().map(|part| self.named(part)).collect()
        } else {
            parts
        };
        let mut any = vec![Clause::default()];
        for part in parts {
            let mut longer = Vec::with_capacity(any.len() * part.len());
            for clause in &any {
                for more in &part {
                    let mut clause = clause.clone();
                    clause.given.extend(&more.given);
                    clause.wanted.extend(&more.wanted);
                    longer.push(clause);
                }
            }
            any = longer;
        }
        any
    }

    /// A part as one clause, by a variable of its own.
    fn named(&mut self, part: Vec<Clause>) -> Vec<Clause> {
        if part.len() < 2 {
            return part;
        }
        let variable = self.pool.add_part();
        for mut clause in part {
            clause.given.insert(0, variable);
            self.parts.push(clause);
        }
        vec![Clause {
            given: Vec::new(),
            wanted: vec![variable],
        }]
    }
}

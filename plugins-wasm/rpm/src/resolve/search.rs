//! Finds sets of units that can be installed together: a search with learned clauses, in the
//! manner of SAT solvers, over rules of the form "where there are all of these, there must be
//! one of those".
//!
//! All rules are fulfilled by nothing at all, so what nobody asks for stays out: the search
//! decides only for what an open rule wants. Learned clauses follow from the rules alone and
//! serve every later question.

/// A unit, or a part of a need that is thought to be one.
pub(super) type Variable = usize;

/// A variable, or that it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Literal(usize);

impl Literal {
    fn new(variable: Variable, is_true: bool) -> Self {
        Self(variable * 2 + usize::from(is_true))
    }

    fn variable(self) -> Variable {
        self.0 / 2
    }

    fn is_true(self) -> bool {
        self.0 % 2 == 1
    }

    fn negated(self) -> Self {
        Self(self.0 ^ 1)
    }
}

/// Where there are all of `given`, there must be one of `wanted`; the first is preferred.
#[derive(Clone, Debug)]
pub(super) struct Rule<Origin> {
    pub(super) given: Vec<Variable>,
    pub(super) wanted: Vec<Variable>,
    pub(super) origin: Origin,
}

/// Harder questions than packages ask; a repository that is made to be hard is given up.
const MOST_CONFLICTS: usize = 20_000;

/// The search and what it learned.
#[derive(Debug)]
pub(super) struct Search<Origin> {
    pub(super) rules: Vec<Rule<Origin>>,
    /// By variable: the rules that it is given for.
    rules_of: Vec<Vec<usize>>,
    clauses: Vec<Vec<Literal>>,
    /// By literal: the clauses that are looked at when it becomes false.
    watches: Vec<Vec<usize>>,
    values: Vec<Option<bool>>,
    levels: Vec<usize>,
    reasons: Vec<Option<usize>>,
    trail: Vec<Literal>,
    /// How long the trail was, and how far its rules were fulfilled, before each decision.
    marks: Vec<(usize, usize)>,
    propagated: usize,
    fulfilled: usize,
}

impl<Origin> Default for Search<Origin> {
    fn default() -> Self {
        Self {
            rules: Vec::new(),
            rules_of: Vec::new(),
            clauses: Vec::new(),
            watches: Vec::new(),
            values: Vec::new(),
            levels: Vec::new(),
            reasons: Vec::new(),
            trail: Vec::new(),
            marks: Vec::new(),
            propagated: 0,
            fulfilled: 0,
        }
    }
}

impl<Origin> Search<Origin> {
    /// Makes room for so many variables.
    pub(super) fn grow(&mut self, variables: usize) {
        self.rules_of.resize(variables, Vec::new());
        self.watches.resize(variables * 2, Vec::new());
        self.values.resize(variables, None);
        self.levels.resize(variables, 0);
        self.reasons.resize(variables, None);
    }

    /// Adds a rule, between questions. `given` is never empty.
    pub(super) fn add(&mut self, rule: Rule<Origin>) {
        self.back_to(0);
        if rule.wanted.iter().any(|wanted| rule.given.contains(wanted)) {
            return;
        }
        let given = rule.given.iter().map(|one| Literal::new(*one, false));
        let wanted = rule.wanted.iter().map(|one| Literal::new(*one, true));
        let mut literals: Vec<Literal> = given.chain(wanted).collect();
        literals.sort_unstable_by_key(|literal| literal.0);
        literals.dedup();
        for given in &rule.given {
            self.rules_of[*given].push(self.rules.len());
        }
        self.rules.push(rule);
        // What is false for good is watched last; at least one literal is not.
        literals.sort_by_key(|literal| self.value(*literal) == Some(false));
        self.assert(literals);
    }

    /// Keeps a clause whose literals are false but for the first, or the first two.
    fn assert(&mut self, literals: Vec<Literal>) {
        let is_unit = literals
            .get(1)
            .is_none_or(|second| self.value(*second) == Some(false));
        let number = self.clauses.len();
        if literals.len() > 1 {
            for literal in &literals[..2] {
                self.watches[literal.0].push(number);
            }
        }
        let first = literals[0];
        self.clauses.push(literals);
        if is_unit && self.value(first).is_none() {
            self.set(first, Some(number));
        }
    }

    fn value(&self, literal: Literal) -> Option<bool> {
        self.values[literal.variable()].map(|value| value == literal.is_true())
    }

    /// Whether the last answer has it.
    pub(super) fn has(&self, variable: Variable) -> bool {
        self.values[variable] == Some(true)
    }

    /// Whether nothing can ever be installed with it.
    pub(super) fn is_hopeless(&self, variable: Variable) -> bool {
        self.values[variable] == Some(false) && self.levels[variable] == 0
    }

    /// What the last answer has, in the order in which it came.
    pub(super) fn answer(&self) -> impl Iterator<Item = Variable> {
        let true_ones = self.trail.iter().filter(|literal| literal.is_true());
        true_ones.map(|literal| literal.variable())
    }

    /// The rules that a variable is given for.
    pub(super) fn rules_of(&self, variable: Variable) -> impl Iterator<Item = &Rule<Origin>> {
        self.rules_of[variable].iter().map(|at| &self.rules[*at])
    }

    /// Whether there is a set that has all these and fulfills the rules; it can be read until
    /// the next rule or question. Of what a rule wants, what `is_free` comes first.
    pub(super) fn solve(
        &mut self,
        wanted: &[Variable],
        is_free: impl Fn(Variable) -> bool,
    ) -> bool {
        self.back_to(0);
        let mut conflicts = 0;
        loop {
            if let Some(conflict) = self.propagate() {
                conflicts += 1;
                if self.marks.is_empty() || conflicts > MOST_CONFLICTS {
                    self.back_to(0);
                    return false;
                }
                let (learned, level) = self.learn(conflict);
                self.back_to(level);
                self.assert(learned);
                continue;
            }
            if let Some(next) = wanted.get(self.marks.len()) {
                let literal = Literal::new(*next, true);
                match self.value(literal) {
                    Some(false) => return false,
                    Some(true) => self.mark(),
                    None => self.decide(literal),
                }
                continue;
            }
            match self.open_rule(&is_free) {
                Some(choice) => self.decide(Literal::new(choice, true)),
                None => return true,
            }
        }
    }

    fn mark(&mut self) {
        self.marks.push((self.trail.len(), self.fulfilled));
    }

    fn decide(&mut self, literal: Literal) {
        self.mark();
        self.set(literal, None);
    }

    fn set(&mut self, literal: Literal, reason: Option<usize>) {
        let variable = literal.variable();
        self.values[variable] = Some(literal.is_true());
        self.levels[variable] = self.marks.len();
        self.reasons[variable] = reason;
        self.trail.push(literal);
    }

    fn back_to(&mut self, level: usize) {
        let Some(&(length, fulfilled)) = self.marks.get(level) else {
            return;
        };
        for literal in self.trail.drain(length..) {
            self.values[literal.variable()] = None;
        }
        self.marks.truncate(level);
        self.propagated = self.propagated.min(length);
        self.fulfilled = fulfilled;
    }

    /// Draws what follows from the trail; the clause that cannot be fulfilled, if there is one.
    fn propagate(&mut self) -> Option<usize> {
        while let Some(&literal) = self.trail.get(self.propagated) {
            self.propagated += 1;
            let now_false = literal.negated();
            let mut watching = std::mem::take(&mut self.watches[now_false.0]);
            let mut kept = 0;
            let mut conflict = None;
            for at in 0..watching.len() {
                let number = watching[at];
                if conflict.is_some() || self.keeps_watching(number, now_false, &mut conflict) {
                    watching[kept] = number;
                    kept += 1;
                }
            }
            watching.truncate(kept);
            self.watches[now_false.0] = watching;
            if conflict.is_some() {
                return conflict;
            }
        }
        None
    }

    /// Finds another literal for a clause to watch, or sets its last one.
    fn keeps_watching(
        &mut self,
        number: usize,
        now_false: Literal,
        conflict: &mut Option<usize>,
    ) -> bool {
        if self.clauses[number][0] == now_false {
            self.clauses[number].swap(0, 1);
        }
        let clause = &self.clauses[number];
        let first = clause[0];
        if self.value(first) == Some(true) {
            return true;
        }
        let free = (2..clause.len()).find(|at| self.value(clause[*at]) != Some(false));
        if let Some(at) = free {
            let other = clause[at];
            self.clauses[number].swap(1, at);
            self.watches[other.0].push(number);
            return false;
        }
        if self.value(first) == Some(false) {
            *conflict = Some(number);
        } else {
            self.set(first, Some(number));
        }
        true
    }

    /// The clause that follows from a conflict, what it asserts first, and the level to go
    /// back to.
    fn learn(&self, conflict: usize) -> (Vec<Literal>, usize) {
        let level = self.marks.len();
        let mut seen = vec![false; self.values.len()];
        let mut rest = Vec::new();
        let mut open = 0;
        let mut at = self.trail.len();
        let mut clause = conflict;
        let mut asserted = None;
        loop {
            for literal in &self.clauses[clause] {
                let variable = literal.variable();
                if seen[variable] || self.levels[variable] == 0 || Some(*literal) == asserted {
                    continue;
                }
                seen[variable] = true;
                if self.levels[variable] == level {
                    open += 1;
                } else {
                    rest.push(*literal);
                }
            }
            let literal = loop {
                at -= 1;
                let literal = self.trail[at];
                if seen[literal.variable()] {
                    break literal;
                }
            };
            open -= 1;
            match self.reasons[literal.variable()] {
                Some(reason) if open > 0 => {
                    asserted = Some(literal);
                    clause = reason;
                }
                _ => {
                    rest.sort_by_key(|literal| std::cmp::Reverse(self.levels[literal.variable()]));
                    let back = rest.first().map_or(0, |one| self.levels[one.variable()]);
                    rest.insert(0, literal.negated());
                    return (rest, back);
                }
            }
        }
    }

    /// What the first rule wants that is given and not fulfilled.
    fn open_rule(&mut self, is_free: &impl Fn(Variable) -> bool) -> Option<Variable> {
        while let Some(literal) = self.trail.get(self.fulfilled) {
            if literal.is_true() {
                for number in &self.rules_of[literal.variable()] {
                    let rule = &self.rules[*number];
                    let is_given = rule.given.iter().all(|one| self.values[*one] == Some(true));
                    if !is_given
                        || rule
                            .wanted
                            .iter()
                            .any(|one| self.values[*one] == Some(true))
                    {
                        continue;
                    }
                    let mut possible = rule
                        .wanted
                        .iter()
                        .copied()
                        .filter(|one| self.values[*one].is_none());
                    let free = possible.clone().find(|one| is_free(*one));
                    // A rule of which nothing is possible was found to be a conflict before.
                    if let Some(choice) = free.or_else(|| possible.next()) {
                        return Some(choice);
                    }
                }
            }
            self.fulfilled += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random and are always the same for a seed.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, end: usize) -> usize {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            usize::try_from(self.0 >> 33).expect("31 bits") % end
        }
    }

    fn fulfills(rules: &[Rule<()>], has: impl Fn(usize) -> bool) -> bool {
        rules.iter().all(|rule| {
            !rule.given.iter().all(|one| has(*one)) || rule.wanted.iter().any(|one| has(*one))
        })
    }

    #[test]
    fn answers_are_those_of_trying_everything() {
        for seed in 0..3_000 {
            let mut numbers = Numbers(seed);
            let variables = 4 + numbers.below(7);
            let rules: Vec<Rule<()>> = (0..4 + numbers.below(25))
                .map(|_| {
                    let given = 1 + usize::from(numbers.below(3) == 0);
                    let wanted = numbers.below(4);
                    let mut some = |count| (0..count).map(|_| numbers.below(variables)).collect();
                    Rule {
                        given: some(given),
                        wanted: some(wanted),
                        origin: (),
                    }
                })
                .collect();
            let mut search = Search::default();
            search.grow(variables);
            for rule in &rules {
                search.add(rule.clone());
            }
            // Several questions, so that what was learned of one serves the next.
            for _ in 0..6 {
                let wanted: Vec<usize> = (0..=numbers.below(2))
                    .map(|_| numbers.below(variables))
                    .collect();
                let is_possible = (0..1_u32 << variables).any(|set| {
                    let has = |one: usize| set >> one & 1 == 1;
                    wanted.iter().all(|one| has(*one)) && fulfills(&rules, has)
                });
                let found = search.solve(&wanted, |one| one % 3 == 0);
                assert_eq!(found, is_possible, "seed {seed}, {wanted:?} of {rules:?}");
                if found {
                    assert!(wanted.iter().all(|one| search.has(*one)), "seed {seed}");
                    assert!(
                        fulfills(&rules, |one| search.has(one)),
                        "seed {seed}: {rules:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_first_is_preferred_unless_another_is_there_already() {
        let rule = Rule {
            given: vec![0],
            wanted: vec![1, 2],
            origin: (),
        };
        let mut search = Search::default();
        search.grow(3);
        search.add(rule);
        assert!(search.solve(&[0], |_| false));
        assert_eq!(search.answer().collect::<Vec<_>>(), [0, 1]);
        assert!(search.solve(&[0], |one| one == 2));
        assert_eq!(search.answer().collect::<Vec<_>>(), [0, 2]);
        assert!(!search.is_hopeless(1));
    }
}

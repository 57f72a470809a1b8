//! Which collections are still to be looked at, where only some are wanted.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use pith_plugin_sdk::{Error, Result, log};
use semver::Version;

use crate::requirements::Requirement;

/// Far more than one set of requirements leads to.
const MAX_STEPS: usize = 100_000;

/// What is required and needed, each once.
#[derive(Debug)]
pub(super) struct Plan {
    /// Whether dependencies are followed; if not, nothing is remembered.
    follows: bool,
    /// With who needs it.
    queue: VecDeque<(Requirement, Option<String>)>,
    /// Dependencies that were seen, as they were written.
    seen: BTreeSet<(String, String)>,
    /// Versions that were begun, by the name of their collection.
    begun: BTreeMap<String, BTreeSet<Version>>,
    steps: usize,
}

impl Plan {
    /// An empty one.
    pub(super) fn new(follows: bool) -> Self {
        Self {
            follows,
            queue: VecDeque::new(),
            seen: BTreeSet::new(),
            begun: BTreeMap::new(),
            steps: 0,
        }
    }

    /// Adds what the user wants.
    pub(super) fn require(&mut self, wanted: Requirement) -> Result<()> {
        self.push(wanted, None)
    }

    /// Adds what a version needs, unless a version that was begun will do.
    pub(super) fn need(
        &mut self,
        full_name: &str,
        range: &str,
        source: Option<&str>,
        by: String,
    ) -> Result<()> {
        let key = (full_name.to_owned(), range.to_owned());
        if !self.follows || self.seen.contains(&key) {
            return Ok(());
        }
        self.seen.insert(key);
        let wanted = match Requirement::new(full_name, range, source.map(str::to_owned)) {
            Ok(wanted) => wanted,
            Err(problem) => {
                log::warn(&format!("A dependency of {by} is left out: {problem}"));
                return Ok(());
            }
        };
        let mut begun = self.begun.get(full_name).into_iter().flatten();
        if begun.any(|version| wanted.range.contains(version)) {
            return Ok(());
        }
        self.push(wanted, Some(by))
    }

    fn push(&mut self, wanted: Requirement, by: Option<String>) -> Result<()> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(Error::limit(format!(
                "the requirements lead to more than {MAX_STEPS} dependencies"
            )));
        }
        self.queue.push_back((wanted, by));
        Ok(())
    }

    /// What comes next, and who needs it.
    pub(super) fn next(&mut self) -> Option<(Requirement, Option<String>)> {
        self.queue.pop_front()
    }

    /// Notes a version; false if it was noted before.
    pub(super) fn begin(&mut self, namespace: &str, name: &str, version: &Version) -> bool {
        if !self.follows {
            return true;
        }
        let versions = self.begun.entry(format!("{namespace}.{name}"));
        versions.or_default().insert(version.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(plan: &mut Plan) -> Vec<String> {
        let next = std::iter::from_fn(|| plan.next());
        next.map(|(wanted, _)| wanted.name).collect()
    }

    fn need(plan: &mut Plan, name: &str, range: &str) {
        plan.need(name, range, None, "zoo.owls 1.0.0".into())
            .expect("room");
    }

    #[test]
    fn what_is_needed_is_looked_at_once() {
        let mut plan = Plan::new(true);
        let version = Version::new(1, 2, 0);
        assert!(plan.begin("zoo", "base", &version));
        assert!(!plan.begin("zoo", "base", &version));
        need(&mut plan, "zoo.base", ">=1.0.0");
        need(&mut plan, "zoo.base", ">=2.0.0");
        need(&mut plan, "zoo.base", ">=2.0.0");
        need(&mut plan, "zoo.trees", "*");
        assert_eq!(names(&mut plan), ["base", "trees"]);
    }

    #[test]
    fn nothing_is_followed_unless_asked() {
        let mut plan = Plan::new(false);
        need(&mut plan, "zoo.base", "*");
        assert_eq!(names(&mut plan), Vec::<String>::new());
    }

    #[test]
    fn a_chain_without_an_end_is_cut() {
        let mut plan = Plan::new(true);
        let error = (0..=MAX_STEPS)
            .map(|number| plan.need("zoo.base", &format!(">{number}"), None, String::new()))
            .find_map(Result::err);
        assert!(error.is_some_and(|error| error.to_string().contains("100000")));
    }
}

//! Conditions on what tasks hold or held, and on what they made.

use crate::list::Condition;

/// Which of a task's locks a condition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holding {
    /// Any.
    Any,
    /// Those that exclude others.
    Exclusively,
    /// Those that do not.
    Shared,
}

/// Tasks that hold a resource or held it.
pub fn holds(resource: &str, holding: Holding) -> Condition {
    let how = match holding {
        Holding::Any => "",
        Holding::Exclusively => " AND l.exclusive",
        Holding::Shared => " AND NOT l.exclusive",
    };
    // Every standing, so that the whole key of the index is given.
    Condition::new(
        format!(
            "t.id IN (SELECT l.task_id FROM task_lock l
                      WHERE l.resource = ? AND l.standing IN (0, 1, 2){how})"
        ),
        [resource.into()],
    )
}

/// Tasks that made one of these, given as paths below an API root and as PRNs.
pub fn created(paths: Vec<String>, prns: Vec<String>) -> Condition {
    Condition::new(
        "t.id IN (SELECT tc.task_id FROM task_created tc WHERE tc.path IN (?*)
                  UNION SELECT tc.task_id FROM task_created tc WHERE tc.prn IN (?*))",
        [paths.into(), prns.into()],
    )
}

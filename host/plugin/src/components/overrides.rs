//! Limits of one plugin that an administrator set, over the server's own.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::limits::Limits;

/// A limit that can be set: its name, the least and the most that make sense, and where it
/// goes. Times are in seconds.
struct Override {
    name: &'static str,
    least: u64,
    most: u64,
    set: fn(&mut Limits, u64),
    get: fn(&Limits) -> u64,
}

fn size(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

const OVERRIDES: &[Override] = &[
    Override {
        name: "memory_bytes",
        // A Rust component has 1 MiB of stack alone; 32 bits reach no further than 4 GiB.
        least: 2 << 20,
        most: 4 << 30,
        set: |limits, value| limits.memory_bytes = size(value),
        get: |limits| limits.memory_bytes as u64,
    },
    Override {
        name: "cpu_seconds",
        least: 1,
        most: 24 * 3600,
        set: |limits, value| limits.cpu = Duration::from_secs(value),
        get: |limits| limits.cpu.as_secs(),
    },
    Override {
        name: "wall_seconds",
        least: 1,
        most: 30 * 24 * 3600,
        set: |limits, value| limits.wall = Duration::from_secs(value),
        get: |limits| limits.wall.as_secs(),
    },
    Override {
        name: "handles",
        least: 8,
        most: 4096,
        set: |limits, value| limits.handles = size(value),
        get: |limits| limits.handles as u64,
    },
    Override {
        name: "passed_bytes",
        least: 1 << 20,
        most: 1 << 30,
        set: |limits, value| limits.passed_bytes = size(value),
        get: |limits| limits.passed_bytes as u64,
    },
];

/// Limits as they are shown.
pub(crate) fn show(limits: &Limits) -> Map<String, Value> {
    OVERRIDES
        .iter()
        .map(|one| (one.name.to_owned(), (one.get)(limits).into()))
        .collect()
}

/// The server's limits with those of a row over them.
pub(super) fn apply(defaults: &Limits, overrides: &Value) -> Limits {
    let mut limits = defaults.clone();
    for one in OVERRIDES {
        if let Some(value) = overrides[one.name].as_u64() {
            (one.set)(&mut limits, value.clamp(one.least, one.most));
        }
    }
    limits
}

/// What is set now with changes over it; null takes a limit back to the server's own.
pub(super) fn merge(now: &Value, changes: &Map<String, Value>) -> Result<Value, String> {
    let mut merged = now.as_object().cloned().unwrap_or_default();
    for (name, value) in changes {
        let Some(one) = OVERRIDES.iter().find(|one| one.name == name) else {
            let names: Vec<&str> = OVERRIDES.iter().map(|one| one.name).collect();
            return Err(format!(
                "There is no limit {name:?}; there are {}.",
                names.join(", ")
            ));
        };
        if value.is_null() {
            merged.remove(name);
            continue;
        }
        let fits = value
            .as_u64()
            .is_some_and(|value| (one.least..=one.most).contains(&value));
        if !fits {
            return Err(format!(
                "{name} must be an integer from {} to {}, or null for the server's own limit.",
                one.least, one.most
            ));
        }
        merged.insert(name.clone(), value.clone());
    }
    Ok(Value::Object(merged))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changes(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn limits_are_set_and_taken_back() {
        let set = merge(&json!({}), &changes(&json!({"cpu_seconds": 5}))).expect("fits");
        let defaults = Limits::default();
        assert_eq!(apply(&defaults, &set).cpu, Duration::from_secs(5));
        let back = merge(&set, &changes(&json!({"cpu_seconds": null}))).expect("fits");
        assert_eq!(apply(&defaults, &back), defaults);
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        let wrong = |value: Value| merge(&json!({}), &changes(&value)).expect_err("refused");
        assert!(wrong(json!({"cpu": 5})).contains("cpu_seconds"));
        assert!(wrong(json!({"memory_bytes": 1})).contains("from 2097152"));
        assert!(wrong(json!({"handles": "many"})).contains("integer"));
    }
}

//! Changes that only repositories of collections know.

use pith_plugin_sdk::{
    Changer, Changes, Error, Inputs, Result, Staging, Task, TaskKind, TaskType, View,
};
use serde::Deserialize;
use serde_json::json;

use crate::deprecation::Deprecated;
use crate::{AnsiblePlugin, hand_over, mark, rebuild, sign};

/// `ansible/deprecations/`
pub(crate) const DEPRECATIONS: &str = "deprecations";

pub(crate) fn types() -> Vec<TaskType> {
    let mut types = vec![deprecations(), sign::task_type(), rebuild::task_type()];
    types.extend(mark::task_types());
    types.extend(hand_over::task_types());
    types
}

fn deprecations() -> TaskType {
    let params = json!({
        "type": "object",
        "x-operation": "deprecate",
        "required": ["repository", "namespace", "name"],
        "properties": {
            "repository": {
                "type": "string",
                "format": "repository",
                "description": "Where the collection is.",
            },
            "namespace": { "type": "string", "description": "Who publishes the collection." },
            "name": { "type": "string", "description": "The collection's name." },
            "deprecated": {
                "type": "boolean",
                "default": true,
                "description": "Whether nobody should use it any longer.",
            },
        },
    });
    TaskType {
        name: DEPRECATIONS.into(),
        kind: TaskKind::Change,
        title: "Deprecate a collection".into(),
        params: params.to_string(),
    }
}

impl Changer for AnsiblePlugin {
    fn change(
        name: &str,
        task: &Task,
        _: &Inputs,
        current: &View,
        staging: &Staging,
        next: &Changes,
    ) -> Result<()> {
        match name {
            DEPRECATIONS => deprecate(&task.params_as()?, staging, next),
            sign::SIGNATURES => sign::sign(task, current, staging, next),
            rebuild::REBUILDS => rebuild::rebuild(task, current, staging),
            mark::MARKS => mark::mark(task, current, staging, next, true),
            mark::UNMARKS => mark::mark(task, current, staging, next, false),
            hand_over::COPIES | hand_over::MOVES => {
                hand_over::hand_over(task, current, staging, next)
            }
            other => Err(Error::internal(format!(
                "{other} is no change of this plugin"
            ))),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Deprecation {
    #[serde(flatten)]
    collection: Deprecated,
    deprecated: bool,
}

/// Adds the deprecation to the repository, or takes it out.
fn deprecate(wanted: &Deprecation, staging: &Staging, next: &Changes) -> Result<()> {
    let units = staging.put(&[wanted.collection.draft()?])?;
    if wanted.deprecated {
        next.add(&units)?;
    } else {
        next.remove(&units)?;
    }
    Ok(())
}

//! Marks: words that a repository puts on collection versions.

use pith_plugin_sdk::{
    Changes, Error, Query, Result, Staging, Task, TaskKind, TaskType, UnitDraft, View,
};
use serde::Deserialize;
use serde_json::json;

use crate::sign::{Fields, TOGETHER, fields_of};
use crate::{COLLECTION_MARK, COLLECTION_VERSION};

/// `repositories/ansible/ansible/<id>/mark/`
pub(crate) const MARKS: &str = "marks";

/// `repositories/ansible/ansible/<id>/unmark/`
pub(crate) const UNMARKS: &str = "unmarks";

/// What marking and unmarking take.
pub(crate) fn task_types() -> [TaskType; 2] {
    [
        task_type(MARKS, "mark", "Mark collections"),
        task_type(UNMARKS, "unmark", "Take marks off collections"),
    ]
}

fn task_type(name: &str, action: &str, title: &str) -> TaskType {
    let params = json!({
        "type": "object",
        "x-operation": action,
        "x-action": action,
        "required": ["repository", "content_units", "value"],
        "properties": {
            "repository": {
                "type": "string",
                "format": "repository",
                "description": "Where the collections are.",
            },
            "content_units": {
                "type": "array",
                "items": { "type": "string" },
                "format": "units",
                "description": "The collection versions; [\"*\"] for all.",
            },
            "value": {
                "type": "string",
                "pattern": "^[A-Za-z0-9_-]{1,100}$",
                "description": "The word.",
            },
        },
    });
    TaskType {
        name: name.into(),
        kind: TaskKind::Change,
        title: title.into(),
        params: params.to_string(),
    }
}

#[derive(Debug, Deserialize)]
struct Params {
    value: String,
}

/// Puts a mark on what was chosen, or takes it off.
pub(crate) fn mark(
    task: &Task,
    current: &View,
    staging: &Staging,
    next: &Changes,
    is_wanted: bool,
) -> Result<()> {
    let params: Params = task.params_as()?;
    let cursor = current.find_chosen(&Query {
        content_type: COLLECTION_VERSION.into(),
        order_by: Vec::new(),
    })?;
    loop {
        let units = cursor.next(TOGETHER)?;
        if units.is_empty() {
            return Ok(());
        }
        let drafts = units
            .iter()
            .map(|unit| Ok(draft(&fields_of(unit)?, &params.value)));
        let marks = staging.put(&drafts.collect::<Result<Vec<_>, Error>>()?)?;
        if is_wanted {
            next.add(&marks)?;
        } else {
            next.remove(&marks)?;
        }
    }
}

fn draft(of: &Fields, value: &str) -> UnitDraft {
    let fields = json!({
        "namespace": of.namespace,
        "name": of.name,
        "version": of.version,
        "sha256": of.sha256,
        "value": value,
    });
    UnitDraft {
        content_type: COLLECTION_MARK.into(),
        fields: fields.to_string(),
        artifacts: Vec::new(),
        fragments: Vec::new(),
        terms: Vec::new(),
    }
}

//! Marks: words that a repository puts on collection versions.

use pith_plugin_sdk::{Changes, Error, Result, Staging, Task, TaskType, UnitDraft, View};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::chosen::{self, Fields, fields_of};
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
        "required": ["repository", "content_units", "value"],
        "properties": {
            "repository": chosen::repository(),
            "content_units": chosen::versions(),
            "value": value(),
        },
    });
    chosen::action(name, action, title, params)
}

fn value() -> Value {
    json!({
        "type": "string",
        "pattern": "^[A-Za-z0-9_-]{1,100}$",
        "description": "The word.",
    })
}

/// The parameters of an upload of a mark.
pub(crate) fn params() -> Value {
    let mut value = value();
    value["x-for"] = json!([COLLECTION_MARK]);
    json!({
        "marked_collection": {
            "type": "string",
            "x-content-type": COLLECTION_VERSION,
            "x-for": [COLLECTION_MARK],
            "description": "The collection version that is marked.",
        },
        "value": value,
    })
}

/// What a client says of a mark that it uploads.
#[derive(Debug, Deserialize)]
pub(crate) struct Mark {
    marked_collection: Fields,
    value: String,
}

impl Mark {
    /// The draft of it.
    pub(crate) fn draft(&self) -> UnitDraft {
        draft(&self.marked_collection, &self.value)
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
    chosen::each(current, |units| {
        let drafts = units
            .iter()
            .map(|unit| Ok(draft(&fields_of(unit)?, &params.value)));
        let marks = staging.put(&drafts.collect::<Result<Vec<_>, Error>>()?)?;
        if is_wanted {
            next.add(&marks)?;
        } else {
            next.remove(&marks)?;
        }
        Ok(())
    })
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

//! Actions of a repository on collection versions that a client chose.

use pith_plugin_sdk::{Error, Query, Reader, Result, TaskKind, TaskType, Unit, View};
use serde_json::{Value, json};

use crate::COLLECTION_VERSION;

/// Units of which all fields, documentation too, are taken at a time.
const TOGETHER: u32 = 10;

/// An action, which is called like its endpoint. Its schema says what is required and which
/// properties there are.
pub(crate) fn action(name: &str, action: &str, title: &str, mut params: Value) -> TaskType {
    params["type"] = "object".into();
    params["x-operation"] = action.into();
    params["x-action"] = action.into();
    TaskType {
        name: name.into(),
        kind: TaskKind::Change,
        title: title.into(),
        params: params.to_string(),
    }
}

/// The property that names the repository.
pub(crate) fn repository() -> Value {
    json!({
        "type": "string",
        "format": "repository",
        "description": "Where the collections are.",
    })
}

/// The property that chooses collection versions.
pub(crate) fn versions() -> Value {
    json!({
        "type": "array",
        "items": { "type": "string" },
        "format": "units",
        "description": "The collection versions; [\"*\"] for all.",
    })
}

/// Hands over what was chosen, a few at a time.
pub(crate) fn each(view: &View, mut take: impl FnMut(&[Unit]) -> Result<()>) -> Result<()> {
    let cursor = view.find_chosen(&Query {
        content_type: COLLECTION_VERSION.into(),
        order_by: Vec::new(),
    })?;
    loop {
        let units = cursor.next(TOGETHER)?;
        if units.is_empty() {
            return Ok(());
        }
        take(&units)?;
    }
}

/// Opens the archive of a collection version, that something (`read`, `signed`) be done with it.
pub(crate) fn archive(view: &View, unit: &Unit, done: &str) -> Result<Reader> {
    let stored = unit.artifacts.iter().find(|artifact| artifact.stored);
    let artifact = stored.ok_or_else(|| {
        Error::conflict(format!(
            "its archive is still upstream and so cannot be {done}; download it, or sync with \
             the policy \"immediate\""
        ))
    })?;
    Ok(view.open(artifact.handle)?)
}

/// Which collection version it is.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Fields {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) sha256: String,
}

/// The fields of a unit, those of them that are named.
pub(crate) fn fields_of<T: serde::de::DeserializeOwned>(unit: &Unit) -> Result<T> {
    serde_json::from_str(&unit.fields)
        .map_err(|error| Error::internal(format!("a unit has strange fields: {error}")))
}

//! The types of tasks: what a plugin offers and what the host does for every plugin.

use pith_model::descriptor::TaskKind;
use pith_model::schema::property_names;
use serde_json::{Value, json};

use crate::app::App;
use crate::context::Context;
use crate::declared;
use crate::error::{Error, Result};
use crate::openapi::Place;
use crate::openapi::resource;
use crate::order::{self, CORE};

/// What a type of task makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Making {
    /// A repository version from a remote.
    Sync,
    /// Units from a stored file.
    Upload,
    /// A publication.
    Publication,
    /// A repository version with more units.
    Adds,
    /// A repository version with fewer units.
    Removes,
    /// Both at once.
    Modifications,
    /// Repository versions with units of others.
    Copies,
    /// What a plugin says.
    Change,
}

/// A type of task, for people and programs.
pub(super) struct TaskType {
    /// The last word of its path.
    pub(super) name: String,
    /// For people.
    title: String,
    /// What it takes.
    schema: Value,
    /// What it makes.
    pub(super) making: Making,
}

/// The host's own types: made by other requests, so they have only lists here.
const CORE_TYPES: &[&str] = &[
    "deletes",
    "version_deletes",
    "repairs",
    "file_fetches",
    "orphan_cleanups",
    "upload_commits",
    "distributions",
    "purges",
    "updates",
];

/// The types of tasks that can be made for a plugin.
pub(super) fn of_plugin(app: &App, plugin: &str) -> Result<Vec<TaskType>> {
    let generation = declared::generation(app, plugin)?;
    let descriptor = generation.descriptor();
    let mut types = Vec::new();
    for task_type in &descriptor.task_types {
        if !generation.abilities().has(task_type.kind) {
            continue;
        }
        let (schema, making) = match task_type.kind {
            TaskKind::Sync => (order::sync::schema(), Making::Sync),
            TaskKind::Upload => (order::upload::schema(), Making::Upload),
            TaskKind::Publish => (order::publish::schema(), Making::Publication),
            TaskKind::Change => (json!({}), Making::Change),
        };
        types.push(TaskType {
            name: task_type.name.clone(),
            title: task_type.title.clone(),
            schema: joined(schema, &task_type.params),
            making,
        });
    }
    let own = |name: &str| types.iter().any(|one: &TaskType| one.name == name);
    let uploading = types.iter().find(|one| one.making == Making::Upload);
    let can_upload = uploading.is_some();
    let upload = uploading.map_or(Value::Null, |one| one.schema.clone());
    let host = [
        (
            "adds",
            "Add content units",
            order::modify::schema(),
            Making::Adds,
        ),
        (
            "removes",
            "Remove content units",
            order::modify::schema(),
            Making::Removes,
        ),
        (
            "modifications",
            "Add and remove content units",
            order::modify::schema_of_both(),
            Making::Modifications,
        ),
        (
            "copies",
            "Copy content units",
            order::copy::schema(),
            Making::Copies,
        ),
        ("imports", "Import a stored file", upload, Making::Upload),
        (
            "publications",
            "Publish a version",
            order::publish::schema(),
            Making::Publication,
        ),
    ];
    let host: Vec<TaskType> = host
        .into_iter()
        .filter(|(name, ..)| !own(name))
        .filter(|(.., making)| {
            *making != Making::Publication || !descriptor.publication_types.is_empty()
        })
        .filter(|(.., making)| *making != Making::Upload || can_upload)
        .map(|(name, title, schema, making)| TaskType {
            name: name.to_owned(),
            title: title.to_owned(),
            schema,
            making,
        })
        .collect();
    types.extend(host);
    Ok(types)
}

/// The types that can be made for a plugin, with what each takes.
pub(crate) fn documented(app: &App, plugin: &str) -> Vec<(String, Value)> {
    of_plugin(app, plugin)
        .unwrap_or_default()
        .into_iter()
        .map(|one| (one.name, one.schema))
        .collect()
}

/// What making a task of a type takes.
pub(super) fn described_one(place: &Place) -> Value {
    place
        .task_schema()
        .map(|schema| resource::joined(schema, None))
        .unwrap_or_default()
}

/// What the list of a plugin's tasks and their types shows.
pub(super) fn described() -> Value {
    json!({"type": "object", "properties": {
        "count": {"type": "integer"},
        "next": {"type": "string", "format": "uri", "nullable": true},
        "previous": {"type": "string", "format": "uri", "nullable": true},
        "results": {"type": "array", "items": {"type": "object"},
            "description": "Tasks of the plugin, as in the list of all."},
        "sub_routes": {"type": "array", "items": {
        "type": "object", "properties": {
            "url": {"type": "string", "format": "uri-reference"},
            "status": {"type": "string"}, "name": {"type": "string"},
            "title": {"type": "string"},
            "schema": {"type": "object", "description": "The JSON Schema of what it takes."}}}}}})
}

/// A type of a plugin by its name.
pub(super) fn find(app: &App, plugin: &str, type_name: &str) -> Result<TaskType> {
    of_plugin(app, plugin)?
        .into_iter()
        .find(|one| one.name == type_name)
        .ok_or_else(Error::not_found)
}

/// Whether there is such a type at all, for lists.
pub(super) fn check(app: &App, plugin: &str, type_name: &str) -> Result<()> {
    // Distributions are made for a plugin, by the host.
    if CORE_TYPES.contains(&type_name)
        && (plugin == CORE || declared::generation(app, plugin).is_ok())
    {
        return Ok(());
    }
    find(app, plugin, type_name).map(drop)
}

/// The types of a plugin's tasks with their schemas, each with its path.
pub(super) fn routes(context: &Context, plugin: &str) -> Result<Vec<Value>> {
    let root = context.root.path();
    let route = |name: &str| json!({"url": format!("{root}tasks/{plugin}/{name}/"), "status": "production", "name": name});
    if plugin == CORE {
        return Ok(CORE_TYPES.iter().map(|name| route(name)).collect());
    }
    let types = of_plugin(&context.app, plugin)?.into_iter();
    Ok(types
        .map(|one| {
            let mut route = route(&one.name);
            route["title"] = one.title.into();
            route["schema"] = one.schema;
            route
        })
        .collect())
}

/// The host's parameters and the plugin's in one schema.
fn joined(mut schema: Value, params: &Value) -> Value {
    for name in property_names(params) {
        schema["properties"][name] = params["properties"][name].clone();
    }
    let mut required = schema["required"].as_array().cloned().unwrap_or_default();
    required.extend(params["required"].as_array().cloned().unwrap_or_default());
    schema["required"] = Value::Array(required);
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_types_schema_has_the_hosts_fields_and_the_plugins() {
        let params = json!({"properties": {"mirror": {"type": "boolean"}}, "required": ["mirror"]});
        let schema = joined(order::sync::schema(), &params);
        assert_eq!(schema["required"], json!(["repository", "mirror"]));
        assert!(schema["properties"]["remote"].is_object());
        assert_eq!(schema["properties"]["mirror"]["type"], "boolean");
    }
}

//! Files as they are, at any path: what the plugin is called and which words it adds.

mod manifest;
mod publish;
mod sync;
mod upload;

use pith_plugin_sdk::{
    ArtifactCount, ContentType, Descriptor, Error, Plugin, ResourceType, Result, TaskKind,
    TaskType, schema,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The content type's name.
const FILE: &str = "file";

/// What a manifest is called unless someone says otherwise.
const DEFAULT_MANIFEST: &str = "PULP_MANIFEST";

/// The plugin.
#[derive(Debug)]
pub struct FilePlugin;

pith_plugin_sdk::export!(FilePlugin with sync, upload, publish);

/// A unit's fields.
#[derive(Debug, Serialize, Deserialize)]
struct Fields {
    relative_path: String,
    sha256: String,
}

impl Fields {
    fn to_json(&self) -> Result<String> {
        serde_json::to_string(self)
            .map_err(|error| Error::internal(format!("a unit's fields are no JSON: {error}")))
    }
}

impl Plugin for FilePlugin {
    fn describe() -> Result<Descriptor> {
        Ok(Descriptor {
            name: "file".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            // Pulp's own file plugin has the version of Pulp.
            pulp_version: Some("3.123.1".into()),
            title: "File".into(),
            content_types: vec![content_type()],
            repository_types: vec![resource_type("File repository", &manifest_name())],
            remote_types: vec![resource_type("File remote", &json!({}))],
            publication_types: vec![resource_type("File publication", &manifest_name())],
            distribution_types: vec![resource_type("File distribution", &json!({}))],
            entity_types: Vec::new(),
            task_types: vec![
                task_type(
                    "syncs",
                    TaskKind::Sync,
                    "Sync from a manifest",
                    sync_params(),
                ),
                task_type(
                    "uploads",
                    TaskKind::Upload,
                    "Upload a file",
                    upload_params(),
                ),
                task_type(
                    "publications",
                    TaskKind::Publish,
                    "Publish with a manifest",
                    schema::object(&manifest_name(), &[]),
                ),
            ],
        })
    }
}

fn content_type() -> ContentType {
    let fields = json!({
        "relative_path": {
            "type": "string",
            "minLength": 1,
            "description": "Where the file lies below the repository's root.",
        },
        "sha256": {
            "type": "string",
            "pattern": "^[0-9a-f]{64}$",
            "description": "The SHA-256 digest of the file.",
        },
    });
    ContentType {
        name: FILE.into(),
        plural: "files".into(),
        model: "filecontent".into(),
        title: "File".into(),
        artifacts: ArtifactCount::One,
        schema_version: 1,
        fields: schema::object(&fields, &["relative_path", "sha256"]),
        natural_key: vec!["relative_path".into(), "sha256".into()],
        repository_key: vec!["relative_path".into()],
        indexed: vec!["relative_path".into(), "sha256".into()],
        references: Vec::new(),
    }
}

fn resource_type(title: &str, settings: &Value) -> ResourceType {
    ResourceType {
        name: "file".into(),
        title: title.into(),
        config: schema::object(settings, &[]),
    }
}

fn task_type(name: &str, kind: TaskKind, title: &str, params: String) -> TaskType {
    TaskType {
        name: name.into(),
        kind,
        title: title.into(),
        params,
    }
}

fn manifest_name() -> Value {
    json!({
        "manifest": {
            "type": ["string", "null"],
            "default": DEFAULT_MANIFEST,
            "description": "The path of the list of all files; null for no list.",
        },
    })
}

fn sync_params() -> String {
    let properties = json!({
        "mirror": {
            "type": "boolean",
            "default": false,
            "description": "Also remove the files that the upstream does not list.",
        },
        "optimize": {
            "type": "boolean",
            "default": true,
            "description": "Do nothing if the upstream's manifest did not change.",
        },
    });
    schema::object(&properties, &[])
}

fn upload_params() -> String {
    let properties = json!({
        "relative_path": {
            "type": "string",
            "minLength": 1,
            "description": "Where the file lies below the repository's root.",
        },
    });
    schema::object(&properties, &["relative_path"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_of_the_descriptor_is_an_object() {
        let descriptor = FilePlugin::describe().expect("the descriptor needs no host");
        let schemas = [
            &descriptor.content_types[0].fields,
            &descriptor.repository_types[0].config,
            &descriptor.remote_types[0].config,
            &descriptor.publication_types[0].config,
            &descriptor.distribution_types[0].config,
        ];
        for schema in schemas
            .into_iter()
            .chain(descriptor.task_types.iter().map(|task| &task.params))
        {
            let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
            assert_eq!(schema["type"], "object");
        }
    }
}

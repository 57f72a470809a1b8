//! Ansible collections, as Galaxy and Pulp have them: what the plugin is called and which
//! words it adds.

mod archive;
mod change;
mod chosen;
mod collection;
mod content_types;
mod contents;
mod deprecation;
mod documents;
mod galaxy;
mod hand_over;
mod manifest;
mod mark;
mod name;
mod namespace;
mod order;
mod range;
mod rebuild;
mod requirements;
mod role;
mod sign;
mod signature;
mod sync;
mod upload;
mod version;
mod words;

use pith_plugin_sdk::{Descriptor, Plugin, ResourceType, Result, TaskKind, TaskType, schema};
use serde_json::{Value, json};

/// The names of the content types.
pub(crate) const COLLECTION_VERSION: &str = "collection_version";
pub(crate) const COLLECTION_DEPRECATION: &str = "collection_deprecation";
pub(crate) const COLLECTION_SIGNATURE: &str = "collection_signature";
pub(crate) const COLLECTION_MARK: &str = "collection_mark";
pub(crate) const NAMESPACE: &str = "namespace";
pub(crate) const ROLE: &str = "role";

/// The type of remote that collections are synced from; others are only kept.
pub(crate) const COLLECTION: &str = "collection";

/// The plugin.
#[derive(Debug)]
pub struct AnsiblePlugin;

pith_plugin_sdk::export!(AnsiblePlugin with change, order, serve, sync, upload);

impl Plugin for AnsiblePlugin {
    fn describe() -> Result<Descriptor> {
        Ok(Descriptor {
            name: "ansible".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            pulp_version: Some("0.30.0".into()),
            title: "Ansible".into(),
            content_types: content_types::all(),
            repository_types: vec![resource_type(
                "ansible",
                "Ansible repository",
                &repository_settings(),
            )],
            remote_types: vec![
                remote_type(COLLECTION, "Ansible collection remote", &remote_settings()),
                remote_type("role", "Ansible role remote", &json!({})),
                remote_type("git", "Ansible Git remote", &git_settings()),
            ],
            // A distribution serves what is in its repository.
            publication_types: Vec::new(),
            distribution_types: vec![resource_type(
                "ansible",
                "Ansible distribution",
                &json!({"client_url": {
                    "type": "string",
                    "readOnly": true,
                    "x-address": "/pulp_ansible/galaxy/{base_path}/",
                    "description": "What `ansible-galaxy` takes for a server.",
                }}),
            )],
            entity_types: vec![namespace::entity_type()],
            task_types: [
                TaskType {
                    name: "syncs".into(),
                    kind: TaskKind::Sync,
                    title: "Sync from a Galaxy server".into(),
                    params: schema::object(&sync_params(), &[]),
                },
                TaskType {
                    name: "uploads".into(),
                    kind: TaskKind::Upload,
                    title: "Upload a collection".into(),
                    params: schema::of_upload(
                        &upload_params(),
                        &[COLLECTION_MARK, COLLECTION_DEPRECATION],
                    ),
                },
            ]
            .into_iter()
            .chain(change::types())
            .collect(),
        })
    }
}

fn resource_type(name: &str, title: &str, settings: &Value) -> ResourceType {
    ResourceType {
        name: name.into(),
        title: title.into(),
        config: schema::object(settings, &[]),
    }
}

/// Pulp's models of remotes do not have the plugin's name.
fn remote_type(name: &str, title: &str, settings: &Value) -> ResourceType {
    let one = resource_type(name, title, settings);
    let mut config: Value = serde_json::from_str(&one.config).unwrap_or_default();
    config["x-model"] = name.into();
    ResourceType {
        config: config.to_string(),
        ..one
    }
}

fn repository_settings() -> Value {
    json!({
        "gpgkey": {
            "type": ["string", "null"],
            "default": null,
            "description": "The public keys that signatures of collections are made with, armored.",
        },
        "private": {
            "type": "boolean",
            "default": false,
            "description": "Whether the repository is left out of what everybody may see.",
        },
        "last_sync_task": last_sync_task(),
        "last_synced_metadata_time": {
            "type": ["string", "null"],
            "format": "date-time",
            "readOnly": true,
            "x-last-sync": "time",
            "description": "When something new came from the remote of the newest sync; null once that remote is changed.",
        },
    })
}

fn last_sync_task() -> Value {
    json!({
        "type": ["object", "null"],
        "readOnly": true,
        "x-last-sync": "task",
        "description": "The newest sync: task_id, state, started_at, finished_at and error; null if there is none that you may see.",
    })
}

fn remote_settings() -> Value {
    json!({
        "requirements_file": {
            "type": ["string", "null"],
            "default": null,
            "description": "Which collections and versions are wanted, as ansible-galaxy reads them; all if not given.",
        },
        "token": {
            "type": ["string", "null"],
            "writeOnly": true,
        },
        "auth_url": {
            "type": ["string", "null"],
            "default": null,
            "description": "Where the token is exchanged for one that does not last long, as with Automation Hub.",
        },
        "sync_dependencies": {
            "type": "boolean",
            "default": true,
            "description": "Whether what required collections need comes too.",
        },
        "signed_only": {
            "type": "boolean",
            "default": false,
            "description": "Whether versions without a signature are left out.",
        },
        "sync_highest_versions": {
            "type": ["integer", "null"],
            "minimum": 1,
            "default": null,
            "description": "How many versions of each collection come, the highest; null means all.",
        },
        "last_sync_task": last_sync_task(),
    })
}

fn git_settings() -> Value {
    json!({
        "metadata_only": {
            "type": "boolean",
            "default": false,
            "description": "Whether only what a collection says of itself is wanted.",
        },
        "git_ref": {
            "type": "string",
            "default": "",
            "description": "A branch, a tag or a commit; the newest commit if not given.",
        },
    })
}

fn sync_params() -> Value {
    json!({
        "mirror": {
            "type": "boolean",
            "default": false,
            "description": "Also remove what the upstream does not have, or is not required.",
        },
        "optimize": {
            "type": "boolean",
            "default": true,
            "description": "Leave out what looks as it did at the last sync.",
        },
    })
}

fn upload_params() -> Value {
    let expected = |what: &str| {
        json!({
            "type": ["string", "null"],
            "default": null,
            "description": format!("The {what} that the collection must have."),
        })
    };
    let mut namespace = expected("namespace");
    namespace["x-entity"] = namespace::UPLOAD.into();
    let mut params = json!({
        "expected_namespace": namespace,
        "expected_name": expected("name"),
        "expected_version": expected("version"),
        "signed_collection": {
            "type": ["string", "null"],
            "default": null,
            "x-content-type": COLLECTION_VERSION,
            "description": "The collection version that the file is a detached signature of.",
        },
    });
    for of_one in [role::params(), mark::params()] {
        if let (Some(params), Value::Object(of_one)) = (params.as_object_mut(), of_one) {
            params.extend(of_one);
        }
    }
    params
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_of_the_descriptor_is_an_object() {
        let descriptor = AnsiblePlugin::describe().expect("the descriptor needs no host");
        let types = descriptor.content_types.iter().map(|one| &one.fields);
        let tasks = descriptor.task_types.iter().map(|one| &one.params);
        let repositories = descriptor.repository_types.iter().map(|one| &one.config);
        let remotes = descriptor.remote_types.iter().map(|one| &one.config);
        let entities = descriptor.entity_types.iter().map(|one| &one.config);
        let resources = repositories.chain(remotes).chain(entities);
        for schema in types.chain(tasks).chain(resources) {
            let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
            assert_eq!(schema["type"], "object");
        }
    }
}

//! RPM repositories, as Pulp has them: what the plugin is called and which words it adds.

mod advisory;
mod change;
mod client_config;
mod comps;
mod content_types;
mod derive;
mod document;
mod evr;
mod fragments;
mod header;
mod ini;
mod layout;
mod modules;
mod order;
mod package;
mod primary;
mod publish;
mod references;
mod render;
mod repomd;
mod resolve;
mod signing;
mod snippets;
mod sync;
mod terms;
mod tree;
mod upload;
mod xml;

use pith_plugin_sdk::{Descriptor, Plugin, ResourceType, Result, TaskKind, TaskType, schema};
use serde_json::{Value, json};

/// The names of the content types.
pub(crate) const PACKAGE: &str = "package";
pub(crate) const ADVISORY: &str = "advisory";
pub(crate) const MODULEMD: &str = "modulemd";
pub(crate) const MODULEMD_DEFAULTS: &str = "modulemd_defaults";
pub(crate) const MODULEMD_OBSOLETE: &str = "modulemd_obsolete";
pub(crate) const PACKAGE_GROUP: &str = "packagegroup";
pub(crate) const PACKAGE_CATEGORY: &str = "packagecategory";
pub(crate) const PACKAGE_ENVIRONMENT: &str = "packageenvironment";
pub(crate) const PACKAGE_LANGPACKS: &str = "packagelangpacks";
pub(crate) const DISTRIBUTION_TREE: &str = "distribution_tree";
pub(crate) const REPO_METADATA_FILE: &str = "repo_metadata_file";

/// What remotes of Oracle's network are called, and their scheme.
const ULN: &str = "uln";

/// The plugin.
#[derive(Debug)]
pub struct RpmPlugin;

pith_plugin_sdk::export!(RpmPlugin with sync, upload, publish, change, resolve, order, derive);

impl Plugin for RpmPlugin {
    fn describe() -> Result<Descriptor> {
        Ok(Descriptor {
            name: "rpm".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            pulp_version: Some("3.39.4".into()),
            title: "RPM".into(),
            content_types: content_types::all(),
            repository_types: vec![repository_type()],
            remote_types: vec![
                resource_type("RPM remote", &remote_settings()),
                uln_remote_type(),
            ],
            publication_types: vec![resource_type("RPM publication", &publication_settings())],
            distribution_types: vec![resource_type("RPM distribution", &distribution_settings())],
            entity_types: Vec::new(),
            task_types: vec![
                TaskType {
                    name: "syncs".into(),
                    kind: TaskKind::Sync,
                    title: "Sync from a repository".into(),
                    params: schema::object(&sync_params(), &[]),
                },
                TaskType {
                    name: "uploads".into(),
                    kind: TaskKind::Upload,
                    title: "Upload a package, an advisory or a document of a module".into(),
                    params: upload_params(),
                },
                TaskType {
                    name: "publications".into(),
                    kind: TaskKind::Publish,
                    title: "Publish the indexes of a repository".into(),
                    params: schema::object(&publication_settings(), &[]),
                },
                change::prune_type(),
                change::comps_type(),
            ],
        })
    }
}

fn resource_type(title: &str, settings: &Value) -> ResourceType {
    ResourceType {
        name: "rpm".into(),
        title: title.into(),
        config: schema::object(settings, &[]),
    }
}

/// With the verbs that Pulp's permissions for RPM repositories have.
fn repository_type() -> ResourceType {
    let one = resource_type("RPM repository", &repository_settings());
    let mut config: Value = serde_json::from_str(&one.config).unwrap_or_default();
    config["x-verbs"] = json!([
        "modify_content",
        "sync",
        "manage_roles",
        "repair",
        "delete_version"
    ]);
    ResourceType {
        config: config.to_string(),
        ..one
    }
}

/// Of repositories: of their syncs, and of the publications that are made of them.
fn repository_settings() -> Value {
    let mut settings = publication_settings();
    settings["retain_package_versions"] = json!({
        "type": "integer",
        "minimum": 0,
        "default": 0,
        "description": "How many builds of each package stay, the newest; 0 for all. Packages of modules stay all.",
    });
    settings["package_signing_service"] = json!({
        "type": ["string", "null"],
        "format": "signing-service",
        "default": null,
        "description": "Who signs packages that are uploaded into the repository.",
    });
    settings["package_signing_fingerprint"] = json!({
        "type": ["string", "null"],
        "pattern": "^((v[1-9][0-9]?:)?([0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})|keyid:[0-9A-Fa-f]{16})$",
        "default": null,
        "description": "The fingerprint of the key that signs packages, `v4:…`, or its ID, `keyid:…`; the service's own if not given.",
    });
    settings
}

/// Of publications, and of repositories for the publications that are made of them.
fn publication_settings() -> Value {
    json!({
        "checksum_type": {
            "type": ["string", "null"],
            "enum": ["sha224", "sha256", "sha384", "sha512", null],
            "default": null,
            "description": "The kind of checksum of the indexes; sha256 if not given. Packages keep the checksum that they came with.",
        },
        "compression_type": {
            "type": ["string", "null"],
            "enum": ["zstd", "gz", "none", null],
            "default": null,
            "description": "How the indexes are compressed; gz if not given.",
        },
        "layout": {
            "type": ["string", "null"],
            "enum": ["nested_alphabetically", "flat", "nested_by_digest", null],
            "default": null,
            "description": "How packages are laid out below the root; nested_alphabetically if not given.",
        },
        "repo_config": repo_config(),
        "metadata_signing_service": {
            "type": ["string", "null"],
            "format": "signing-service",
            "default": null,
            "description": "Who signs the list of indexes.",
        },
    })
}

/// The lines of `config.repo`.
fn repo_config() -> Value {
    json!({
        "type": "object",
        "propertyNames": { "pattern": "^[A-Za-z0-9_.]+$" },
        "additionalProperties": {
            "type": ["string", "integer", "boolean"],
            "pattern": "^[^\\r\\n]*$",
        },
        "default": {},
        "description": "What `config.repo` says beside name and address: {\"gpgcheck\": 1}.",
    })
}

fn remote_settings() -> Value {
    json!({
        "sles_auth_token": {
            "type": ["string", "null"],
            "default": null,
            "description": "What SUSE wants behind each address.",
        },
    })
}

/// A channel of Oracle's Unbreakable Linux Network: `uln://ol9_x86_64_appstream`.
fn uln_remote_type() -> ResourceType {
    let config = json!({
        "type": "object",
        "x-model": ULN,
        "x-schemes": [ULN],
        "x-required-secrets": ["username", "password"],
        "x-login": {
            "server": "uln_server_base_url",
            "otherwise": "https://linux-update.oracle.com/",
            "calls": "rpc/api",
            "method": "auth.login",
            "key-length": 43,
            "header": "X-ULN-Api-User-Key",
            "files": "XMLRPC/GET-REQ",
        },
        "properties": {
            "uln_server_base_url": {
                "type": ["string", "null"],
                "default": null,
                "description": "Where the network's server is; Oracle's own if not given.",
            },
        },
    });
    ResourceType {
        name: ULN.into(),
        title: "ULN remote".into(),
        config: config.to_string(),
    }
}

fn distribution_settings() -> Value {
    json!({
        "generate_repo_config": {
            "type": "boolean",
            "default": false,
            "description": "Whether `config.repo` is served, which dnf can be given.",
        },
    })
}

fn sync_params() -> Value {
    json!({
        "sync_policy": {
            "type": ["string", "null"],
            "enum": ["additive", "mirror_complete", "mirror_content_only", null],
            "default": null,
            "description": "`additive` keeps what the upstream does not have, `mirror_content_only` removes it, and `mirror_complete` publishes the upstream's own indexes too.",
        },
        "mirror": {
            "type": ["boolean", "null"],
            "default": null,
            "description": "Deprecated: true is `mirror_complete`.",
        },
        "skip_types": {
            "type": "array",
            "items": { "type": "string", "enum": ["srpm", "treeinfo"] },
            "default": [],
            "description": "What is left out.",
        },
        "retain_package_versions": {
            "type": ["integer", "null"],
            "minimum": 0,
            "default": null,
            "description": "How many builds of each package stay, the newest; 0 for all. The repository's own setting if not given.",
        },
        "repo_config": repo_config(),
        "optimize": {
            "type": "boolean",
            "default": true,
            "description": "Do nothing if the upstream's list of indexes did not change.",
        },
    })
}

fn upload_params() -> String {
    let mut properties = document::params();
    properties["relative_path"] = json!({
        "type": ["string", "null"],
        "minLength": 1,
        "default": null,
        "x-for": [PACKAGE, ADVISORY],
        "description": "What `location_href` shows; the package's own file name if not given.",
    });
    schema::of_upload(&properties, &document::TYPES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_of_the_descriptor_is_an_object() {
        let descriptor = RpmPlugin::describe().expect("the descriptor needs no host");
        let types = descriptor.content_types.iter().map(|one| &one.fields);
        let tasks = descriptor.task_types.iter().map(|one| &one.params);
        let repositories = descriptor.repository_types.iter().map(|one| &one.config);
        for schema in types.chain(tasks).chain(repositories) {
            let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
            assert_eq!(schema["type"], "object");
        }
    }
}

//! Which plugins there are, and which repositories are meant where none is named.

use pith_plugin_sdk::Result;
use pith_plugin_sdk::server::Response;
use serde_json::json;

use super::asked::{Asked, DEFAULT_BASE_PATH};

/// `GET configuration/`
pub(super) fn read(asked: &Asked<'_>) -> Result<Response> {
    // The status says which plugins are in service, and everybody may ask for it.
    let status = asked.call("GET", "status/", None).ok().unwrap_or_default();
    let versions = status["versions"].as_array().into_iter().flatten();
    let has_containers = versions
        .into_iter()
        .any(|version| version["component"] == "container");
    let body = json!({
        "plugins": {
            "ansible": {
                "enabled": true,
                "configuration": {
                    "default_upload_distribution": DEFAULT_BASE_PATH,
                    "default_download_distribution": DEFAULT_BASE_PATH,
                },
            },
            "execution_environment": {
                "enabled": has_containers,
                "configuration": {"registry_url": null},
            },
        },
        "authentication": "local",
    });
    Response::json(200, &body)
}

/// `GET plugin/ansible/client-configuration/`: what a client asks where it was told no path.
pub(super) fn client(asked: &Asked<'_>) -> Result<Response> {
    let path = asked.base_path();
    Response::json(200, &json!({"default_distribution_path": path}))
}

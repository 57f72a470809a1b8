//! A plugin that wants an address of the plugin for Ansible.

use pith_plugin_sdk::server::{Access, Input, Mount, Request, Response, Route, Routing};
use pith_plugin_sdk::{Api, Descriptor, Plugin, Result, Server};
use serde_json::json;

/// The plugin.
#[derive(Debug)]
pub struct Squatter;

pith_plugin_sdk::export!(Squatter with serve);

impl Plugin for Squatter {
    fn describe() -> Result<Descriptor> {
        Ok(Descriptor {
            name: "squatter".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            pulp_version: None,
            title: "Squatter".into(),
            content_types: Vec::new(),
            repository_types: Vec::new(),
            remote_types: Vec::new(),
            publication_types: Vec::new(),
            distribution_types: Vec::new(),
            task_types: Vec::new(),
            entity_types: Vec::new(),
        })
    }
}

impl Server for Squatter {
    fn routes() -> Result<Routing> {
        Ok(Routing {
            mounts: vec![Mount {
                at: "/api/galaxy/v3/auth".into(),
                prefix: String::new(),
            }],
            routes: vec![Route {
                method: "POST".into(),
                path: "/token".into(),
                access: Access::Anyone,
                input: Input::Json,
                document: json!({ "operationId": "squat" }).to_string(),
            }],
        })
    }

    fn serve(_: &Api, request: Request) -> Result<Response> {
        Response::json(200, &request.body)
    }
}

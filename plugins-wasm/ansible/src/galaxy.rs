//! The API of Galaxy, version 3, as `ansible-galaxy` and the automation around it speak it:
//! which addresses there are, and who answers each.
//!
//! Whatever is listed, filtered or changed here is listed, filtered or changed by the host,
//! with the standing of the one who asks; this only puts its answers into Galaxy's words.

mod account;
mod artifacts;
mod asked;
mod collections;
mod configuration;
mod distributions;
mod imports;
mod legacy;
mod namespaces;
mod page;
mod roles;
mod roots;
mod search;
mod table;
mod versions;

use pith_plugin_sdk::server::{Mount, Request, Response, Route, Routing};
use pith_plugin_sdk::{Api, Error, Result, Server};
use serde_json::{Value, json};

use crate::AnsiblePlugin;
use asked::Asked;
use table::{Entry, Gives};

/// Where all of it is found: the first is what the documentation shows, and of several that
/// an address could mean the first that has it answers.
const MOUNTS: &[(&str, &str)] = &[
    ("/api/galaxy", ""),
    ("/api/galaxy/v3/plugins", "v3/plugin"),
    // One repository as a server of its own.
    ("/api/galaxy/content/{path...}/v3/plugins", "v3/plugin"),
    ("/api/galaxy/content/{path...}", ""),
    ("/pulp_ansible/galaxy/{path...}/api/v3/plugins", "v3/plugin"),
    ("/pulp_ansible/galaxy/{path...}/api", ""),
    ("/api/v3/plugin/ansible", "v3/plugin/ansible"),
    ("/api/v3/plugins/ansible", "v3/plugin/ansible"),
];

impl Server for AnsiblePlugin {
    fn routes() -> Result<Routing> {
        let mounts = MOUNTS.iter().map(|(at, prefix)| Mount {
            at: (*at).into(),
            prefix: (*prefix).into(),
        });
        Ok(Routing {
            mounts: mounts.collect(),
            routes: table::entries().iter().map(route).collect(),
        })
    }

    fn serve(api: &Api, request: Request) -> Result<Response> {
        let entries = table::entries();
        let entry = entries
            .get(request.route as usize)
            .ok_or_else(|| Error::internal("there is no route of that number"))?;
        (entry.answer)(&Asked::new(api, &request))
    }
}

fn route(entry: &Entry) -> Route {
    Route {
        method: entry.method.into(),
        path: entry.path.into(),
        access: entry.access,
        input: entry.input,
        document: document(entry).to_string(),
    }
}

fn document(entry: &Entry) -> Value {
    let parameters: Vec<Value> = entry
        .parameters
        .iter()
        .map(|name| {
            let kind = if ["limit", "offset"].contains(name) {
                "integer"
            } else {
                "string"
            };
            json!({"name": name, "in": "query", "schema": {"type": kind}})
        })
        .collect();
    json!({
        "operationId": entry.id,
        "summary": entry.summary,
        "parameters": parameters,
        "deprecated": entry.deprecated,
        "responses": match entry.gives {
            Gives::Json => json!({}),
            Gives::Nothing => json!({"204": {"description": "It is done."}}),
            Gives::File => json!({"default": {
                "description": "The file, from where content is served.",
                "content": {"*/*": {}},
            }}),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pith_plugin_sdk::server::Access;
    use std::collections::BTreeSet;

    #[test]
    fn every_route_has_a_name_of_its_own_and_says_what_it_does() {
        let routing = AnsiblePlugin::routes().expect("needs no host");
        let mut names = BTreeSet::new();
        for route in &routing.routes {
            let document: Value = serde_json::from_str(&route.document).expect("JSON");
            let name = document["operationId"].as_str().expect("a name").to_owned();
            assert!(!document["summary"].as_str().expect("words").is_empty());
            assert!(names.insert(name), "{} {}", route.method, route.path);
        }
    }

    #[test]
    fn what_changes_something_is_for_users() {
        for entry in table::entries() {
            assert!(
                entry.method == "GET" || entry.access == Access::User,
                "{} {}",
                entry.method,
                entry.path
            );
        }
    }
}

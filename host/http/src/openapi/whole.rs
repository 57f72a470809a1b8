//! The whole document, put together from every route.

use pith_model::Root;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::openapi::place::{Place, Style};
use crate::openapi::{refusals, routed};
use crate::routes::Documented;
use crate::status::versions;

/// The schemas that operations refer to, by name.
#[derive(Debug, Default)]
pub(crate) struct Schemas {
    by_name: Map<String, Value>,
}

impl Schemas {
    /// Keeps a schema under its name and refers to it.
    pub(crate) fn reference(&mut self, name: String, schema: Value) -> Value {
        let reference = json!({"$ref": format!("#/components/schemas/{name}")});
        debug_assert!(
            self.by_name.get(&name).is_none_or(|known| *known == schema),
            "two schemas are called {name}"
        );
        self.by_name.insert(name, schema);
        reference
    }

    /// A schema with what it refers to written out in it.
    pub(crate) fn resolved(&self, schema: &Value) -> Value {
        match schema {
            Value::Object(map) => {
                let name = map.get("$ref").and_then(Value::as_str);
                let name = name.and_then(|name| name.rsplit('/').next());
                match name.and_then(|name| self.by_name.get(name)) {
                    // No schema refers to itself.
                    Some(known) => self.resolved(known),
                    None => map
                        .iter()
                        .map(|(key, value)| (key.clone(), self.resolved(value)))
                        .collect(),
                }
            }
            Value::Array(list) => list.iter().map(|one| self.resolved(one)).collect(),
            other => other.clone(),
        }
    }
}

/// Writes the document of all operations, with paths below a root.
pub(crate) fn write(app: &App, documented: &[Documented], root: Root, style: Style) -> Value {
    let mut schemas = Schemas::default();
    for (name, schema) in refusals::schemas() {
        schemas.reference(name.to_owned(), schema);
    }
    let mut paths: Map<String, Value> = Map::new();
    for one in documented {
        let path = one.operation.path.unwrap_or(one.path);
        for place in Place::all(app, path) {
            if !one.operation.is_at(&place) {
                continue;
            }
            let is_write = !one.method.is_safe();
            let (path, operation) =
                one.operation
                    .written(&place, one.access, is_write, (root, style), &mut schemas);
            let method = one.method.as_str().to_ascii_lowercase();
            paths.entry(path).or_insert_with(|| json!({}))[method] = operation;
        }
    }
    routed::write(app, &mut paths);
    let versions: Map<String, Value> = versions(app)
        .into_iter()
        .map(|(name, version)| (name, version.into()))
        .collect();
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "Pith",
            "description": "Content repositories with Pulp's API. Fields that end in `_href` \
                or refer to other resources take PRNs as well.",
            "version": "v3",
            "license": {"name": env!("CARGO_PKG_LICENSE")},
            "x-pulp-app-versions": versions,
            "x-pulp-domain-enabled": false,
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas.by_name,
            "responses": refusals::components(),
            "securitySchemes": {
                "basicAuth": {"type": "http", "scheme": "basic"},
                "tokenAuth": {"type": "http", "scheme": "bearer",
                    "description": "A token from `tokens/`."},
                "cookieAuth": {"type": "apiKey", "in": "cookie", "name": "sessionid",
                    "description": "A session from `login/`; what changes something needs the \
                        cookie `csrftoken` as the header `X-CSRFToken`, too."},
            },
        },
    })
}

//! What the document says of the routes that plugins answer. A plugin's own words go in
//! where they are of the right form; the frame around them is the host's, so that no
//! plugin can damage the document.

use pith_model::descriptor::Descriptor;
use pith_model::route::{Mount, Pattern, Route, RouteAccess, RouteInput, Segment};
use serde_json::{Map, Value, json};

use crate::app::App;

/// Adds the routes of all plugins, each at the first of its plugin's mounts.
pub(crate) fn write(app: &App, paths: &mut Map<String, Value>) {
    for (plugin, generation) in app.plugins.all().iter() {
        let descriptor = generation.descriptor();
        let Some(mount) = descriptor.routing.mounts.first() else {
            continue;
        };
        for route in &descriptor.routing.routes {
            let Some((path, variables)) = path_of(mount, route) else {
                continue;
            };
            let operation = operation(plugin, descriptor, route, &variables);
            let method = route.method.to_ascii_lowercase();
            paths.entry(path).or_insert_with(|| json!({}))[method] = operation;
        }
    }
}

/// The path with its variables; none if the mount does not show the route.
fn path_of(mount: &Mount, route: &Route) -> Option<(String, Vec<String>)> {
    let mut below = route.path.0.iter();
    for word in &mount.prefix {
        if below.next() != Some(&Segment::Word(word.clone())) {
            return None;
        }
    }
    let all = Pattern(mount.at.0.iter().chain(below).cloned().collect());
    let variables = all.variables().map(str::to_owned).collect();
    Some((all.to_string(), variables))
}

fn operation(plugin: &str, descriptor: &Descriptor, route: &Route, variables: &[String]) -> Value {
    let said = &route.document;
    let text = |name: &str| said[name].as_str().unwrap_or_default();
    let mut parameters: Vec<Value> = variables
        .iter()
        .map(|name| {
            json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})
        })
        .collect();
    parameters.extend(
        said["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(query),
    );
    let mut operation = json!({
        "operationId": format!("{plugin}_{}", text("operationId")),
        "summary": text("summary"),
        "description": text("description"),
        "tags": [descriptor.title],
        "x-plugin": plugin,
        "parameters": parameters,
        "responses": responses(&said["responses"]),
        "security": security(route),
    });
    if said["deprecated"] == Value::Bool(true) {
        operation["deprecated"] = true.into();
    }
    match route.input {
        RouteInput::None => {}
        RouteInput::Json => {
            operation["requestBody"] = json!({"content": {"application/json": {"schema": {}}}});
        }
        RouteInput::File => {
            operation["requestBody"] = json!({"required": true, "content": {
                "multipart/form-data": {"schema": {
                    "type": "object", "required": ["file"], "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "sha256": {"type": "string"}}}}}});
        }
    }
    operation
}

/// What the plugin says that it answers, by status; JSON, where it says nothing.
fn responses(said: &Value) -> Value {
    let mut responses = json!({
        "default": {
            "description": "What the plugin answers, or `errors` with the reasons.",
            "content": {"application/json": {"schema": {}}},
        },
    });
    for (status, one) in said.as_object().into_iter().flatten() {
        let is_status = status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit());
        if !is_status && status != "default" {
            continue;
        }
        let mut response = json!({"description": one["description"].as_str().unwrap_or_default()});
        for (media_type, _) in one["content"].as_object().into_iter().flatten() {
            response["content"][media_type] = json!({"schema": {}});
        }
        responses[status] = response;
    }
    responses
}

/// A parameter of the query string.
fn query(said: &Value) -> Option<Value> {
    let name = said["name"].as_str()?;
    let kind = said["schema"]["type"].as_str().unwrap_or("string");
    let kind = ["string", "integer", "boolean"]
        .into_iter()
        .find(|known| *known == kind)?;
    Some(json!({
        "name": name,
        "in": "query",
        "description": said["description"].as_str().unwrap_or_default(),
        "schema": {"type": kind},
    }))
}

fn security(route: &Route) -> Value {
    let mut ways = vec![
        json!({"basicAuth": []}),
        json!({"tokenAuth": []}),
        json!({"cookieAuth": []}),
    ];
    if route.access == RouteAccess::Anyone {
        ways.push(json!({}));
    }
    ways.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).expect("a pattern")
    }

    #[test]
    fn a_route_is_shown_where_its_plugins_first_mount_has_it() {
        let route = Route {
            method: "GET".into(),
            path: pattern("/v3/plugin/{path...}/index"),
            access: RouteAccess::Anyone,
            input: RouteInput::None,
            document: json!({"operationId": "index"}),
        };
        let mount = |at, prefix: &[&str]| Mount {
            at: pattern(at),
            prefix: prefix.iter().map(|word| (*word).to_owned()).collect(),
        };
        let shown = |mount: &Mount| path_of(mount, &route).map(|(path, _)| path);
        assert_eq!(
            shown(&mount("/api/galaxy", &[])).as_deref(),
            Some("/api/galaxy/v3/plugin/{path}/index/")
        );
        assert_eq!(
            shown(&mount("/api/v3/plugin", &["v3", "plugin"])).as_deref(),
            Some("/api/v3/plugin/{path}/index/")
        );
        assert_eq!(shown(&mount("/elsewhere", &["v2"])), None);
    }

    #[test]
    fn a_plugin_says_what_it_answers() {
        let said = json!({"204": {"description": "Gone."}, "no": {"description": "x"}});
        let responses = responses(&said);
        assert_eq!(responses["204"], json!({"description": "Gone."}));
        assert!(responses["default"]["content"].is_object());
        assert!(responses.get("no").is_none());
    }

    #[test]
    fn strange_parameters_are_left_out() {
        assert!(query(&json!({"name": 3})).is_none());
        assert!(query(&json!({"name": "a", "schema": {"type": "$ref"}})).is_none());
        let good = query(&json!({"name": "limit", "schema": {"type": "integer"}}));
        assert_eq!(good.expect("a parameter")["schema"]["type"], "integer");
    }
}

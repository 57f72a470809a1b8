//! What is below each root.

use pith_plugin_sdk::Result;
use pith_plugin_sdk::server::Response;
use serde_json::{Value, json};

use super::asked::Asked;

/// `GET /`
pub(super) fn top(asked: &Asked<'_>) -> Result<Response> {
    // The rest of any address could be a base path: only what is served is one.
    if !asked.request.variable("path").is_empty() {
        asked.site()?;
    }
    let mut body = below(asked, "", &["v3/"]);
    body["available_versions"] = json!({"v3": "v3/"});
    body["description"] = "Galaxy's API".into();
    body["current_version"] = "v3".into();
    Response::json(200, &body)
}

/// `GET v3/`
pub(super) fn v3(asked: &Asked<'_>) -> Result<Response> {
    let mut body = below(
        asked,
        "v3/",
        &[
            "auth/",
            "configuration/",
            "groups/",
            "plugin/",
            "tasks/",
            "users/",
        ],
    );
    let published = match asked.site() {
        Ok(site) => changed(&site)?,
        Err(_) => Value::Null,
    };
    // A server that syncs from this one asks first whether anything changed since.
    body["published"] = published;
    Response::json(200, &body)
}

/// When what is served was last changed.
pub(super) fn changed(site: &pith_plugin_sdk::Site) -> Result<Value> {
    let version = site.version()?;
    let version: Option<Value> = version.and_then(|text| serde_json::from_str(&text).ok());
    Ok(version.map_or(Value::Null, |version| version["pulp_created"].clone()))
}

/// `GET v3/plugin/`
pub(super) fn plugin(asked: &Asked<'_>) -> Result<Response> {
    Response::json(200, &below(asked, "v3/plugin/", &["ansible/"]))
}

/// `GET v3/plugin/ansible/`
pub(super) fn ansible(asked: &Asked<'_>) -> Result<Response> {
    let parts = ["distributions/", "imports/", "namespaces/", "search/"];
    Response::json(200, &below(asked, "v3/plugin/ansible/", &parts))
}

/// `GET v3/plugin/ansible/search/`
pub(super) fn search(asked: &Asked<'_>) -> Result<Response> {
    let root = "v3/plugin/ansible/search/";
    Response::json(200, &below(asked, root, &["collection-versions/"]))
}

/// `GET v3/auth/`
pub(super) fn auth(asked: &Asked<'_>) -> Result<Response> {
    Response::json(200, &below(asked, "v3/auth/", &["me/"]))
}

/// Both spellings that clients know.
fn below(asked: &Asked<'_>, root: &str, parts: &[&str]) -> Value {
    let urls: Vec<String> = parts
        .iter()
        .map(|part| format!("{}/{root}{part}", asked.root()))
        .collect();
    let routes = |word: &str, value: &str| -> Vec<Value> {
        urls.iter()
            .map(|url| json!({"url": url, word: value}))
            .collect()
    };
    json!({
        "sub_routes": routes("status", "production"),
        "subroutes": routes("support", "supported"),
    })
}

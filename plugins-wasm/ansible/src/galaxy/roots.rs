//! What is below each root.

use pith_plugin_sdk::Result;
use pith_plugin_sdk::server::Response;
use serde_json::{Value, json};

use super::asked::{Asked, encode_path};

/// `GET /`
pub(super) fn top(asked: &Asked<'_>) -> Result<Response> {
    // The rest of any address could be a base path: only what is served is one.
    if !asked.request.variable("path").is_empty() {
        asked.site()?;
    }
    let mut body = below(asked, "", &["v1/", "v3/"]);
    body["available_versions"] = json!({"v1": "v1/", "v3": "v3/"});
    body["description"] = "Galaxy's API".into();
    body["current_version"] = "v3".into();
    Response::json(200, &body)
}

/// `GET v3/`
pub(super) fn v3(asked: &Asked<'_>) -> Result<Response> {
    let now = [
        "auth/",
        "configuration/",
        "groups/",
        "plugin/",
        "tasks/",
        "users/",
    ];
    let before = ["artifacts/", "collections/", "imports/", "namespaces/"];
    let parts = now.map(|part| (part, NOW)).into_iter();
    let before = before.map(|part| (part, BEFORE));
    let mut body = below_each(asked, "v3/", &parts.chain(before).collect::<Vec<_>>());
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
    let parts = [
        "client-configuration/",
        "distributions/",
        "imports/",
        "namespaces/",
        "search/",
    ];
    Response::json(200, &below(asked, "v3/plugin/ansible/", &parts))
}

/// `GET v3/plugin/ansible/search/`
pub(super) fn search(asked: &Asked<'_>) -> Result<Response> {
    let root = "v3/plugin/ansible/search/";
    Response::json(200, &below(asked, root, &["collection-versions/"]))
}

/// `GET v3/auth/`
pub(super) fn auth(asked: &Asked<'_>) -> Result<Response> {
    Response::json(
        200,
        &below(asked, "v3/auth/", &["login/", "logout/", "me/", "token/"]),
    )
}

/// `GET v3/plugin/ansible/collections/<base path>/`
pub(super) fn collections(asked: &Asked<'_>) -> Result<Response> {
    // Any address could be a base path: only what is served is one.
    asked.site()?;
    let root = format!("{}/", asked.collections_at(asked.base_path()));
    let parts = ["all/", "artifacts/", "index/"].map(|part| (part, NOW));
    Response::json(200, &routes(&root, &parts))
}

/// `GET v3/plugin/ansible/content/<base path>/collections/`
pub(super) fn content(asked: &Asked<'_>) -> Result<Response> {
    let site = asked.site()?;
    let base_path = encode_path(asked.base_path());
    let root = format!(
        "{}/v3/plugin/ansible/content/{base_path}/collections/",
        asked.root()
    );
    let parts = ["all-collections/", "artifacts/", "index/"].map(|part| (part, NOW));
    let mut body = routes(&root, &parts);
    body["published"] = changed(&site)?;
    Response::json(200, &body)
}

/// `GET v3/plugin/ansible/collections/<base path>/artifacts/`
pub(super) fn artifacts(asked: &Asked<'_>) -> Result<Response> {
    asked.site()?;
    let root = format!("{}/artifacts/", asked.collections_at(asked.base_path()));
    Response::json(200, &routes(&root, &[("collections/", NOW)]))
}

/// How a route is told of, in both spellings.
type Status = (&'static str, &'static str);
const NOW: Status = ("production", "supported");
const BEFORE: Status = ("deprecated", "deprecated");

fn below(asked: &Asked<'_>, root: &str, parts: &[&str]) -> Value {
    let parts: Vec<(&str, Status)> = parts.iter().map(|part| (*part, NOW)).collect();
    below_each(asked, root, &parts)
}

fn below_each(asked: &Asked<'_>, root: &str, parts: &[(&str, Status)]) -> Value {
    routes(&format!("{}/{root}", asked.root()), parts)
}

/// Both spellings that clients know.
fn routes(root: &str, parts: &[(&str, Status)]) -> Value {
    let routes = |word: &str, status: fn(Status) -> &'static str| -> Vec<Value> {
        let parts = parts.iter();
        let route = |(part, said): &(&str, Status)| json!({"url": format!("{root}{part}"), word: status(*said)});
        parts.map(route).collect()
    };
    json!({
        "sub_routes": routes("status", |(status, _)| status),
        "subroutes": routes("support", |(_, support)| support),
    })
}

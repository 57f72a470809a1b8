//! Addresses of before, which lead to those of now with their scope.

#![expect(
    clippy::unnecessary_wraps,
    reason = "what answers a route may fail; these do not"
)]

use pith_plugin_sdk::Result;
use pith_plugin_sdk::server::Response;

use super::asked::{Asked, encode, encode_path};

/// `GET v3/collections/…`
pub(super) fn collections(asked: &Asked<'_>) -> Result<Response> {
    let request = asked.request;
    let mut path = format!("collections/{}", encode_path(asked.base_path()));
    let [namespace, name, version] =
        ["namespace", "name", "version"].map(|name| encode(request.variable(name)));
    let entry = super::table::entries().get(request.route as usize);
    let asked_path = entry.map(|entry| entry.path).unwrap_or_default();
    if asked_path.ends_with("/all") {
        path.push_str("/all/");
    } else {
        path.push_str("/index/");
    }
    if !namespace.is_empty() {
        path = format!("{path}{namespace}/{name}/");
    }
    if asked_path.contains("/versions") {
        path.push_str("versions/");
    }
    if !version.is_empty() {
        path = format!("{path}{version}/");
    }
    if asked_path.ends_with("/docs-blob") {
        path.push_str("docs-blob/");
    }
    Ok(moved(asked, &path))
}

/// `GET v3/imports/`
pub(super) fn imports(asked: &Asked<'_>) -> Result<Response> {
    Ok(moved(asked, "imports/"))
}

/// `GET v3/artifacts/collections/<file>`
pub(super) fn artifact(asked: &Asked<'_>) -> Result<Response> {
    let path = format!(
        "collections/{}/artifacts/collections/{}/",
        encode_path(asked.base_path()),
        encode(asked.request.variable("filename"))
    );
    Ok(moved(asked, &path))
}

fn moved(asked: &Asked<'_>, path: &str) -> Response {
    let query: Vec<String> = asked
        .request
        .query
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("?{}", query.join("&"))
    };
    Response::redirect(
        301,
        format!("{}/v3/plugins/ansible/{path}{query}", asked.root()),
    )
}

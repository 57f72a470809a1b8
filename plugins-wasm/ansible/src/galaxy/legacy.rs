//! Addresses of before, which lead to those of now with their scope.

#![expect(
    clippy::unnecessary_wraps,
    reason = "what answers a route may fail; this does not"
)]

use pith_plugin_sdk::Result;
use pith_plugin_sdk::server::Response;

use super::asked::{Asked, encode, encode_path};

/// `GET v3/collections/…`, `v3/artifacts/`, `v3/imports/`, `v3/namespaces/…` and
/// `v3/artifacts/collections/<file>`
pub(super) fn moved(asked: &Asked<'_>) -> Result<Response> {
    let request = asked.request;
    let entry = super::table::entries().get(request.route as usize);
    let before = entry.map(|entry| entry.path).unwrap_or_default();
    let base_path = encode_path(asked.base_path());
    let path = match before {
        "/v3/imports" => "imports/".to_owned(),
        "/v3/namespaces" => "namespaces/".to_owned(),
        "/v3/namespaces/{rest...}" => {
            format!("namespaces/{}/", encode_path(request.variable("rest")))
        }
        "/v3/artifacts" => format!("collections/{base_path}/artifacts/"),
        "/v3/collections" => format!("collections/{base_path}/index/"),
        "/v3/collections/{rest...}" => match request.variable("rest") {
            "all" => format!("collections/{base_path}/all/"),
            rest => format!("collections/{base_path}/index/{}/", encode_path(rest)),
        },
        _ => {
            let file = encode(request.variable("filename"));
            format!("collections/{base_path}/artifacts/collections/{file}/")
        }
    };
    let query: Vec<String> = request
        .query
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("?{}", query.join("&"))
    };
    Ok(Response::redirect(
        301,
        format!("{}/v3/plugins/ansible/{path}{query}", asked.root()),
    ))
}

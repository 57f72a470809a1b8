//! The archives of collections: published here, downloaded from where content is served.

use pith_plugin_sdk::server::Response;
use pith_plugin_sdk::{Error, Result};
use serde_json::{Value, json};

use super::asked::{Asked, encode_path, id_of, results, units};
use super::collections::text;
use super::page::{self, Page};
use crate::{COLLECTION_VERSION, name};

/// `POST artifacts/collections/`: the host checks and imports the archive in a task.
pub(super) fn publish(asked: &Asked<'_>) -> Result<Response> {
    let site = asked.site()?;
    let repository = match asked.repository(&site) {
        Ok(repository) => repository,
        Err(refused) => return refused.answer(),
    };
    let file = asked
        .request
        .file
        .as_ref()
        .ok_or_else(|| Error::invalid("file: an archive was expected"))?;
    let mut body = json!({"artifact": file.artifact, "repository": repository["pulp_href"]});
    let stem = file.name.strip_suffix(".tar.gz").unwrap_or_default();
    let parts: Vec<&str> = stem.splitn(3, '-').collect();
    let [namespace, name, version] = parts[..] else {
        return Err(Error::invalid(format!(
            "file: the name {:?} is not of the form namespace-name-version.tar.gz",
            file.name
        )));
    };
    body["expected_namespace"] = namespace.into();
    body["expected_name"] = name.into();
    body["expected_version"] = version.into();
    let path = "content/ansible/collection_versions/";
    match asked.call("POST", path, Some(&body)) {
        Ok(accepted) => {
            // The client takes the word before the last slash for the import's name.
            let id = id_of(&accepted["task"]);
            let task = format!("{}/v3/imports/collections/{id}/", asked.root());
            let mut response = Response::json(202, &json!({"task": task}))?;
            response.headers.push(("location".into(), task));
            Ok(response)
        }
        Err(refused) => refused.answer(),
    }
}

/// `GET artifacts/collections/`
pub(super) fn list(asked: &Asked<'_>) -> Result<Response> {
    let site = asked.site()?;
    let page = Page::of(asked.request)?;
    let [limit, offset] = page.filters();
    let filters = [
        ("fields", "namespace,name,version,sha256,size"),
        ("ordering", "namespace,name,version"),
        (limit.0, &*limit.1),
        (offset.0, &*offset.1),
    ];
    let listed = units(&site, COLLECTION_VERSION, &filters)?;
    let root = asked.collections_at(asked.base_path());
    let path = format!("{root}/artifacts/collections/");
    let shown = results(&listed).iter().map(|unit| {
        let [namespace, name, version] =
            ["namespace", "name", "version"].map(|field| text(unit, field));
        let filename = name::of_file(namespace, name, version);
        json!({
            "href": format!("{path}{}", encode_path(&filename)),
            "filename": filename,
            "sha256": unit["sha256"],
            "size": unit["size"],
        })
    });
    let data: Vec<Value> = shown.collect();
    let count = listed["count"].as_u64().unwrap_or_default();
    page::answer(asked.request, &path, page, count, &data)
}

/// `GET artifacts/collections/<file>`
pub(super) fn download(asked: &Asked<'_>) -> Result<Response> {
    // Only what is there leads on: a redirect to nothing tells less than this.
    asked.site()?;
    Ok(Response::redirect(302, place(asked)))
}

/// Where the file is served.
fn place(asked: &Asked<'_>) -> String {
    format!(
        "/pulp/content/{}/{}",
        encode_path(asked.base_path()),
        encode_path(asked.request.variable("filename"))
    )
}

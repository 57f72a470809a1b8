//! Versions of one collection.

use pith_plugin_sdk::server::Response;
use pith_plugin_sdk::{Result, Site};
use serde_json::{Value, json};

use super::asked::{Asked, answer, encode_path, results, units};
use super::collections::{absent, named, remove, text};
use super::page::{self, Page};
use crate::{COLLECTION_MARK, COLLECTION_SIGNATURE, COLLECTION_VERSION, name};

/// `GET index/<namespace>/<name>/versions/`, the newest first.
pub(super) fn list(asked: &Asked<'_>) -> Result<Response> {
    let site = asked.site()?;
    let page = Page::of(asked.request)?;
    let [limit, offset] = page.filters();
    let [namespace, name] = named(asked);
    let ordering = match asked.request.parameter("ordering") {
        Some("version") => "version_order",
        Some("pulp_created") => "pulp_created",
        Some("-pulp_created") => "-pulp_created",
        _ => "-version_order",
    };
    let mut filters = vec![
        ("namespace", namespace),
        ("name", name),
        ("fields", "version,requires_ansible,pulp_created"),
        ("ordering", ordering),
        (limit.0, &limit.1),
        (offset.0, &offset.1),
    ];
    let request = asked.request;
    if let Some(version) = request.parameter("version") {
        filters.push(("version", version));
    }
    if let Some(words) = request.parameter("q") {
        filters.push(("description__icontains", words));
    }
    if request.parameter("is_highest").is_some_and(is_yes) {
        filters.push(("greatest", "precedence:namespace,name"));
    }
    let listed = units(&site, COLLECTION_VERSION, &filters)?;
    let root = collection(asked);
    let marks = marks(&site, namespace, name)?;
    let data: Vec<Value> = results(&listed)
        .iter()
        .map(|unit| summary(&root, unit, &marks))
        .collect();
    let count = listed["count"].as_u64().unwrap_or_default();
    page::answer(request, &format!("{root}versions/"), page, count, &data)
}

/// What a query string says for yes.
pub(super) fn is_yes(text: &str) -> bool {
    ["true", "1", "yes", "on"].contains(&text.to_ascii_lowercase().as_str())
}

/// The address of the collection.
fn collection(asked: &Asked<'_>) -> String {
    let [namespace, name] = named(asked);
    let root = asked.collections_at(asked.base_path());
    format!("{root}/index/{namespace}/{name}/")
}

/// The marks of a collection: versions and values.
fn marks(site: &Site, namespace: &str, name: &str) -> Result<Value> {
    let filters = [
        ("namespace", namespace),
        ("name", name),
        ("fields", "version,value"),
        ("ordering", "value"),
        ("limit", "1000"),
    ];
    units(site, COLLECTION_MARK, &filters)
}

fn summary(collection: &str, unit: &Value, marks: &Value) -> Value {
    let version = text(unit, "version");
    let marks = results(marks).iter();
    let marks: Vec<&Value> = marks
        .filter(|mark| mark["version"] == version)
        .map(|mark| &mark["value"])
        .collect();
    json!({
        "version": version,
        "href": format!("{collection}versions/{}/", encode_path(version)),
        "created_at": unit["pulp_created"],
        "updated_at": unit["pulp_created"],
        "requires_ansible": unit["requires_ansible"],
        "marks": marks,
    })
}

/// The version that the address names.
fn find(asked: &Asked<'_>, site: &Site, left_out: &str) -> Result<Value> {
    let [namespace, name] = named(asked);
    let filters = [
        ("namespace", namespace),
        ("name", name),
        ("version", asked.request.variable("version")),
        ("exclude_fields", left_out),
        ("limit", "1"),
    ];
    let mut listed = units(site, COLLECTION_VERSION, &filters)?;
    match listed["results"].as_array_mut().and_then(Vec::pop) {
        Some(unit) => Ok(unit),
        None => Err(absent(asked)),
    }
}

/// `GET index/<namespace>/<name>/versions/<version>/`
pub(super) fn read(asked: &Asked<'_>) -> Result<Response> {
    let site = asked.site()?;
    let unit = find(asked, &site, "docs_blob")?;
    let collection = collection(asked);
    let [namespace, short] = named(asked);
    let filename = name::of_file(namespace, short, text(&unit, "version"));
    let mut shown = summary(&collection, &unit, &marks(&site, namespace, short)?);
    let base_path = encode_path(asked.base_path());
    let download = format!(
        "{}/pulp/content/{base_path}/{}",
        asked.request.origin,
        encode_path(&filename)
    );
    let more = json!({
        "namespace": {"name": namespace, "metadata_sha256": null},
        "name": short,
        "collection": {"id": unit["pulp_href"], "name": short, "href": collection},
        "artifact": {
            "filename": filename,
            "sha256": unit["sha256"],
            "size": unit["size"],
        },
        "download_url": download,
        "signatures": signatures(&site, text(&unit, "sha256"))?,
        "metadata": metadata(&unit),
        "git_url": null,
        "git_commit_sha": null,
        "manifest": unit["manifest"],
        "files": unit["files"],
    });
    if let (Some(shown), Value::Object(more)) = (shown.as_object_mut(), more) {
        shown.extend(more);
    }
    Response::json(200, &shown)
}

fn metadata(unit: &Value) -> Value {
    let tags = unit["tags"].as_array().into_iter().flatten();
    let tags: Vec<&Value> = tags
        .map(|tag| if tag.is_object() { &tag["name"] } else { tag })
        .collect();
    json!({
        "authors": unit["authors"],
        "contents": unit["contents"],
        "dependencies": unit["dependencies"],
        "description": unit["description"],
        "documentation": unit["documentation"],
        "homepage": unit["homepage"],
        "issues": unit["issues"],
        "license": unit["license"],
        "repository": unit["origin_repository"],
        "tags": tags,
    })
}

/// The signatures of a version that are served with it.
fn signatures(site: &Site, sha256: &str) -> Result<Vec<Value>> {
    let filters = [("sha256", sha256), ("limit", "100")];
    let listed = units(site, COLLECTION_SIGNATURE, &filters)?;
    let signatures = results(&listed).iter().map(|unit| {
        json!({
            "signature": unit["data"],
            "pubkey_fingerprint": unit["pubkey_fingerprint"],
            "signing_service": null,
            "pulp_created": unit["pulp_created"],
        })
    });
    Ok(signatures.collect())
}

/// `GET …/docs-blob/`
pub(super) fn docs(asked: &Asked<'_>) -> Result<Response> {
    let unit = find(asked, &asked.site()?, "manifest,files,contents")?;
    Response::json(200, &json!({"docs_blob": unit["docs_blob"]}))
}

/// `DELETE …/versions/<version>/`
pub(super) fn delete(asked: &Asked<'_>) -> Result<Response> {
    let [namespace, name] = named(asked);
    let which = [
        ("namespace", namespace),
        ("name", name),
        ("version", asked.request.variable("version")),
    ];
    remove(asked, &asked.site()?, &which)
}

/// `POST …/move/<source>/<destination>/`: both repositories change at once, or neither.
pub(super) fn r#move(asked: &Asked<'_>) -> Result<Response> {
    let [source, destination] =
        ["source", "destination"].map(|name| asked.open(asked.request.variable(name)));
    let (source, destination) = (source?, destination?);
    let unit = find(asked, &source, "docs_blob,manifest,files,contents")?;
    let repositories = [&source, &destination].map(|site| asked.repository(site));
    let (from, to) = match repositories {
        [Ok(from), Ok(to)] => (from, to),
        [Err(refused), _] | [_, Err(refused)] => return refused.answer(),
    };
    let mut units = vec![unit["pulp_href"].clone()];
    // What was signed stays signed.
    let of = [("sha256", text(&unit, "sha256")), ("limit", "1000")];
    let signatures = self::units(&source, COLLECTION_SIGNATURE, &of)?;
    let signatures = results(&signatures).iter();
    units.extend(signatures.map(|signature| signature["pulp_href"].clone()));
    let body = json!({"atomic": true, "tasks": [
        {"type": "ansible/adds",
            "parameters": {"repository": to["pulp_href"], "content_units": units}},
        {"type": "ansible/removes",
            "parameters": {"repository": from["pulp_href"], "content_units": units}},
    ]});
    answer(202, asked.call("POST", "task-groups/", Some(&body)))
}

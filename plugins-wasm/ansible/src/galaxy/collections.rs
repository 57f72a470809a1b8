//! Collections of what is served: all versions of one name taken together.

use std::collections::BTreeSet;

use pith_plugin_sdk::server::Response;
use pith_plugin_sdk::{Error, Result, Site};
use serde_json::{Value, json};

use super::asked::{Asked, Refused, answer, below_root, id_of, results, units};
use super::page::{self, Page};
use super::roots::changed;
use super::versions::{self, is_yes};
use crate::{COLLECTION_DEPRECATION, COLLECTION_VERSION, change};

/// Of each collection the highest version: a release if there is one.
const HIGHEST: (&str, &str) = ("greatest", versions::HIGHEST);

/// What is shown of the highest version.
const FIELDS: &str = "namespace,name,version,pulp_created";

/// `GET index/`
pub(super) fn list(asked: &Asked<'_>) -> Result<Response> {
    let site = asked.site()?;
    let page = Page::of(asked.request)?;
    let [limit, offset] = page.filters();
    let mut filters = vec![
        HIGHEST,
        ("fields", FIELDS),
        ("ordering", "namespace,name"),
        (limit.0, &limit.1),
        (offset.0, &offset.1),
    ];
    for name in ["namespace", "name"] {
        if let Some(value) = asked.request.parameter(name) {
            filters.push((name, value));
        }
    }
    let wanted = asked.request.parameter("deprecated").map(is_yes);
    let chosen = wanted.map(|wanted| deprecation_filter(&site, wanted));
    let chosen = chosen.transpose()?;
    match &chosen {
        Some(Some(expression)) => filters.push(("q", expression)),
        // None is deprecated, and those are wanted.
        Some(None) if wanted == Some(true) => filters.push(("name__in", "")),
        _ => {}
    }
    let listed = units(&site, COLLECTION_VERSION, &filters)?;
    let data: Vec<Value> = shown(asked, &site, results(&listed))?;
    let count = listed["count"].as_u64().unwrap_or_default();
    let path = format!("{}/index/", asked.collections_at(asked.base_path()));
    page::answer(asked.request, &path, page, count, &data)
}

/// `GET all/`: every collection at once, which is what servers that mirror this one want.
pub(super) fn all(asked: &Asked<'_>) -> Result<Response> {
    const STEP: u64 = 1000;
    let site = asked.site()?;
    let mut data = Vec::new();
    let limit = STEP.to_string();
    loop {
        let offset = data.len().to_string();
        let filters = [
            HIGHEST,
            ("fields", FIELDS),
            ("ordering", "namespace,name"),
            ("limit", &limit),
            ("offset", &offset),
        ];
        let listed = units(&site, COLLECTION_VERSION, &filters)?;
        let found = results(&listed);
        data.extend(shown(asked, &site, found)?);
        if (found.len() as u64) < STEP {
            return Response::json(200, &data);
        }
    }
}

/// `GET index/<namespace>/<name>/`
pub(super) fn read(asked: &Asked<'_>) -> Result<Response> {
    let site = asked.site()?;
    let [namespace, name] = named(asked);
    let filters = [
        HIGHEST,
        ("fields", FIELDS),
        ("namespace", namespace),
        ("name", name),
    ];
    let listed = units(&site, COLLECTION_VERSION, &filters)?;
    let mut found = shown(asked, &site, results(&listed))?;
    match found.pop() {
        Some(collection) => Response::json(200, &collection),
        None => Err(absent(asked)),
    }
}

/// `PATCH index/<namespace>/<name>/`: whether anybody should use the collection.
pub(super) fn update(asked: &Asked<'_>) -> Result<Response> {
    let body = asked.body();
    let unknown = body.as_object().into_iter().flatten();
    if let Some((name, _)) = unknown.into_iter().find(|(name, _)| *name != "deprecated") {
        return Err(Error::invalid(format!(
            "{name}: of a collection only `deprecated` can be changed"
        )));
    }
    let Some(deprecated) = body["deprecated"].as_bool() else {
        return Err(Error::invalid("deprecated: true or false was expected"));
    };
    let site = asked.site()?;
    let [namespace, name] = named(asked);
    let filters = [
        ("namespace", namespace),
        ("name", name),
        ("fields", "pulp_href"),
        ("limit", "1"),
    ];
    if results(&units(&site, COLLECTION_VERSION, &filters)?).is_empty() {
        return Err(absent(asked));
    }
    let repository = match asked.repository(&site) {
        Ok(repository) => repository,
        Err(refused) => return refused.answer(),
    };
    let body = json!({
        "repository": repository["pulp_href"],
        "namespace": namespace,
        "name": name,
        "deprecated": deprecated,
    });
    let path = format!("ansible/{}/", change::DEPRECATIONS);
    started(asked, asked.call("POST", &path, Some(&body)))
}

/// The answer to whoever started a task.
pub(super) fn started(asked: &Asked<'_>, outcome: Result<Value, Refused>) -> Result<Response> {
    match outcome {
        Ok(accepted) => {
            let id = id_of(&accepted["task"]);
            let task = format!("{}/v3/tasks/{id}/", asked.root());
            Response::json(202, &json!({"task": task, "task_id": id}))
        }
        Err(refused) => refused.answer(),
    }
}

/// `DELETE index/<namespace>/<name>/`: takes all versions out of the repository.
pub(super) fn delete(asked: &Asked<'_>) -> Result<Response> {
    let site = asked.site()?;
    let [namespace, name] = named(asked);
    remove(asked, &site, &[("namespace", namespace), ("name", name)])
}

/// Takes versions out of the repository that is served.
pub(super) fn remove(asked: &Asked<'_>, site: &Site, which: &[(&str, &str)]) -> Result<Response> {
    let mut filters = which.to_vec();
    filters.extend([("fields", "pulp_href"), ("limit", "1000")]);
    let listed = units(site, COLLECTION_VERSION, &filters)?;
    let hrefs: Vec<&Value> = results(&listed)
        .iter()
        .map(|unit| &unit["pulp_href"])
        .collect();
    if hrefs.is_empty() {
        return Err(absent(asked));
    }
    let repository = match asked.repository(site) {
        Ok(repository) => repository,
        Err(refused) => return refused.answer(),
    };
    let path = below_root(&repository["pulp_href"]).unwrap_or_default();
    let path = format!("{path}modify/");
    let body = json!({"remove_content_units": hrefs});
    answer(202, asked.call("POST", &path, Some(&body)))
}

/// What the address names.
pub(super) fn named<'a>(asked: &'a Asked<'_>) -> [&'a str; 2] {
    ["namespace", "name"].map(|name| asked.request.variable(name))
}

pub(super) fn absent(asked: &Asked<'_>) -> Error {
    let [namespace, name] = named(asked);
    Error::not_found(format!(
        "there is no {namespace}.{name} at {:?}",
        asked.base_path()
    ))
}

fn shown(asked: &Asked<'_>, site: &Site, highest: &[Value]) -> Result<Vec<Value>> {
    if highest.is_empty() {
        return Ok(Vec::new());
    }
    let changed = changed(site)?;
    let deprecated = deprecated(site, highest)?;
    let root = asked.collections_at(asked.base_path());
    let shown = highest.iter().map(|unit| {
        let (namespace, name) = (text(unit, "namespace"), text(unit, "name"));
        let href = format!("{root}/index/{namespace}/{name}/");
        let version = text(unit, "version");
        json!({
            "href": href,
            "namespace": namespace,
            "name": name,
            "deprecated": deprecated.contains(&(namespace.to_owned(), name.to_owned())),
            "versions_url": format!("{href}versions/"),
            "highest_version": {
                "href": format!("{href}versions/{version}/"),
                "version": version,
            },
            "created_at": unit["pulp_created"],
            // Clients keep a list of versions for as long as this stays: it moves with
            // whatever is added to the repository or removed from it.
            "updated_at": changed,
        })
    });
    Ok(shown.collect())
}

/// Which of these collections nobody should use any longer.
fn deprecated(site: &Site, highest: &[Value]) -> Result<BTreeSet<(String, String)>> {
    let names: BTreeSet<&str> = highest.iter().map(|unit| text(unit, "name")).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let names = names.join(",");
    let filters = [
        ("name__in", &*names),
        ("fields", "namespace,name"),
        ("limit", "1000"),
    ];
    let listed = units(site, COLLECTION_DEPRECATION, &filters)?;
    let pairs = results(&listed).iter().map(|unit| {
        (
            text(unit, "namespace").to_owned(),
            text(unit, "name").to_owned(),
        )
    });
    Ok(pairs.collect())
}

/// The collections that are deprecated, or those that are not, as an expression of the host's;
/// none if none is.
fn deprecation_filter(site: &Site, wanted: bool) -> Result<Option<String>> {
    let filters = [("fields", "namespace,name"), ("limit", "1000")];
    let listed = units(site, COLLECTION_DEPRECATION, &filters)?;
    let terms: Vec<String> = results(&listed)
        .iter()
        .map(|unit| {
            let (namespace, name) = (text(unit, "namespace"), text(unit, "name"));
            format!("(namespace='{namespace}' AND name='{name}')")
        })
        .collect();
    let any = terms.join(" OR ");
    Ok((!terms.is_empty()).then(|| if wanted { any } else { format!("NOT ({any})") }))
}

/// A text field.
pub(super) fn text<'a>(unit: &'a Value, name: &str) -> &'a str {
    unit[name].as_str().unwrap_or_default()
}

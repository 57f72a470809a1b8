//! Galaxy's API of the first version, as far as `ansible-galaxy role` asks for it.

use pith_plugin_sdk::server::Response;
use pith_plugin_sdk::{Error, Result, Site};
use serde_json::{Value, json};

use super::asked::{Asked, encode, encode_path, results, units};
use super::collections::text;
use crate::{ROLE, role, words};

/// How many are shown if nothing is said, and at most: the client asks for 1,000.
const DEFAULT_LIMIT: u64 = 50;
const MOST: u64 = 1_000;

/// The newest version of each role.
const NEWEST: (&str, &str) = ("greatest", "precedence:namespace,name");

/// `GET v1/`
pub(super) fn root(asked: &Asked<'_>) -> Result<Response> {
    below(asked, "v1/", &["roles/", "search/"])
}

/// `GET v1/search/`
pub(super) fn search_root(asked: &Asked<'_>) -> Result<Response> {
    below(asked, "v1/search/", &["roles/"])
}

fn below(asked: &Asked<'_>, root: &str, parts: &[&str]) -> Result<Response> {
    asked.site_of_roles()?;
    let parts = parts.iter().map(
        |part| json!({"url": format!("{}/{root}{part}", asked.root()), "status": "production"}),
    );
    Response::json(200, &json!({"sub_routes": parts.collect::<Vec<_>>()}))
}

/// `GET v1/roles/`: by the names of the first version, or Pulp's.
pub(super) fn list(asked: &Asked<'_>) -> Result<Response> {
    let mut filters = vec![NEWEST];
    for (given, meant) in [
        ("owner__username", "namespace"),
        ("namespace", "namespace"),
        ("name", "name"),
    ] {
        let value = asked.request.parameter(given);
        filters.extend(
            value
                .filter(|value| !value.is_empty())
                .map(|value| (meant, value)),
        );
    }
    page(asked, "v1/roles/", &filters, of_role)
}

/// `GET v1/search/roles/`: what has all the words in its names, its description or its tags.
pub(super) fn search(asked: &Asked<'_>) -> Result<Response> {
    let parameter = |name| asked.request.parameter(name).unwrap_or_default();
    let mut all: Vec<String> = ["autocomplete", "tags_autocomplete"]
        .into_iter()
        .flat_map(|name| words::of(parameter(name)))
        .collect();
    all.sort_unstable();
    all.dedup();
    let all = all.join(",");
    let mut filters = vec![NEWEST];
    if !all.is_empty() {
        filters.push(("terms", &all));
    }
    let author = parameter("username_autocomplete");
    if !author.is_empty() {
        filters.push(("namespace__istartswith", author));
    }
    page(asked, "v1/search/roles/", &filters, of_role)
}

/// `GET v1/roles/<namespace>.<name>/`
pub(super) fn read(asked: &Asked<'_>) -> Result<Response> {
    let site = asked.site()?;
    let [namespace, name] = named(asked)?;
    let filters = [NEWEST, ("namespace", namespace), ("name", name)];
    let found = units(&site, ROLE, &filters)?;
    match results(&found).first() {
        Some(role) => Response::json(200, &of_role(asked, role)),
        None => Err(absent(asked)),
    }
}

/// `GET v1/roles/<namespace>.<name>/versions/`, the newest first.
pub(super) fn versions(asked: &Asked<'_>) -> Result<Response> {
    let [namespace, name] = named(asked)?;
    let filters = [("namespace", namespace), ("name", name)];
    let path = format!(
        "v1/roles/{}/versions/",
        encode(asked.request.variable("id"))
    );
    page(asked, &path, &filters, of_version)
}

/// Namespace and name: only the first may have dots.
fn named<'a>(asked: &'a Asked<'_>) -> Result<[&'a str; 2]> {
    let id = asked.request.variable("id");
    let parts = id
        .rsplit_once('.')
        .map(|(namespace, name)| [namespace, name]);
    parts.ok_or_else(|| absent(asked))
}

fn absent(asked: &Asked<'_>) -> Error {
    let id = asked.request.variable("id");
    Error::not_found(format!("there is no role {id:?}"))
}

fn of_role(asked: &Asked<'_>, unit: &Value) -> Value {
    let [namespace, name] = ["namespace", "name"].map(|field| text(unit, field));
    let id = format!("{namespace}.{name}");
    let tags = unit["tags"].as_array().into_iter().flatten();
    json!({
        "id": id,
        "name": name,
        "namespace": namespace,
        "username": namespace,
        "description": unit["description"],
        "created": unit["pulp_created"],
        "tags": tags.map(|tag| tag["name"].clone()).collect::<Vec<_>>(),
        "related": {"versions": format!("{}/v1/roles/{}/versions/", asked.root(), encode(&id))},
    })
}

fn of_version(asked: &Asked<'_>, unit: &Value) -> Value {
    let [namespace, name, version] =
        ["namespace", "name", "version"].map(|field| text(unit, field));
    let (origin, base_path) = (&asked.request.origin, encode_path(asked.base_path()));
    let path = encode_path(&role::path(namespace, name, version));
    json!({
        "name": version,
        "source": format!("{origin}/pulp/content/{base_path}/{path}"),
        "created": unit["pulp_created"],
    })
}

/// Answers with one page of what is served; `path` is that of the list.
fn page(
    asked: &Asked<'_>,
    path: &str,
    filters: &[(&str, &str)],
    shown: fn(&Asked<'_>, &Value) -> Value,
) -> Result<Response> {
    let number = |names: [&str; 2]| -> Result<Option<u64>> {
        for name in names {
            let given = asked.request.parameter(name).unwrap_or_default();
            if !given.is_empty() {
                let number = given.parse::<u32>().map_err(|_| {
                    Error::invalid(format!("{name}: a number was expected, not {given:?}"))
                })?;
                return Ok(Some(u64::from(number)));
            }
        }
        Ok(None)
    };
    let limit = number(["page_size", "limit"])?.filter(|limit| *limit > 0);
    let limit = limit.unwrap_or(DEFAULT_LIMIT).min(MOST);
    let offset = match number(["page", "page"])? {
        Some(page) => page.saturating_sub(1).saturating_mul(limit),
        None => number(["offset", "offset"])?.unwrap_or(0),
    };
    let (limit_text, offset_text) = (limit.to_string(), offset.to_string());
    let mut all = vec![
        ("ordering", "namespace,name,-precedence"),
        (
            "fields",
            "namespace,name,version,description,tags,pulp_created",
        ),
        ("limit", limit_text.as_str()),
        ("offset", &offset_text),
    ];
    all.extend(filters);
    let site: Option<Site> = asked.site_of_roles()?;
    let found = match &site {
        Some(site) => units(site, ROLE, &all)?,
        None => json!({"count": 0, "results": []}),
    };
    let count = found["count"].as_u64().unwrap_or_default();
    let mut others = String::new();
    for (name, value) in &asked.request.query {
        if !["limit", "offset", "page", "page_size"].contains(&name.as_str()) {
            others.extend(["&", &encode(name), "=", &encode(value)]);
        }
    }
    let link = |offset: u64| {
        format!(
            "{}/{path}?limit={limit}&offset={offset}{others}",
            asked.root()
        )
    };
    let next = (offset + limit < count).then(|| link(offset + limit));
    let previous = (offset > 0).then(|| link(offset.saturating_sub(limit)));
    let origin = &asked.request.origin;
    let whole = |link: &Option<String>| link.as_ref().map(|link| format!("{origin}{link}"));
    let shown: Vec<Value> = results(&found)
        .iter()
        .map(|one| shown(asked, one))
        .collect();
    Response::json(
        200,
        &json!({
            "count": count,
            "next": whole(&next),
            // The client goes on by these.
            "next_link": next,
            "previous": whole(&previous),
            "previous_link": previous,
            "results": shown,
        }),
    )
}

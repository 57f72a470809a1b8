//! Namespaces as objects of the host: what they say of themselves, and who may do what.

use std::collections::BTreeSet;

use pith_plugin_sdk::server::Response;
use pith_plugin_sdk::{Error, Result};
use serde_json::{Map, Value, json};

use super::asked::{Asked, Refused, below_root, encode, encode_path, results};
use super::collections::text;
use super::page::{self, Page};
use crate::namespace::ENTITIES;

/// What clients send back as they got it.
const READ_ONLY: &[&str] = &[
    "avatar_sha256",
    "href",
    "id",
    "pulp_href",
    "related_fields",
    "task",
];

/// Where the picture is.
const AVATAR: &str = "avatar_url";

/// `GET namespaces/`
pub(super) fn list(asked: &Asked<'_>) -> Result<Response> {
    let page = Page::of(asked.request)?;
    let [limit, offset] = page.filters();
    let mut query = format!("limit={}&offset={}", limit.1, offset.1);
    let mut is_ordered = false;
    for (name, value) in &asked.request.query {
        is_ordered |= name == "ordering";
        if !["limit", "offset", "includ_related"].contains(&name.as_str()) {
            query.extend(["&", &encode(name), "=", &encode(value)]);
        }
    }
    if !is_ordered {
        query.push_str("&ordering=name");
    }
    match asked.call("GET", &format!("{ENTITIES}?{query}"), None) {
        Ok(listed) => {
            let path = format!("{}/v3/plugin/ansible/namespaces/", asked.root());
            let with_href = |one: &Value| {
                let mut shown = shown(asked, one);
                shown["href"] = format!("{path}{}/", encode_path(text(one, "name"))).into();
                shown
            };
            let data: Vec<Value> = results(&listed).iter().map(with_href).collect();
            let count = listed["count"].as_u64().unwrap_or_default();
            page::answer(asked.request, &path, page, count, &data)
        }
        Err(refused) => refused.answer(),
    }
}

/// `POST namespaces/`
pub(super) fn create(asked: &Asked<'_>) -> Result<Response> {
    answer(asked, 201, asked.call("POST", ENTITIES, Some(&body(asked))))
}

/// `GET namespaces/<name>/`
pub(super) fn read(asked: &Asked<'_>) -> Result<Response> {
    answer(asked, 200, find(asked))
}

/// `PUT namespaces/<name>/`
pub(super) fn replace(asked: &Asked<'_>) -> Result<Response> {
    let mut body = body(asked);
    if let Some(fields) = body.as_object_mut() {
        let name = asked.request.variable("name");
        fields.entry("name").or_insert_with(|| name.into());
        // Who does not speak of the picture leaves it.
        if !fields.contains_key(AVATAR) {
            let now = match find(asked) {
                Ok(found) => found[AVATAR].clone(),
                Err(refused) => return refused.answer(),
            };
            fields.insert(AVATAR.to_owned(), now);
        }
    }
    answer(asked, 200, below(asked, "PUT", "", Some(&body)))
}

/// `PATCH namespaces/<name>/`
pub(super) fn update(asked: &Asked<'_>) -> Result<Response> {
    answer(asked, 200, below(asked, "PATCH", "", Some(&body(asked))))
}

/// `GET namespaces/<name>/avatar/`: where the host has the picture.
pub(super) fn avatar(asked: &Asked<'_>) -> Result<Response> {
    match find(asked) {
        Ok(found) => match found["file"].as_str() {
            Some(place) => Ok(Response::redirect(302, place.to_owned())),
            None => Err(Error::not_found("the namespace has no picture")),
        },
        Err(refused) => refused.answer(),
    }
}

/// `DELETE namespaces/<name>/`: what was published in it stays.
pub(super) fn delete(asked: &Asked<'_>) -> Result<Response> {
    match below(asked, "DELETE", "", None) {
        Ok(_) => Ok(Response {
            status: 204,
            headers: Vec::new(),
            body: Vec::new(),
        }),
        Err(refused) => refused.answer(),
    }
}

/// `GET namespaces/<name>/users/`
pub(super) fn users(asked: &Asked<'_>) -> Result<Response> {
    members(asked, "users")
}

/// `PUT namespaces/<name>/users/`
pub(super) fn set_users(asked: &Asked<'_>) -> Result<Response> {
    set_members(asked, "users")
}

/// `DELETE namespaces/<name>/users/`
pub(super) fn remove_users(asked: &Asked<'_>) -> Result<Response> {
    remove_members(asked, "users")
}

/// `GET namespaces/<name>/groups/`
pub(super) fn groups(asked: &Asked<'_>) -> Result<Response> {
    members(asked, "groups")
}

/// `PUT namespaces/<name>/groups/`
pub(super) fn set_groups(asked: &Asked<'_>) -> Result<Response> {
    set_members(asked, "groups")
}

/// `DELETE namespaces/<name>/groups/`
pub(super) fn remove_groups(asked: &Asked<'_>) -> Result<Response> {
    remove_members(asked, "groups")
}

fn members(asked: &Asked<'_>, who: &str) -> Result<Response> {
    let page = Page::of(asked.request)?;
    match below(asked, "GET", &format!("{who}/"), None) {
        Ok(listed) => {
            let all = results(&listed);
            let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
            let some = all
                .iter()
                .skip(number(page.offset))
                .take(number(page.limit));
            let data: Vec<Value> = some.cloned().collect();
            let name = asked.request.variable("name");
            let path = format!(
                "{}/v3/plugin/ansible/namespaces/{name}/{who}/",
                asked.root()
            );
            page::answer(asked.request, &path, page, all.len() as u64, &data)
        }
        Err(refused) => refused.answer(),
    }
}

fn set_members(asked: &Asked<'_>, who: &str) -> Result<Response> {
    match below(asked, "PUT", &format!("{who}/"), Some(&asked.body())) {
        Ok(listed) => Response::json(200, &results(&listed)),
        Err(refused) => refused.answer(),
    }
}

fn remove_members(asked: &Asked<'_>, who: &str) -> Result<Response> {
    let ids = asked.body();
    match below(asked, "DELETE", &format!("{who}/"), Some(&ids)) {
        Ok(_) => Response::json(200, &ids),
        Err(refused) => refused.answer(),
    }
}

/// The namespaces of these names that the one who asks may see.
pub(super) fn summaries(asked: &Asked<'_>, names: &BTreeSet<&str>) -> Map<String, Value> {
    let names: Vec<&str> = names.iter().copied().collect();
    let path = format!("{ENTITIES}?limit=100&name__in={}", encode(&names.join(",")));
    let listed = asked.call("GET", &path, None).ok().unwrap_or_default();
    let found = results(&listed).iter().map(|one| {
        let mut summary = shown(asked, one);
        if let Some(fields) = summary.as_object_mut() {
            fields.retain(|name, _| !["links", "resources", "pulp_href"].contains(&name.as_str()));
        }
        (text(one, "name").to_owned(), summary)
    });
    found.collect()
}

/// The namespace that the address names.
fn find(asked: &Asked<'_>) -> Result<Value, Refused> {
    let name = asked.request.variable("name");
    let given = asked.request.query.iter();
    let wanted: Vec<String> = given
        .filter(|(name, _)| name == "include_related")
        .map(|(_, value)| format!("&include_related={}", encode(value)))
        .collect();
    let path = format!("{ENTITIES}?name={}{}", encode(name), wanted.concat());
    let listed = asked.call("GET", &path, None)?;
    match results(&listed).first() {
        Some(found) => Ok(found.clone()),
        None => Err(Error::not_found(format!("there is no namespace {name:?}")).into()),
    }
}

/// Asks the host for something below the namespace that the address names.
fn below(
    asked: &Asked<'_>,
    method: &str,
    more: &str,
    body: Option<&Value>,
) -> Result<Value, Refused> {
    let found = find(asked)?;
    let path = below_root(&found["pulp_href"]).unwrap_or_default();
    asked.call(method, &format!("{path}{more}"), body)
}

fn body(asked: &Asked<'_>) -> Value {
    let mut body = asked.body();
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
        // Who sends back what he got means the picture that is there.
        let is_ours = |value: &Value| value.as_str().is_some_and(|url| is_ours(asked, url));
        if fields.get(AVATAR).is_some_and(is_ours) {
            fields.remove(AVATAR);
        }
    }
    body
}

/// Whether an address is the one that a picture of this server is shown at.
fn is_ours(asked: &Asked<'_>, url: &str) -> bool {
    let path = url.strip_prefix(&asked.request.origin);
    path.is_some_and(|path| {
        path.contains("/v3/plugin/ansible/namespaces/") && path.ends_with("/avatar/")
    })
}

fn answer(asked: &Asked<'_>, status: u16, outcome: Result<Value, Refused>) -> Result<Response> {
    match outcome {
        Ok(found) => Response::json(status, &shown(asked, &found)),
        Err(refused) => refused.answer(),
    }
}

fn shown(asked: &Asked<'_>, entity: &Value) -> Value {
    let mut shown = json!({
        "pulp_href": entity["pulp_href"],
        "id": entity["id"],
    });
    for name in [
        "name",
        "company",
        "email",
        AVATAR,
        "description",
        "links",
        "resources",
    ] {
        shown[name] = entity[name].clone();
    }
    shown["avatar_sha256"] = entity["file_sha256"].clone();
    if !entity["file"].is_null() {
        let (origin, root) = (&asked.request.origin, asked.root());
        let name = encode_path(text(entity, "name"));
        let place = format!("{origin}{root}/v3/plugin/ansible/namespaces/{name}/avatar/");
        shown[AVATAR] = place.into();
    }
    // Fetches the picture; it is not there before.
    for name in ["related_fields", "task"] {
        if !entity[name].is_null() {
            shown[name] = entity[name].clone();
        }
    }
    shown
}

//! What is served, and where it is synced from.

use std::collections::{BTreeMap, BTreeSet};

use pith_plugin_sdk::server::Response;
use pith_plugin_sdk::{Error, Result};
use serde_json::{Map, Value, json};

use super::asked::{Asked, Refused, answer, below_root, config, encode, id_of, results};
use super::collections::{started, text};
use super::page::{self, Page};

/// `GET distributions/`
pub(super) fn list(asked: &Asked<'_>) -> Result<Response> {
    let page = Page::of(asked.request)?;
    let query: Vec<String> = page
        .filters()
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    let path = format!(
        "distributions/ansible/ansible/?ordering=name&{}",
        query.join("&")
    );
    let listed = match asked.call("GET", &path, None) {
        Ok(listed) => listed,
        Err(refused) => return refused.answer(),
    };
    let data = shown(asked, results(&listed));
    let count = listed["count"].as_u64().unwrap_or_default();
    let path = format!("{}/v3/plugin/ansible/distributions/", asked.root());
    page::answer(asked.request, &path, page, count, &data)
}

/// `GET distributions/<base path>/`
pub(super) fn read(asked: &Asked<'_>) -> Result<Response> {
    let one = [config(&asked.site()?)];
    Response::json(200, &shown(asked, &one)[0])
}

fn shown(asked: &Asked<'_>, distributions: &[Value]) -> Vec<Value> {
    let given = asked.request.query.iter();
    let wanted: BTreeSet<&str> = given
        .filter(|(name, _)| name == "include_related" || name == "includ_related")
        .flat_map(|(_, value)| value.split(','))
        .collect();
    let related = Related::of(asked, distributions, &wanted);
    let shown = distributions.iter().map(|distribution| {
        let base_path = text(distribution, "base_path");
        let mut shown = json!({
            "pulp_id": id_of(&distribution["pulp_href"]),
            "name": distribution["name"],
            "base_path": distribution["base_path"],
            "repository": distribution["repository"],
            "href": asked.distribution_at(base_path),
            "collections_href": format!("{}/", asked.collections_at(base_path)),
        });
        let fields: Map<String, Value> = wanted
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), related.field(distribution, name)?)))
            .collect();
        if !fields.is_empty() {
            shown["related_fields"] = fields.into();
        }
        shown
    });
    shown.collect()
}

/// What belongs to distributions, by hrefs; what the one who asks may not see is not there.
#[derive(Default)]
struct Related {
    repositories: BTreeMap<String, Value>,
    remotes: BTreeMap<String, Value>,
    /// By the href of the repository.
    syncs: BTreeMap<String, Value>,
}

impl Related {
    /// All that is wanted of all of them at once.
    fn of(asked: &Asked<'_>, distributions: &[Value], wanted: &BTreeSet<&str>) -> Self {
        if wanted.is_empty() {
            return Self::default();
        }
        let hrefs = distributions.iter().map(|one| &one["repository"]);
        let repositories = all_of(asked, hrefs);
        let remotes = if wanted.contains("remote") {
            all_of(asked, repositories.values().map(|one| &one["remote"]))
        } else {
            BTreeMap::new()
        };
        let syncs = if wanted.contains("last_sync_task") {
            let last = |(href, repository): (&String, &Value)| {
                Some((href.clone(), last_sync(asked, repository)?))
            };
            repositories.iter().filter_map(last).collect()
        } else {
            BTreeMap::new()
        };
        Self {
            repositories,
            remotes,
            syncs,
        }
    }

    /// A summary; none for what this distribution does not have.
    fn field(&self, distribution: &Value, name: &str) -> Option<Value> {
        let href = distribution["repository"].as_str()?;
        let repository = self.repositories.get(href)?;
        match name {
            "repository" => Some(json!({
                "name": repository["name"],
                "description": repository["description"],
                "pulp_id": id_of(&repository["pulp_href"]),
                "pulp_last_updated": repository["pulp_last_updated"],
            })),
            "remote" => {
                let remote = self.remotes.get(repository["remote"].as_str()?)?;
                Some(json!({
                    "url": remote["url"],
                    "pk": id_of(&remote["pulp_href"]),
                    "name": remote["name"],
                }))
            }
            "last_sync_task" => self.syncs.get(href).cloned(),
            _ => None,
        }
    }
}

/// What these hrefs lead to, asked for by one list of each type.
fn all_of<'a>(
    asked: &Asked<'_>,
    hrefs: impl Iterator<Item = &'a Value>,
) -> BTreeMap<String, Value> {
    let mut by_type: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for href in hrefs {
        let id = id_of(href);
        if let (Some(text), Some(path)) = (href.as_str(), below_root(href))
            && let Some((place, _)) = path.split_once(id)
        {
            by_type.entry(place.to_owned()).or_default().insert(text);
        }
    }
    let mut found = BTreeMap::new();
    for (place, hrefs) in by_type {
        let hrefs: Vec<&str> = hrefs.into_iter().collect();
        let path = format!(
            "{place}?limit=100&pulp_href__in={}",
            encode(&hrefs.join(","))
        );
        let Ok(listed) = asked.call("GET", &path, None) else {
            continue;
        };
        for one in results(&listed) {
            let href = one["pulp_href"].as_str().unwrap_or_default();
            found.insert(href.to_owned(), one.clone());
        }
    }
    found
}

fn last_sync(asked: &Asked<'_>, repository: &Value) -> Option<Value> {
    let prn = repository["prn"].as_str()?;
    let path = format!(
        "tasks/ansible/syncs/?limit=1&ordering=-pulp_created&reserved_resources={}",
        encode(prn)
    );
    let listed = asked.call("GET", &path, None).ok()?;
    let task = results(&listed).first()?;
    Some(json!({
        "task_id": id_of(&task["pulp_href"]),
        "state": task["state"],
        "started_at": task["started_at"],
        "finished_at": task["finished_at"],
        "error": task["error"],
    }))
}

/// `POST distributions/<base path>/sync/`
pub(super) fn sync(asked: &Asked<'_>) -> Result<Response> {
    let repository = match asked.repository(&asked.site()?) {
        Ok(repository) => repository,
        Err(refused) => return refused.answer(),
    };
    let path = below_root(&repository["pulp_href"]).unwrap_or_default();
    let path = format!("{path}sync/");
    started(asked, asked.call("POST", &path, Some(&json!({}))))
}

/// `GET distributions/<base path>/sync/config/`
pub(super) fn config_of_sync(asked: &Asked<'_>) -> Result<Response> {
    match remote(asked) {
        Ok((repository, remote)) => Response::json(200, &sync_config(asked, &repository, &remote)),
        Err(refused) => refused.answer(),
    }
}

/// `PUT distributions/<base path>/sync/config/`
pub(super) fn configure(asked: &Asked<'_>) -> Result<Response> {
    let remote = match remote(asked) {
        Ok((_, remote)) => remote,
        Err(refused) => return refused.answer(),
    };
    let mut body = asked.body();
    if let Some(fields) = body.as_object_mut() {
        for read_only in ["pk", "created_at", "updated_at", "last_sync_task"] {
            fields.remove(read_only);
        }
    }
    let path = below_root(&remote["pulp_href"]).unwrap_or_default();
    answer(202, asked.call("PATCH", path, Some(&body)))
}

/// The repository that is served, and its remote.
fn remote(asked: &Asked<'_>) -> Result<(Value, Value), Refused> {
    let repository = asked.repository(&asked.site()?)?;
    let path = below_root(&repository["remote"])
        .ok_or_else(|| Error::not_found("the repository that is served has no remote"))?;
    let remote = asked.call("GET", path, None)?;
    Ok((repository, remote))
}

fn sync_config(asked: &Asked<'_>, repository: &Value, remote: &Value) -> Value {
    let mut shown = json!({
        "pk": id_of(&remote["pulp_href"]),
        "created_at": remote["pulp_created"],
        "updated_at": remote["pulp_last_updated"],
    });
    for name in [
        "name",
        "url",
        "auth_url",
        "policy",
        "requirements_file",
        "tls_validation",
        "client_cert",
        "ca_cert",
        "download_concurrency",
        "proxy_url",
        "rate_limit",
        "signed_only",
        "sync_dependencies",
    ] {
        shown[name] = remote[name].clone();
    }
    shown["last_sync_task"] = last_sync(asked, repository).unwrap_or_default();
    shown
}

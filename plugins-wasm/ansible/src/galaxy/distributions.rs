//! What is served, and where it is synced from.

use pith_plugin_sdk::server::Response;
use pith_plugin_sdk::{Error, Result};
use serde_json::{Map, Value, json};

use super::asked::{Asked, answer, below_root, config, encode, id_of, results};
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
    let data: Vec<Value> = results(&listed)
        .iter()
        .map(|one| shown(asked, one))
        .collect();
    let count = listed["count"].as_u64().unwrap_or_default();
    let path = format!("{}/v3/plugin/ansible/distributions/", asked.root());
    page::answer(asked.request, &path, page, count, &data)
}

/// `GET distributions/<base path>/`
pub(super) fn read(asked: &Asked<'_>) -> Result<Response> {
    Response::json(200, &shown(asked, &config(&asked.site()?)))
}

fn shown(asked: &Asked<'_>, distribution: &Value) -> Value {
    let mut shown = json!({
        "pulp_id": id_of(&distribution["pulp_href"]),
        "name": distribution["name"],
        "base_path": distribution["base_path"],
        "repository": distribution["repository"],
    });
    let mut wanted = asked
        .request
        .query
        .iter()
        .filter(|(name, _)| name == "include_related" || name == "includ_related")
        .flat_map(|(_, value)| value.split(','));
    let related: Map<String, Value> = wanted
        .by_ref()
        .filter_map(|name| Some((name.to_owned(), related(asked, distribution, name)?)))
        .collect();
    if !related.is_empty() {
        shown["related_fields"] = related.into();
    }
    shown
}

/// A summary of what belongs to a distribution; none for what this one does not have or the
/// one who asks may not see.
fn related(asked: &Asked<'_>, distribution: &Value, name: &str) -> Option<Value> {
    let repository = below_root(&distribution["repository"])?;
    let repository = asked.call("GET", repository, None).ok()?;
    match name {
        "repository" => Some(json!({
            "name": repository["name"],
            "description": repository["description"],
            "pulp_id": id_of(&repository["pulp_href"]),
            "pulp_last_updated": repository["pulp_last_updated"],
        })),
        "remote" => {
            let remote = asked
                .call("GET", below_root(&repository["remote"])?, None)
                .ok()?;
            Some(json!({
                "url": remote["url"],
                "pk": id_of(&remote["pulp_href"]),
                "name": remote["name"],
            }))
        }
        "last_sync_task" => last_sync(asked, &repository),
        _ => None,
    }
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

/// The repository that is served, as a path below the host's root.
fn repository(asked: &Asked<'_>) -> Result<String> {
    let config = config(&asked.site()?);
    below_root(&config["repository"])
        .map(str::to_owned)
        .ok_or_else(|| {
            Error::conflict(
                "what is served here is one version of a repository, which does not change",
            )
        })
}

/// `POST distributions/<base path>/sync/`
pub(super) fn sync(asked: &Asked<'_>) -> Result<Response> {
    let path = format!("{}sync/", repository(asked)?);
    match asked.call("POST", &path, Some(&json!({}))) {
        Ok(accepted) => {
            let id = id_of(&accepted["task"]);
            let task = format!("{}/v3/tasks/{id}/", asked.root());
            Response::json(202, &json!({"task": task, "task_id": id}))
        }
        Err(refused) => refused.answer(),
    }
}

/// `GET distributions/<base path>/sync/config/`
pub(super) fn config_of_sync(asked: &Asked<'_>) -> Result<Response> {
    match remote(asked)? {
        Ok(remote) => Response::json(200, &sync_config(asked, &remote)),
        Err(refused) => refused.answer(),
    }
}

/// `PUT distributions/<base path>/sync/config/`
pub(super) fn configure(asked: &Asked<'_>) -> Result<Response> {
    let remote = match remote(asked)? {
        Ok(remote) => remote,
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

type Remote = Result<Value, super::asked::Refused>;

/// The remote of the repository that is served.
fn remote(asked: &Asked<'_>) -> Result<Remote> {
    let repository = match asked.call("GET", &repository(asked)?, None) {
        Ok(repository) => repository,
        Err(refused) => return Ok(Err(refused)),
    };
    let Some(path) = below_root(&repository["remote"]) else {
        return Err(Error::not_found(
            "the repository that is served has no remote",
        ));
    };
    Ok(asked.call("GET", path, None))
}

fn sync_config(asked: &Asked<'_>, remote: &Value) -> Value {
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
    let distribution = asked.site().map(|site| config(&site));
    shown["last_sync_task"] = distribution
        .ok()
        .and_then(|distribution| related(asked, &distribution, "last_sync_task"))
        .unwrap_or_default();
    shown
}

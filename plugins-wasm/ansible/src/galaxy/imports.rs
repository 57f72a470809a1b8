//! Imports of collections, and the other tasks of the host, in Galaxy's words.

use pith_plugin_sdk::Result;
use pith_plugin_sdk::server::Response;
use serde_json::{Value, json};

use super::asked::{Asked, encode, id_of, results};
use super::page::{self, Page};

/// `GET imports/collections/<id>/`
pub(super) fn read(asked: &Asked<'_>) -> Result<Response> {
    one(asked, import)
}

/// `GET tasks/<id>/`
pub(super) fn task(asked: &Asked<'_>) -> Result<Response> {
    one(asked, shown)
}

fn one(asked: &Asked<'_>, show: fn(&Asked<'_>, &Value) -> Value) -> Result<Response> {
    let path = format!("tasks/{}/", encode(asked.request.variable("id")));
    match asked.call("GET", &path, None) {
        Ok(task) => Response::json(200, &show(asked, &task)),
        Err(refused) => refused.answer(),
    }
}

/// `GET imports/`
pub(super) fn list(asked: &Asked<'_>) -> Result<Response> {
    pages(
        asked,
        "tasks/ansible/uploads/",
        "plugin/ansible/imports/",
        import,
    )
}

/// `GET tasks/`
pub(super) fn tasks(asked: &Asked<'_>) -> Result<Response> {
    pages(asked, "tasks/", "tasks/", shown)
}

fn pages(
    asked: &Asked<'_>,
    from: &str,
    at: &str,
    show: fn(&Asked<'_>, &Value) -> Value,
) -> Result<Response> {
    let page = Page::of(asked.request)?;
    let mut query: Vec<String> = page
        .filters()
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    for name in ["state", "state__in", "name", "name__contains", "ordering"] {
        if let Some(value) = asked.request.parameter(name) {
            query.push(format!("{name}={}", encode(value)));
        }
    }
    let path = format!("{from}?{}", query.join("&"));
    match asked.call("GET", &path, None) {
        Ok(listed) => {
            let data: Vec<Value> = results(&listed)
                .iter()
                .map(|task| show(asked, task))
                .collect();
            let count = listed["count"].as_u64().unwrap_or_default();
            let path = format!("{}/v3/{at}", asked.root());
            page::answer(asked.request, &path, page, count, &data)
        }
        Err(refused) => refused.answer(),
    }
}

/// An import: its state, what was wrong, and what happened so far.
fn import(_: &Asked<'_>, task: &Value) -> Value {
    state_of(task)
}

fn state_of(task: &Value) -> Value {
    let parameters = &task["parameters"];
    let mut messages: Vec<Value> = task["progress_reports"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|report| message("INFO", &report["message"], &task["started_at"]))
        .collect();
    let state = match task["state"].as_str() {
        Some("canceled" | "skipped") => "failed",
        Some("canceling") => "running",
        Some(state) => state,
        None => "waiting",
    };
    let error = match (state, &task["error"]) {
        ("failed", Value::Null) => json!({
            "code": "cancelled", "description": "The import was cancelled.", "traceback": "",
        }),
        (_, Value::Null) => Value::Null,
        (_, error) => json!({
            "code": error["code"], "description": error["description"], "traceback": "",
        }),
    };
    if !error.is_null() {
        messages.push(message(
            "ERROR",
            &error["description"],
            &task["finished_at"],
        ));
    }
    json!({
        "id": id_of(&task["pulp_href"]),
        "state": state,
        "namespace": parameters["expected_namespace"],
        "name": parameters["expected_name"],
        "version": parameters["expected_version"],
        "created_at": task["pulp_created"],
        "updated_at": task["pulp_last_updated"],
        "started_at": task["started_at"],
        "finished_at": task["finished_at"],
        "error": error,
        "messages": messages,
    })
}

fn message(level: &str, text: &Value, time: &Value) -> Value {
    json!({"level": level, "message": text, "time": time})
}

/// Any task.
fn shown(asked: &Asked<'_>, task: &Value) -> Value {
    let id = id_of(&task["pulp_href"]);
    json!({
        "pulp_id": id,
        "href": format!("{}/v3/tasks/{id}/", asked.root()),
        "name": task["name"],
        "state": task["state"],
        "created_at": task["pulp_created"],
        "updated_at": task["pulp_last_updated"],
        "started_at": task["started_at"],
        "finished_at": task["finished_at"],
        "error": task["error"],
        "worker": task["worker"],
        "parent_task": task["parent_task"],
        "child_tasks": task["child_tasks"],
        "progress_reports": task["progress_reports"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_reads_states_and_errors() {
        let failed = state_of(&json!({
            "pulp_href": "/pulp/api/v3/tasks/7/",
            "state": "failed",
            "error": {"code": "invalid", "description": "no manifest"},
            "progress_reports": [{"message": "Checking"}],
        }));
        assert_eq!(failed["id"], "7");
        assert_eq!(failed["error"]["code"], "invalid");
        assert_eq!(failed["messages"][0]["message"], "Checking");
        assert_eq!(failed["messages"][1]["level"], "ERROR");
        let cancelled = state_of(&json!({"state": "canceled"}));
        assert_eq!(cancelled["state"], "failed");
        assert_eq!(cancelled["error"]["code"], "cancelled");
        let running = state_of(&json!({"state": "running"}));
        assert!(running["error"].is_null());
    }
}

//! A task in the making: what it is called, what it does, and which locks it needs.
//!
//! Pulp's verbs and `tasks/<plugin>/<type>/` make the very same orders; each kind is
//! built by the file of its name.

pub(crate) mod change;
pub(crate) mod copy;
pub(crate) mod modify;
mod named_unit;
pub(crate) mod publish;
pub(crate) mod sync;
pub(crate) mod units;
pub(crate) mod upload;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{self, HeaderValue};
use pith_db::access::{Access, Object};
use pith_db::repository::Repository;
use pith_db::task::NewTask;
use pith_db::{Connection, Transaction, task_note};
use pith_model::TaskId;
use pith_model::access::Securable;
use pith_model::task::Lock;
use pith_tasks::profile;
use pith_tasks::work::Work;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::context::Context;
use crate::document::{self, Href};
use crate::error::{Error, Result};

/// The plugin name of the host's own tasks.
pub(crate) const CORE: &str = "core";

/// Who makes or removes a distribution holds this, so that no two base paths overlap.
pub(crate) const DISTRIBUTIONS: &str = "core.distributions";

/// Who cleans up holds this.
pub(crate) const ORPHANS: &str = "core.orphans";

/// A checked task that is not made yet.
#[derive(Debug)]
pub(crate) struct Order {
    /// Pulp's name for it, by which its clients find it.
    pub(crate) name: String,
    /// The plugin, or [`CORE`].
    pub(crate) plugin: String,
    /// `syncs` in `tasks/file/syncs/`.
    pub(crate) type_name: String,
    /// Of the plugin.
    pub(crate) plugin_version: Option<String>,
    /// As the user gave them.
    pub(crate) parameters: Map<String, Value>,
    /// What the worker does.
    pub(crate) work: Work,
    /// What it must hold.
    pub(crate) locks: Vec<Lock>,
}

impl Order {
    /// One of the host's own tasks.
    pub(crate) fn core(
        name: &str,
        type_name: &str,
        parameters: Value,
        work: Work,
        locks: Vec<Lock>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            plugin: CORE.to_owned(),
            type_name: type_name.to_owned(),
            plugin_version: None,
            parameters: match parameters {
                Value::Object(map) => map,
                _ => Map::new(),
            },
            work,
            locks,
        }
    }
}

/// Longer lists are kept as their length: a task is read far more often than the
/// 10,000 hrefs that it was given.
const SHOWN: usize = 100;

/// Parameters as a task shows them.
pub(crate) fn shown(fields: &Map<String, Value>) -> Map<String, Value> {
    fields
        .iter()
        .map(|(name, value)| (name.clone(), shortened(value)))
        .collect()
}

fn shortened(value: &Value) -> Value {
    match value {
        Value::Array(list) if list.len() > SHOWN => json!({"count": list.len()}),
        Value::Array(list) => list.iter().map(shortened).collect(),
        Value::Object(map) => Value::Object(shown(map)),
        other => other.clone(),
    }
}

/// Whether a list in a task's parameters was kept as its length only.
pub(crate) fn is_shortened(value: &Value) -> bool {
    match value {
        Value::Array(list) => list.iter().any(is_shortened),
        Value::Object(map) => {
            let count = map.get("count").and_then(Value::as_u64);
            let is_count = map.len() == 1 && count.is_some_and(|count| count > SHOWN as u64);
            is_count || map.values().any(is_shortened)
        }
        _ => false,
    }
}

/// Refuses whoever may not do this with a repository that he sees.
pub(crate) async fn permit(
    connection: &mut Connection,
    access: &Access,
    repository: &Repository,
    verb: &str,
) -> Result<()> {
    let (plugin, type_name) = (&repository.plugin, &repository.type_name);
    let object = Object::typed(Securable::Repository, repository.id.0, plugin, type_name);
    if access.may(connection, &object, verb).await? {
        Ok(())
    } else {
        Err(Error::forbidden())
    }
}

/// Makes the task.
pub(crate) async fn place(context: &Context, order: Order) -> Result<(TaskId, Uuid)> {
    let new = new_task(context, order)?;
    Ok(context.app.scheduler.dispatch(new).await?)
}

/// The task that an order asks for.
pub(crate) fn new_task(context: &Context, order: Order) -> Result<NewTask> {
    let mut work = serde_json::to_value(&order.work).map_err(|error| Error::internal(&error))?;
    if !context.diagnostics.is_empty() {
        work[profile::FIELD] = json!(context.diagnostics);
    }
    Ok(NewTask {
        synced: synced(&order.work, &order.locks),
        name: order.name,
        plugin: order.plugin,
        type_name: order.type_name,
        plugin_version: order.plugin_version,
        parameters: Value::Object(order.parameters),
        work,
        locks: order.locks,
        logging_cid: context.correlation_id.0.to_string(),
        user: Some(context.user()?.id),
        owned: !context.user()?.is_superuser,
        parent: None,
    })
}

/// What a task is the newest sync of: all that it holds, if it is one.
pub(crate) fn synced(work: &Work, locks: &[Lock]) -> Vec<String> {
    match work {
        Work::Sync { .. } => locks.iter().map(|lock| lock.resource.clone()).collect(),
        _ => Vec::new(),
    }
}

/// Notes a change that was made at once, as Pulp does: as a task that is over.
pub(crate) async fn note_update(
    context: &Context,
    transaction: &mut Transaction,
    prn: String,
    fields: &[String],
) -> Result<()> {
    let new = NewTask {
        name: "pulpcore.app.tasks.base.ageneral_update".to_owned(),
        plugin: CORE.to_owned(),
        type_name: "updates".to_owned(),
        plugin_version: None,
        // Names alone: among the values are secrets.
        parameters: json!({"resource": prn, "fields": fields}),
        work: Value::Null,
        locks: vec![Lock::exclusive(prn)],
        synced: Vec::new(),
        logging_cid: context.correlation_id.0.to_string(),
        user: Some(context.user()?.id),
        owned: !context.user()?.is_superuser,
        parent: None,
    };
    Ok(task_note::insert(transaction, new).await?)
}

/// Makes the task and answers as Pulp's verbs do: `202 {"task": href}`.
pub(crate) async fn accept(context: &Context, order: Order) -> Result<Response> {
    let (_, uuid) = place(context, order).await?;
    let href = Href(context.root, format_args!("tasks/{uuid}/")).to_string();
    let mut response = document::object(None, |object| {
        object.field("task", &href);
    });
    *response.status_mut() = StatusCode::ACCEPTED;
    set_location(&mut response, &href);
    Ok(response.into_response())
}

/// Says where what was made is.
pub(crate) fn set_location(response: &mut Response, href: &str) {
    if let Ok(value) = HeaderValue::from_str(href) {
        response.headers_mut().insert(header::LOCATION, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_shown_by_their_length() {
        let list: Vec<u32> = (0..101).collect();
        let Value::Object(fields) = json!({"a": list, "b": [1], "c": "x"}) else {
            panic!()
        };
        let expected = json!({"a": {"count": 101}, "b": [1], "c": "x"});
        let shown = Value::Object(shown(&fields));
        assert_eq!(shown, expected);
        assert!(is_shortened(&shown));
        assert!(!is_shortened(&json!({"b": [{"count": 1}], "count": "x"})));
    }
}

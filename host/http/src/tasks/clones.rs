//! The same task again, with any of its parameters overridden.

use axum::extract::{Path, Request};
use axum::response::Response;
use pith_db::task::{NewTask, Task};
use pith_model::task::Lock;
use pith_tasks::work::Work;
use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use super::build::order_of;
use super::create::accepted;
use super::{find, find_typed};
use crate::body::{self, Fields};
use crate::context::Context;
use crate::declared;
use crate::error::{Error, Result};
use crate::order::{self, CORE};

/// What it takes: whatever the type of the task does.
pub(super) fn described() -> Value {
    json!({"type": "object", "additionalProperties": true})
}

/// `POST tasks/<id>/clones/`
pub(super) async fn clone(
    context: Context,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response> {
    let task = {
        let mut connection = context.app.database.read().await?;
        find(&mut connection, &id).await?
    };
    make(&context, &task, request).await
}

/// `POST tasks/<plugin>/<type>/<id>/clones/`
pub(super) async fn typed(
    context: Context,
    Path(path): Path<(String, String, String)>,
    request: Request,
) -> Result<Response> {
    let task = {
        let mut connection = context.app.database.read().await?;
        find_typed(&mut connection, &path).await?
    };
    make(&context, &task, request).await
}

async fn make(context: &Context, task: &Task, request: Request) -> Result<Response> {
    let overrides = body::read(request, body::LIMIT_OF_UNITS).await?;
    // What was allowed once is looked at again, but for administrators.
    let mut new = if overrides.map.is_empty() && context.access()?.is_everything() {
        same(context, task)?
    } else {
        changed(context, task, overrides).await?
    };
    new.parent = Some(task.id);
    let (id, _) = context.app.scheduler.dispatch(new).await?;
    accepted(context, id).await
}

/// The very same work: what was checked and resolved once is taken over.
fn same(context: &Context, task: &Task) -> Result<NewTask> {
    let plugin_version = if task.plugin == CORE {
        None
    } else {
        let generation = declared::generation_of_row(&context.app, &task.plugin)?;
        Some(generation.version().to_owned())
    };
    let locks = task.reserved.as_array().into_iter().flatten();
    let locks = locks.filter_map(|record| record.as_str().map(Lock::of_record));
    let locks: Vec<Lock> = locks.collect();
    let work = Work::deserialize(&task.work).map_err(|error| Error::internal(&error))?;
    Ok(NewTask {
        synced: order::synced(&work, &locks),
        name: task.name.clone(),
        plugin: task.plugin.clone(),
        type_name: task.type_name.clone(),
        plugin_version,
        parameters: task.parameters.clone(),
        work: task.work.clone(),
        locks,
        logging_cid: context.correlation_id.0.to_string(),
        user: Some(context.user()?.id),
        owned: !context.user()?.is_superuser,
        parent: None,
    })
}

/// The task's parameters and the new ones on top, checked like any others.
async fn changed(context: &Context, task: &Task, overrides: Fields) -> Result<NewTask> {
    let kept = task.parameters.as_object().cloned().unwrap_or_default();
    let mut map: Map<String, Value> = kept;
    for (name, value) in overrides.map {
        for other in other_names(&name) {
            map.remove(*other);
        }
        map.insert(name, value);
    }
    if let Some((name, _)) = map.iter().find(|(_, value)| order::is_shortened(value)) {
        return Err(Error::invalid(
            name,
            "Only the length of this long list was kept: give it again.",
        ));
    }
    let fields = Fields {
        map,
        textual: overrides.textual,
    };
    let order = order_of(context, &task.plugin, &task.type_name, fields).await?;
    order::new_task(context, order)
}

/// What else a parameter is called, so that the new value does not meet the old one.
fn other_names(name: &str) -> &'static [&'static str] {
    match name {
        "remote" => &["importer"],
        "importer" => &["remote"],
        "content_units" => &["add_content_units", "remove_content_units"],
        "add_content_units" | "remove_content_units" => &["content_units"],
        "repository" => &["repository_version"],
        "repository_version" => &["repository"],
        _ => &[],
    }
}

//! Making several tasks at once, as one group.

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{find, read};
use crate::body::{self, Fields};
use crate::context::Context;
use crate::document::Href;
use crate::error::Result;
use crate::form::Form;
use crate::order;
use crate::tasks::order_of;

/// The most tasks of one group.
const MOST: usize = 1_000;

/// What it takes.
pub(super) fn described() -> Value {
    json!({"type": "object", "required": ["tasks"], "properties": {
    "atomic": {"type": "boolean", "default": false,
        "description": "Whether all results appear together or none does."},
    "description": {"type": "string"},
    "tasks": {"type": "array", "minItems": 1, "maxItems": MOST, "items": {
        "type": "object", "required": ["type"], "additionalProperties": true,
        "properties": {
            "type": {"type": "string", "description": "For example `file/copies`."},
            "parameters": {"type": "object",
                "description": "What the type takes, if it does not stand beside `type`."},
        }}}}})
}

/// `POST task-groups/`
///
/// Either all tasks are made or none.
pub(super) async fn create(context: Context, request: Request) -> Result<Response> {
    let fields = body::read(request, body::LIMIT_OF_UNITS).await?;
    let mut form = Form::from(fields);
    form.require("tasks");
    let atomic = form.boolean("atomic").unwrap_or(false);
    let description = form.text("description").unwrap_or_default();
    let given = form.list("tasks").unwrap_or_default();
    if !form.is_wrong() && !(1..=MOST).contains(&given.len()) {
        form.wrong("tasks", format!("Expected 1 to {MOST} tasks."));
    }
    let mut tasks = Vec::with_capacity(given.len());
    for (at, one) in given.into_iter().enumerate() {
        match Member::read(one) {
            Ok(member) => match order_of(
                &context,
                &member.plugin,
                &member.type_name,
                member.parameters,
            )
            .await
            {
                Ok(order) => tasks.push(order::new_task(&context, order)?),
                Err(error) if error.is_mendable() => {
                    for (name, messages) in error.field_errors() {
                        for message in messages {
                            let message = format!("Task {}, {name}: {message}", at + 1);
                            form.wrong("tasks", message);
                        }
                    }
                }
                Err(error) => return Err(error),
            },
            Err(message) => form.wrong("tasks", format!("Task {}: {message}", at + 1)),
        }
    }
    form.finish()?;
    let made = context
        .app
        .scheduler
        .dispatch_group(&description, atomic, tasks);
    let (uuid, _) = made.await?;
    let mut connection = context.app.database.read().await?;
    let group = find(&mut connection, &uuid.to_string()).await?;
    let mut response = read::answer(&context, &mut connection, &group, None).await?;
    *response.status_mut() = StatusCode::ACCEPTED;
    let href = Href(context.root, format_args!("task-groups/{uuid}/")).to_string();
    order::set_location(&mut response, &href);
    Ok(response)
}

/// One task of a group, as a client gives it: `{"type": "file/copies", …}`.
struct Member {
    plugin: String,
    type_name: String,
    parameters: Fields,
}

impl Member {
    fn read(given: Value) -> std::result::Result<Self, String> {
        let Value::Object(mut map) = given else {
            return Err("expected an object.".to_owned());
        };
        let Some(Value::String(word)) = map.remove("type") else {
            return Err("its 'type' is required, such as \"file/copies\".".to_owned());
        };
        let Some((plugin, type_name)) = word.trim_matches('/').split_once('/') else {
            return Err(format!(
                "its type {word:?} must be a plugin and a type of its tasks, such as \
                 \"file/copies\"."
            ));
        };
        // The parameters may also stand by themselves, for those that have a `type` too.
        let parameters: Map<String, Value> = match map.remove("parameters") {
            Some(Value::Object(inner)) if map.is_empty() => inner,
            Some(other) => {
                map.insert("parameters".to_owned(), other);
                map
            }
            None => map,
        };
        Ok(Self {
            plugin: plugin.to_owned(),
            type_name: type_name.to_owned(),
            parameters: Fields {
                map: parameters,
                textual: false,
            },
        })
    }
}

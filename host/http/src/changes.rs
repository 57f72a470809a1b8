//! Changes of repositories by rules of a plugin's own: `<plugin>/<task type>/`.

use axum::extract::{Path, Request};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde_json::{Value, json};

use crate::auth::need::Need;
use crate::body;
use crate::context::Context;
use crate::document::{self, Href};
use crate::error::{Error, Result};
use crate::openapi::resource::joined;
use crate::openapi::{Operation, Place};
use crate::order;
use crate::order::change::{self, Orders};
use crate::receive::{self, Received};
use crate::routes::{Routes, post};

/// The routes.
pub(crate) fn routes() -> Routes {
    let operation = Operation::new("{plugin}_{type_name}_{operation}", "Run {type_name}")
        .needs(Need::User)
        .takes_upload("{plugin}.{type_name}", taken)
        .answers(202, "{plugin}.{type_name}Response", answered);
    Routes::new().route(
        "/{plugin}/{type_name}/",
        post(operation, create).otherwise(async || Error::not_found()),
    )
}

/// What the document says of the parameters.
fn taken(place: &Place) -> Value {
    let Some(schema) = place.task_schema() else {
        return json!({});
    };
    let mut taken = joined(schema, None);
    if let Some(file) = change::field(schema, "file") {
        taken["properties"][file]["format"] = "binary".into();
    }
    taken
}

/// What the document says of the answer.
fn answered(place: &Place) -> Value {
    let several = place
        .task_schema()
        .is_some_and(|schema| change::field(schema, "repositories").is_some());
    let name = if several { "task_group" } else { "task" };
    json!({"type": "object", "required": [name], "properties": {
        name: {"type": "string", "format": "uri-reference"}}})
}

/// `POST <plugin>/<task type>/`
async fn create(
    context: Context,
    Path((plugin, name)): Path<(String, String)>,
    request: Request,
) -> Result<Response> {
    let task_type = change::find(&context, &plugin, &name)?;
    let file = change::field(&task_type.params, "file");
    let received = match file {
        Some(file) if body::media_type(&request) == "multipart/form-data" => {
            receive::receive(request, &*context.app.store, file).await?
        }
        _ => Received {
            fields: body::read(request, body::LIMIT).await?,
            file: None,
        },
    };
    match change::build(&context, &plugin, &task_type, received).await? {
        Orders::One(order) => order::accept(&context, *order).await,
        Orders::Each(orders) => {
            let tasks = orders
                .into_iter()
                .map(|order| order::new_task(&context, order));
            let tasks = tasks.collect::<Result<Vec<_>>>()?;
            let scheduler = &context.app.scheduler;
            let (uuid, _) = scheduler
                .dispatch_group(&task_type.title, false, tasks)
                .await?;
            let href = Href(context.root, format_args!("task-groups/{uuid}/")).to_string();
            let mut response = document::object(None, |object| {
                object.field("task_group", &href);
            });
            *response.status_mut() = StatusCode::ACCEPTED;
            order::set_location(&mut response, &href);
            Ok(response.into_response())
        }
    }
}

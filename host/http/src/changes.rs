//! Changes of repositories by rules of a plugin's own: `<plugin>/<task type>/`, and actions of
//! one repository.

use axum::extract::{Path, Request};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde_json::{Value, json};

use pith_model::access::Securable;
use pith_model::descriptor::TaskType;
use pith_model::reference::{Kind, typed_prn};

use crate::auth::need::Need;
use crate::body;
use crate::context::Context;
use crate::document::{self, Href};
use crate::error::{Error, Result};
use crate::lookup::uuid_in_path;
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
    let action = Operation::new("repositories_{plugin}_{type_name}_{action}", "Run {action}")
        .needs(Need::Object(Securable::Repository, "modify"))
        .takes_upload("{plugin}.{action}", taken_of_repository)
        .answers(202, "AsyncOperationResponse", answered);
    Routes::new()
        .route(
            "/{plugin}/{type_name}/",
            post(operation, create).otherwise(async || Error::not_found()),
        )
        .route(
            "/repositories/{plugin}/{type_name}/{id}/{action}/",
            post(action, create_of_repository).otherwise(async || Error::not_found()),
        )
}

/// The same without the repository, which the path names.
fn taken_of_repository(place: &Place) -> Value {
    let mut taken = taken(place);
    let schema = place.task_schema();
    if let Some(name) = schema.and_then(|schema| change::field(schema, "repository")) {
        if let Some(properties) = taken["properties"].as_object_mut() {
            properties.remove(name);
        }
        if let Some(required) = taken["required"].as_array_mut() {
            required.retain(|one| one != name);
        }
        // An empty list is no valid schema.
        if taken["required"].as_array().is_some_and(Vec::is_empty) {
            taken.as_object_mut().map(|taken| taken.remove("required"));
        }
    }
    taken
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
    let schema = place.task_schema();
    let names: &[&str] = match schema {
        Some(schema) if change::has_source(schema) => &["task", "task_group"],
        Some(schema) if change::field(schema, "repositories").is_some() => &["task_group"],
        _ => &["task"],
    };
    let property = |name: &&str| {
        let schema = json!({"type": "string", "format": "uri-reference"});
        ((*name).to_owned(), schema)
    };
    let properties: serde_json::Map<String, Value> = names.iter().map(property).collect();
    json!({"type": "object", "required": names, "properties": properties})
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
    let orders = change::build(&context, &plugin, &task_type, received).await?;
    accept(&context, &task_type, orders).await
}

/// `POST repositories/<plugin>/<type>/<id>/<action>/`
async fn create_of_repository(
    context: Context,
    Path((plugin, type_name, id, action)): Path<(String, String, String, String)>,
    request: Request,
) -> Result<Response> {
    let task_type = change::find_action(&context, &plugin, &action)?;
    let mut fields = body::read(request, body::LIMIT).await?;
    let uuid = uuid_in_path(&id)?;
    let name = change::field(&task_type.params, "repository").ok_or_else(Error::not_found)?;
    let prn = typed_prn(Kind::Repository, &plugin, &type_name, uuid);
    fields.map.insert(name.to_owned(), prn.into());
    let received = Received { fields, file: None };
    let orders = change::build(&context, &plugin, &task_type, received).await?;
    accept(&context, &task_type, orders).await
}

async fn accept(context: &Context, task_type: &TaskType, orders: Orders) -> Result<Response> {
    let (orders, is_atomic) = match orders {
        Orders::One(order) => return order::accept(context, *order).await,
        Orders::Each(orders) => (orders, false),
        Orders::Together(orders) => (orders, true),
    };
    let tasks = orders
        .into_iter()
        .map(|order| order::new_task(context, order));
    let tasks = tasks.collect::<Result<Vec<_>>>()?;
    let scheduler = &context.app.scheduler;
    let group = scheduler.dispatch_group(&task_type.title, is_atomic, tasks);
    let (uuid, tasks) = group.await?;
    // Of those that end together, the last tells whoever waits for one when all are over.
    let last = match tasks.last().filter(|_| is_atomic) {
        Some(last) => {
            let mut connection = context.app.database.read().await?;
            pith_db::task::by_id(&mut connection, *last).await?
        }
        None => None,
    };
    let href = Href(context.root, format_args!("task-groups/{uuid}/")).to_string();
    let mut response = document::object(None, |object| {
        if let Some(last) = last {
            let task = Href(context.root, format!("tasks/{}/", last.uuid));
            object.field("task", task);
        }
        object.field("task_group", &href);
    });
    *response.status_mut() = StatusCode::ACCEPTED;
    order::set_location(&mut response, &href);
    Ok(response.into_response())
}

//! Tasks: all at `tasks/`, typed ones at `tasks/<plugin>/<type>/`.

mod cancel;
mod create;
mod delete;
mod list;
mod read;
mod shape;
mod types;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery};
use axum::response::Response;
use axum::routing::get;
use pith_db::Connection;
use pith_db::task::{self, Task};
use uuid::Uuid;

use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::lookup::uuid_in_path;

/// The routes.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/tasks/", get(list::all))
        .route(
            "/tasks/{word}/",
            get(task_or_types)
                .patch(cancel::cancel)
                .delete(delete::delete),
        )
        .route(
            "/tasks/{plugin}/{type_name}/",
            get(list::of_type).post(create::create),
        )
        .route(
            "/tasks/{plugin}/{type_name}/{id}/",
            get(read::typed).patch(cancel::typed).delete(delete::typed),
        )
}

/// `GET tasks/<id>/`, or `GET tasks/<plugin>/`: no plugin is called like a UUID.
async fn task_or_types(
    context: Context,
    Path(word): Path<String>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    if Uuid::try_parse(&word).is_ok() {
        read::read(&context, &word, text.as_deref()).await
    } else {
        types::list(&context, &word)
    }
}

/// The task that a path names.
async fn find(connection: &mut Connection, id: &str) -> Result<Task> {
    task::by_uuid(connection, uuid_in_path(id)?)
        .await?
        .ok_or_else(Error::not_found)
}

/// The task that a typed path names.
async fn find_typed(
    connection: &mut Connection,
    (plugin, type_name, id): &(String, String, String),
) -> Result<Task> {
    let task = find(connection, id).await?;
    if task.plugin == *plugin && task.type_name == *type_name {
        Ok(task)
    } else {
        Err(Error::not_found())
    }
}

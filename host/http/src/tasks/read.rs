//! One task.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use pith_db::Connection;
use pith_db::task::{self, Task};

use super::{find, find_typed, shape};
use crate::context::Context;
use crate::document::{self, Projection};
use crate::error::Result;
use crate::query;

/// `GET tasks/<id>/`
pub(super) async fn read(context: &Context, id: &str, text: Option<&str>) -> Result<Response> {
    let projection = query::projection(text)?;
    let mut connection = context.app.database.read().await?;
    let task = find(&mut connection, id).await?;
    answer(context, &mut connection, &task, Some(&projection)).await
}

/// `GET tasks/<plugin>/<type>/<id>/`
pub(super) async fn typed(
    context: Context,
    Path(path): Path<(String, String, String)>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let projection = query::projection(text.as_deref())?;
    let mut connection = context.app.database.read().await?;
    let task = find_typed(&mut connection, &path).await?;
    answer(&context, &mut connection, &task, Some(&projection)).await
}

/// The whole task as an answer.
pub(super) async fn answer(
    context: &Context,
    connection: &mut Connection,
    task: &Task,
    projection: Option<&Projection>,
) -> Result<Response> {
    let children = task::children_of(connection, &[task.id]).await?;
    Ok(document::object(projection, |object| {
        shape::write(object, task, context.root, &children);
    }))
}

//! One group.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use pith_db::Connection;
use pith_db::task_group::Group;

use super::{find, shape};
use crate::context::Context;
use crate::document::{self, Projection};
use crate::error::Result;
use crate::query;

/// `GET task-groups/<id>/`
pub(super) async fn read(
    context: Context,
    Path(id): Path<String>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let projection = query::projection(text.as_deref())?;
    let mut connection = context.app.database.read().await?;
    let group = find(&mut connection, &id).await?;
    answer(&context, &mut connection, &group, Some(&projection)).await
}

/// The whole group as an answer.
pub(super) async fn answer(
    context: &Context,
    connection: &mut Connection,
    group: &Group,
    projection: Option<&Projection>,
) -> Result<Response> {
    let inside = shape::Inside::of(connection, std::slice::from_ref(group)).await?;
    Ok(document::object(projection, |object| {
        shape::write(object, group, &inside, context.root);
    }))
}

//! One unit.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use pith_db::content_type::TypeTable;
use pith_db::unit_list;
use uuid::Uuid;

use super::{Beside, PathOfOne, shape};
use crate::context::Context;
use crate::declared;
use crate::document::{self, Projection};
use crate::error::{Error, Result};
use crate::lookup::uuid_in_path;
use crate::query;

/// `GET content/<plugin>/<plural>/<id>/`
pub(super) async fn read(
    context: Context,
    Path((plugin, plural, id)): PathOfOne,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let projection = query::projection(text.as_deref())?;
    let table = declared::content_type(&context.app, &plugin, &plural)?;
    show(&context, &table, uuid_in_path(&id)?, Some(&projection)).await
}

/// Answers with a unit.
pub(super) async fn show(
    context: &Context,
    table: &TypeTable,
    uuid: Uuid,
    projection: Option<&Projection>,
) -> Result<Response> {
    let mut connection = context.app.database.read().await?;
    let unit = unit_list::by_uuid(&mut connection, Some(table), uuid)
        .await?
        .ok_or_else(Error::not_found)?;
    drop(connection);
    let beside = Beside::of(context, table, [unit.id].into_iter(), projection).await?;
    Ok(document::object(projection, |object| {
        shape::write(object, &unit, context.root, table, &beside);
    }))
}

//! The list of groups.

use axum::extract::RawQuery;
use axum::response::Response;
use pith_db::list;
use pith_db::task_group::{self, Group};

use super::shape;
use crate::context::Context;
use crate::error::Result;
use crate::openapi::parameters::{Filters, IDENTITY};
use crate::page;
use crate::query::Query;

/// What can be filtered by.
pub(super) const FILTERS: Filters = Filters::new(|_| list::filters::<Group>(), &IDENTITY);

/// `GET task-groups/`
pub(super) async fn list(context: Context, RawQuery(text): RawQuery) -> Result<Response> {
    let mut query = Query::parse(text.as_deref())?.below(context.root);
    query.only(context.access()?.task_group("view"));
    query.identify(task_group::UUID)?;
    let selection = query.select(&list::filters::<Group>(), context.app.database.dialect())?;
    let mut connection = context.app.database.read().await?;
    let (rows, count): (Vec<Group>, i64) = list::page(&mut connection, &selection).await?;
    let inside = shape::Inside::of(&mut connection, &rows).await?;
    drop(connection);
    Ok(page::answer(
        &context,
        &query,
        (&rows, count),
        |object, row| shape::write(object, row, &inside, context.root),
    ))
}

//! The list of schedules.

use axum::extract::RawQuery;
use axum::response::Response;
use pith_db::list;
use pith_db::task_schedule::{self, Schedule};

use super::shape;
use crate::context::Context;
use crate::error::Result;
use crate::openapi::parameters::{Filters, IDENTITY, Parameter};
use crate::page;
use crate::query::Query;
use pith_model::access::Securable;

/// What can be filtered by.
pub(super) const FILTERS: Filters = Filters::new(
    |_| list::filters::<Schedule>(),
    &[
        IDENTITY[0],
        IDENTITY[1],
        IDENTITY[2],
        IDENTITY[3],
        Parameter::text("last_task", ""),
        Parameter::several("last_task__in", ""),
    ],
);

/// `GET task-schedules/`
pub(super) async fn list(context: Context, RawQuery(text): RawQuery) -> Result<Response> {
    let mut query = Query::parse(text.as_deref())?.below(context.root);
    query.only(context.access()?.seen(Securable::TaskSchedule, "s"));
    query.identify(task_schedule::UUID)?;
    query.refer("last_task", "last_task__in", task_schedule::LAST_TASK)?;
    let selection = query.select(&list::filters::<Schedule>(), context.app.database.dialect())?;
    let mut connection = context.app.database.read().await?;
    let (rows, count): (Vec<Schedule>, i64) = list::page(&mut connection, &selection).await?;
    drop(connection);
    Ok(page::answer(
        &context,
        &query,
        (&rows, count),
        |object, row| shape::write(object, row, context.root),
    ))
}

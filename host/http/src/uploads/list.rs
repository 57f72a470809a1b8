//! The list of uploads.

use axum::extract::RawQuery;
use axum::response::Response;
use pith_db::list;
use pith_db::upload::{self, Upload};

use super::shape;
use crate::context::Context;
use crate::error::Result;
use crate::openapi::Filters;
use crate::openapi::parameters::IDENTITY;
use crate::page;
use crate::query::Query;
use pith_model::access::Securable;

/// What the document says of the filters.
pub(super) const FILTERS: Filters = Filters::new(
    |_| list::filters::<Upload>(),
    &[IDENTITY[0], IDENTITY[1], IDENTITY[2], IDENTITY[3]],
);

/// `GET uploads/`
pub(super) async fn list(context: Context, RawQuery(text): RawQuery) -> Result<Response> {
    let mut query = Query::parse(text.as_deref())?.below(context.root);
    query.only(context.access()?.seen(Securable::Upload, "u"));
    query.identify(upload::UUID)?;
    query.push(upload::listed());
    let selection = query.select(&list::filters::<Upload>(), context.app.database.dialect())?;
    let mut connection = context.app.database.read().await?;
    let (rows, count): (Vec<Upload>, i64) = list::page(&mut connection, &selection).await?;
    drop(connection);
    Ok(page::answer(
        &context,
        &query,
        (&rows, count),
        |object, row| {
            shape::write(object, row, context.root);
        },
    ))
}

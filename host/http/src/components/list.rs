//! `GET components/` and `GET components/<name>/`.

use axum::extract::{Path, RawQuery};
use axum::response::Response;

use super::shape;
use crate::context::Context;
use crate::document;
use crate::error::Result;
use crate::openapi::{Filters, Parameter};
use crate::page;
use crate::query::{self, Query};

/// The parameters of the list.
pub(super) const FILTERS: Filters = Filters::new(
    |_| Vec::new(),
    &[
        Parameter::text("name", "The plugin's name."),
        Parameter::text("status", "`active`, `disabled`, `failed` or `refused`."),
    ],
);

/// All components. There are a handful, so a page is cut from the whole.
pub(super) async fn list(context: Context, RawQuery(text): RawQuery) -> Result<Response> {
    let mut query = Query::parse(text.as_deref())?;
    let name = query.take("name");
    let status = query.take("status");
    query.select(&[], context.app.database.dialect())?;
    let mut shown = context.app.components.list().await?;
    shown.retain(|one| {
        name.as_ref().is_none_or(|name| one.name == *name)
            && status
                .as_ref()
                .is_none_or(|status| one.status.as_str() == status)
    });
    let count = i64::try_from(shown.len()).unwrap_or(i64::MAX);
    let rows: Vec<_> = shown
        .into_iter()
        .skip(usize::try_from(query.offset).unwrap_or(usize::MAX))
        .take(usize::try_from(query.limit).unwrap_or(usize::MAX))
        .collect();
    Ok(page::answer(
        &context,
        &query,
        (&rows, count),
        |object, one| {
            shape::write(object, one, context.root);
        },
    ))
}

/// One component.
pub(super) async fn read(
    context: Context,
    Path(name): Path<String>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let projection = query::projection(text.as_deref())?;
    let shown = context.app.components.find(&name).await?;
    Ok(document::object(Some(&projection), |object| {
        shape::write(object, &shown, context.root);
    }))
}

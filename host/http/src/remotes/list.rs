//! Lists of remotes: all, and those of one type.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use pith_db::list::{self, Column};
use pith_db::remote::{self, Remote};
use pith_model::access::Securable;
use pith_model::reference::Kind;

use super::shape;
use crate::config;
use crate::context::Context;
use crate::declared::Declared;
use crate::error::Result;
use crate::last_sync::LastSyncs;
use crate::openapi::parameters::{IDENTITY, LABELS, with_config};
use crate::openapi::{Filters, Parameter};
use crate::page;
use crate::query::Query;

/// What the document says of the filters that are no columns.
const PARAMETERS: &[Parameter] = &[IDENTITY[0], IDENTITY[1], IDENTITY[2], IDENTITY[3], LABELS];

/// The filters of the list of all.
pub(super) const FILTERS: Filters = Filters::new(|_| list::filters::<Remote>(), PARAMETERS);

/// The filters of the list of one type.
pub(super) const FILTERS_OF_TYPE: Filters = Filters::new(
    |place| with_config(&list::filters::<Remote>(), place),
    PARAMETERS,
);

/// `GET remotes/`
pub(super) async fn all(context: Context, RawQuery(text): RawQuery) -> Result<Response> {
    let mut query = Query::parse(text.as_deref())?.below(context.root);
    let (rows, count) = select(&context, &mut query, &list::filters::<Remote>()).await?;
    Ok(page::answer(
        &context,
        &query,
        (&rows, count),
        |object, row| {
            shape::write_base(object, row, context.root, false);
        },
    ))
}

/// `GET remotes/<plugin>/<type>/`
pub(super) async fn of_type(
    context: Context,
    Path((plugin, type_name)): Path<(String, String)>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let declared = Declared::get(&context.app, Kind::Remote, &plugin, &type_name)?;
    let mut query = Query::parse(text.as_deref())?.below(context.root);
    query.push(remote::of_type(&plugin, &type_name));
    let mut columns = list::filters::<Remote>();
    let dialect = context.app.database.dialect();
    columns.extend(config::columns(declared.schema(), remote::CONFIG, dialect));
    let (rows, count) = select(&context, &mut query, &columns).await?;
    let last_syncs = LastSyncs::of_remotes(&context, Some(declared.schema()), &rows).await?;
    Ok(page::answer(
        &context,
        &query,
        (&rows, count),
        |object, row| {
            shape::write(object, row, context.root, Some(&declared), &last_syncs);
        },
    ))
}

async fn select(
    context: &Context,
    query: &mut Query,
    columns: &[Column],
) -> Result<(Vec<Remote>, i64)> {
    let dialect = context.app.database.dialect();
    query.identify(remote::UUID)?;
    query.only(context.access()?.seen(Securable::Remote, "m"));
    query.label_select(remote::LABELS, dialect)?;
    let selection = query.select(columns, dialect)?;
    let mut connection = context.app.database.read().await?;
    Ok(list::page(&mut connection, &selection).await?)
}

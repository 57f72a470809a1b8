//! Lists of distributions: all, and those of one type.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use pith_db::distribution::{self, Distribution};
use pith_db::list::{self, Column, Record as _};
use pith_model::reference::Kind;

use super::shape;
use crate::config;
use crate::context::Context;
use crate::declared::Declared;
use crate::error::Result;
use crate::lookup;
use crate::openapi::parameters::{IDENTITY, LABELS, with_config};
use crate::openapi::{Filters, Parameter};
use crate::page;
use crate::query::Query;

/// What the document says of the filters that are no columns.
const PARAMETERS: &[Parameter] = &[
    IDENTITY[0],
    IDENTITY[1],
    IDENTITY[2],
    IDENTITY[3],
    LABELS,
    Parameter::text("repository", ""),
    Parameter::several("repository__in", ""),
    Parameter::text("publication", ""),
    Parameter::several("publication__in", ""),
    Parameter::text("repository_version", ""),
];

/// The filters of the list of all.
pub(super) const FILTERS: Filters = Filters::new(|_| Distribution::COLUMNS.to_vec(), PARAMETERS);

/// The filters of the list of one type.
pub(super) const FILTERS_OF_TYPE: Filters = Filters::new(
    |place| with_config(Distribution::COLUMNS, place),
    PARAMETERS,
);

/// `GET distributions/`
pub(super) async fn all(context: Context, RawQuery(text): RawQuery) -> Result<Response> {
    let mut query = Query::parse(text.as_deref())?;
    let (rows, count) = select(&context, &mut query, Distribution::COLUMNS).await?;
    let origin = context.content_origin();
    Ok(page::answer(
        &context,
        &query,
        (&rows, count),
        |object, row| {
            shape::write_base(object, row, context.root, &origin);
        },
    ))
}

/// `GET distributions/<plugin>/<type>/`
pub(super) async fn of_type(
    context: Context,
    Path((plugin, type_name)): Path<(String, String)>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let declared = Declared::get(&context.app, Kind::Distribution, &plugin, &type_name)?;
    let mut query = Query::parse(text.as_deref())?;
    query.push(distribution::of_type(&plugin, &type_name));
    let mut columns = Distribution::COLUMNS.to_vec();
    let dialect = context.app.database.dialect();
    columns.extend(config::columns(
        declared.schema(),
        distribution::CONFIG,
        dialect,
    ));
    let (rows, count) = select(&context, &mut query, &columns).await?;
    let origin = context.content_origin();
    Ok(page::answer(
        &context,
        &query,
        (&rows, count),
        |object, row| {
            shape::write(object, row, context.root, &origin, Some(declared.schema()));
        },
    ))
}

async fn select(
    context: &Context,
    query: &mut Query,
    columns: &[Column],
) -> Result<(Vec<Distribution>, i64)> {
    let dialect = context.app.database.dialect();
    query.identify(distribution::UUID)?;
    query.refer("repository", "repository__in", distribution::REPOSITORY)?;
    query.refer("publication", "publication__in", distribution::PUBLICATION)?;
    query.label_select(distribution::LABELS, dialect)?;
    let mut connection = context.app.database.read().await?;
    if let Some(text) = query.take("repository_version") {
        let version =
            lookup::version_of_filter(&mut connection, "repository_version", &text).await?;
        query.push(distribution::of_version(version.id));
    }
    let selection = query.select(columns, dialect)?;
    Ok(list::page(&mut connection, &selection).await?)
}

//! Lists of distributions: all, and those of one type.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use pith_db::distribution::{self, Distribution};
use pith_db::list::{self, Column};
use pith_model::access::Securable;
use pith_model::reference::Kind;

use super::shape;
use crate::config;
use crate::context::Context;
use crate::declared::Declared;
use crate::error::Result;
use crate::lookup;
use crate::openapi::parameters::{IDENTITY, INCLUDE_RELATED, LABELS, with_config};
use crate::openapi::{Filters, Parameter};
use crate::page;
use crate::query::Query;
use crate::related::{self, OfDistributions};
use crate::repositories;

/// What the document says of the filters that are no columns.
const PARAMETERS: &[Parameter] = &[
    INCLUDE_RELATED,
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
    Parameter::several("with_content", "Those that serve one of these units."),
];

/// The filters of the list of all.
pub(super) const FILTERS: Filters = Filters::new(|_| list::filters::<Distribution>(), PARAMETERS);

/// The filters of the list of one type.
pub(super) const FILTERS_OF_TYPE: Filters = Filters::new(
    |place| with_config(&list::filters::<Distribution>(), place),
    PARAMETERS,
);

/// `GET distributions/`
pub(super) async fn all(context: Context, RawQuery(text): RawQuery) -> Result<Response> {
    let mut query = Query::parse(text.as_deref())?.below(context.root);
    let (rows, count, related) =
        select(&context, &mut query, &list::filters::<Distribution>()).await?;
    let origin = context.content_origin();
    Ok(page::answer(
        &context,
        &query,
        (&rows, count),
        |object, row| {
            shape::write_base(object, row, context.root, &origin);
            related.write(object, row, context.root);
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
    let mut query = Query::parse(text.as_deref())?.below(context.root);
    query.push(distribution::of_type(&plugin, &type_name));
    let mut columns = list::filters::<Distribution>();
    let dialect = context.app.database.dialect();
    columns.extend(config::columns(
        declared.schema(),
        distribution::CONFIG,
        dialect,
    ));
    let (rows, count, related) = select(&context, &mut query, &columns).await?;
    let origin = context.content_origin();
    Ok(page::answer(
        &context,
        &query,
        (&rows, count),
        |object, row| {
            shape::write(object, row, context.root, &origin, Some(declared.schema()));
            related.write(object, row, context.root);
        },
    ))
}

async fn select(
    context: &Context,
    query: &mut Query,
    columns: &[Column],
) -> Result<(Vec<Distribution>, i64, OfDistributions)> {
    let dialect = context.app.database.dialect();
    query.only(context.access()?.seen(Securable::Distribution, "d"));
    query.identify(distribution::UUID)?;
    query.refer("repository", "repository__in", distribution::REPOSITORY)?;
    query.refer("publication", "publication__in", distribution::PUBLICATION)?;
    query.label_select(distribution::LABELS, dialect)?;
    let mut connection = context.app.database.read().await?;
    for text in query.given("repository_version") {
        let version = lookup::version_of_filter(
            &mut connection,
            context.access()?,
            "repository_version",
            &text,
        )
        .await?;
        let condition = distribution::of_version(version.id);
        query.settle("repository_version", &text, &condition);
    }
    query.filter("with_content", |text| {
        Ok(distribution::holding(repositories::units(
            "with_content",
            text,
        )?))
    })?;
    let included = query.include_related(related::OF_DISTRIBUTIONS)?;
    let mut columns = columns.to_vec();
    columns.extend(related::columns(&included, context.access()?));
    let selection = query.select(&columns, dialect)?;
    let (rows, count) = list::page(&mut connection, &selection).await?;
    let related =
        OfDistributions::read(&mut connection, context.access()?, included, &rows).await?;
    Ok((rows, count, related))
}

//! Lists of publications: all, and those of one type.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use pith_db::list::{self, Column};
use pith_db::publication::{self, Publication};
use pith_db::{Connection, distribution};
use pith_model::access::Securable;
use pith_model::reference::Kind;

use super::shape;
use crate::config;
use crate::context::Context;
use crate::declared::Declared;
use crate::error::Result;
use crate::lookup;
use crate::openapi::parameters::{IDENTITY, with_config};
use crate::openapi::{Filters, Parameter};
use crate::page;
use crate::query::Query;
use crate::repositories;

/// What the document says of the filters that are no columns.
const PARAMETERS: &[Parameter] = &[
    IDENTITY[0],
    IDENTITY[1],
    IDENTITY[2],
    IDENTITY[3],
    Parameter::text("repository", ""),
    Parameter::several("repository__in", ""),
    Parameter::text("repository_version", ""),
    Parameter::text("content", "Those with this unit."),
    Parameter::several("content__in", "Those with one of these units."),
];

/// The filters of the list of all.
pub(super) const FILTERS: Filters = Filters::new(|_| list::filters::<Publication>(), PARAMETERS);

/// The filters of the list of one type.
pub(super) const FILTERS_OF_TYPE: Filters = Filters::new(
    |place| with_config(&list::filters::<Publication>(), place),
    PARAMETERS,
);

/// `GET publications/`
pub(super) async fn all(context: Context, RawQuery(text): RawQuery) -> Result<Response> {
    let mut query = Query::parse(text.as_deref())?.below(context.root);
    let mut connection = context.app.database.read().await?;
    let (rows, count) = select(
        &context,
        &mut connection,
        &mut query,
        &list::filters::<Publication>(),
    )
    .await?;
    drop(connection);
    Ok(page::answer(
        &context,
        &query,
        (&rows, count),
        |object, row| {
            shape::write_base(object, row, context.root);
        },
    ))
}

/// `GET publications/<plugin>/<type>/`
pub(super) async fn of_type(
    context: Context,
    Path((plugin, type_name)): Path<(String, String)>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let declared = Declared::get(&context.app, Kind::Publication, &plugin, &type_name)?;
    let mut query = Query::parse(text.as_deref())?.below(context.root);
    query.push(publication::of_type(&plugin, &type_name));
    let mut columns = list::filters::<Publication>();
    let dialect = context.app.database.dialect();
    columns.extend(config::columns(
        declared.schema(),
        publication::CONFIG,
        dialect,
    ));
    let mut connection = context.app.database.read().await?;
    let (rows, count) = select(&context, &mut connection, &mut query, &columns).await?;
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let seen = context.access()?.seen(Securable::Distribution, "d");
    let distributions = distribution::of_publications(&mut connection, &ids, seen).await?;
    drop(connection);
    Ok(page::answer(
        &context,
        &query,
        (&rows, count),
        |object, row| {
            shape::write(
                object,
                row,
                context.root,
                Some(declared.schema()),
                &distributions,
            );
        },
    ))
}

async fn select(
    context: &Context,
    connection: &mut Connection,
    query: &mut Query,
    columns: &[Column],
) -> Result<(Vec<Publication>, i64)> {
    query.only(context.access()?.seen(Securable::Publication, "p"));
    query.identify(publication::UUID)?;
    query.refer("repository", "repository__in", publication::REPOSITORY)?;
    for text in query.given("repository_version") {
        let version =
            lookup::version_of_filter(connection, context.access()?, "repository_version", &text)
                .await?;
        let condition = publication::of_version(version.id);
        query.settle("repository_version", &text, &condition);
    }
    for parameter in ["content", "content__in"] {
        query.filter(parameter, |text| {
            Ok(publication::holding(repositories::units(parameter, text)?))
        })?;
    }
    let selection = query.select(columns, context.app.database.dialect())?;
    Ok(list::page(connection, &selection).await?)
}

//! Lists of versions: those of one repository, and all.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use pith_db::list;
use pith_db::version::{self, Version};
use pith_model::Reference;
use pith_model::VersionId;
use pith_model::reference::Kind;
use uuid::Uuid;

use super::shape;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::openapi::parameters::IDENTITY;
use crate::openapi::{Filters, Parameter};
use crate::page;
use crate::query::{Query, not_a_reference};
use crate::repositories;

/// What the document says of the filters.
pub(super) const FILTERS: Filters = Filters::new(
    |_| list::filters::<Version>(),
    &[
        IDENTITY[0],
        IDENTITY[1],
        IDENTITY[2],
        IDENTITY[3],
        Parameter::text("content", "Those with this unit."),
        Parameter::several("content__in", "Those with one of these units."),
    ],
);

/// `GET repository_versions/`
pub(super) async fn all(context: Context, RawQuery(text): RawQuery) -> Result<Response> {
    let query = Query::parse(text.as_deref())?.below(context.root);
    answer(&context, query).await
}

/// `GET repositories/<plugin>/<type>/<id>/versions/`
pub(super) async fn of_repository(
    context: Context,
    Path(path): repositories::PathOfOne,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let mut query = Query::parse(text.as_deref())?.below(context.root);
    let repository = {
        let mut connection = context.app.database.read().await?;
        repositories::find(&mut connection, &path).await?
    };
    query.push(version::of_repository(repository.id));
    answer(&context, query).await
}

async fn answer(context: &Context, mut query: Query) -> Result<Response> {
    for parameter in ["pulp_href", "pulp_href__in"] {
        query.filter(parameter, |text| {
            Ok(version::numbered(&numbers(parameter, text)?))
        })?;
    }
    query.refer("prn", "prn__in", version::UUID)?;
    for parameter in ["content", "content__in"] {
        query.filter(parameter, |text| {
            Ok(version::holding(repositories::units(parameter, text)?))
        })?;
    }
    query.only(context.access()?.seen_repository("v.repository_id"));
    let dialect = context.app.database.dialect();
    let selection = query.select(&list::filters::<Version>(), dialect)?;
    let mut connection = context.app.database.read().await?;
    let (rows, count): (Vec<Version>, i64) = list::page(&mut connection, &selection).await?;
    let ids: Vec<VersionId> = rows.iter().map(|row| row.id).collect();
    let counts = version::counts(&mut connection, &ids).await?;
    drop(connection);
    Ok(page::answer(
        context,
        &query,
        (&rows, count),
        |object, row| {
            shape::write(object, row, context.root, &context.app.types, &counts);
        },
    ))
}

/// Versions as hrefs name them: by repository and number.
fn numbers(parameter: &str, text: &str) -> Result<Vec<(Uuid, i64)>> {
    text.split(',')
        .map(|text| {
            Reference::parse(text.trim())
                .filter(|reference| reference.kind == Kind::Version)
                .and_then(|reference| Some((reference.uuid, reference.number?)))
                .ok_or_else(|| Error::invalid(parameter, not_a_reference(text)))
        })
        .collect()
}

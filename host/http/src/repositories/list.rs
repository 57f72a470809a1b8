//! Lists of repositories: all, and those of one type.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use pith_db::list::{self, Column};
use pith_db::repository::{self, Repository};
use pith_model::Reference;
use pith_model::access::Securable;
use pith_model::reference::Kind;
use uuid::Uuid;

use super::shape;
use crate::config;
use crate::context::Context;
use crate::declared::Declared;
use crate::error::{Error, Result};
use crate::last_sync::LastSyncs;
use crate::openapi::parameters::{IDENTITY, INCLUDE_RELATED, LABELS, with_config};
use crate::openapi::{Filters, Parameter};
use crate::page;
use crate::query::{Query, not_a_reference};
use crate::related::{self, OfRepositories};

/// What the document says of the filters that are no columns.
const PARAMETERS: &[Parameter] = &[
    INCLUDE_RELATED,
    IDENTITY[0],
    IDENTITY[1],
    IDENTITY[2],
    IDENTITY[3],
    LABELS,
    Parameter::text(
        "remote",
        "Those that sync from this remote if nothing else is said.",
    ),
    Parameter::several("remote__in", ""),
    Parameter::several(
        "with_content",
        "Those of which a version has one of these units.",
    ),
    Parameter::several(
        "latest_with_content",
        "Those whose newest version has one of these units.",
    ),
];

/// The filters of the list of all.
pub(super) const FILTERS: Filters = Filters::new(|_| list::filters::<Repository>(), PARAMETERS);

/// The filters of the list of one type.
pub(super) const FILTERS_OF_TYPE: Filters = Filters::new(
    |place| with_config(&list::filters::<Repository>(), place),
    PARAMETERS,
);

/// `GET repositories/`
pub(super) async fn all(context: Context, RawQuery(text): RawQuery) -> Result<Response> {
    let mut query = Query::parse(text.as_deref())?.below(context.root);
    let (rows, count, related) =
        select(&context, &mut query, &list::filters::<Repository>()).await?;
    Ok(page::answer(
        &context,
        &query,
        (&rows, count),
        |object, row| {
            shape::write_base(object, row, context.root);
            related.write(object, row, context.root);
        },
    ))
}

/// `GET repositories/<plugin>/<type>/`
pub(super) async fn of_type(
    context: Context,
    Path((plugin, type_name)): Path<(String, String)>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let declared = Declared::get(&context.app, Kind::Repository, &plugin, &type_name)?;
    let mut query = Query::parse(text.as_deref())?.below(context.root);
    query.push(repository::of_type(&plugin, &type_name));
    let mut columns = list::filters::<Repository>();
    let dialect = context.app.database.dialect();
    columns.extend(config::columns(
        declared.schema(),
        repository::CONFIG,
        dialect,
    ));
    let (rows, count, related) = select(&context, &mut query, &columns).await?;
    let schema = declared.schema();
    let last_syncs = LastSyncs::of_repositories(&context, Some(schema), &rows).await?;
    Ok(page::answer(
        &context,
        &query,
        (&rows, count),
        |object, row| {
            shape::write(object, row, context.root, Some(schema), &last_syncs);
            related.write(object, row, context.root);
        },
    ))
}

async fn select(
    context: &Context,
    query: &mut Query,
    columns: &[Column],
) -> Result<(Vec<Repository>, i64, OfRepositories)> {
    let dialect = context.app.database.dialect();
    query.only(context.access()?.seen(Securable::Repository, "r"));
    query.identify(repository::UUID)?;
    query.refer("remote", "remote__in", repository::REMOTE)?;
    query.label_select(repository::LABELS, dialect)?;
    for (parameter, only_newest) in [("with_content", false), ("latest_with_content", true)] {
        query.filter(parameter, |text| {
            Ok(repository::holding(units(parameter, text)?, only_newest))
        })?;
    }
    let included = query.include_related(related::OF_REPOSITORIES)?;
    let mut columns = columns.to_vec();
    columns.extend(related::columns(&included, context.access()?));
    let selection = query.select(&columns, dialect)?;
    let mut connection = context.app.database.read().await?;
    let (rows, count) = list::page(&mut connection, &selection).await?;
    let related = OfRepositories::read(&mut connection, context.access()?, included, &rows).await?;
    Ok((rows, count, related))
}

/// The UUIDs of units that a filter names.
pub(crate) fn units(parameter: &str, text: &str) -> Result<Vec<Uuid>> {
    text.split(',')
        .map(|text| {
            Reference::parse(text.trim())
                .filter(|reference| reference.kind == Kind::Content)
                .map(|reference| reference.uuid)
                .ok_or_else(|| Error::invalid(parameter, not_a_reference(text)))
        })
        .collect()
}

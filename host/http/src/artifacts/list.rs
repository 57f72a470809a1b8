//! The list of stored files.

use axum::extract::RawQuery;
use axum::response::Response;
use pith_db::artifact::{self, Artifact};
use pith_db::list;

use super::shape;
use crate::content::orphaned_for;
use crate::context::Context;
use crate::error::Result;
use crate::lookup;
use crate::openapi::parameters::IDENTITY;
use crate::openapi::{Filters, Parameter};
use crate::page;
use crate::query::Query;

/// What the document says of the filters.
pub(super) const FILTERS: Filters = Filters::new(
    |_| list::filters::<Artifact>(),
    &[
        IDENTITY[0],
        IDENTITY[1],
        IDENTITY[2],
        IDENTITY[3],
        Parameter::integer(
            "orphaned_for",
            "Those that nothing refers to, for so many minutes.",
        ),
        Parameter::text("repository_version", "Those of this version."),
    ],
);

/// `GET artifacts/`
pub(super) async fn list(context: Context, RawQuery(text): RawQuery) -> Result<Response> {
    let mut query = Query::parse(text.as_deref())?.below(context.root);
    let mut connection = context.app.database.read().await?;
    query.only(context.access()?.own_artifact("a.id"));
    query.identify(artifact::UUID)?;
    orphaned_for(&mut query, artifact::orphaned_since)?;
    for text in query.given("repository_version") {
        let version = lookup::version_of_filter(
            &mut connection,
            context.access()?,
            "repository_version",
            &text,
        )
        .await?;
        let condition = artifact::in_version(version.repository, version.number);
        query.settle("repository_version", &text, &condition);
    }
    let selection = query.select(&list::filters::<Artifact>(), context.app.database.dialect())?;
    let (rows, count): (Vec<Artifact>, i64) = list::page(&mut connection, &selection).await?;
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

//! The list of a type's entities.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use pith_db::entity::{self, Entity};
use pith_db::list;
use pith_model::access::Securable;
use pith_model::reference::Kind;

use super::shape;
use crate::config;
use crate::context::Context;
use crate::declared::Declared;
use crate::error::Result;
use crate::openapi::Filters;
use crate::openapi::parameters::{IDENTITY, INCLUDE_RELATED, with_config};
use crate::page;
use crate::query::Query;
use crate::related::{self, OfEntities};

pub(super) const FILTERS: Filters = Filters::new(
    |place| with_config(&list::filters::<Entity>(), place),
    &[
        INCLUDE_RELATED,
        IDENTITY[0],
        IDENTITY[1],
        IDENTITY[2],
        IDENTITY[3],
    ],
);

/// `GET entities/<plugin>/<type>/`
pub(super) async fn of_type(
    context: Context,
    Path((plugin, type_name)): Path<(String, String)>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let declared = Declared::get(&context.app, Kind::Entity, &plugin, &type_name)?;
    let dialect = context.app.database.dialect();
    let access = context.access()?;
    let mut query = Query::parse(text.as_deref())?.below(context.root);
    query.push(entity::of_type(&plugin, &type_name));
    query.only(access.seen(Securable::Entity, "e"));
    query.identify(entity::UUID)?;
    let included = query.include_related(related::OF_ENTITIES)?;
    let mut columns = list::filters::<Entity>();
    columns.extend(config::columns(declared.schema(), entity::CONFIG, dialect));
    let selection = query.select(&columns, dialect)?;
    let mut connection = context.app.database.read().await?;
    let (rows, count): (Vec<Entity>, i64) = list::page(&mut connection, &selection).await?;
    let related = OfEntities::read(&mut connection, access, &included, &rows).await?;
    drop(connection);
    Ok(page::answer(
        &context,
        &query,
        (&rows, count),
        |object, row| {
            shape::write(object, row, context.root, Some(declared.schema()));
            related.write(object, row, declared.resource_type());
        },
    ))
}

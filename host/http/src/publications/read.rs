//! One publication.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use pith_db::distribution;
use pith_model::access::Securable;
use pith_model::reference::Kind;

use super::{PathOfOne, find, shape};
use crate::context::Context;
use crate::declared::Declared;
use crate::document;
use crate::error::Result;
use crate::query;

/// `GET publications/<plugin>/<type>/<id>/`
pub(super) async fn read(
    context: Context,
    Path(path): PathOfOne,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let projection = query::projection(text.as_deref())?;
    let mut connection = context.app.database.read().await?;
    let publication = find(&mut connection, &path).await?;
    let seen = context.access()?.seen(Securable::Distribution, "d");
    let distributions =
        distribution::of_publications(&mut connection, &[publication.id], seen).await?;
    drop(connection);
    let declared = Declared::find(&context.app, Kind::Publication, &path.0, &path.1);
    let schema = declared.as_ref().map(Declared::schema);
    Ok(document::object(Some(&projection), |object| {
        shape::write(object, &publication, context.root, schema, &distributions);
    }))
}

//! One version.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use pith_db::version;

use super::{PathOfOne, find, shape};
use crate::context::Context;
use crate::document;
use crate::error::Result;
use crate::query;

/// `GET repositories/<plugin>/<type>/<id>/versions/<number>/`
pub(super) async fn read(
    context: Context,
    Path(path): PathOfOne,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let projection = query::projection(text.as_deref())?;
    let mut connection = context.app.database.read().await?;
    let version = find(&mut connection, &path).await?;
    let counts = version::counts(&mut connection, &[version.id]).await?;
    drop(connection);
    Ok(document::object(Some(&projection), |object| {
        shape::write(object, &version, context.root, &context.app.types, &counts);
    }))
}

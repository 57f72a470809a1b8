//! Reading a remote into a repository.

use axum::extract::Path;
use axum::response::Response;

use super::{PathOfOne, find};
use crate::body::Fields;
use crate::context::Context;
use crate::error::Result;
use crate::order;

/// `POST repositories/<plugin>/<type>/<id>/sync/`
pub(super) async fn sync(
    context: Context,
    Path(path): PathOfOne,
    fields: Fields,
) -> Result<Response> {
    let repository = {
        let mut connection = context.app.database.read().await?;
        find(&mut connection, &path).await?
    };
    let parameters = order::shown(&fields.map);
    let order = order::sync::build(&context, &repository, fields.into(), parameters).await?;
    order::accept(&context, order).await
}

//! Adding units to a repository and removing units from it.

use axum::extract::{Path, Request};
use axum::response::Response;

use super::{PathOfOne, find};
use crate::body;
use crate::context::Context;
use crate::error::Result;
use crate::order;

/// `POST repositories/<plugin>/<type>/<id>/modify/`
pub(super) async fn modify(
    context: Context,
    Path(path): PathOfOne,
    request: Request,
) -> Result<Response> {
    let fields = body::read(request, body::LIMIT_OF_UNITS).await?;
    let repository = {
        let mut connection = context.app.database.read().await?;
        find(&mut connection, &path).await?
    };
    let parameters = order::shown(&fields.map);
    let order = order::modify::build(&context, &repository, fields.into(), parameters).await?;
    order::accept(&context, order).await
}

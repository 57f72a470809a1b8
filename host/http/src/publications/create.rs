//! Making a publication.

use axum::extract::Path;
use axum::response::Response;
use pith_model::reference::Kind;

use crate::body::Fields;
use crate::context::Context;
use crate::declared::Declared;
use crate::error::Result;
use crate::order;

/// `POST publications/<plugin>/<type>/`
pub(super) async fn create(
    context: Context,
    Path((plugin, type_name)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response> {
    let declared = Declared::get(&context.app, Kind::Publication, &plugin, &type_name)?;
    let parameters = order::shown(&fields.map);
    let order = order::publish::build(&context, &declared, fields.into(), parameters).await?;
    order::accept(&context, order).await
}

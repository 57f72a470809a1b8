//! One remote.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use pith_model::reference::Kind;

use super::{PathOfOne, find, shape};
use crate::context::Context;
use crate::declared::Declared;
use crate::document;
use crate::error::Result;
use crate::last_sync::LastSyncs;
use crate::query;

/// `GET remotes/<plugin>/<type>/<id>/`
pub(super) async fn read(
    context: Context,
    Path(path): PathOfOne,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let projection = query::projection(text.as_deref())?;
    let remote = {
        let mut connection = context.app.database.read().await?;
        find(&mut connection, &path).await?
    };
    let declared = Declared::find(&context.app, Kind::Remote, &path.0, &path.1);
    let schema = declared.as_ref().map(Declared::schema);
    let one = std::slice::from_ref(&remote);
    let last_syncs = LastSyncs::of_remotes(&context, schema, one).await?;
    Ok(document::object(Some(&projection), |object| {
        shape::write(
            object,
            &remote,
            context.root,
            declared.as_ref(),
            &last_syncs,
        );
    }))
}

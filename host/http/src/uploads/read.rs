//! One upload with the chunks that came.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use pith_db::upload_chunk;

use super::{find, shape};
use crate::context::Context;
use crate::document;
use crate::error::Result;
use crate::query;

/// More chunks than this are not shown: a client that sends so small ones knows them.
const MOST_SHOWN: usize = 100_000;

/// `GET uploads/<id>/`
pub(super) async fn read(
    context: Context,
    Path(id): Path<String>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let projection = query::projection(text.as_deref())?;
    let upload = find(&context, &id).await?;
    let mut connection = context.app.database.read().await?;
    let chunks = upload_chunk::from(&mut connection, upload.id, 0, i64::MAX, MOST_SHOWN).await?;
    drop(connection);
    Ok(document::object(Some(&projection), |object| {
        shape::write_with_chunks(object, &upload, context.root, &chunks);
    }))
}

//! Removing a publication. A distribution that served it serves nothing until it is
//! given another.

use axum::extract::Path;
use http::StatusCode;
use pith_db::{publication, served};

use super::{PathOfOne, find};
use crate::context::Context;
use crate::error::Result;

/// `DELETE publications/<plugin>/<type>/<id>/`
pub(super) async fn delete(context: Context, Path(path): PathOfOne) -> Result<StatusCode> {
    let mut transaction = context.app.database.write_durably().await?;
    let publication = find(&mut transaction, &path).await?;
    publication::delete(&mut transaction, publication.id).await?;
    served::raise_epoch(&mut transaction).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

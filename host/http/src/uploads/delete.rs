//! Giving an upload up.

use axum::extract::Path;
use http::StatusCode;
use pith_content::upload;
use pith_db::task_lock;
use pith_model::reference::{Kind, core_prn};

use super::find;
use crate::context::Context;
use crate::error::{Error, Result};

/// `DELETE uploads/<id>/`
pub(super) async fn delete(context: Context, Path(id): Path<String>) -> Result<StatusCode> {
    let found = find(&context, &id).await?;
    let prn = core_prn(Kind::Upload, found.uuid);
    let mut connection = context.app.database.read().await?;
    if !task_lock::wanted(&mut connection, vec![prn])
        .await?
        .is_empty()
    {
        return Err(Error::conflict(
            "A task that is not over needs this upload; cancel it first.",
        ));
    }
    drop(connection);
    if upload::discard(&context.app.services, &found).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Error::not_found())
    }
}

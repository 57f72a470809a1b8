//! Removing a stored file that nothing refers to.

use axum::extract::Path;
use http::StatusCode;
use pith_db::artifact;
use pith_storage::Sha256Digest;

use super::find;
use crate::context::Context;
use crate::error::{Error, Result};

/// `DELETE artifacts/<id>/`
pub(super) async fn delete(context: Context, Path(id): Path<String>) -> Result<StatusCode> {
    let app = &context.app;
    // First the row turns into a note, for good; then the file goes, then the note. A
    // crash in between leaves a note, which the next clean-up finds.
    let mut transaction = app.database.write_durably().await?;
    let artifact = find(&mut transaction, &id).await?;
    if artifact::is_used(&mut transaction, artifact.id).await? {
        return Err(in_use());
    }
    let removal = [(artifact.id, artifact.sha256.clone())];
    artifact::begin_removal(&mut transaction, &removal)
        .await
        .map_err(|error| match error {
            pith_db::Error::Related => in_use(),
            other => other.into(),
        })?;
    transaction.commit().await?;

    let digest = Sha256Digest::try_from(artifact.sha256.as_slice())
        .map_err(|error| Error::internal(&error))?;
    let kept = app.store.remove(&[digest]).await?;
    if kept.is_empty() {
        let mut transaction = app.database.write().await?;
        artifact::end_removal(&mut transaction, &[artifact.sha256]).await?;
        transaction.commit().await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

fn in_use() -> Error {
    Error::conflict("The Artifact cannot be deleted because it is associated with Content.")
}

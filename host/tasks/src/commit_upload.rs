//! Makes a stored file of an upload, and removes the upload.

use async_trait::async_trait;
use pith_content::error::Result;
use pith_content::upload::{self, Finished};
use pith_db::{Connection, access};
use pith_model::reference::{Kind, core_prn};
use pith_model::task::TaskError;
use pith_model::{ArtifactId, UploadId, UserId};
use pith_storage::{Algorithm, Digest, Expected};
use uuid::Uuid;

use crate::commit::{Commit, Created, Outcome};
use crate::run::{Context, failed, failed_db, gone};

pub(crate) async fn run(
    context: &Context,
    upload: i64,
    sha256: &str,
) -> Result<Box<dyn Commit>, TaskError> {
    let services = &context.toolbox.services;
    let digest = Digest::from_hex(Algorithm::Sha256, sha256)
        .map_err(|error| TaskError::new("invalid", error.to_string()))?;
    let id = UploadId(upload);
    let expected = Expected::nothing().with_digest(digest);
    let Finished { artifact, .. } = upload::finish(services, id, &expected)
        .await
        .map_err(failed)?;
    let mut connection = services.database.read().await.map_err(failed_db)?;
    let row = pith_db::artifact::by_id(&mut connection, artifact)
        .await
        .map_err(failed_db)?
        .ok_or_else(|| gone("uploaded file"))?;
    Ok(Box::new(Committed {
        upload: id,
        artifact,
        uuid: row.uuid,
        owner: context.task.user,
    }))
}

struct Committed {
    upload: UploadId,
    artifact: ArtifactId,
    uuid: Uuid,
    owner: Option<UserId>,
}

#[async_trait]
impl Commit for Committed {
    async fn commit(&self, connection: &mut Connection) -> Result<Outcome> {
        tracing::debug!("upload {} became artifact {}", self.upload, self.artifact);
        pith_db::upload::delete(connection, self.upload).await?;
        if let Some(owner) = self.owner {
            access::note_artifact(connection, owner, self.artifact).await?;
        }
        Ok(Outcome {
            created: vec![Created {
                path: format!("artifacts/{}/", self.uuid),
                prn: core_prn(Kind::Artifact, self.uuid),
            }],
            result: None,
        })
    }
}

//! Reads every stored file of a version again and fetches anew what is damaged.

use pith_model::VersionId;
use pith_model::task::TaskError;

use crate::commit::{Commit, Done, Outcome};
use crate::run::{Context, failed, failed_db, gone};

pub(crate) async fn run(
    context: &Context,
    version: i64,
    verify_checksums: bool,
) -> Result<Box<dyn Commit>, TaskError> {
    let services = &context.toolbox.services;
    let version = {
        let mut connection = services.database.read().await.map_err(failed_db)?;
        pith_db::version::by_id(&mut connection, VersionId(version))
            .await
            .map_err(failed_db)?
            .ok_or_else(|| gone("repository version"))?
    };
    // What was damaged and mended is told by the progress reports, as in Pulp.
    pith_content::repair::repair(
        services,
        version.repository,
        version.number,
        verify_checksums,
        &context.progress,
    )
    .await
    .map_err(failed)?;
    Ok(Box::new(Done(Outcome {
        created: Vec::new(),
        result: None,
    })))
}

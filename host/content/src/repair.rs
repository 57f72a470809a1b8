//! Reads stored bytes again and fetches anew what is damaged or gone.

use pith_db::remote_artifact::{self, Source};
use pith_db::repair::StoredArtifact;
use pith_db::{remote, repair};
use pith_model::{RepositoryId, UnitId};
use pith_storage::{Expected, Sha256Digest};

use crate::Services;
use crate::error::{Error, Result};
use crate::fetch::{Client, Request, parse_url};
use crate::progress::Progress;

/// Checks every stored file of a version; how many were damaged and how many of those
/// are whole again.
pub async fn repair(
    services: &Services,
    repository: RepositoryId,
    number: i64,
    verify_checksums: bool,
    progress: &Progress,
) -> Result<(u64, u64)> {
    const DAMAGED: (&str, &str) = ("repair.corrupted", "Identify missing/corrupted Artifacts");
    const REPAIRED: (&str, &str) = ("repair.repaired", "Repair Artifacts");
    let (mut damaged, mut repaired) = (0, 0);
    let mut after = (UnitId(0), String::new());
    progress.report(DAMAGED.0, DAMAGED.1, 0, None);
    progress.report(REPAIRED.0, REPAIRED.1, 0, None);
    loop {
        let mut connection = services.database.read().await?;
        let batch = repair::artifacts(&mut connection, repository, number, &after).await?;
        drop(connection);
        let Some(last) = batch.last() else {
            return Ok((damaged, repaired));
        };
        after = (last.unit, last.path.clone());
        for artifact in &batch {
            if is_whole(services, artifact, verify_checksums).await? {
                continue;
            }
            damaged += 1;
            progress.report(DAMAGED.0, DAMAGED.1, damaged, None);
            if fetch_again(services, artifact).await? {
                repaired += 1;
                progress.report(REPAIRED.0, REPAIRED.1, repaired, None);
            }
        }
    }
}

async fn is_whole(
    services: &Services,
    artifact: &StoredArtifact,
    verify_checksums: bool,
) -> Result<bool> {
    let digest = Sha256Digest(artifact.sha256);
    match services.store.open(&digest).await {
        Ok(reader) if Some(reader.length()) != u64::try_from(artifact.size).ok() => {
            return Ok(false);
        }
        Ok(_) => {}
        Err(pith_storage::Error::Missing(_)) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    Ok(!verify_checksums || services.store.verify(&digest).await?)
}

/// Fetches the same bytes from wherever they can be had.
async fn fetch_again(services: &Services, artifact: &StoredArtifact) -> Result<bool> {
    let mut connection = services.database.read().await?;
    let sources = remote_artifact::sources(&mut connection, artifact.unit_artifact).await?;
    for Source { remote, urls, .. } in sources {
        let Some(row) = remote::by_id(&mut connection, remote).await? else {
            continue;
        };
        let client = Client::new(services, &row)?;
        for url in urls {
            match fetch(services, &client, &url, artifact).await {
                Ok(()) => return Ok(true),
                Err(error) => tracing::warn!(%error, "could not repair {}: {error}", artifact.path),
            }
        }
    }
    Ok(false)
}

async fn fetch(
    services: &Services,
    client: &Client,
    url: &str,
    artifact: &StoredArtifact,
) -> Result<()> {
    let size = u64::try_from(artifact.size).map_err(|_| Error::internal("a negative size"))?;
    let expected = Expected::nothing()
        .with_digest(Sha256Digest(artifact.sha256))
        .with_size(size);
    let mut body = client.open(Request::get(parse_url(url)?, size)).await?;
    let mut writer = services.store.create(&expected.algorithms());
    loop {
        let chunk = body.chunk().await?;
        if chunk.is_empty() {
            break;
        }
        writer.write(chunk).await?;
    }
    let incoming = writer.finish(&expected).await?;
    // The row is there; the file takes the place of the damaged one.
    drop(services.store.keep(vec![incoming]).await?);
    Ok(())
}

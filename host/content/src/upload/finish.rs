//! Makes a stored file of an upload whose bytes are all there. Nothing is read again but
//! what came out of order.

use pith_db::artifact;
use pith_db::upload::{self, Upload};
use pith_model::{ArtifactId, UploadId};
use pith_storage::{Digests, Expected, ResumableHasher, Session, Sha256Digest, Stored};

use super::catch_up::catch_up;
use super::{Refusal, bytes, hasher_of, hold, name_of, reconcile, step_back};
use crate::Services;
use crate::error::{Code, Error, Result};
use crate::ingest::{self, REMOVAL_PAUSE};

/// So much is read at a time where bytes came out of order, so that a task can be called
/// off in between.
const STRETCH: u64 = 64 << 20;

/// How often bytes are stored anew that a clean-up removes at the same time.
const ATTEMPTS: usize = 10;

/// What an upload became.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Its row.
    pub artifact: ArtifactId,
    /// Its digest.
    pub sha256: Sha256Digest,
    /// In bytes.
    pub size: u64,
}

/// Stores an upload's file, if it is as expected; doing it again gives the same. An upload
/// that expired meanwhile will do.
///
/// # Errors
/// `not-found` if the upload is gone, `invalid` if bytes are missing or not as expected;
/// then more may be sent.
pub async fn finish(services: &Services, id: UploadId, expected: &Expected) -> Result<Finished> {
    let upload = read(services, id).await?;
    if let Some(finished) = finished(services, &upload, expected).await? {
        return Ok(finished);
    }
    let mut session = hold(services, &upload).await.map_err(failed)?;
    // Read while nobody else can change it.
    let mut upload = read(services, id).await?;
    if let Some(finished) = finished(services, &upload, expected).await? {
        return Ok(finished);
    }
    reconcile(services, &*session, &mut upload).await?;
    let hasher = hash_rest(services, &mut *session, &mut upload).await?;
    let stored = Stored {
        digests: Digests::only(hasher.digest()),
        size: bytes(upload.progress.received),
    };
    expected.check(&stored.digests, stored.size)?;
    if let Err(error) = session.sync().await {
        // No later sync brings back what this one lost.
        step_back(services, session.length(), &mut upload).await?;
        return Err(error.into());
    }
    seal(services, &upload).await?;
    let artifact = store(services, &mut *session, &upload, &stored).await?;
    services.store.remove_sessions(&[name_of(&upload)]).await?;
    Ok(Finished {
        artifact,
        sha256: stored.digests.sha256,
        size: stored.size,
    })
}

async fn read(services: &Services, id: UploadId) -> Result<Upload> {
    let mut connection = services.database.read().await?;
    upload::by_id(&mut connection, id)
        .await?
        .ok_or_else(|| Error::not_found("the upload is gone; it may have expired"))
}

fn failed(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Failed(error) => error,
        other => Error::unavailable(other.to_string()),
    }
}

/// What an upload became before, if it did.
async fn finished(
    services: &Services,
    upload: &Upload,
    expected: &Expected,
) -> Result<Option<Finished>> {
    let Some(artifact) = upload.artifact else {
        return Ok(None);
    };
    let mut connection = services.database.read().await?;
    let row = artifact::by_id(&mut connection, artifact)
        .await?
        .ok_or_else(|| Error::internal("an upload names a file that is not stored"))?;
    let sha256 = Sha256Digest::try_from(row.sha256.as_slice())
        .map_err(|_| Error::internal("a digest of another length"))?;
    let size = bytes(row.size);
    expected.check(&Digests::only(sha256), size)?;
    Ok(Some(Finished {
        artifact,
        sha256,
        size,
    }))
}

/// Hashes what came out of order; an error if bytes are missing.
async fn hash_rest(
    services: &Services,
    session: &mut dyn Session,
    upload: &mut Upload,
) -> Result<ResumableHasher> {
    let Some(size) = upload.size else {
        return hasher_of(&upload.progress);
    };
    let mut progress = upload.progress.clone();
    while progress.received < size
        && !catch_up(services, session, upload, &mut progress, STRETCH).await?
    {}
    if progress.received != size {
        return Err(Error::invalid(format!(
            "the upload is not complete: byte {} of {size} did not come",
            progress.received
        )));
    }
    let from = upload.progress.received;
    if progress.received != from {
        let mut transaction = services.database.write().await?;
        upload::advance(&mut transaction, upload.id, from, &progress).await?;
        transaction.commit().await?;
        upload.progress = progress;
    }
    hasher_of(&upload.progress)
}

/// Forbids more bytes, before the file gets another name: on the disk, since bytes that
/// came after a power loss would change what is stored.
async fn seal(services: &Services, upload: &Upload) -> Result<()> {
    let mut transaction = services.database.write_durably().await?;
    if !upload::seal(&mut transaction, upload.id, upload.progress.received).await? {
        return Err(Error::not_found("the upload is gone; it may have expired"));
    }
    transaction.commit().await?;
    Ok(())
}

async fn store(
    services: &Services,
    session: &mut dyn Session,
    upload: &Upload,
    stored: &Stored,
) -> Result<ArtifactId> {
    let mut attempt = 0;
    loop {
        match try_store(services, session, upload, stored).await {
            Err(error) if error.code == Code::Unavailable && attempt < ATTEMPTS => {
                attempt += 1;
                tokio::time::sleep(REMOVAL_PAUSE).await;
            }
            other => return other,
        }
    }
}

async fn try_store(
    services: &Services,
    session: &mut dyn Session,
    upload: &Upload,
    stored: &Stored,
) -> Result<ArtifactId> {
    let incoming = session.seal(stored.clone()).await?;
    let durable = services.store.keep(vec![incoming]).await?;
    let mut transaction = services.database.write_durably().await?;
    let rows = ingest::insert(&mut transaction, &*services.store, &durable).await?;
    let artifact = rows
        .get(&stored.digests.sha256.0)
        .copied()
        .ok_or_else(|| Error::internal("a stored file has no row"))?;
    if !upload::set_artifact(&mut transaction, upload.id, artifact).await? {
        return Err(Error::not_found("the upload is gone; it may have expired"));
    }
    transaction.commit().await?;
    Ok(artifact)
}

//! Files that come in chunks: the one engine under all ways to upload.
//!
//! The file is a session of the store, the row in `upload` says how far it came. A chunk is
//! written and hashed as it arrives (`receive`); only then the row moves on, so that what a
//! row says is always there. `finish` makes a stored file of it, `reap` removes what
//! expired.
//!
//! Invariant: whoever changes a row's progress holds the session, so the bytes and the hash
//! state of a row always belong together. Where a power loss may have taken bytes that the
//! row counts, the row steps back to what was brought to the disk.

mod catch_up;
mod finish;
mod reap;
mod receive;

use std::time::Duration;

use pith_db::upload::{self, NewUpload, Progress, Upload};
use pith_model::{Timestamp, UserId};
use pith_storage::{ResumableHasher, Session, SessionName, Store};
use uuid::Uuid;

pub use finish::{Finished, finish};
pub use reap::{keep_reaping, reap};
pub use receive::Receiving;

use crate::Services;
use crate::error::Error;

/// The largest chunk, in bytes.
pub const LARGEST_CHUNK: u64 = 150_000_000;

/// What users may keep open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long after its start an upload is kept; it is never extended.
    pub expire_after: Duration,
    /// How many a user may have at once.
    pub most_open: u64,
    /// How many bytes a user's uploads may have together.
    pub most_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            expire_after: Duration::from_hours(48),
            // Enough for scripts that upload side by side, and for what broke off.
            most_open: 1000,
            most_bytes: 1 << 40,
        }
    }
}

/// Why a chunk, or an upload, is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is not there, or expired, or is somebody else's.
    #[error("there is no such upload; it may have expired")]
    Gone,
    /// Other bytes come next.
    #[error("byte {} of the upload comes next", .0.progress.received)]
    Elsewhere(Box<Upload>),
    /// It was made a stored file, or is about to.
    #[error("the upload takes no more bytes, because it was imported or committed")]
    Complete(Box<Upload>),
    /// The user has as many as he may have.
    #[error("there are {0} open uploads already, as many as one user may have; finish one first")]
    TooMany(u64),
    /// The user's uploads would have more bytes than they may have.
    #[error("the open uploads of one user may have {0} bytes together; finish one first")]
    TooMuch(u64),
    /// Somebody else is sending to it, and does not come to an end.
    #[error("another request is still sending to the same upload; try again")]
    Busy,
    /// The bytes are not what was said of them, or something broke.
    #[error(transparent)]
    Failed(Error),
}

impl From<pith_storage::Error> for Refusal {
    fn from(error: pith_storage::Error) -> Self {
        match error {
            pith_storage::Error::Busy => Self::Busy,
            other => Self::Failed(other.into()),
        }
    }
}

impl From<pith_db::Error> for Refusal {
    fn from(error: pith_db::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Makes an upload of an announced size, for chunks in any order.
pub async fn create(services: &Services, user: UserId, size: u64) -> Result<Upload, Refusal> {
    let room = room(services, user).await?;
    if size > room {
        return Err(Refusal::TooMuch(services.uploads.most_bytes));
    }
    let size = i64::try_from(size).map_err(|_| Refusal::TooMuch(services.uploads.most_bytes))?;
    let new = new_upload(services, user, Some(size));
    let mut transaction = services.database.write().await?;
    let made = upload::insert(&mut transaction, &new).await?;
    transaction.commit().await?;
    Ok(made)
}

/// Removes an upload; false if it was gone already.
pub async fn discard(services: &Services, upload: &Upload) -> Result<bool, Error> {
    let mut transaction = services.database.write().await?;
    let deleted = upload::delete(&mut transaction, upload.id).await?;
    transaction.commit().await?;
    services.store.remove_sessions(&[name_of(upload)]).await?;
    Ok(deleted)
}

/// Whose uploads are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// A user's own.
    Own(UserId),
    /// Anybody's: the caller knows that this is allowed.
    Anybodys,
}

/// An upload, which did not expire.
pub async fn find(services: &Services, whose: Whose, uuid: Uuid) -> Result<Upload, Refusal> {
    let mut connection = services.database.read().await?;
    upload::by_uuid(&mut connection, uuid)
        .await?
        .filter(|upload| whose == Whose::Anybodys || whose == Whose::Own(upload.user))
        .ok_or(Refusal::Gone)
}

fn new_upload(services: &Services, user: UserId, size: Option<i64>) -> NewUpload {
    let now = Timestamp::now();
    NewUpload {
        uuid: Uuid::now_v7(),
        user,
        pulp_created: now,
        expires: now.plus(services.uploads.expire_after),
        size,
        progress: beginning(&*services.store),
    }
}

/// How many bytes a user may still send, if he may begin another upload.
async fn room(services: &Services, user: UserId) -> Result<u64, Refusal> {
    let mut connection = services.database.read().await?;
    let (open, bytes) = upload::usage(&mut connection, user).await?;
    if u64::try_from(open).unwrap_or(0) >= services.uploads.most_open {
        return Err(Refusal::TooMany(services.uploads.most_open));
    }
    let taken = u64::try_from(bytes).unwrap_or(0);
    Ok(services.uploads.most_bytes.saturating_sub(taken))
}

/// The name of an upload's file.
pub(crate) fn name_of(upload: &Upload) -> SessionName {
    SessionName(upload.uuid.as_u128())
}

/// Where every upload begins.
fn beginning(store: &dyn Store) -> Progress {
    let state = ResumableHasher::default().save();
    Progress {
        received: 0,
        hash_state: state.clone(),
        synced: 0,
        synced_state: state,
        keeper: store.keeper().map(str::to_owned),
    }
}

/// What has seen the bytes that were received.
fn hasher_of(progress: &Progress) -> Result<ResumableHasher, Error> {
    ResumableHasher::restore(&progress.hash_state)
        .ok_or_else(|| Error::internal("the hash state of an upload cannot be read"))
}

fn bytes(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

fn count(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Opens the file of an upload once nobody else has it; it is made where there is none.
async fn hold(services: &Services, upload: &Upload) -> Result<Box<dyn Session>, Refusal> {
    let store = &services.store;
    let name = name_of(upload);
    if let Some(session) = store.resume_session(name).await? {
        return Ok(session);
    }
    match store.begin_session(name).await {
        Ok(mut session) => {
            session.keep();
            Ok(session)
        }
        // Perhaps somebody else was faster.
        Err(error) => match store.resume_session(name).await? {
            Some(session) => Ok(session),
            None => Err(error.into()),
        },
    }
}

/// Takes a row back to what is surely in its file, where bytes may have been lost since.
async fn reconcile(
    services: &Services,
    session: &dyn Session,
    upload: &mut Upload,
) -> Result<(), Error> {
    let progress = &upload.progress;
    let keeper = services.store.keeper();
    let is_kept = progress.keeper.is_none() || progress.keeper.as_deref() == keeper;
    if is_kept && session.length() >= bytes(progress.received) {
        return Ok(());
    }
    tracing::warn!(
        upload.id = %upload.uuid,
        "upload {} steps back: what came after its last sync may be lost",
        upload.uuid
    );
    step_back(services, session.length(), upload).await
}

/// Takes a row back to its last sync, or to its beginning if not even that is there.
async fn step_back(services: &Services, length: u64, upload: &mut Upload) -> Result<(), Error> {
    let mut progress = beginning(&*services.store);
    if length >= bytes(upload.progress.synced) {
        progress.received = upload.progress.synced;
        progress
            .hash_state
            .clone_from(&upload.progress.synced_state);
        progress.synced = upload.progress.synced;
        progress
            .synced_state
            .clone_from(&upload.progress.synced_state);
    }
    let mut transaction = services.database.write_durably().await?;
    upload::step_back(&mut transaction, upload.id, &progress).await?;
    transaction.commit().await?;
    upload.progress = progress;
    upload.sealed = false;
    Ok(())
}

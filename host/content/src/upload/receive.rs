//! Takes one chunk: its bytes first, then the row that counts them.

use std::ops::Range;

use pith_db::upload::{self, NewUpload, Upload};
use pith_db::upload_chunk;
use pith_model::UserId;
use pith_storage::{Algorithm, Chunk, ChunkPlan, Expected, Session, SessionName};
use uuid::Uuid;

use super::catch_up::catch_up;
use super::{
    LARGEST_CHUNK, Refusal, Whose, beginning, bytes, count, find, hasher_of, hold, new_upload,
    reconcile, room, step_back,
};
use crate::Services;
use crate::error::Error;

/// After so many bytes an upload is brought to the disk: no more is lost with the power,
/// and the end of a large file need not wait for all of it.
const SYNC_AFTER: u64 = 256 << 20;

/// So much that came out of order is hashed at once after a chunk; more is left to the
/// next one, or to the end.
const CATCH_UP: u64 = 64 << 20;

/// A chunk on its way. Dropped before its end, it leaves nothing that counts.
pub struct Receiving {
    services: Services,
    session: Box<dyn Session>,
    place: Place,
    offset: u64,
    length: u64,
    room: u64,
}

/// Which upload the chunk is for.
enum Place {
    /// One that begins with it.
    New(NewUpload),
    /// One that is there already.
    Known(Upload),
}

impl std::fmt::Debug for Receiving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiving")
            .field("offset", &self.offset)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

impl Receiving {
    /// The first chunk of a new upload.
    pub async fn start(
        services: &Services,
        user: UserId,
        algorithms: Vec<Algorithm>,
    ) -> Result<Self, Refusal> {
        let room = room(services, user).await?;
        let new = new_upload(services, user, None);
        let name = SessionName(new.uuid.as_u128());
        let mut session = services.store.begin_session(name).await?;
        session.begin(ChunkPlan {
            offset: 0,
            hasher: Some(hasher_of(&new.progress)?),
            algorithms,
        });
        Ok(Self {
            services: services.clone(),
            session,
            place: Place::New(new),
            offset: 0,
            length: 0,
            room,
        })
    }

    /// The next chunk of an upload whose chunks follow one another.
    pub async fn next(
        services: &Services,
        whose: Whose,
        uuid: Uuid,
        offset: Option<u64>,
        algorithms: Vec<Algorithm>,
    ) -> Result<Self, Refusal> {
        let (session, upload) = open(services, whose, uuid).await?;
        if upload.size.is_some() {
            return Err(Refusal::Gone);
        }
        if offset != Some(bytes(upload.progress.received)) {
            return Err(Refusal::Elsewhere(Box::new(upload)));
        }
        let room = bytes_left(services, &upload).await?;
        Self::begin(services, session, upload, offset.unwrap_or(0), algorithms)
            .map(|receiving| Self { room, ..receiving })
    }

    /// A chunk at any place of an upload whose size was announced. What it overlaps is
    /// forgotten before its first byte is written.
    pub async fn at(
        services: &Services,
        whose: Whose,
        uuid: Uuid,
        range: Range<u64>,
        algorithms: Vec<Algorithm>,
    ) -> Result<Self, Refusal> {
        let (session, mut upload) = open(services, whose, uuid).await?;
        match upload.size {
            None => return Err(Refusal::Gone),
            Some(size) if range.end > bytes(size) => {
                return Err(Refusal::Failed(Error::invalid(format!(
                    "the upload has {size} bytes, but the chunk would end at byte {}",
                    range.end
                ))));
            }
            Some(_) => {}
        }
        forget_overlapped(services, &mut upload, &range).await?;
        Self::begin(services, session, upload, range.start, algorithms)
    }

    fn begin(
        services: &Services,
        mut session: Box<dyn Session>,
        upload: Upload,
        offset: u64,
        algorithms: Vec<Algorithm>,
    ) -> Result<Self, Refusal> {
        let in_order = offset == bytes(upload.progress.received);
        let hasher = in_order.then(|| hasher_of(&upload.progress)).transpose()?;
        session.begin(ChunkPlan {
            offset,
            hasher,
            algorithms,
        });
        Ok(Self {
            services: services.clone(),
            session,
            place: Place::Known(upload),
            offset,
            length: 0,
            room: u64::MAX,
        })
    }

    /// How many bytes came.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Whether somebody else waits for this upload.
    pub fn is_contested(&self) -> bool {
        self.session.is_contested()
    }

    /// Takes the next bytes.
    pub async fn write(&mut self, piece: bytes::Bytes) -> Result<(), Refusal> {
        self.length += piece.len() as u64;
        if self.length > self.room {
            return Err(Refusal::TooMuch(self.services.uploads.most_bytes));
        }
        Ok(self.session.write(piece).await?)
    }

    /// Ends the chunk and counts it, if it is as expected; what is not changes nothing.
    pub async fn end(mut self, expected: &Expected) -> Result<Upload, Refusal> {
        let chunk = self.session.end().await?;
        self.check(&chunk, expected).await?;
        let services = self.services.clone();
        match self.place {
            Place::New(new) => begin_upload(&services, self.session, new, chunk).await,
            Place::Known(upload) => {
                count_chunk(&services, self.session, upload, self.offset, chunk).await
            }
        }
    }

    async fn check(&mut self, chunk: &Chunk, expected: &Expected) -> Result<(), Refusal> {
        // A size alone is compared without digests.
        let late = expected.digests.iter().any(|digest| {
            let computed = chunk.digests.as_ref();
            computed.is_none_or(|computed| computed.get(digest.algorithm()).is_none())
        });
        let read;
        let digests = if late || chunk.digests.is_none() {
            if !late && expected.size.is_none_or(|size| size == chunk.length) {
                return Ok(());
            }
            let range = self.offset..self.offset + chunk.length;
            read = self.session.digest(range, &expected.algorithms()).await?;
            &read
        } else if let Some(computed) = &chunk.digests {
            computed
        } else {
            return Ok(());
        };
        expected
            .check(digests, chunk.length)
            .map_err(|error| Refusal::Failed(error.into()))
    }
}

/// An upload that takes bytes, and its file.
async fn open(
    services: &Services,
    whose: Whose,
    uuid: Uuid,
) -> Result<(Box<dyn Session>, Upload), Refusal> {
    let name = SessionName(uuid.as_u128());
    let session = match services.store.resume_session(name).await? {
        Some(session) => session,
        None => {
            let upload = find(services, whose, uuid).await?;
            if upload.sealed {
                return Err(Refusal::Complete(Box::new(upload)));
            }
            hold(services, &upload).await?
        }
    };
    // Read while nobody else can change it.
    let mut upload = find(services, whose, uuid).await?;
    if upload.sealed {
        return Err(Refusal::Complete(Box::new(upload)));
    }
    reconcile(services, &*session, &mut upload).await?;
    Ok((session, upload))
}

/// How many bytes the user may still send to an upload that is there already.
async fn bytes_left(services: &Services, upload: &Upload) -> Result<u64, Refusal> {
    let mut connection = services.database.read().await?;
    let (_, used) = upload::usage(&mut connection, upload.user).await?;
    Ok(services.uploads.most_bytes.saturating_sub(bytes(used)))
}

/// Makes room for a chunk: what it overlaps counts no more, even if it breaks off.
async fn forget_overlapped(
    services: &Services,
    upload: &mut Upload,
    range: &Range<u64>,
) -> Result<(), Refusal> {
    let range = count(range.start)..count(range.end);
    let longest = count(LARGEST_CHUNK);
    let mut connection = services.database.read().await?;
    let next = upload_chunk::from(&mut connection, upload.id, range.start, longest, 1).await?;
    drop(connection);
    let overlaps = next.first().is_some_and(|chunk| chunk.start < range.end);
    if !overlaps && range.start >= upload.progress.received {
        return Ok(());
    }
    let mut progress = upload.progress.clone();
    if range.start < progress.received {
        // What was hashed will change; it is read again when the chunk is there.
        progress = beginning(&*services.store);
    }
    let mut transaction = services.database.write().await?;
    upload_chunk::forget(&mut transaction, upload.id, &range, longest).await?;
    let from = upload.progress.received;
    if !upload::advance(&mut transaction, upload.id, from, &progress).await? {
        return Err(Refusal::Gone);
    }
    transaction.commit().await?;
    upload.progress = progress;
    Ok(())
}

async fn begin_upload(
    services: &Services,
    mut session: Box<dyn Session>,
    mut new: NewUpload,
    chunk: Chunk,
) -> Result<Upload, Refusal> {
    new.progress.received = count(chunk.length);
    if let Some(hasher) = &chunk.hasher {
        new.progress.hash_state = hasher.save();
    }
    if new.progress.keeper.is_none() {
        session.sync().await?;
        new.progress.synced = new.progress.received;
        new.progress
            .synced_state
            .clone_from(&new.progress.hash_state);
    }
    let mut transaction = services.database.write().await?;
    upload::need_not_last(&mut transaction).await?;
    let made = upload::insert(&mut transaction, &new).await?;
    transaction.commit().await?;
    session.keep();
    Ok(made)
}

async fn count_chunk(
    services: &Services,
    mut session: Box<dyn Session>,
    mut upload: Upload,
    offset: u64,
    chunk: Chunk,
) -> Result<Upload, Refusal> {
    let end = count(offset + chunk.length);
    let from = upload.progress.received;
    let mut progress = upload.progress.clone();
    progress.keeper = services.store.keeper().map(str::to_owned);
    if let Some(hasher) = &chunk.hasher {
        progress.received = end;
        progress.hash_state = hasher.save();
        if upload.size.is_some() {
            catch_up(services, &mut *session, &upload, &mut progress, CATCH_UP).await?;
        }
    }
    let unsynced = bytes(progress.received - progress.synced);
    if progress.keeper.is_none() || unsynced >= SYNC_AFTER {
        if let Err(error) = session.sync().await {
            // No later sync brings back what this one lost.
            step_back(services, session.length(), &mut upload).await?;
            return Err(error.into());
        }
        progress.synced = progress.received;
        progress.synced_state.clone_from(&progress.hash_state);
    }
    let mut transaction = services.database.write().await?;
    upload::need_not_last(&mut transaction).await?;
    if upload.size.is_some() && chunk.length > 0 {
        upload_chunk::insert(&mut transaction, upload.id, &(count(offset)..end)).await?;
    }
    if !upload::advance(&mut transaction, upload.id, from, &progress).await? {
        return Err(Refusal::Gone);
    }
    transaction.commit().await?;
    upload.progress = progress;
    Ok(upload)
}

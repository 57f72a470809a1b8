//! Hashes what came out of order, once what was missing before it is there.

use pith_db::upload::{Progress, Upload};
use pith_db::upload_chunk;
use pith_storage::Session;

use super::{LARGEST_CHUNK, bytes, count, hasher_of};
use crate::Services;
use crate::error::Result;

/// So many chunks are looked at together.
const TOGETHER: usize = 1000;

/// Reads on from what was received while chunks follow without a gap, up to about `most`
/// bytes; true if it came to a gap or to the end.
pub(super) async fn catch_up(
    services: &Services,
    session: &mut dyn Session,
    upload: &Upload,
    progress: &mut Progress,
    most: u64,
) -> Result<bool> {
    let begun = bytes(progress.received);
    let mut hasher = hasher_of(progress)?;
    let ended = loop {
        let mut connection = services.database.read().await?;
        let chunks = upload_chunk::from(
            &mut connection,
            upload.id,
            progress.received,
            count(LARGEST_CHUNK),
            TOGETHER,
        )
        .await?;
        drop(connection);
        let before = progress.received;
        for chunk in chunks {
            if chunk.start > progress.received || bytes(progress.received) - begun >= most {
                break;
            }
            let range = bytes(progress.received)..bytes(chunk.end);
            hasher = session.hash(hasher, range).await?;
            progress.received = chunk.end;
        }
        if progress.received == before {
            break true;
        }
        if bytes(progress.received) - begun >= most {
            break false;
        }
    };
    progress.hash_state = hasher.save();
    Ok(ended)
}

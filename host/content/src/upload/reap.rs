//! Removes uploads that expired, and files that no upload names any more.

use std::time::Duration;

use pith_db::{task_lock, upload};
use pith_model::reference::{Kind, core_prn};
use pith_model::{Timestamp, UploadId};
use pith_storage::SessionName;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use crate::Services;
use crate::error::Result;

/// So many go at once.
const TOGETHER: usize = 1000;

/// A file without a row that is younger than this may be the first chunk of an upload.
const STRAY_AGE: Duration = Duration::from_hours(1);

/// Removes uploads for as long as the server runs.
pub async fn keep_reaping(services: Services) {
    let mut tick = interval(pause(&services));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        match reap(&services).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!("removed {removed} uploads that had expired"),
            Err(error) => tracing::warn!(%error, "uploads could not be removed: {error}"),
        }
    }
}

/// How often to look, and how long after its end an upload goes: whoever found it before
/// its end has made his task by then.
fn pause(services: &Services) -> Duration {
    let tenth = services.uploads.expire_after / 10;
    tenth.clamp(Duration::from_secs(1), Duration::from_mins(5))
}

/// Removes what expired, except what a task still needs; how many uploads that were.
pub async fn reap(services: &Services) -> Result<usize> {
    let before = Timestamp::now().minus(pause(services));
    let mut connection = services.database.read().await?;
    let expired = upload::expired(&mut connection, before, TOGETHER).await?;
    drop(connection);
    let mut removed = 0;
    if !expired.is_empty() {
        removed = remove(services, expired).await?;
    }
    strays(services).await?;
    Ok(removed)
}

async fn remove(services: &Services, mut expired: Vec<(UploadId, Uuid)>) -> Result<usize> {
    let mut transaction = services.database.write().await?;
    let prn = |uuid: Uuid| core_prn(Kind::Upload, uuid);
    let prns = expired.iter().map(|(_, uuid)| prn(*uuid)).collect();
    // A task that needs an upload holds or waits for its lock.
    let needed = task_lock::wanted(&mut transaction, prns).await?;
    expired.retain(|(_, uuid)| !needed.contains(&prn(*uuid)));
    for (id, _) in &expired {
        upload::delete(&mut transaction, *id).await?;
    }
    transaction.commit().await?;
    let names: Vec<_> = expired.iter().map(|(_, uuid)| name(*uuid)).collect();
    services.store.remove_sessions(&names).await?;
    Ok(expired.len())
}

/// A row comes before its file or soon after it, and goes before it. So a file that was
/// there before its row was looked for, and has none, is nobody's.
async fn strays(services: &Services) -> Result<()> {
    let idle = services.store.idle_sessions(STRAY_AGE).await?;
    for part in idle.chunks(TOGETHER) {
        let uuids = part.iter().map(|name| Uuid::from_u128(name.0)).collect();
        let mut connection = services.database.read().await?;
        let known = upload::known(&mut connection, uuids).await?;
        drop(connection);
        let strays: Vec<SessionName> = part
            .iter()
            .copied()
            .filter(|name| !known.contains(&Uuid::from_u128(name.0)))
            .collect();
        services.store.remove_sessions(&strays).await?;
    }
    Ok(())
}

fn name(uuid: Uuid) -> SessionName {
    SessionName(uuid.as_u128())
}

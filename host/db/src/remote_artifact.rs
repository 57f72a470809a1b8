//! Where the bytes of units can be had, remote by remote.

use std::collections::HashMap;

use pith_model::RemoteId;

use crate::database::Connection;
use crate::error::Result;
use crate::insert::insert_many;
use crate::statement::sql;
use crate::unit::NewRemoteArtifact;

/// Adds or renews sources; the number is that of the unit's artifact.
pub async fn insert(
    connection: &mut Connection,
    sources: impl IntoIterator<Item = (i64, NewRemoteArtifact)>,
) -> Result<()> {
    let rows: Vec<_> = sources
        .into_iter()
        .map(|(id, source)| {
            vec![
                id.into(),
                source.remote.into(),
                source.urls.join("\n").into(),
                source.size.into(),
                source.digests.join(" ").into(),
            ]
        })
        .collect();
    insert_many(
        connection,
        "INSERT INTO remote_artifact (unit_artifact_id, remote_id, urls, size, digests)",
        rows,
        "ON CONFLICT (unit_artifact_id, remote_id) DO UPDATE
         SET urls = excluded.urls, size = excluded.size, digests = excluded.digests",
    )
    .await?;
    Ok(())
}

/// What is noted of a remote, by the number of the unit's artifact.
pub async fn of_remote(
    connection: &mut Connection,
    remote: RemoteId,
    unit_artifacts: &[i64],
) -> Result<HashMap<i64, NewRemoteArtifact>> {
    let mut found = HashMap::with_capacity(unit_artifacts.len());
    for part in unit_artifacts.chunks(1000) {
        let rows = sql(
            "SELECT unit_artifact_id, urls, size, digests FROM remote_artifact
             WHERE remote_id = ? AND unit_artifact_id IN (?*)",
        )
        .bind(remote)
        .bind(part.to_vec())
        .fetch_all(connection)
        .await?;
        for row in rows {
            let source = NewRemoteArtifact {
                remote,
                urls: words(&row.get::<String>(1)?, '\n'),
                size: row.get(2)?,
                digests: words(&row.get::<String>(3)?, ' '),
            };
            found.insert(row.get(0)?, source);
        }
    }
    Ok(found)
}

fn words(text: &str, between: char) -> Vec<String> {
    let words = text.split(between).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// A place to fetch from.
#[derive(Clone, Debug)]
pub struct Source {
    /// Whose credentials and settings apply.
    pub remote: RemoteId,
    /// Absolute, in order of choice.
    pub urls: Vec<String>,
    /// In bytes, where the upstream said so.
    pub size: Option<i64>,
    /// `sha256:…` and so on.
    pub digests: Vec<String>,
}

/// The places where the bytes of a unit's artifact can be had, oldest remote first.
pub async fn sources(connection: &mut Connection, unit_artifact: i64) -> Result<Vec<Source>> {
    let rows = sql("SELECT remote_id, urls, size, digests FROM remote_artifact
         WHERE unit_artifact_id = ? ORDER BY remote_id")
    .bind(unit_artifact)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Source {
                remote: row.get(0)?,
                urls: words(&row.get::<String>(1)?, '\n'),
                size: row.get(2)?,
                digests: words(&row.get::<String>(3)?, ' '),
            })
        })
        .collect()
}

//! Rows of stored bytes. A file counts only if its row is here.

use std::collections::HashMap;

use pith_model::{ArtifactId, RepositoryId, Timestamp};
use uuid::Uuid;

use crate::database::Connection;
use crate::error::Result;
use crate::insert::insert_many;
use crate::list::{Column, Condition, Kind, Record, record};
use crate::row::Row;
use crate::statement::sql;

/// An artifact's row.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Artifact {
    pub id: ArtifactId,
    pub uuid: Uuid,
    pub pulp_created: Timestamp,
    pub size: i64,
    pub sha256: Vec<u8>,
    pub md5: Option<Vec<u8>>,
    pub sha1: Option<Vec<u8>>,
    pub sha224: Option<Vec<u8>>,
    pub sha384: Option<Vec<u8>>,
    pub sha512: Option<Vec<u8>>,
}

impl Record for Artifact {
    const FROM: &'static str = "artifact a";
    const KEY: &'static str = "a.id";
    const COLUMNS: &'static [Column] = &[
        Column::new("", "a.id", Kind::Integer),
        Column::new("pulp_id", "a.uuid", Kind::Uuid).indexed(),
        Column::new("pulp_created", "a.pulp_created", Kind::Time),
        Column::new("size", "a.size", Kind::Integer),
        Column::new("sha256", "a.sha256", Kind::Hex).indexed(),
        Column::new("md5", "a.md5", Kind::Hex),
        Column::new("sha1", "a.sha1", Kind::Hex),
        Column::new("sha224", "a.sha224", Kind::Hex),
        Column::new("sha384", "a.sha384", Kind::Hex),
        Column::new("sha512", "a.sha512", Kind::Hex),
        Column::new("pulp_last_updated", "a.pulp_created", Kind::Time),
    ];
    const FILTERS: &'static [Column] = &[
        Column::new("pk", "a.uuid", Kind::Uuid),
        Column::new(
            "pulp_href",
            "'{root}artifacts/' || {uuid a.uuid} || '/'",
            Kind::Text,
        ),
        Column::new("prn", "'prn:core.artifact:' || {uuid a.uuid}", Kind::Text),
        Column::new(
            "file",
            "'artifact/' || substr({hex a.sha256}, 1, 2) || '/' || substr({hex a.sha256}, 3)",
            Kind::Text,
        ),
        Column::new("timestamp_of_interest", "a.touched", Kind::Time),
    ];

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            uuid: row.get(1)?,
            pulp_created: row.get(2)?,
            size: row.get(3)?,
            sha256: row.get(4)?,
            md5: row.get(5)?,
            sha1: row.get(6)?,
            sha224: row.get(7)?,
            sha384: row.get(8)?,
            sha512: row.get(9)?,
        })
    }
}

/// Bytes to make a row of; the caller has made them durable.
#[derive(Clone, Debug)]
pub struct NewArtifact {
    /// In bytes.
    pub size: i64,
    /// Always there.
    pub sha256: [u8; 32],
    /// The others, by name, where a format or an upstream wanted them.
    pub others: Vec<(&'static str, Vec<u8>)>,
}

impl NewArtifact {
    fn other(&self, name: &str) -> Option<Vec<u8>> {
        let found = self.others.iter().find(|(other, _)| *other == name);
        found.map(|(_, digest)| digest.clone())
    }
}

/// The column of its UUID.
pub const UUID: &str = "a.uuid";

/// The condition that nothing refers to it and that it was last wanted before a moment.
pub fn orphaned_since(moment: Timestamp) -> Condition {
    Condition::new(
        "a.touched <= ?
         AND NOT EXISTS (SELECT 1 FROM unit_artifact xu WHERE xu.artifact_id = a.id)
         AND NOT EXISTS (SELECT 1 FROM published_file xf WHERE xf.artifact_id = a.id)
         AND NOT EXISTS (SELECT 1 FROM upload xp WHERE xp.artifact_id = a.id)
         AND NOT EXISTS (SELECT 1 FROM entity_file xe WHERE xe.artifact_id = a.id)",
        [moment.into()],
    )
}

/// The condition that a unit of a version has it.
pub fn in_version(repository: RepositoryId, number: i64) -> Condition {
    Condition::new(
        "EXISTS (SELECT 1 FROM unit_artifact xu JOIN membership xm ON xm.unit_id = xu.unit_id
                 WHERE xu.artifact_id = a.id AND xm.repository_id = ? AND xm.added <= ?
                   AND xm.removed > ?)",
        [repository.into(), number.into(), number.into()],
    )
}

/// An artifact by its UUID.
pub async fn by_uuid(connection: &mut Connection, uuid: Uuid) -> Result<Option<Artifact>> {
    record(connection, "a.uuid = ?", [uuid.into()]).await
}

/// An artifact by its number.
pub async fn by_id(connection: &mut Connection, id: ArtifactId) -> Result<Option<Artifact>> {
    record(connection, "a.id = ?", [id.into()]).await
}

/// Which of these digests have a row.
pub async fn find(
    connection: &mut Connection,
    digests: &[[u8; 32]],
) -> Result<HashMap<[u8; 32], ArtifactId>> {
    let mut found = HashMap::with_capacity(digests.len());
    for part in digests.chunks(1000) {
        let list: Vec<Vec<u8>> = part.iter().map(|digest| digest.to_vec()).collect();
        let rows = sql("SELECT sha256, id FROM artifact WHERE sha256 IN (?*)")
            .bind(list)
            .fetch_all(connection)
            .await?;
        for row in rows {
            if let Ok(digest) = <[u8; 32]>::try_from(row.get::<Vec<u8>>(0)?) {
                found.insert(digest, row.get(1)?);
            }
        }
    }
    Ok(found)
}

/// Which of these digests are being removed: their files cannot be trusted.
pub async fn being_removed(
    connection: &mut Connection,
    digests: &[[u8; 32]],
) -> Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    for part in digests.chunks(1000) {
        let list: Vec<Vec<u8>> = part.iter().map(|digest| digest.to_vec()).collect();
        found.extend(
            sql("SELECT sha256 FROM artifact_removal WHERE sha256 IN (?*)")
                .bind(list)
                .scalars::<Vec<u8>>(connection)
                .await?,
        );
    }
    Ok(found)
}

/// Makes rows of bytes that have none; the numbers of all of them.
pub async fn insert(
    connection: &mut Connection,
    artifacts: &[NewArtifact],
) -> Result<HashMap<[u8; 32], ArtifactId>> {
    let now = Timestamp::now();
    insert_many(
        connection,
        "INSERT INTO artifact (uuid, pulp_created, touched, size, sha256, md5, sha1, sha224, sha384, sha512)",
        artifacts.iter().map(|artifact| {
            vec![
                Uuid::now_v7().into(),
                now.into(),
                now.into(),
                artifact.size.into(),
                artifact.sha256.into(),
                artifact.other("md5").into(),
                artifact.other("sha1").into(),
                artifact.other("sha224").into(),
                artifact.other("sha384").into(),
                artifact.other("sha512").into(),
            ]
        }),
        "ON CONFLICT (sha256) DO UPDATE SET touched = excluded.touched,
             md5 = COALESCE(artifact.md5, excluded.md5),
             sha1 = COALESCE(artifact.sha1, excluded.sha1),
             sha224 = COALESCE(artifact.sha224, excluded.sha224),
             sha384 = COALESCE(artifact.sha384, excluded.sha384),
             sha512 = COALESCE(artifact.sha512, excluded.sha512)",
    )
    .await?;
    let digests: Vec<[u8; 32]> = artifacts.iter().map(|artifact| artifact.sha256).collect();
    find(connection, &digests).await
}

/// Whether anything refers to the artifact.
pub async fn is_used(connection: &mut Connection, artifact: ArtifactId) -> Result<bool> {
    let used: Option<i64> = sql("SELECT 1 FROM unit_artifact WHERE artifact_id = ?
         UNION ALL SELECT 1 FROM published_file WHERE artifact_id = ?
         UNION ALL SELECT 1 FROM upload WHERE artifact_id = ? LIMIT 1")
    .bind(artifact)
    .bind(artifact)
    .bind(artifact)
    .scalar_optional(connection)
    .await?;
    Ok(used.is_some())
}

/// Turns rows into notes that their files are to go. Refused by the database while
/// anything refers to one of them.
pub async fn begin_removal(
    connection: &mut Connection,
    artifacts: &[(ArtifactId, Vec<u8>)],
) -> Result<()> {
    note_removal(connection, artifacts.iter().map(|(_, sha256)| sha256)).await?;
    for part in artifacts.chunks(1000) {
        let ids: Vec<i64> = part.iter().map(|(id, _)| id.0).collect();
        sql("DELETE FROM artifact WHERE id IN (?*)")
            .bind(ids)
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Notes that files are to go that have no row.
pub async fn note_removal(
    connection: &mut Connection,
    digests: impl IntoIterator<Item = impl AsRef<[u8]>>,
) -> Result<()> {
    let rows: Vec<_> = digests
        .into_iter()
        .map(|digest| vec![digest.as_ref().into()])
        .collect();
    insert_many(
        connection,
        "INSERT INTO artifact_removal (sha256)",
        rows,
        "ON CONFLICT (sha256) DO NOTHING",
    )
    .await?;
    Ok(())
}

/// Files whose removal was begun.
pub async fn removals(connection: &mut Connection) -> Result<Vec<Vec<u8>>> {
    sql("SELECT sha256 FROM artifact_removal LIMIT 10000")
        .scalars(connection)
        .await
}

/// Notes that the files are gone.
pub async fn end_removal(connection: &mut Connection, digests: &[Vec<u8>]) -> Result<()> {
    for part in digests.chunks(1000) {
        sql("DELETE FROM artifact_removal WHERE sha256 IN (?*)")
            .bind(part.to_vec())
            .execute(connection)
            .await?;
    }
    Ok(())
}

//! Repository versions: immutable, numbered, and cheap to look back at.

use pith_model::{PublicationId, RepositoryId, Timestamp, VersionId};
use uuid::Uuid;

use crate::database::Connection;
use crate::error::Result;
use crate::insert::insert_many;
use crate::list::{Column, Condition, Kind, Record, record};
use crate::membership::Counts;
use crate::row::Row;
use crate::statement::sql;

/// A version's row.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Version {
    pub id: VersionId,
    pub uuid: Uuid,
    pub number: i64,
    pub base_number: Option<i64>,
    pub pulp_created: Timestamp,
    pub repository: RepositoryId,
    pub repository_uuid: Uuid,
    pub plugin: String,
    pub type_name: String,
}

impl Record for Version {
    const FROM: &'static str = "repository_version v JOIN repository r ON r.id = v.repository_id";
    const KEY: &'static str = "v.id";
    const COLUMNS: &'static [Column] = &[
        Column::new("", "v.id", Kind::Integer),
        Column::new("pulp_id", "v.uuid", Kind::Uuid).indexed(),
        Column::new("number", "v.number", Kind::Integer),
        Column::new("", "v.base_number", Kind::Integer),
        Column::new("pulp_created", "v.pulp_created", Kind::Time),
        Column::new("", "v.repository_id", Kind::Integer),
        Column::new("", "r.uuid", Kind::Uuid),
        Column::new("", "r.plugin", Kind::Text),
        Column::new("", "r.type_name", Kind::Text),
        Column::new("pulp_last_updated", "v.pulp_created", Kind::Time),
    ];
    const FILTERS: &'static [Column] = &[
        Column::new("pk", "v.uuid", Kind::Uuid),
        Column::new(
            "pulp_href",
            "'{root}repositories/' || r.plugin || '/' || r.type_name || '/' || {uuid r.uuid} || '/versions/' || v.number || '/'",
            Kind::Text,
        ),
        Column::new(
            "prn",
            "'prn:core.repositoryversion:' || {uuid v.uuid}",
            Kind::Text,
        ),
        Column::new(
            "repository",
            "'{root}repositories/' || r.plugin || '/' || r.type_name || '/' || {uuid r.uuid} || '/'",
            Kind::Text,
        ),
        Column::new(
            "base_version",
            "'{root}repositories/' || r.plugin || '/' || r.type_name || '/' || {uuid r.uuid} || '/versions/' || v.base_number || '/'",
            Kind::Text,
        ),
        Column::new("complete", "(v.id > 0)", Kind::Boolean),
    ];

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            uuid: row.get(1)?,
            number: row.get(2)?,
            base_number: row.get(3)?,
            pulp_created: row.get(4)?,
            repository: row.get(5)?,
            repository_uuid: row.get(6)?,
            plugin: row.get(7)?,
            type_name: row.get(8)?,
        })
    }
}

/// The column of its UUID.
pub const UUID: &str = "v.uuid";

/// The condition that it is of a repository.
pub fn of_repository(repository: RepositoryId) -> Condition {
    Condition::new("v.repository_id = ?", [repository.into()])
}

/// The condition that it is one of these, each given by its repository's UUID and its
/// number.
pub fn numbered(versions: &[(Uuid, i64)]) -> Condition {
    let one = "(r.uuid = ? AND v.number = ?)";
    let text = vec![one; versions.len()].join(" OR ");
    Condition::new(
        format!("({})", if versions.is_empty() { "FALSE" } else { &text }),
        versions
            .iter()
            .flat_map(|(uuid, number)| [(*uuid).into(), (*number).into()]),
    )
}

/// The condition that it has one of these units.
pub fn holding(units: Vec<Uuid>) -> Condition {
    Condition::new(
        "EXISTS (SELECT 1 FROM membership mm JOIN unit uu ON uu.id = mm.unit_id
                 WHERE mm.repository_id = v.repository_id AND mm.added <= v.number
                   AND mm.removed > v.number AND uu.uuid IN (?*))",
        [units.into()],
    )
}

/// The newest version of a repository.
pub async fn latest(
    connection: &mut Connection,
    repository: RepositoryId,
) -> Result<Option<Version>> {
    record(
        connection,
        "v.repository_id = ? AND v.number = (SELECT MAX(number) FROM repository_version
         WHERE repository_id = v.repository_id)",
        [repository.into()],
    )
    .await
}

/// A version by its number.
pub async fn by_number(
    connection: &mut Connection,
    repository: RepositoryId,
    number: i64,
) -> Result<Option<Version>> {
    record(
        connection,
        "v.repository_id = ? AND v.number = ?",
        [repository.into(), number.into()],
    )
    .await
}

/// A version as clients name it: by its repository's UUID and its number, or by its own
/// UUID alone.
pub async fn by_reference(
    connection: &mut Connection,
    uuid: Uuid,
    number: Option<i64>,
) -> Result<Option<Version>> {
    match number {
        Some(number) => {
            record(
                connection,
                "r.uuid = ? AND v.number = ?",
                [uuid.into(), number.into()],
            )
            .await
        }
        None => record(connection, "v.uuid = ?", [uuid.into()]).await,
    }
}

/// A version by its row.
pub async fn by_id(connection: &mut Connection, version: VersionId) -> Result<Option<Version>> {
    record(connection, "v.id = ?", [version.into()]).await
}

/// The version that a publication is of.
pub async fn of_publication(
    connection: &mut Connection,
    publication: PublicationId,
) -> Result<Option<Version>> {
    let id = sql("SELECT version_id FROM publication WHERE id = ?")
        .quick()
        .bind(publication)
        .scalar_optional(connection)
        .await?;
    match id {
        Some(id) => by_id(connection, id).await,
        None => Ok(None),
    }
}

/// Makes the row that makes a version visible.
pub async fn insert(
    connection: &mut Connection,
    repository: RepositoryId,
    number: i64,
    base_number: Option<i64>,
) -> Result<VersionId> {
    sql(
        "INSERT INTO repository_version (uuid, repository_id, number, base_number, pulp_created)
         VALUES (?, ?, ?, ?, ?) RETURNING id",
    )
    .quick()
    .bind(Uuid::now_v7())
    .bind(repository)
    .bind(number)
    .bind(base_number)
    .bind(Timestamp::now())
    .scalar(connection)
    .await
}

/// Keeps a version's counts.
pub async fn insert_counts(
    connection: &mut Connection,
    version: VersionId,
    counts: &[Counts],
) -> Result<()> {
    insert_many(
        connection,
        "INSERT INTO version_count (version_id, content_type_id, present, added, removed)",
        counts.iter().map(|one| {
            vec![
                version.into(),
                one.content_type.into(),
                one.present.into(),
                one.added.into(),
                one.removed.into(),
            ]
        }),
        "",
    )
    .await?;
    Ok(())
}

/// The counts of versions: (version, counts), ordered by version.
pub async fn counts(
    connection: &mut Connection,
    versions: &[VersionId],
) -> Result<Vec<(VersionId, Counts)>> {
    let ids: Vec<i64> = versions.iter().map(|id| id.0).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sql(
        "SELECT version_id, content_type_id, present, added, removed FROM version_count
         WHERE version_id IN (?*) ORDER BY version_id, content_type_id",
    )
    .quick()
    .bind(ids)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let counts = Counts {
                content_type: row.get(1)?,
                present: row.get(2)?,
                added: row.get(3)?,
                removed: row.get(4)?,
            };
            Ok((row.get(0)?, counts))
        })
        .collect()
}

/// The newest version of a repository, in short.
#[derive(Clone, Copy, Debug)]
pub struct Latest {
    /// Whose it is.
    pub repository: RepositoryId,
    /// Its number.
    pub number: i64,
    /// When it was made.
    pub pulp_created: Timestamp,
    /// How many units it has.
    pub present: i64,
}

/// The newest versions of repositories.
pub async fn latest_of(
    connection: &mut Connection,
    repositories: &[RepositoryId],
) -> Result<Vec<Latest>> {
    let ids: Vec<i64> = repositories.iter().map(|id| id.0).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sql("SELECT v.repository_id, v.number, v.pulp_created,
                COALESCE((SELECT CAST(SUM(n.present) AS BIGINT) FROM version_count n
                          WHERE n.version_id = v.id), 0)
         FROM repository_version v WHERE v.repository_id IN (?*)
           AND v.number = (SELECT MAX(x.number) FROM repository_version x
                           WHERE x.repository_id = v.repository_id)")
    .bind(ids)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Latest {
                repository: row.get(0)?,
                number: row.get(1)?,
                pulp_created: row.get(2)?,
                present: row.get(3)?,
            })
        })
        .collect()
}

/// How many versions a repository has.
pub async fn count(connection: &mut Connection, repository: RepositoryId) -> Result<i64> {
    sql("SELECT COUNT(*) FROM repository_version WHERE repository_id = ?")
        .quick()
        .bind(repository)
        .scalar(connection)
        .await
}

/// Takes the next number of a repository; it is never given again.
pub async fn take_number(connection: &mut Connection, repository: RepositoryId) -> Result<i64> {
    let next: i64 = sql(
        "UPDATE repository SET next_version = next_version + 1 WHERE id = ?
         RETURNING next_version",
    )
    .quick()
    .bind(repository)
    .scalar(connection)
    .await?;
    Ok(next - 1)
}

/// Versions beyond the newest `keep`, oldest first, that no distribution names.
pub async fn beyond(
    connection: &mut Connection,
    repository: RepositoryId,
    keep: i64,
) -> Result<Vec<i64>> {
    sql(
        "SELECT v.number FROM repository_version v WHERE v.repository_id = ?
         AND NOT EXISTS (SELECT 1 FROM distribution d WHERE d.version_id = v.id)
         AND NOT EXISTS (SELECT 1 FROM distribution d JOIN publication p ON p.id = d.publication_id
                         WHERE p.version_id = v.id)
         AND v.number NOT IN (SELECT n.number FROM repository_version n
             WHERE n.repository_id = ? ORDER BY n.number DESC LIMIT ?)
         ORDER BY v.number",
    )
    .bind(repository)
    .bind(repository)
    .bind(keep)
    .scalars(connection)
    .await
}

/// Removes what is beyond the newest `keep` versions; everything stays without `keep`.
pub async fn retain(
    connection: &mut Connection,
    repository: RepositoryId,
    keep: Option<i64>,
) -> Result<()> {
    let Some(keep) = keep.filter(|keep| *keep > 0) else {
        return Ok(());
    };
    let old = beyond(connection, repository, keep).await?;
    if old.is_empty() {
        return Ok(());
    }
    for number in old {
        delete(connection, repository, number).await?;
    }
    crate::served::raise_epoch(connection).await
}

/// Removes a version. What it alone changed is folded into the next one: that one's
/// set stays what it was, and its counts tell the difference to its new predecessor.
pub async fn delete(
    connection: &mut Connection,
    repository: RepositoryId,
    number: i64,
) -> Result<()> {
    let next: Option<i64> =
        sql("SELECT MIN(number) FROM repository_version WHERE repository_id = ? AND number > ?")
            .bind(repository)
            .bind(number)
            .scalar(connection)
            .await?;
    sql("DELETE FROM repository_version WHERE repository_id = ? AND number = ?")
        .bind(repository)
        .bind(number)
        .execute(connection)
        .await?;
    match next {
        Some(next) => {
            // Units that were in this version only.
            sql("DELETE FROM membership WHERE repository_id = ? AND added = ? AND removed <= ?")
                .bind(repository)
                .bind(number)
                .bind(next)
                .execute(connection)
                .await?;
            // A unit that this version removed and the next one brought back was never away.
            sql("UPDATE membership SET removed =
                   (SELECT n.removed FROM membership n WHERE n.added = ?
                    AND n.repository_id = membership.repository_id AND n.unit_id = membership.unit_id)
                 WHERE repository_id = ? AND removed = ? AND EXISTS
                   (SELECT 1 FROM membership n WHERE n.added = ?
                    AND n.repository_id = membership.repository_id AND n.unit_id = membership.unit_id)")
            .bind(next)
            .bind(repository)
            .bind(number)
            .bind(next)
            .execute(connection)
            .await?;
            sql(
                "DELETE FROM membership WHERE repository_id = ? AND added = ? AND EXISTS
                   (SELECT 1 FROM membership o WHERE o.added < membership.added
                    AND o.repository_id = membership.repository_id
                    AND o.unit_id = membership.unit_id AND o.removed = membership.removed)",
            )
            .bind(repository)
            .bind(next)
            .execute(connection)
            .await?;
            sql("UPDATE membership SET added = ? WHERE repository_id = ? AND added = ?")
                .bind(next)
                .bind(repository)
                .bind(number)
                .execute(connection)
                .await?;
            sql("UPDATE membership SET removed = ? WHERE repository_id = ? AND removed = ?")
                .bind(next)
                .bind(repository)
                .bind(number)
                .execute(connection)
                .await?;
        }
        None => return crate::membership::clear(connection, repository, number).await,
    }
    if let Some(next) = next {
        recount(connection, repository, next).await?;
    }
    Ok(())
}

/// Counts anew what a version changed; what is in it has not changed.
async fn recount(connection: &mut Connection, repository: RepositoryId, number: i64) -> Result<()> {
    let Some(version) = by_number(connection, repository, number).await? else {
        return Ok(());
    };
    sql("UPDATE version_count SET added = 0, removed = 0 WHERE version_id = ?")
        .bind(version.id)
        .execute(connection)
        .await?;
    for counts in crate::membership::count_changes(connection, repository, number).await? {
        sql(
            "INSERT INTO version_count (version_id, content_type_id, present, added, removed)
             VALUES (?, ?, 0, ?, ?) ON CONFLICT (version_id, content_type_id) DO UPDATE
             SET added = excluded.added, removed = excluded.removed",
        )
        .bind(version.id)
        .bind(counts.content_type)
        .bind(counts.added)
        .bind(counts.removed)
        .execute(connection)
        .await?;
    }
    sql("DELETE FROM version_count
         WHERE version_id = ? AND present = 0 AND added = 0 AND removed = 0")
    .bind(version.id)
    .execute(connection)
    .await?;
    Ok(())
}

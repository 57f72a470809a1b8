//! Distributions: which base path serves what.

use pith_model::{DistributionId, PublicationId, RepositoryId, Timestamp, VersionId};
use serde_json::Value as JsonValue;
use uuid::Uuid;

use crate::database::Connection;
use crate::error::Result;
use crate::list::{Column, Condition, Kind, Record, record};
use crate::row::Row;
use crate::statement::{Value, sql};

/// A distribution's row.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Distribution {
    pub id: DistributionId,
    pub uuid: Uuid,
    pub plugin: String,
    pub type_name: String,
    pub pulp_created: Timestamp,
    pub pulp_last_updated: Timestamp,
    pub settings: Settings,
    /// UUID, plugin and type.
    pub repository_reference: Option<(Uuid, String, String)>,
    /// Repository UUID, plugin, type and the version's number.
    pub version_reference: Option<(Uuid, String, String, i64)>,
    /// UUID, plugin and type.
    pub publication_reference: Option<(Uuid, String, String)>,
}

/// What a user can set.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Settings {
    pub name: String,
    pub base_path: String,
    pub pulp_labels: JsonValue,
    pub hidden: bool,
    pub repository: Option<RepositoryId>,
    pub version: Option<VersionId>,
    pub publication: Option<PublicationId>,
    pub config: JsonValue,
}

impl Record for Distribution {
    const FROM: &'static str = "distribution d LEFT JOIN repository r ON r.id = d.repository_id
        LEFT JOIN repository_version v ON v.id = d.version_id
        LEFT JOIN repository vr ON vr.id = v.repository_id
        LEFT JOIN publication p ON p.id = d.publication_id";
    const KEY: &'static str = "d.id";
    const COLUMNS: &'static [Column] = &[
        Column::new("", "d.id", Kind::Integer),
        Column::new("pulp_id", "d.uuid", Kind::Uuid).indexed(),
        Column::new("", "d.plugin", Kind::Text),
        Column::new("", "d.type_name", Kind::Text),
        Column::new("pulp_created", "d.pulp_created", Kind::Time),
        Column::new("pulp_last_updated", "d.pulp_last_updated", Kind::Time),
        Column::new("name", "d.name", Kind::Text).indexed(),
        Column::new("base_path", "d.base_path", Kind::Text).indexed(),
        Column::new("", "d.pulp_labels", Kind::Json),
        Column::new("hidden", "d.hidden", Kind::Boolean),
        Column::new("", "d.repository_id", Kind::Integer),
        Column::new("", "d.version_id", Kind::Integer),
        Column::new("", "d.publication_id", Kind::Integer),
        Column::new("", "d.config", Kind::Json),
        Column::new("", "r.uuid", Kind::Uuid),
        Column::new("", "r.plugin", Kind::Text),
        Column::new("", "r.type_name", Kind::Text),
        Column::new("", "vr.uuid", Kind::Uuid),
        Column::new("", "vr.plugin", Kind::Text),
        Column::new("", "vr.type_name", Kind::Text),
        Column::new("", "v.number", Kind::Integer),
        Column::new("", "p.uuid", Kind::Uuid),
        Column::new("", "p.plugin", Kind::Text),
        Column::new("", "p.type_name", Kind::Text),
    ];
    const FILTERS: &'static [Column] = &[
        Column::new("pk", "d.uuid", Kind::Uuid),
        Column::new(
            "pulp_href",
            "'{root}distributions/' || d.plugin || '/' || d.type_name || '/' || {uuid d.uuid} || '/'",
            Kind::Text,
        ),
        Column::new(
            "prn",
            "'prn:' || d.plugin || '.' || d.type_name || 'distribution:' || {uuid d.uuid}",
            Kind::Text,
        ),
        Column::new("pulp_type", "d.plugin || '.' || d.type_name", Kind::Text),
        Column::new("pulp_labels", "d.pulp_labels", Kind::Json),
        Column::new(
            "repository",
            "'{root}repositories/' || r.plugin || '/' || r.type_name || '/' || {uuid r.uuid} || '/'",
            Kind::Text,
        ),
        Column::new(
            "repository_version",
            "'{root}repositories/' || vr.plugin || '/' || vr.type_name || '/' || {uuid vr.uuid} || '/versions/' || v.number || '/'",
            Kind::Text,
        ),
        Column::new(
            "publication",
            "'{root}publications/' || p.plugin || '/' || p.type_name || '/' || {uuid p.uuid} || '/'",
            Kind::Text,
        ),
        Column::new("checkpoint", "(d.id < 0)", Kind::Boolean),
    ];

    fn read(row: &Row) -> Result<Self> {
        let three = |at: usize| -> Result<Option<(Uuid, String, String)>> {
            Ok(match row.get::<Option<Uuid>>(at)? {
                Some(uuid) => Some((uuid, row.get(at + 1)?, row.get(at + 2)?)),
                None => None,
            })
        };
        Ok(Self {
            id: row.get(0)?,
            uuid: row.get(1)?,
            plugin: row.get(2)?,
            type_name: row.get(3)?,
            pulp_created: row.get(4)?,
            pulp_last_updated: row.get(5)?,
            settings: Settings {
                name: row.get(6)?,
                base_path: row.get(7)?,
                pulp_labels: row.get(8)?,
                hidden: row.get(9)?,
                repository: row.get(10)?,
                version: row.get(11)?,
                publication: row.get(12)?,
                config: row.get(13)?,
            },
            repository_reference: three(14)?,
            version_reference: match three(17)? {
                Some((uuid, plugin, name)) => Some((uuid, plugin, name, row.get(20)?)),
                None => None,
            },
            publication_reference: three(21)?,
        })
    }
}

fn values(settings: &Settings) -> [Value; 8] {
    [
        settings.name.as_str().into(),
        settings.base_path.as_str().into(),
        settings.pulp_labels.clone().into(),
        settings.hidden.into(),
        settings.repository.into(),
        settings.version.into(),
        settings.publication.into(),
        settings.config.clone().into(),
    ]
}

/// The column of its UUID.
pub const UUID: &str = "d.uuid";

/// The condition that what it serves has one of these units.
pub fn holding(units: Vec<Uuid>) -> Condition {
    Condition::new(
        "EXISTS (SELECT 1 FROM membership mm JOIN unit uu ON uu.id = mm.unit_id
                 JOIN repository_version sv ON sv.repository_id = mm.repository_id
                                           AND sv.number >= mm.added AND sv.number < mm.removed
                 WHERE uu.uuid IN (?*) AND sv.id = COALESCE(d.version_id, p.version_id,
                     (SELECT x.id FROM repository_version x
                      WHERE x.repository_id = d.repository_id
                      ORDER BY x.number DESC LIMIT 1)))",
        [units.into()],
    )
}

/// The column of its labels.
pub const LABELS: &str = "d.pulp_labels";

/// The column of its plugin's settings.
pub const CONFIG: &str = "d.config";

/// The column of the UUID of the repository that it serves.
pub const REPOSITORY: &str = "r.uuid";

/// The column of the UUID of the publication that it serves.
pub const PUBLICATION: &str = "p.uuid";

/// The condition that a row is of a plugin's type.
pub fn of_type(plugin: &str, type_name: &str) -> Condition {
    Condition::new(
        "d.plugin = ? AND d.type_name = ?",
        [plugin.into(), type_name.into()],
    )
}

/// The condition that it serves a version.
pub fn of_version(version: VersionId) -> Condition {
    Condition::new("d.version_id = ?", [version.into()])
}

/// A distribution by its UUID.
pub async fn by_uuid(connection: &mut Connection, uuid: Uuid) -> Result<Option<Distribution>> {
    record(connection, "d.uuid = ?", [uuid.into()]).await
}

/// The distribution with this base path.
pub async fn by_base_path(
    connection: &mut Connection,
    base_path: &str,
) -> Result<Option<Distribution>> {
    record(connection, "d.base_path = ?", [base_path.into()]).await
}

/// The base path of another distribution that `base_path` would overlap: equal to it,
/// above it or below it.
pub async fn overlapping(
    connection: &mut Connection,
    base_path: &str,
    except: Option<DistributionId>,
) -> Result<Option<String>> {
    let mut above: Vec<String> = base_path
        .match_indices('/')
        .map(|(at, _)| base_path[..at].to_owned())
        .collect();
    above.push(base_path.to_owned());
    // Everything that begins with `base_path/`: `0` is the character after `/`.
    sql("SELECT base_path FROM distribution
         WHERE id <> ? AND (base_path IN (?*) OR (base_path >= ? AND base_path < ?)) LIMIT 1")
    .bind(except.map_or(0, |id| id.0))
    .bind(above)
    .bind(format!("{base_path}/"))
    .bind(format!("{base_path}0"))
    .scalar_optional(connection)
    .await
}

/// Whether a distribution has this name.
pub async fn is_named(connection: &mut Connection, name: &str) -> Result<bool> {
    let found: Option<i64> = sql("SELECT id FROM distribution WHERE name = ?")
        .bind(name)
        .scalar_optional(connection)
        .await?;
    Ok(found.is_some())
}

/// The distributions that name publications: the publication, and the distribution's
/// UUID, plugin and type; of those (`d`) that may be seen.
pub async fn of_publications(
    connection: &mut Connection,
    publications: &[PublicationId],
    seen: Option<Condition>,
) -> Result<Vec<(PublicationId, Uuid, String, String)>> {
    let ids: Vec<i64> = publications.iter().map(|id| id.0).collect();
    let Condition { text, values, .. } = seen.unwrap_or_else(|| Condition::new("TRUE", []));
    let rows = sql(format!(
        "SELECT d.publication_id, d.uuid, d.plugin, d.type_name FROM distribution d
         WHERE d.publication_id IN (?*) AND ({text}) ORDER BY d.id"
    ))
    .bind(ids)
    .bind_all(values)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .collect()
}

/// Makes a distribution.
pub async fn insert(
    connection: &mut Connection,
    plugin: &str,
    type_name: &str,
    settings: &Settings,
) -> Result<(DistributionId, Uuid)> {
    let now = Timestamp::now();
    let uuid = Uuid::now_v7();
    let id = sql(
        "INSERT INTO distribution (uuid, plugin, type_name, pulp_created, pulp_last_updated, name,
             base_path, pulp_labels, hidden, repository_id, version_id, publication_id, config)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
    )
    .bind(uuid)
    .bind(plugin)
    .bind(type_name)
    .bind(now)
    .bind(now)
    .bind_all(values(settings))
    .scalar(connection)
    .await?;
    crate::served::raise_epoch(connection).await?;
    Ok((id, uuid))
}

/// Changes what a user can set.
pub async fn update(
    connection: &mut Connection,
    id: DistributionId,
    settings: &Settings,
) -> Result<()> {
    sql(
        "UPDATE distribution SET pulp_last_updated = ?, name = ?, base_path = ?, pulp_labels = ?,
             hidden = ?, repository_id = ?, version_id = ?, publication_id = ?, config = ?
         WHERE id = ?",
    )
    .bind(Timestamp::now())
    .bind_all(values(settings))
    .bind(id)
    .execute(connection)
    .await?;
    crate::served::raise_epoch(connection).await
}

/// Removes a distribution; what it served stays.
pub async fn delete(connection: &mut Connection, id: DistributionId) -> Result<bool> {
    let deleted = sql("DELETE FROM distribution WHERE id = ?")
        .bind(id)
        .execute(connection)
        .await?;
    crate::served::raise_epoch(connection).await?;
    Ok(deleted > 0)
}

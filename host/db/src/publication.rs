//! Publications: the files that a client sees for one version.

use std::collections::HashMap;

use pith_model::{ArtifactId, PublicationId, RepositoryId, Timestamp, UnitId, VersionId};
use serde_json::Value as JsonValue;
use uuid::Uuid;

use crate::database::Connection;
use crate::error::Result;
use crate::insert::insert_many;
use crate::list::{Column, Condition, Kind, Record, record};
use crate::row::Row;
use crate::statement::sql;
use crate::template::{self, Template};

/// A publication's row.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Publication {
    pub id: PublicationId,
    pub uuid: Uuid,
    pub plugin: String,
    pub type_name: String,
    pub pulp_created: Timestamp,
    pub pass_through: bool,
    pub config: JsonValue,
    pub version: VersionId,
    pub version_number: i64,
    pub repository: RepositoryId,
    pub repository_uuid: Uuid,
    pub repository_type: String,
}

impl Record for Publication {
    const FROM: &'static str = "publication p JOIN repository_version v ON v.id = p.version_id
        JOIN repository r ON r.id = v.repository_id";
    const KEY: &'static str = "p.id";
    const COLUMNS: &'static [Column] = &[
        Column::new("", "p.id", Kind::Integer),
        Column::new("pulp_id", "p.uuid", Kind::Uuid).indexed(),
        Column::new("", "p.plugin", Kind::Text),
        Column::new("", "p.type_name", Kind::Text),
        Column::new("pulp_created", "p.pulp_created", Kind::Time),
        Column::new("", "p.pass_through", Kind::Boolean),
        Column::new("", "p.config", Kind::Json),
        Column::new("", "p.version_id", Kind::Integer),
        Column::new("", "v.number", Kind::Integer),
        Column::new("", "r.id", Kind::Integer),
        Column::new("", "r.uuid", Kind::Uuid),
        Column::new("", "r.type_name", Kind::Text),
        Column::new("pulp_last_updated", "p.pulp_created", Kind::Time),
    ];
    const FILTERS: &'static [Column] = &[
        Column::new("pk", "p.uuid", Kind::Uuid),
        Column::new(
            "pulp_href",
            "'{root}publications/' || p.plugin || '/' || p.type_name || '/' || {uuid p.uuid} || '/'",
            Kind::Text,
        ),
        Column::new(
            "prn",
            "'prn:' || p.plugin || '.' || p.type_name || 'publication:' || {uuid p.uuid}",
            Kind::Text,
        ),
        Column::new("pulp_type", "p.plugin || '.' || p.type_name", Kind::Text),
        Column::new(
            "repository",
            "'{root}repositories/' || r.plugin || '/' || r.type_name || '/' || {uuid r.uuid} || '/'",
            Kind::Text,
        ),
        Column::new(
            "repository_version",
            "'{root}repositories/' || r.plugin || '/' || r.type_name || '/' || {uuid r.uuid} || '/versions/' || v.number || '/'",
            Kind::Text,
        ),
        Column::new("pass_through", "p.pass_through", Kind::Boolean),
        Column::new("complete", "(p.id > 0)", Kind::Boolean),
        Column::new("checkpoint", "(p.id < 0)", Kind::Boolean),
    ];

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            uuid: row.get(1)?,
            plugin: row.get(2)?,
            type_name: row.get(3)?,
            pulp_created: row.get(4)?,
            pass_through: row.get(5)?,
            config: row.get(6)?,
            version: row.get(7)?,
            version_number: row.get(8)?,
            repository: row.get(9)?,
            repository_uuid: row.get(10)?,
            repository_type: row.get(11)?,
        })
    }
}

/// A file of a publication.
#[derive(Clone, Debug)]
pub struct PublishedFile {
    /// Relative to the publication's root.
    pub path: String,
    /// Its bytes.
    pub artifact: ArtifactId,
    /// Where the plugin said so.
    pub media_type: Option<String>,
}

/// A unit's artifact at another path than its own.
#[derive(Clone, Debug)]
pub struct PublishedUnit {
    /// Relative to the publication's root.
    pub path: String,
    /// The row.
    pub unit_artifact: i64,
}

/// What a publication has beside units at their own paths.
#[derive(Clone, Copy, Debug)]
pub struct Published<'a> {
    /// Files.
    pub files: &'a [PublishedFile],
    /// Units at other paths.
    pub units: &'a [PublishedUnit],
    /// Texts with gaps.
    pub templates: &'a [Template],
}

/// The column of its UUID.
pub const UUID: &str = "p.uuid";

/// The column of its repository's UUID.
pub const REPOSITORY: &str = "r.uuid";

/// The column of its plugin's settings.
pub const CONFIG: &str = "p.config";

/// The condition that a row is of a plugin's type.
pub fn of_type(plugin: &str, type_name: &str) -> Condition {
    Condition::new(
        "p.plugin = ? AND p.type_name = ?",
        [plugin.into(), type_name.into()],
    )
}

/// The condition that it is of a version.
pub fn of_version(version: VersionId) -> Condition {
    Condition::new("p.version_id = ?", [version.into()])
}

/// The condition that its version has one of these units.
pub fn holding(units: Vec<Uuid>) -> Condition {
    crate::version::holding(units)
}

/// A publication by its UUID.
pub async fn by_uuid(connection: &mut Connection, uuid: Uuid) -> Result<Option<Publication>> {
    record(connection, "p.uuid = ?", [uuid.into()]).await
}

/// The newest publication of a repository's newest version that has one.
pub async fn latest_of_repository(
    connection: &mut Connection,
    repository: RepositoryId,
) -> Result<Option<PublicationId>> {
    sql(
        "SELECT p.id FROM publication p JOIN repository_version v ON v.id = p.version_id
         WHERE v.repository_id = ? ORDER BY v.number DESC, p.id DESC LIMIT 1",
    )
    .bind(repository)
    .scalar_optional(connection)
    .await
}

/// Makes a publication with its files; its number and UUID.
pub async fn insert(
    connection: &mut Connection,
    plugin: &str,
    type_name: &str,
    version: VersionId,
    pass_through: bool,
    config: &JsonValue,
    has: &Published<'_>,
) -> Result<(PublicationId, Uuid)> {
    let uuid = Uuid::now_v7();
    let id: PublicationId = sql(
        "INSERT INTO publication (uuid, plugin, type_name, version_id, pulp_created, pass_through, config)
         VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
    )
    .bind(uuid)
    .bind(plugin)
    .bind(type_name)
    .bind(version)
    .bind(Timestamp::now())
    .bind(pass_through)
    .bind(config.clone())
    .scalar(connection)
    .await?;
    insert_many(
        connection,
        "INSERT INTO published_file (publication_id, relative_path, artifact_id, media_type)",
        has.files.iter().map(|file| {
            vec![
                id.into(),
                file.path.as_str().into(),
                file.artifact.into(),
                file.media_type.clone().into(),
            ]
        }),
        "",
    )
    .await?;
    insert_many(
        connection,
        "INSERT INTO published_unit (publication_id, relative_path, unit_artifact_id)",
        has.units.iter().map(|unit| {
            let path = unit.path.as_str();
            vec![id.into(), path.into(), unit.unit_artifact.into()]
        }),
        "",
    )
    .await?;
    template::insert(connection, id, has.templates).await?;
    Ok((id, uuid))
}

/// The artifacts of units: their paths and their rows.
pub async fn unit_artifacts(
    connection: &mut Connection,
    units: &[UnitId],
) -> Result<HashMap<UnitId, Vec<(String, i64)>>> {
    let ids: Vec<i64> = units.iter().map(|unit| unit.0).collect();
    let rows = sql("SELECT unit_id, relative_path, id FROM unit_artifact WHERE unit_id IN (?*)")
        .bind(ids)
        .fetch_all(connection)
        .await?;
    let mut found: HashMap<UnitId, Vec<(String, i64)>> = HashMap::new();
    for row in rows {
        let artifacts = found.entry(row.get(0)?).or_default();
        artifacts.push((row.get(1)?, row.get(2)?));
    }
    Ok(found)
}

/// Removes a publication.
pub async fn delete(connection: &mut Connection, id: PublicationId) -> Result<bool> {
    let deleted = sql("DELETE FROM publication WHERE id = ?")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(deleted > 0)
}

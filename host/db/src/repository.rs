//! Repositories: a name, settings, and a line of versions.

use pith_model::reference::{Kind as ResourceKind, typed_prn};
use pith_model::{RemoteId, RepositoryId, Timestamp};
use serde_json::Value as JsonValue;
use uuid::Uuid;

use crate::database::Connection;
use crate::error::Result;
use crate::list::{Column, Condition, Kind, Record, record};
use crate::row::Row;
use crate::statement::sql;

/// A repository's row.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Repository {
    pub id: RepositoryId,
    pub uuid: Uuid,
    pub plugin: String,
    pub type_name: String,
    pub name: String,
    pub description: Option<String>,
    pub pulp_created: Timestamp,
    pub pulp_last_updated: Timestamp,
    pub pulp_labels: JsonValue,
    pub retain_repo_versions: Option<i64>,
    /// How many checkpoint publications are kept; all without one.
    pub retain_checkpoints: Option<i64>,
    pub autopublish: bool,
    pub config: JsonValue,
    pub remote: Option<RemoteId>,
    /// The remote's UUID, plugin and type.
    pub remote_reference: Option<(Uuid, String, String)>,
    /// The number of the newest version.
    pub latest_version: Option<i64>,
}

impl Repository {
    /// By which locks and other servers know it.
    pub fn prn(&self) -> String {
        typed_prn(
            ResourceKind::Repository,
            &self.plugin,
            &self.type_name,
            self.uuid,
        )
    }
}

impl Record for Repository {
    const FROM: &'static str = "repository r LEFT JOIN remote m ON m.id = r.remote_id";
    const KEY: &'static str = "r.id";
    const COLUMNS: &'static [Column] = &[
        Column::new("", "r.id", Kind::Integer),
        Column::new("pulp_id", "r.uuid", Kind::Uuid).indexed(),
        Column::new("", "r.plugin", Kind::Text),
        Column::new("", "r.type_name", Kind::Text),
        Column::new("name", "r.name", Kind::Text).indexed(),
        Column::new("description", "r.description", Kind::Text),
        Column::new("pulp_created", "r.pulp_created", Kind::Time),
        Column::new("pulp_last_updated", "r.pulp_last_updated", Kind::Time),
        Column::new("", "r.pulp_labels", Kind::Json),
        Column::new(
            "retain_repo_versions",
            "r.retain_repo_versions",
            Kind::Integer,
        ),
        Column::new("autopublish", "r.autopublish", Kind::Boolean),
        Column::new("", "r.config", Kind::Json),
        Column::new("", "r.remote_id", Kind::Integer),
        Column::new("", "m.uuid", Kind::Uuid),
        Column::new("", "m.plugin", Kind::Text),
        Column::new("", "m.type_name", Kind::Text),
        Column::new(
            "",
            "(SELECT MAX(v.number) FROM repository_version v WHERE v.repository_id = r.id)",
            Kind::Integer,
        ),
        Column::new("retain_checkpoints", "r.retain_checkpoints", Kind::Integer),
    ];
    const FILTERS: &'static [Column] = &[
        Column::new("pk", "r.uuid", Kind::Uuid),
        Column::new(
            "pulp_href",
            "'{root}repositories/' || r.plugin || '/' || r.type_name || '/' || {uuid r.uuid} || '/'",
            Kind::Text,
        ),
        Column::new(
            "prn",
            "'prn:' || r.plugin || '.' || r.type_name || 'repository:' || {uuid r.uuid}",
            Kind::Text,
        ),
        Column::new("pulp_type", "r.plugin || '.' || r.type_name", Kind::Text),
        Column::new(
            "versions_href",
            "'{root}repositories/' || r.plugin || '/' || r.type_name || '/' || {uuid r.uuid} || '/' || 'versions/'",
            Kind::Text,
        ),
        Column::new(
            "latest_version_href",
            "'{root}repositories/' || r.plugin || '/' || r.type_name || '/' || {uuid r.uuid} || '/versions/' || (SELECT MAX(v.number) FROM repository_version v WHERE v.repository_id = r.id) || '/'",
            Kind::Text,
        ),
        Column::new("pulp_labels", "r.pulp_labels", Kind::Json),
        Column::new(
            "remote",
            "'{root}remotes/' || m.plugin || '/' || m.type_name || '/' || {uuid m.uuid} || '/'",
            Kind::Text,
        ),
        Column::new("next_version", "r.next_version", Kind::Integer),
        Column::new("user_hidden", "(r.id < 0)", Kind::Boolean),
    ];

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            uuid: row.get(1)?,
            plugin: row.get(2)?,
            type_name: row.get(3)?,
            name: row.get(4)?,
            description: row.get(5)?,
            pulp_created: row.get(6)?,
            pulp_last_updated: row.get(7)?,
            pulp_labels: row.get(8)?,
            retain_repo_versions: row.get(9)?,
            autopublish: row.get(10)?,
            config: row.get(11)?,
            remote: row.get(12)?,
            remote_reference: match row.get::<Option<Uuid>>(13)? {
                Some(uuid) => Some((uuid, row.get(14)?, row.get(15)?)),
                None => None,
            },
            latest_version: row.get(16)?,
            retain_checkpoints: row.get(17)?,
        })
    }
}

/// What a user can set.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Settings {
    pub name: String,
    pub description: Option<String>,
    pub pulp_labels: JsonValue,
    pub retain_repo_versions: Option<i64>,
    /// How many checkpoint publications are kept; all without one.
    pub retain_checkpoints: Option<i64>,
    pub autopublish: bool,
    pub config: JsonValue,
    pub remote: Option<RemoteId>,
}

impl From<&Repository> for Settings {
    fn from(repository: &Repository) -> Self {
        Self {
            name: repository.name.clone(),
            description: repository.description.clone(),
            pulp_labels: repository.pulp_labels.clone(),
            retain_repo_versions: repository.retain_repo_versions,
            retain_checkpoints: repository.retain_checkpoints,
            autopublish: repository.autopublish,
            config: repository.config.clone(),
            remote: repository.remote,
        }
    }
}

/// The column of its UUID.
pub const UUID: &str = "r.uuid";

/// The column of its labels.
pub const LABELS: &str = "r.pulp_labels";

/// The column of its plugin's settings.
pub const CONFIG: &str = "r.config";

/// The column of its remote's UUID.
pub const REMOTE: &str = "m.uuid";

/// The condition that a row is of a plugin.
pub fn of_plugin(plugin: &str) -> Condition {
    Condition::new("r.plugin = ?", [plugin.into()])
}

/// The condition that a row is of a plugin's type.
pub fn of_type(plugin: &str, type_name: &str) -> Condition {
    Condition::new(
        "r.plugin = ? AND r.type_name = ?",
        [plugin.into(), type_name.into()],
    )
}

/// The condition that a version of it, or its newest one, has one of these units.
pub fn holding(units: Vec<Uuid>, only_newest: bool) -> Condition {
    let newest = if only_newest {
        "AND mm.removed > (SELECT MAX(number) FROM repository_version WHERE repository_id = r.id)"
    } else {
        ""
    };
    Condition::new(
        format!(
            "EXISTS (SELECT 1 FROM membership mm JOIN unit uu ON uu.id = mm.unit_id
                     JOIN repository_version vv ON vv.repository_id = mm.repository_id
                                               AND vv.number = mm.added
                     WHERE mm.repository_id = r.id {newest} AND uu.uuid IN (?*))"
        ),
        [units.into()],
    )
}

/// The names of repositories, of those that may be seen.
pub async fn names(
    connection: &mut Connection,
    uuids: Vec<Uuid>,
    seen: Option<Condition>,
) -> Result<Vec<(Uuid, String)>> {
    let Condition { text, values, .. } = seen.unwrap_or_else(|| Condition::new("TRUE", []));
    let text = format!("SELECT r.uuid, r.name FROM repository r WHERE r.uuid IN (?*) AND ({text})");
    let rows = sql(text)
        .bind(uuids)
        .bind_all(values)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// A repository by its UUID.
pub async fn by_uuid(connection: &mut Connection, uuid: Uuid) -> Result<Option<Repository>> {
    record(connection, "r.uuid = ?", [uuid.into()]).await
}

/// A repository by its number.
pub async fn by_id(connection: &mut Connection, id: RepositoryId) -> Result<Option<Repository>> {
    record(connection, "r.id = ?", [id.into()]).await
}

/// Makes a repository with its empty version 0.
pub async fn insert(
    connection: &mut Connection,
    plugin: &str,
    type_name: &str,
    settings: &Settings,
) -> Result<RepositoryId> {
    let now = Timestamp::now();
    let id: RepositoryId = sql(
        "INSERT INTO repository (uuid, plugin, type_name, name, description, pulp_created,
             pulp_last_updated, pulp_labels, retain_repo_versions, retain_checkpoints,
             autopublish, config, remote_id)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
    )
    .quick()
    .bind(Uuid::now_v7())
    .bind(plugin)
    .bind(type_name)
    .bind(settings.name.as_str())
    .bind(settings.description.clone())
    .bind(now)
    .bind(now)
    .bind(settings.pulp_labels.clone())
    .bind(settings.retain_repo_versions)
    .bind(settings.retain_checkpoints)
    .bind(settings.autopublish)
    .bind(settings.config.clone())
    .bind(settings.remote)
    .scalar(connection)
    .await?;
    crate::version::insert(connection, id, 0, None).await?;
    Ok(id)
}

/// Changes what a user can set.
pub async fn update(
    connection: &mut Connection,
    id: RepositoryId,
    settings: &Settings,
) -> Result<()> {
    sql(
        "UPDATE repository SET name = ?, description = ?, pulp_last_updated = ?, pulp_labels = ?,
             retain_repo_versions = ?, retain_checkpoints = ?, autopublish = ?, config = ?, remote_id = ? WHERE id = ?",
    ).quick()
    .bind(settings.name.as_str())
    .bind(settings.description.clone())
    .bind(Timestamp::now())
    .bind(settings.pulp_labels.clone())
    .bind(settings.retain_repo_versions)
    .bind(settings.retain_checkpoints)
    .bind(settings.autopublish)
    .bind(settings.config.clone())
    .bind(settings.remote)
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes a repository with its versions and publications. Units stay until they are
/// cleaned up.
pub async fn delete(connection: &mut Connection, id: RepositoryId) -> Result<bool> {
    let deleted = sql("DELETE FROM repository WHERE id = ?")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(deleted > 0)
}

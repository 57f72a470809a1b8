//! Entities: objects of a plugin's own, with a name, settings and roles.

use pith_model::Timestamp;
use pith_model::access::Securable;
use serde_json::Value as JsonValue;
use uuid::Uuid;

use crate::access::{Access, Object};
use crate::condition::Condition;
use crate::database::Connection;
use crate::error::Result;
use crate::list::{Column, Kind, Record, record};
use crate::row::Row;
use crate::statement::sql;

/// An entity's row.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Entity {
    pub id: i64,
    pub uuid: Uuid,
    pub plugin: String,
    pub type_name: String,
    pub name: String,
    pub pulp_created: Timestamp,
    pub pulp_last_updated: Timestamp,
    pub config: JsonValue,
    pub file: Option<EntityFile>,
}

/// The file of an entity.
#[derive(Clone, Debug)]
pub struct EntityFile {
    /// Its digest.
    pub sha256: Vec<u8>,
    /// As its first bytes say.
    pub media_type: String,
}

impl Record for Entity {
    const FROM: &'static str = "entity e LEFT JOIN entity_file ef ON ef.entity_id = e.id
        LEFT JOIN artifact fa ON fa.id = ef.artifact_id";
    const KEY: &'static str = "e.id";
    const COLUMNS: &'static [Column] = &[
        Column::new("id", "e.id", Kind::Integer),
        Column::new("pulp_id", "e.uuid", Kind::Uuid).indexed(),
        Column::new("", "e.plugin", Kind::Text),
        Column::new("", "e.type_name", Kind::Text),
        Column::new("name", "e.name", Kind::Text).indexed(),
        Column::new("pulp_created", "e.pulp_created", Kind::Time),
        Column::new("pulp_last_updated", "e.pulp_last_updated", Kind::Time),
        Column::new("", "e.config", Kind::Json),
        Column::new("file_sha256", "fa.sha256", Kind::Hex),
        Column::new("", "ef.media_type", Kind::Text),
    ];
    const FILTERS: &'static [Column] = &[
        Column::new(
            "pulp_href",
            "'{root}entities/' || e.plugin || '/' || e.type_name || '/' || {uuid e.uuid} || '/'",
            Kind::Text,
        ),
        Column::new(
            "prn",
            "'prn:' || e.plugin || '.' || e.type_name || 'entity:' || {uuid e.uuid}",
            Kind::Text,
        ),
        Column::new(
            "file",
            "CASE WHEN ef.entity_id IS NOT NULL THEN '{root}entities/' || e.plugin || '/'
                 || e.type_name || '/' || {uuid e.uuid} || '/file/' END",
            Kind::Text,
        ),
    ];

    fn read(row: &Row) -> Result<Self> {
        let sha256: Option<Vec<u8>> = row.get(8)?;
        let media_type: Option<String> = row.get(9)?;
        Ok(Self {
            file: sha256
                .zip(media_type)
                .map(|(sha256, media_type)| EntityFile { sha256, media_type }),
            id: row.get(0)?,
            uuid: row.get(1)?,
            plugin: row.get(2)?,
            type_name: row.get(3)?,
            name: row.get(4)?,
            pulp_created: row.get(5)?,
            pulp_last_updated: row.get(6)?,
            config: row.get(7)?,
        })
    }
}

/// The column of its UUID.
pub const UUID: &str = "e.uuid";

/// The column of its plugin's settings.
pub const CONFIG: &str = "e.config";

/// The condition that a row is of a plugin's type.
pub fn of_type(plugin: &str, type_name: &str) -> Condition {
    Condition::new(
        "e.plugin = ? AND e.type_name = ?",
        [plugin.into(), type_name.into()],
    )
}

/// One by its UUID.
pub async fn by_uuid(connection: &mut Connection, uuid: Uuid) -> Result<Option<Entity>> {
    record(connection, "e.uuid = ?", [uuid.into()]).await
}

/// One of a plugin's type by its name.
pub async fn by_name(
    connection: &mut Connection,
    plugin: &str,
    type_name: &str,
    name: &str,
) -> Result<Option<Entity>> {
    record(
        connection,
        "e.plugin = ? AND e.type_name = ? AND e.name = ?",
        [plugin.into(), type_name.into(), name.into()],
    )
    .await
}

/// Whether a caller may do something with the entity of that name; anybody may where there is
/// none.
pub async fn allows(
    connection: &mut Connection,
    access: &Access,
    (plugin, type_name, name): (&str, &str, &str),
    verb: &str,
) -> Result<bool> {
    if access.is_everything() {
        return Ok(true);
    }
    match by_name(connection, plugin, type_name, name).await? {
        Some(found) => {
            let object = Object::typed(Securable::Entity, found.id, plugin, type_name);
            access.may(connection, &object, verb).await
        }
        None => Ok(true),
    }
}

/// Makes one; its number.
pub async fn insert(
    connection: &mut Connection,
    plugin: &str,
    type_name: &str,
    name: &str,
    config: JsonValue,
) -> Result<i64> {
    let now = Timestamp::now();
    sql(
        "INSERT INTO entity (uuid, plugin, type_name, name, pulp_created, pulp_last_updated,
             config) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
    )
    .quick()
    .bind(Uuid::now_v7())
    .bind(plugin)
    .bind(type_name)
    .bind(name)
    .bind(now)
    .bind(now)
    .bind(config)
    .scalar(connection)
    .await
}

/// Changes its settings.
pub async fn update(connection: &mut Connection, id: i64, config: JsonValue) -> Result<()> {
    sql("UPDATE entity SET config = ?, pulp_last_updated = ? WHERE id = ?")
        .quick()
        .bind(config)
        .bind(Timestamp::now())
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes one.
pub async fn delete(connection: &mut Connection, id: i64) -> Result<()> {
    sql("DELETE FROM entity WHERE id = ?")
        .quick()
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// One by its number.
pub async fn by_id(connection: &mut Connection, id: i64) -> Result<Option<Entity>> {
    record(connection, "e.id = ?", [id.into()]).await
}

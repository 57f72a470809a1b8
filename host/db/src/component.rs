//! Components: which build of each plugin is in service, and its bytes.

use pith_model::Timestamp;
use serde_json::Value as JsonValue;
use uuid::Uuid;

use crate::database::Connection;
use crate::error::{Error, Result};
use crate::row::Row;
use crate::statement::sql;

/// How long one part of a component is: small enough for any statement.
const PART: usize = 1 << 20;

/// Where a component came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The server's own binary.
    Builtin,
    /// An administrator's request.
    Upload,
    /// A file in a plugin directory.
    Directory,
}

impl Origin {
    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Upload => "upload",
            Self::Directory => "directory",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        [Self::Builtin, Self::Upload, Self::Directory]
            .into_iter()
            .find(|origin| origin.as_str() == text)
            .ok_or_else(|| Error::Unexpected("a component of unknown origin".into()))
    }
}

/// A component's row.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Component {
    pub id: i64,
    pub uuid: Uuid,
    pub name: String,
    pub version: String,
    pub digest: [u8; 32],
    pub size: i64,
    pub origin: Origin,
    pub file: Option<String>,
    pub enabled: bool,
    pub generation: i64,
    pub limits: JsonValue,
    pub pulp_created: Timestamp,
    pub pulp_last_updated: Timestamp,
}

/// What a build that comes into service brings.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the row")]
pub struct Build<'a> {
    pub name: &'a str,
    pub version: &'a str,
    pub digest: [u8; 32],
    pub bytes: &'a [u8],
    pub origin: Origin,
    pub file: Option<&'a str>,
}

const SELECT: &str = "SELECT id, uuid, name, version, digest, size, origin, file, enabled,
    generation, limits, pulp_created, pulp_last_updated FROM component";

fn read(row: &Row) -> Result<Component> {
    Ok(Component {
        id: row.get(0)?,
        uuid: row.get(1)?,
        name: row.get(2)?,
        version: row.get(3)?,
        digest: digest(row.get(4)?)?,
        size: row.get(5)?,
        origin: Origin::parse(&row.get::<String>(6)?)?,
        file: row.get(7)?,
        enabled: row.get(8)?,
        generation: row.get(9)?,
        limits: row.get(10)?,
        pulp_created: row.get(11)?,
        pulp_last_updated: row.get(12)?,
    })
}

fn digest(bytes: Vec<u8>) -> Result<[u8; 32]> {
    bytes
        .try_into()
        .map_err(|_| Error::Unexpected("a digest of another length".into()))
}

/// All, by name.
pub async fn all(connection: &mut Connection) -> Result<Vec<Component>> {
    let rows = sql(format!("{SELECT} ORDER BY name"))
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// One, by its plugin's name.
pub async fn by_name(connection: &mut Connection, name: &str) -> Result<Option<Component>> {
    let row = sql(format!("{SELECT} WHERE name = ?"))
        .bind(name)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// Grows with every change.
pub async fn epoch(connection: &mut Connection) -> Result<i64> {
    sql("SELECT epoch FROM component_epoch WHERE id = 1")
        .scalar(connection)
        .await
}

/// Begins a change: no other server changes components until the transaction ends, and all
/// of them look again after it.
pub async fn begin_change(connection: &mut Connection) -> Result<()> {
    sql("UPDATE component_epoch SET epoch = epoch + 1 WHERE id = 1")
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes a build into service: the first of its plugin, or in place of another.
pub async fn save(connection: &mut Connection, build: &Build<'_>) -> Result<Component> {
    put_bytes(connection, build.digest, build.bytes).await?;
    let size = i64::try_from(build.bytes.len()).unwrap_or(i64::MAX);
    let now = Timestamp::now();
    sql(
        "INSERT INTO component (uuid, name, version, digest, size, origin, file, enabled,
             generation, limits, pulp_created, pulp_last_updated)
         VALUES (?, ?, ?, ?, ?, ?, ?, TRUE, 1, ?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET version = excluded.version,
             digest = excluded.digest, size = excluded.size, origin = excluded.origin,
             file = excluded.file, generation = component.generation + 1,
             pulp_last_updated = excluded.pulp_last_updated",
    )
    .bind(Uuid::now_v7())
    .bind(build.name)
    .bind(build.version)
    .bind(build.digest)
    .bind(size)
    .bind(build.origin.as_str())
    .bind(build.file)
    .bind(serde_json::json!({}))
    .bind(now)
    .bind(now)
    .execute(connection)
    .await?;
    drop_unused_bytes(connection).await?;
    by_name(connection, build.name)
        .await?
        .ok_or_else(|| Error::Unexpected("a component that was just saved is gone".into()))
}

/// Says that the same build has another origin now.
pub async fn set_origin(
    connection: &mut Connection,
    id: i64,
    origin: Origin,
    file: Option<&str>,
) -> Result<()> {
    sql("UPDATE component SET origin = ?, file = ? WHERE id = ?")
        .bind(origin.as_str())
        .bind(file)
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Changes what an administrator may choose.
pub async fn set_options(
    connection: &mut Connection,
    id: i64,
    enabled: bool,
    limits: &JsonValue,
) -> Result<()> {
    sql("UPDATE component SET enabled = ?, limits = ?, pulp_last_updated = ? WHERE id = ?")
        .bind(enabled)
        .bind(limits.clone())
        .bind(Timestamp::now())
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets a component and its bytes.
pub async fn delete(connection: &mut Connection, id: i64) -> Result<()> {
    sql("DELETE FROM component WHERE id = ?")
        .bind(id)
        .execute(connection)
        .await?;
    drop_unused_bytes(connection).await
}

/// Notes which build a file in a plugin directory was.
pub async fn note_file(
    connection: &mut Connection,
    file: &str,
    digest: [u8; 32],
    component: i64,
) -> Result<()> {
    sql(
        "INSERT INTO component_file (file, digest, component_id) VALUES (?, ?, ?)
         ON CONFLICT (file) DO UPDATE SET digest = excluded.digest,
             component_id = excluded.component_id",
    )
    .bind(file)
    .bind(digest)
    .bind(component)
    .execute(connection)
    .await?;
    Ok(())
}

/// The build that a file was when it was last taken up.
pub async fn digest_of_file(connection: &mut Connection, file: &str) -> Result<Option<[u8; 32]>> {
    let found: Option<Vec<u8>> = sql("SELECT digest FROM component_file WHERE file = ?")
        .bind(file)
        .scalar_optional(connection)
        .await?;
    found.map(digest).transpose()
}

/// Forgets a file that is no longer there.
pub async fn forget_file(connection: &mut Connection, file: &str) -> Result<()> {
    sql("DELETE FROM component_file WHERE file = ?")
        .bind(file)
        .execute(connection)
        .await?;
    Ok(())
}

/// What still belongs to a plugin, in words: `2 repositories`; nothing if it can go.
pub async fn uses(connection: &mut Connection, plugin: &str) -> Result<Vec<String>> {
    let mut uses = Vec::new();
    for (table, called) in [
        ("repository", "repositories"),
        ("remote", "remotes"),
        ("publication", "publications"),
        ("distribution", "distributions"),
    ] {
        let count: i64 = sql(format!("SELECT COUNT(*) FROM {table} WHERE plugin = ?"))
            .bind(plugin)
            .scalar(connection)
            .await?;
        if count > 0 {
            uses.push(format!("{count} {called}"));
        }
    }
    for name in crate::content_type::of_plugin(connection, plugin).await? {
        let one: Option<i64> = sql(
            "SELECT u.id FROM unit u JOIN content_type t ON t.id = u.content_type_id
             WHERE t.name = ? LIMIT 1",
        )
        .bind(format!("{plugin}.{name}"))
        .scalar_optional(connection)
        .await?;
        if one.is_some() {
            uses.push(format!("content of the type {plugin}.{name}"));
        }
    }
    Ok(uses)
}

/// The type names that a plugin's resources of one kind have. `table` is the kind's.
pub async fn types_in_use(
    connection: &mut Connection,
    table: &'static str,
    plugin: &str,
) -> Result<Vec<String>> {
    sql(format!(
        "SELECT DISTINCT type_name FROM {table} WHERE plugin = ?"
    ))
    .bind(plugin)
    .scalars(connection)
    .await
}

/// The bytes of a component; none if it was replaced meanwhile.
pub async fn bytes(connection: &mut Connection, digest: [u8; 32]) -> Result<Option<Vec<u8>>> {
    let parts: Vec<Vec<u8>> =
        sql("SELECT body FROM component_part WHERE digest = ? ORDER BY number")
            .bind(digest)
            .scalars(connection)
            .await?;
    Ok((!parts.is_empty()).then(|| parts.concat()))
}

async fn put_bytes(connection: &mut Connection, digest: [u8; 32], bytes: &[u8]) -> Result<()> {
    let one: Option<i64> = sql("SELECT number FROM component_part WHERE digest = ? LIMIT 1")
        .bind(digest)
        .scalar_optional(connection)
        .await?;
    if one.is_some() {
        return Ok(());
    }
    for (number, part) in bytes.chunks(PART).enumerate() {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        sql("INSERT INTO component_part (digest, number, body) VALUES (?, ?, ?)")
            .bind(digest)
            .bind(number)
            .bind(part)
            .execute(connection)
            .await?;
    }
    Ok(())
}

async fn drop_unused_bytes(connection: &mut Connection) -> Result<()> {
    sql("DELETE FROM component_part WHERE digest NOT IN (SELECT digest FROM component)")
        .execute(connection)
        .await?;
    Ok(())
}

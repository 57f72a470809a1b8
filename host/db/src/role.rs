//! Roles: names for lists of permissions.

use std::collections::{BTreeMap, BTreeSet};

use pith_model::Timestamp;
use pith_model::access::RoleDefinition;
use uuid::Uuid;

use crate::condition::Condition;
use crate::database::Connection;
use crate::error::Result;
use crate::insert::insert_many;
use crate::list::{Column, Kind, Record, record};
use crate::row::Row;
use crate::statement::sql;

/// A role's row.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Role {
    pub id: i64,
    pub uuid: Uuid,
    pub name: String,
    pub description: Option<String>,
    pub locked: bool,
    pub pulp_created: Timestamp,
    pub pulp_last_updated: Timestamp,
}

impl Record for Role {
    const FROM: &'static str = "role ro";
    const KEY: &'static str = "ro.id";
    const COLUMNS: &'static [Column] = &[
        Column::new("", "ro.id", Kind::Integer),
        Column::new("pulp_id", "ro.uuid", Kind::Uuid).indexed(),
        Column::new("name", "ro.name", Kind::Text).indexed(),
        Column::new("description", "ro.description", Kind::Text),
        Column::new("locked", "ro.locked", Kind::Boolean),
        Column::new("pulp_created", "ro.pulp_created", Kind::Time),
        Column::new("pulp_last_updated", "ro.pulp_last_updated", Kind::Time),
    ];
    const FILTERS: &'static [Column] = &[
        Column::new("pk", "ro.uuid", Kind::Uuid),
        Column::new(
            "pulp_href",
            "'{root}roles/' || {uuid ro.uuid} || '/'",
            Kind::Text,
        ),
        Column::new("prn", "'prn:core.role:' || {uuid ro.uuid}", Kind::Text),
    ];

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            uuid: row.get(1)?,
            name: row.get(2)?,
            description: row.get(3)?,
            locked: row.get(4)?,
            pulp_created: row.get(5)?,
            pulp_last_updated: row.get(6)?,
        })
    }
}

/// What can be set of a role.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Settings {
    pub name: String,
    pub description: Option<String>,
    pub permissions: BTreeSet<String>,
}

/// The column of its UUID.
pub const UUID: &str = "ro.uuid";

/// The condition that it is one for people, and none that holds a single permission.
pub fn listed() -> Condition {
    Condition::new("NOT ro.single", [])
}

/// The condition that it has one of these permissions: whole names, or what follows the dot.
pub fn with_permission(permissions: &[String]) -> Condition {
    let texts: Vec<&str> = permissions
        .iter()
        .map(|one| {
            if one.contains('.') {
                "xp.permission = ?"
            } else {
                "xp.permission LIKE ? ESCAPE '\\'"
            }
        })
        .collect();
    let values = permissions.iter().map(|one| {
        let text = if one.contains('.') {
            one.clone()
        } else {
            format!(
                "%.{}",
                one.replace('\\', "\\\\")
                    .replace('_', "\\_")
                    .replace('%', "\\%")
            )
        };
        text.into()
    });
    Condition::new(
        format!(
            "EXISTS (SELECT 1 FROM role_permission xp WHERE xp.role_id = ro.id AND ({}))",
            texts.join(" OR ")
        ),
        values,
    )
}

/// The condition that it has permissions of this list, and no others.
pub fn only_with(permissions: Vec<String>) -> Condition {
    Condition::new(
        "EXISTS (SELECT 1 FROM role_permission xp WHERE xp.role_id = ro.id)
         AND NOT EXISTS (SELECT 1 FROM role_permission xp WHERE xp.role_id = ro.id
                         AND NOT (xp.permission IN (?*)))",
        [permissions.into()],
    )
}

/// A role by its UUID.
pub async fn by_uuid(connection: &mut Connection, uuid: Uuid) -> Result<Option<Role>> {
    record(connection, "ro.uuid = ?", [uuid.into()]).await
}

/// A role by its name.
pub async fn by_name(connection: &mut Connection, name: &str) -> Result<Option<Role>> {
    record(connection, "ro.name = ?", [name.into()]).await
}

/// The permissions of roles, in order.
pub async fn permissions(connection: &mut Connection, roles: &[i64]) -> Result<Vec<(i64, String)>> {
    let rows = sql(
        "SELECT role_id, permission FROM role_permission WHERE role_id IN (?*)
         ORDER BY role_id, permission",
    )
    .quick()
    .bind(roles.to_vec())
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// Makes a role of a user's.
pub async fn insert(connection: &mut Connection, settings: &Settings) -> Result<Uuid> {
    insert_row(connection, settings, Standing::Custom)
        .await
        .map(|(_, uuid)| uuid)
}

/// What a new role is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// A user's.
    Custom,
    /// One that every server has.
    Own,
    /// One that holds a single permission.
    Single,
}

async fn insert_row(
    connection: &mut Connection,
    settings: &Settings,
    standing: Standing,
) -> Result<(i64, Uuid)> {
    let uuid = Uuid::now_v7();
    let now = Timestamp::now();
    // Another server may make its own roles at the same moment; both mean the same.
    let conflict = match standing {
        Standing::Custom => "",
        Standing::Own | Standing::Single => "ON CONFLICT (name) DO UPDATE SET locked = TRUE",
    };
    let id: i64 = sql(format!(
        "INSERT INTO role (uuid, name, description, locked, single, pulp_created,
             pulp_last_updated) VALUES (?, ?, ?, ?, ?, ?, ?) {conflict} RETURNING id"
    ))
    .bind(uuid)
    .bind(settings.name.as_str())
    .bind(settings.description.clone())
    .bind(standing != Standing::Custom)
    .bind(standing == Standing::Single)
    .bind(now)
    .bind(now)
    .scalar(connection)
    .await?;
    set_permissions(connection, id, &settings.permissions).await?;
    Ok((id, uuid))
}

/// Changes a role; whoever has it may do what it says from the next request on.
pub async fn update(connection: &mut Connection, id: i64, settings: &Settings) -> Result<()> {
    sql("UPDATE role SET name = ?, description = ?, pulp_last_updated = ? WHERE id = ?")
        .bind(settings.name.as_str())
        .bind(settings.description.clone())
        .bind(Timestamp::now())
        .bind(id)
        .execute(connection)
        .await?;
    set_permissions(connection, id, &settings.permissions).await
}

async fn set_permissions(
    connection: &mut Connection,
    id: i64,
    permissions: &BTreeSet<String>,
) -> Result<()> {
    sql("DELETE FROM role_permission WHERE role_id = ?")
        .bind(id)
        .execute(connection)
        .await?;
    let rows = permissions
        .iter()
        .map(|permission| vec![id.into(), permission.as_str().into()]);
    insert_many(
        connection,
        "INSERT INTO role_permission (role_id, permission)",
        rows,
        "",
    )
    .await?;
    Ok(())
}

/// Removes a role; whoever had it has it no more.
pub async fn delete(connection: &mut Connection, id: i64) -> Result<bool> {
    let deleted = sql("DELETE FROM role WHERE id = ?")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(deleted > 0)
}

/// Brings the server's own roles to what they should be.
pub async fn ensure(connection: &mut Connection, wanted: &[RoleDefinition]) -> Result<()> {
    let names: Vec<String> = wanted.iter().map(|role| role.name.clone()).collect();
    let rows = sql("SELECT id, name, description, locked FROM role WHERE name IN (?*)")
        .bind(names)
        .fetch_all(connection)
        .await?;
    let mut known = BTreeMap::new();
    for row in &rows {
        let (id, name): (i64, String) = (row.get(0)?, row.get(1)?);
        let (description, locked): (Option<String>, bool) = (row.get(2)?, row.get(3)?);
        known.insert(name, (id, description, locked, BTreeSet::new()));
    }
    let ids: Vec<i64> = known.values().map(|(id, ..)| *id).collect();
    for (id, permission) in permissions(connection, &ids).await? {
        if let Some((.., set)) = known.values_mut().find(|(known, ..)| *known == id) {
            set.insert(permission);
        }
    }
    for role in wanted {
        let settings = Settings {
            name: role.name.clone(),
            description: role.description.map(str::to_owned),
            permissions: role.permissions.iter().cloned().collect(),
        };
        match known.get(&role.name) {
            Some((_, description, true, permissions))
                if *description == settings.description && *permissions == settings.permissions => {
            }
            Some((id, ..)) => {
                update(connection, *id, &settings).await?;
                sql("UPDATE role SET locked = TRUE WHERE id = ?")
                    .bind(*id)
                    .execute(connection)
                    .await?;
            }
            None => {
                insert_row(connection, &settings, Standing::Own).await?;
            }
        }
    }
    Ok(())
}

/// The role that holds just this permission; made when it is first asked for.
pub async fn single(connection: &mut Connection, permission: &str) -> Result<i64> {
    let name = permission.replacen('.', ".only_", 1);
    if let Some(role) = by_name(connection, &name).await? {
        return Ok(role.id);
    }
    let settings = Settings {
        name,
        description: Some("A single permission.".to_owned()),
        permissions: BTreeSet::from([permission.to_owned()]),
    };
    insert_row(connection, &settings, Standing::Single)
        .await
        .map(|(id, _)| id)
}

//! Roles that somebody has: for one object, or for all.

use pith_model::access::Securable;
use pith_model::{Timestamp, UserId};
use uuid::Uuid;

use crate::access::Object;
use crate::condition::Condition;
use crate::database::Connection;
use crate::error::Result;
use crate::list::{Column, Kind, Record, record};
use crate::row::Row;
use crate::statement::{Value, sql};

/// Who has a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Holder {
    /// A user.
    User(UserId),
    /// A group, and with it its members.
    Group(i64),
}

impl Holder {
    fn column(self) -> &'static str {
        match self {
            Self::User(_) => "user_id",
            Self::Group(_) => "group_id",
        }
    }

    fn value(self) -> Value {
        match self {
            Self::User(id) => id.into(),
            Self::Group(id) => id.into(),
        }
    }
}

/// The row of a role that somebody has.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Assignment {
    pub id: i64,
    pub uuid: Uuid,
    pub role_id: i64,
    pub role: String,
    pub description: Option<String>,
    /// None for all objects.
    pub object: Option<Object>,
    pub pulp_created: Timestamp,
}

impl Record for Assignment {
    const FROM: &'static str = "role_assignment a JOIN role ro ON ro.id = a.role_id";
    const KEY: &'static str = "a.id";
    const COLUMNS: &'static [Column] = &[
        Column::new("", "a.id", Kind::Integer),
        Column::new("pulp_id", "a.uuid", Kind::Uuid).indexed(),
        Column::new("", "a.role_id", Kind::Integer),
        Column::new("role", "ro.name", Kind::Text).indexed(),
        Column::new("description", "ro.description", Kind::Text),
        Column::new("", "a.kind", Kind::Text),
        Column::new("", "a.object_id", Kind::Integer),
        Column::new("", "a.model", Kind::Text),
        Column::new("pulp_created", "a.pulp_created", Kind::Time),
        Column::new("pulp_last_updated", "a.pulp_created", Kind::Time),
    ];

    fn read(row: &Row) -> Result<Self> {
        let kind: Option<String> = row.get(5)?;
        let object = match kind.as_deref().and_then(Securable::of_table) {
            Some(kind) => Some(Object {
                kind,
                id: row.get(6)?,
                model: row.get(7)?,
            }),
            None => None,
        };
        Ok(Self {
            id: row.get(0)?,
            uuid: row.get(1)?,
            role_id: row.get(2)?,
            role: row.get(3)?,
            description: row.get(4)?,
            object,
            pulp_created: row.get(8)?,
        })
    }
}

/// The column of its UUID.
pub const UUID: &str = "a.uuid";

/// The condition that somebody has it.
pub fn of_holder(holder: Holder) -> Condition {
    Condition::new(format!("a.{} = ?", holder.column()), [holder.value()])
}

/// The condition that it is for an object, or for all.
pub fn about(object: Option<&Object>) -> Condition {
    match object {
        Some(object) => Condition::new(
            "a.object_id = ? AND a.kind = ?",
            [object.id.into(), object.kind.table().into()],
        ),
        None => Condition::new("a.kind IS NULL", []),
    }
}

/// One by its UUID.
pub async fn by_uuid(
    connection: &mut Connection,
    holder: Holder,
    uuid: Uuid,
) -> Result<Option<Assignment>> {
    let condition = format!("a.uuid = ? AND a.{} = ?", holder.column());
    record(connection, &condition, [uuid.into(), holder.value()]).await
}

/// Whether somebody has a role for an object, or for all.
pub async fn exists(
    connection: &mut Connection,
    role: i64,
    holder: Holder,
    object: Option<&Object>,
) -> Result<bool> {
    let about = about(object);
    let values = [role.into(), holder.value()]
        .into_iter()
        .chain(about.values);
    let condition = format!(
        "a.role_id = ? AND a.{} = ? AND {}",
        holder.column(),
        about.text
    );
    let found: Option<Assignment> = record(connection, &condition, values).await?;
    Ok(found.is_some())
}

/// Gives somebody a role.
pub async fn insert(
    connection: &mut Connection,
    role: i64,
    holder: Holder,
    object: Option<&Object>,
) -> Result<Uuid> {
    let uuid = Uuid::now_v7();
    let (user, group) = match holder {
        Holder::User(id) => (Some(id), None),
        Holder::Group(id) => (None, Some(id)),
    };
    sql(
        "INSERT INTO role_assignment (uuid, role_id, user_id, group_id, kind, object_id, model,
             pulp_created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(uuid)
    .bind(role)
    .bind(user)
    .bind(group)
    .bind(object.map(|object| object.kind.table()))
    .bind(object.map(|object| object.id))
    .bind(object.map(|object| object.model.clone()))
    .bind(Timestamp::now())
    .execute(connection)
    .await?;
    Ok(uuid)
}

/// Takes a role that somebody has for an object, or for all.
pub async fn remove(
    connection: &mut Connection,
    role: i64,
    holder: Holder,
    object: Option<&Object>,
) -> Result<bool> {
    let about = about(object);
    let removed = sql(format!(
        "DELETE FROM role_assignment AS a WHERE a.role_id = ? AND a.{} = ? AND {}",
        holder.column(),
        about.text
    ))
    .bind(role)
    .bind(holder.value())
    .bind_all(about.values)
    .execute(connection)
    .await?;
    Ok(removed > 0)
}

/// Takes all roles that somebody has for an object.
pub async fn remove_all(
    connection: &mut Connection,
    holder: Holder,
    object: &Object,
) -> Result<()> {
    let about = about(Some(object));
    sql(format!(
        "DELETE FROM role_assignment AS a WHERE a.{} = ? AND {}",
        holder.column(),
        about.text
    ))
    .bind(holder.value())
    .bind_all(about.values)
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes one.
pub async fn delete(connection: &mut Connection, id: i64) -> Result<bool> {
    let deleted = sql("DELETE FROM role_assignment WHERE id = ?")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(deleted > 0)
}

/// A role that somebody has for an object, with names.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Held {
    pub role_id: i64,
    pub role: String,
    pub holder: Holder,
    pub name: String,
}

/// Who has which roles for an object, in the order in which they were given.
pub async fn of_object(connection: &mut Connection, object: &Object) -> Result<Vec<Held>> {
    let about = about(Some(object));
    let rows = sql(format!(
        "SELECT a.role_id, ro.name, a.user_id, a.group_id, COALESCE(u.username, g.name)
         FROM role_assignment a JOIN role ro ON ro.id = a.role_id
         LEFT JOIN app_user u ON u.id = a.user_id LEFT JOIN app_group g ON g.id = a.group_id
         WHERE {} ORDER BY a.id",
        about.text
    ))
    .bind_all(about.values)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let (user, group): (Option<UserId>, Option<i64>) = (row.get(2)?, row.get(3)?);
            Ok(Held {
                role_id: row.get(0)?,
                role: row.get(1)?,
                holder: user.map_or(Holder::Group(group.unwrap_or_default()), Holder::User),
                name: row.get(4)?,
            })
        })
        .collect()
}

/// How an object is found: its UUID and type, where its kind has them.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its row.
    pub id: i64,
    /// All but groups of users have one.
    pub uuid: Option<Uuid>,
    /// Its plugin.
    pub plugin: String,
    /// Its type.
    pub type_name: String,
}

/// How objects of a kind are found.
pub async fn places(
    connection: &mut Connection,
    kind: Securable,
    ids: Vec<i64>,
) -> Result<Vec<Place>> {
    let uuid = if kind == Securable::Group {
        "NULL"
    } else {
        "uuid"
    };
    let types = if kind.is_typed() {
        "plugin, type_name"
    } else {
        "'', ''"
    };
    let rows = sql(format!(
        "SELECT id, {uuid}, {types} FROM {} WHERE id IN (?*)",
        kind.table()
    ))
    .quick()
    .bind(ids)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Place {
                id: row.get(0)?,
                uuid: if kind == Securable::Group {
                    None
                } else {
                    row.get(1)?
                },
                plugin: row.get(2)?,
                type_name: row.get(3)?,
            })
        })
        .collect()
}

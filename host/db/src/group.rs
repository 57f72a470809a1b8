//! Groups of users.

use pith_model::UserId;

use crate::condition::Condition;
use crate::database::Connection;
use crate::error::Result;
use crate::list::{Column, Kind, Record, record};
use crate::row::Row;
use crate::statement::sql;

/// A group's row.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Group {
    pub id: i64,
    pub name: String,
}

impl Record for Group {
    const FROM: &'static str = "app_group g";
    const KEY: &'static str = "g.id";
    const COLUMNS: &'static [Column] = &[
        Column::new("id", "g.id", Kind::Integer).indexed(),
        Column::new("name", "g.name", Kind::Text).indexed(),
    ];
    const FILTERS: &'static [Column] = &[
        Column::new("pk", "g.id", Kind::Integer),
        Column::new("pulp_href", "'{root}groups/' || g.id || '/'", Kind::Text),
        Column::new("prn", "'prn:core.group:' || g.id", Kind::Text),
    ];

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
        })
    }
}

/// The column of its number.
pub const ID: &str = "g.id";

/// A group by its number.
pub async fn by_id(connection: &mut Connection, id: i64) -> Result<Option<Group>> {
    record(connection, "g.id = ?", [id.into()]).await
}

/// A group by its name.
pub async fn by_name(connection: &mut Connection, name: &str) -> Result<Option<Group>> {
    record(connection, "g.name = ?", [name.into()]).await
}

/// Makes a group.
pub async fn insert(connection: &mut Connection, name: &str) -> Result<i64> {
    sql("INSERT INTO app_group (name) VALUES (?) RETURNING id")
        .bind(name)
        .scalar(connection)
        .await
}

/// Gives a group another name.
pub async fn rename(connection: &mut Connection, id: i64, name: &str) -> Result<()> {
    sql("UPDATE app_group SET name = ? WHERE id = ?")
        .bind(name)
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes a group; its members lose what they were allowed by it.
pub async fn delete(connection: &mut Connection, id: i64) -> Result<bool> {
    let deleted = sql("DELETE FROM app_group WHERE id = ?")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(deleted > 0)
}

/// Takes a user into a group; nothing changes if he is in it.
pub async fn add(connection: &mut Connection, group: i64, user: UserId) -> Result<()> {
    sql("INSERT INTO group_member (user_id, group_id) VALUES (?, ?)
         ON CONFLICT (user_id, group_id) DO NOTHING")
    .bind(user)
    .bind(group)
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes a user out of a group.
pub async fn remove(connection: &mut Connection, group: i64, user: UserId) -> Result<()> {
    sql("DELETE FROM group_member WHERE user_id = ? AND group_id = ?")
        .bind(user)
        .bind(group)
        .execute(connection)
        .await?;
    Ok(())
}

/// The condition that a user (`u`) is in a group.
pub fn has_member(group: i64) -> Condition {
    Condition::new(
        "u.id IN (SELECT xg.user_id FROM group_member xg WHERE xg.group_id = ?)",
        [group.into()],
    )
}

/// The groups that users are in: the user's number, the group.
pub async fn of_users(
    connection: &mut Connection,
    users: &[UserId],
) -> Result<Vec<(UserId, Group)>> {
    let ids: Vec<i64> = users.iter().map(|id| id.0).collect();
    let rows = sql(
        "SELECT m.user_id, g.id, g.name FROM group_member m JOIN app_group g ON g.id = m.group_id
         WHERE m.user_id IN (?*) ORDER BY m.user_id, g.name",
    )
    .quick()
    .bind(ids)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let (id, name) = (row.get(1)?, row.get(2)?);
            Ok((row.get(0)?, Group { id, name }))
        })
        .collect()
}

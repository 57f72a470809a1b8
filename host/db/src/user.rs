//! Users, and the tokens and sessions by which they are known.
//!
//! Whatever is verified carries the user's `credential_version`; a changed password or
//! standing raises it, so that what was verified before is worth nothing after, in
//! every process, on the next request.

use pith_model::{Timestamp, UserId};
use uuid::Uuid;

use crate::database::Connection;
use crate::error::Result;
use crate::list::{Column, Kind, Record, record};
use crate::row::Row;
use crate::statement::sql;

/// A user's row.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct User {
    pub id: UserId,
    pub username: String,
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    pub password_hash: Option<String>,
    pub is_superuser: bool,
    pub is_staff: bool,
    pub is_active: bool,
    pub credential_version: i64,
    pub date_joined: Timestamp,
}

impl Record for User {
    const FROM: &'static str = "app_user u";
    const KEY: &'static str = "u.id";
    const COLUMNS: &'static [Column] = &[
        Column::new("id", "u.id", Kind::Integer).indexed(),
        Column::new("username", "u.username", Kind::Text).indexed(),
        Column::new("first_name", "u.first_name", Kind::Text),
        Column::new("last_name", "u.last_name", Kind::Text),
        Column::new("email", "u.email", Kind::Text),
        Column::new("", "u.password_hash", Kind::Text),
        Column::new("is_superuser", "u.is_superuser", Kind::Boolean),
        Column::new("is_active", "u.is_active", Kind::Boolean),
        Column::new("", "u.credential_version", Kind::Integer),
        Column::new("date_joined", "u.date_joined", Kind::Time),
        Column::new("is_staff", "u.is_staff", Kind::Boolean),
    ];
    const FILTERS: &'static [Column] = &[
        Column::new("pk", "u.id", Kind::Integer),
        Column::new("pulp_href", "'{root}users/' || u.id || '/'", Kind::Text),
        Column::new("prn", "'prn:auth.user:' || u.id", Kind::Text),
    ];

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            username: row.get(1)?,
            first_name: row.get(2)?,
            last_name: row.get(3)?,
            email: row.get(4)?,
            password_hash: row.get(5)?,
            is_superuser: row.get(6)?,
            is_active: row.get(7)?,
            credential_version: row.get(8)?,
            date_joined: row.get(9)?,
            is_staff: row.get(10)?,
        })
    }
}

/// What can be set of a user.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Settings {
    pub username: String,
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    pub is_superuser: bool,
    pub is_staff: bool,
    pub is_active: bool,
}

/// The column of its number.
pub const ID: &str = "u.id";

/// A user by name.
pub async fn by_name(connection: &mut Connection, username: &str) -> Result<Option<User>> {
    record(connection, "u.username = ?", [username.into()]).await
}

/// A user by number.
pub async fn by_id(connection: &mut Connection, id: UserId) -> Result<Option<User>> {
    record(connection, "u.id = ?", [id.into()]).await
}

/// Whether there is any user.
pub async fn any(connection: &mut Connection) -> Result<bool> {
    let one: Option<i64> = sql("SELECT id FROM app_user LIMIT 1")
        .quick()
        .scalar_optional(connection)
        .await?;
    Ok(one.is_some())
}

/// Makes a user; `password_hash` is a PHC string, or none for one who cannot log in.
pub async fn insert(
    connection: &mut Connection,
    settings: &Settings,
    password_hash: Option<&str>,
) -> Result<UserId> {
    sql(
        "INSERT INTO app_user (username, first_name, last_name, email, password_hash,
             is_superuser, is_staff, is_active, date_joined)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
    )
    .bind(settings.username.as_str())
    .bind(settings.first_name.as_str())
    .bind(settings.last_name.as_str())
    .bind(settings.email.as_str())
    .bind(password_hash)
    .bind(settings.is_superuser)
    .bind(settings.is_staff)
    .bind(settings.is_active)
    .bind(Timestamp::now())
    .scalar(connection)
    .await
}

/// Changes a user; whatever was verified before is void.
pub async fn update(connection: &mut Connection, id: UserId, settings: &Settings) -> Result<()> {
    sql(
        "UPDATE app_user SET username = ?, first_name = ?, last_name = ?, email = ?,
             is_superuser = ?, is_staff = ?, is_active = ?, credential_version = credential_version + 1
         WHERE id = ?",
    )
    .bind(settings.username.as_str())
    .bind(settings.first_name.as_str())
    .bind(settings.last_name.as_str())
    .bind(settings.email.as_str())
    .bind(settings.is_superuser)
    .bind(settings.is_staff)
    .bind(settings.is_active)
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Changes a password; sessions and remembered verifications are void, tokens stay.
pub async fn set_password(
    connection: &mut Connection,
    id: UserId,
    password_hash: &str,
) -> Result<()> {
    sql(
        "UPDATE app_user SET password_hash = ?, credential_version = credential_version + 1
         WHERE id = ?",
    )
    .bind(password_hash)
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes a user's password away; tokens stay the only way in.
pub async fn remove_password(connection: &mut Connection, id: UserId) -> Result<()> {
    sql(
        "UPDATE app_user SET password_hash = NULL, credential_version = credential_version + 1
         WHERE id = ?",
    )
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes a user with tokens and sessions.
pub async fn delete(connection: &mut Connection, id: UserId) -> Result<bool> {
    let deleted = sql("DELETE FROM app_user WHERE id = ?")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(deleted > 0)
}

/// An API token, without the token.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Token {
    pub uuid: Uuid,
    pub name: String,
    pub pulp_created: Timestamp,
    pub expires: Option<Timestamp>,
}

/// Keeps a token's hash.
pub async fn insert_token(
    connection: &mut Connection,
    user: UserId,
    name: &str,
    hash: [u8; 32],
    expires: Option<Timestamp>,
) -> Result<Uuid> {
    let uuid = Uuid::now_v7();
    sql(
        "INSERT INTO api_token (uuid, user_id, name, token_hash, pulp_created, expires)
         VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(uuid)
    .bind(user)
    .bind(name)
    .bind(hash)
    .bind(Timestamp::now())
    .bind(expires)
    .execute(connection)
    .await?;
    Ok(uuid)
}

/// A user's tokens.
pub async fn tokens(connection: &mut Connection, user: UserId) -> Result<Vec<Token>> {
    let rows = sql(
        "SELECT uuid, name, pulp_created, expires FROM api_token WHERE user_id = ? ORDER BY id",
    )
    .bind(user)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Token {
                uuid: row.get(0)?,
                name: row.get(1)?,
                pulp_created: row.get(2)?,
                expires: row.get(3)?,
            })
        })
        .collect()
}

/// Revokes a token of a user.
pub async fn delete_token(connection: &mut Connection, user: UserId, uuid: Uuid) -> Result<bool> {
    let deleted = sql("DELETE FROM api_token WHERE uuid = ? AND user_id = ?")
        .bind(uuid)
        .bind(user)
        .execute(connection)
        .await?;
    Ok(deleted > 0)
}

/// The user of a token, by the token's hash; none if it expired.
pub async fn by_token(connection: &mut Connection, hash: [u8; 32]) -> Result<Option<User>> {
    record(
        connection,
        "u.id = (SELECT t.user_id FROM api_token t
                 WHERE t.token_hash = ? AND (t.expires IS NULL OR t.expires > ?))",
        [hash.into(), Timestamp::now().into()],
    )
    .await
}

/// Keeps a session's hash.
pub async fn insert_session(
    connection: &mut Connection,
    user: &User,
    hash: [u8; 32],
    expires: Timestamp,
) -> Result<()> {
    sql("DELETE FROM web_session WHERE expires < ?")
        .bind(Timestamp::now())
        .execute(connection)
        .await?;
    sql(
        "INSERT INTO web_session (session_hash, user_id, credential_version, expires)
         VALUES (?, ?, ?, ?)",
    )
    .bind(hash)
    .bind(user.id)
    .bind(user.credential_version)
    .bind(expires)
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends a session.
pub async fn delete_session(connection: &mut Connection, hash: [u8; 32]) -> Result<()> {
    sql("DELETE FROM web_session WHERE session_hash = ?")
        .bind(hash)
        .execute(connection)
        .await?;
    Ok(())
}

/// The user of a session, by the cookie's hash; none if it expired or the user's
/// credentials changed since.
pub async fn by_session(connection: &mut Connection, hash: [u8; 32]) -> Result<Option<User>> {
    record(
        connection,
        "u.id = (SELECT s.user_id FROM web_session s
                 WHERE s.session_hash = ? AND s.expires > ?
                 AND s.credential_version = u.credential_version)",
        [hash.into(), Timestamp::now().into()],
    )
    .await
}

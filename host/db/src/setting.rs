//! Small facts that the server keeps about itself.

use serde_json::Value as JsonValue;

use crate::database::Connection;
use crate::error::Result;
use crate::statement::sql;

/// A fact by its name.
pub async fn get(connection: &mut Connection, name: &str) -> Result<Option<JsonValue>> {
    sql("SELECT value FROM setting WHERE name = ?")
        .quick()
        .bind(name)
        .scalar_optional(connection)
        .await
}

/// Keeps a fact.
pub async fn set(connection: &mut Connection, name: &str, value: &JsonValue) -> Result<()> {
    sql("INSERT INTO setting (name, value) VALUES (?, ?)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value")
    .bind(name)
    .bind(value.clone())
    .execute(connection)
    .await?;
    Ok(())
}

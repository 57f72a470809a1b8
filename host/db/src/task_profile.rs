//! What was measured of a task because its maker asked for it.

use pith_model::TaskId;
use uuid::Uuid;

use crate::database::Connection;
use crate::error::Result;
use crate::statement::sql;

/// Keeps a profile with its task, in place of one of the same name.
pub async fn keep(connection: &mut Connection, task: TaskId, name: &str, body: &str) -> Result<()> {
    sql("DELETE FROM task_profile WHERE task_id = ? AND name = ?")
        .bind(task)
        .bind(name)
        .execute(connection)
        .await?;
    sql("INSERT INTO task_profile (task_id, name, download_key, body) VALUES (?, ?, ?, ?)")
        .bind(task)
        .bind(name)
        // Random as a whole: whoever knows it may download.
        .bind(Uuid::new_v4())
        .bind(body)
        .execute(connection)
        .await?;
    Ok(())
}

/// The profiles of a task: names, and the keys to download them.
pub async fn of_task(connection: &mut Connection, task: TaskId) -> Result<Vec<(String, Uuid)>> {
    sql("SELECT name, download_key FROM task_profile WHERE task_id = ? ORDER BY name")
        .bind(task)
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// The profile that a key opens.
pub async fn by_key(connection: &mut Connection, key: Uuid) -> Result<Option<String>> {
    let rows = sql("SELECT body FROM task_profile WHERE download_key = ?")
        .bind(key)
        .fetch_all(connection)
        .await?;
    rows.first().map(|row| row.get(0)).transpose()
}

//! Changes that were made at once, noted as tasks that are over: who changed what is found
//! in the same list, whether it took a while or not.

use pith_model::Timestamp;
use pith_model::task::Lock;
use serde_json::json;

use crate::database::Connection;
use crate::error::Result;
use crate::statement::sql;
use crate::task::{self, NewTask};
use crate::task_lock;

/// Notes a change; its locks are what it would have held. To be called in the transaction
/// of the change, so that nobody ever sees the task wait.
pub async fn insert(connection: &mut Connection, mut new: NewTask) -> Result<()> {
    let locks = std::mem::take(&mut new.locks);
    let reserved: Vec<String> = locks.iter().map(Lock::record).collect();
    let (id, _) = task::insert(connection, new).await?;
    let now = Timestamp::now();
    sql(
        "UPDATE task SET state = 'completed', reserved = ?, started_at = ?, finished_at = ?
         WHERE id = ?",
    )
    .quick()
    .bind(json!(reserved))
    .bind(now)
    .bind(now)
    .bind(id)
    .execute(connection)
    .await?;
    // Notes of what it would have held: by them the changes of a thing are found.
    task_lock::note(connection, id, &locks).await
}

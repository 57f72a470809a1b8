//! Keeps a row as it is until a transaction ends, so that what is read can be changed
//! without losing what somebody else changes at the same time.

use crate::database::Transaction;
use crate::dialect::Dialect;
use crate::error::Result;
use crate::statement::sql;

/// Keeps others from changing the row of `table` with this number. SQLite has one
/// writer, so there is nobody else.
pub async fn hold(transaction: &mut Transaction, table: &'static str, id: i64) -> Result<()> {
    if transaction.dialect() == Dialect::Postgres {
        sql(format!("SELECT id FROM {table} WHERE id = ? FOR UPDATE"))
            .bind(id)
            .execute(transaction)
            .await?;
    }
    Ok(())
}

//! Numbers that nobody else gets, for rows that refer to each other before they are written.

use crate::database::Connection;
use crate::dialect::Dialect;
use crate::error::Result;
use crate::statement::sql;

/// Takes `count` numbers of a sequence, in ascending order. Nobody waits: numbers of a
/// transaction that is rolled back are lost.
pub(crate) async fn take(
    connection: &mut Connection,
    sequence: &str,
    count: usize,
) -> Result<Vec<i64>> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    match connection.dialect() {
        Dialect::Sqlite => {
            let text = format!("UPDATE {sequence} SET next = next + ? RETURNING next");
            let next: i64 = sql(text).bind(count).scalar(connection).await?;
            Ok((next - count..next).collect())
        }
        Dialect::Postgres => {
            let text = format!("SELECT nextval('{sequence}') FROM generate_series(1, ?)");
            let rows = sql(text).bind(count).fetch_all(connection).await?;
            rows.iter().map(|row| row.get(0)).collect()
        }
    }
}

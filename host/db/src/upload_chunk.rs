//! The chunks of an upload whose size was announced: ranges of bytes, in any order.

use std::ops::Range;

use pith_model::UploadId;

use crate::database::Connection;
use crate::error::Result;
use crate::statement::sql;

/// Notes a chunk.
pub async fn insert(connection: &mut Connection, id: UploadId, range: &Range<i64>) -> Result<()> {
    sql(
        "INSERT INTO upload_chunk (upload_id, first_byte, end_byte) VALUES (?, ?, ?)
         ON CONFLICT (upload_id, first_byte) DO UPDATE SET end_byte = excluded.end_byte",
    )
    .bind(id)
    .bind(range.start)
    .bind(range.end)
    .execute(connection)
    .await?;
    Ok(())
}

/// Chunks that have bytes at or after `from`, in order. None is longer than `longest`.
pub async fn from(
    connection: &mut Connection,
    id: UploadId,
    from: i64,
    longest: i64,
    limit: usize,
) -> Result<Vec<Range<i64>>> {
    let rows = sql(format!(
        "SELECT first_byte, end_byte FROM upload_chunk WHERE upload_id = ? AND first_byte > ? AND end_byte > ?
         ORDER BY first_byte LIMIT {limit}"
    ))
    .bind(id)
    .bind(from.saturating_sub(longest).saturating_sub(1))
    .bind(from)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok(row.get(0)?..row.get(1)?))
        .collect()
}

/// Forgets the chunks that share bytes with a range; how many there were. None is longer
/// than `longest`.
pub async fn forget(
    connection: &mut Connection,
    id: UploadId,
    range: &Range<i64>,
    longest: i64,
) -> Result<u64> {
    sql("DELETE FROM upload_chunk
         WHERE upload_id = ? AND first_byte > ? AND first_byte < ? AND end_byte > ?")
    .bind(id)
    .bind(range.start.saturating_sub(longest).saturating_sub(1))
    .bind(range.end)
    .bind(range.start)
    .execute(connection)
    .await
}

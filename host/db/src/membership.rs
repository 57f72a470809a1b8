//! Which units are in which version: rows with the number that added them and the
//! number that removed them.
//!
//! Invariant: a row whose number belongs to no version is invisible. A change is
//! written in as many transactions as it takes; the version's own row ends it.

use pith_model::{RepositoryId, TaskId, UnitId, WorkerId};

use crate::content_type::TypeTable;
use crate::database::Connection;
use crate::error::Result;
use crate::statement::sql;

/// `removed` of a row that no version removed.
pub const NEVER: i64 = i64::MAX;

/// The condition that a membership row `m` is in version `number` of `repository`,
/// to be bound in the order repository, number, number.
pub const PRESENT: &str = "m.repository_id = ? AND m.added <= ? AND m.removed > ?";

/// Calls `each` for every unit of a version.
pub async fn for_each_unit(
    connection: &mut Connection,
    repository: RepositoryId,
    number: i64,
    mut each: impl FnMut(UnitId),
) -> Result<()> {
    sql(format!(
        "SELECT m.unit_id FROM membership m WHERE {PRESENT}"
    ))
    .bind(repository)
    .bind(number)
    .bind(number)
    .for_each(connection, |row| {
        each(row.get(0)?);
        Ok(())
    })
    .await
}

/// So many units are handed to one statement.
const PART: usize = 5_000;

/// Which of these units are in a version.
pub async fn present(
    connection: &mut Connection,
    repository: RepositoryId,
    number: i64,
    units: &[UnitId],
) -> Result<Vec<UnitId>> {
    let mut found = Vec::new();
    let each = connection.dialect().each_number();
    for part in units.chunks(PART) {
        let ids = connection.dialect().numbers(part.iter().map(|id| id.0));
        found.extend(
            sql(format!(
                // In this order: SQLite would walk through the list for each unit of the version.
                "SELECT m.unit_id FROM {each} e CROSS JOIN membership m
                 WHERE m.unit_id = e.value AND {PRESENT}"
            ))
            .bind(ids)
            .bind(repository)
            .bind(number)
            .bind(number)
            .scalars::<UnitId>(connection)
            .await?,
        );
    }
    Ok(found)
}

/// Notes that a version is being prepared; clears what an earlier try left.
pub async fn begin(
    connection: &mut Connection,
    repository: RepositoryId,
    number: i64,
    task: TaskId,
) -> Result<()> {
    clear(connection, repository, number).await?;
    sql(
        "INSERT INTO pending_version (repository_id, number, task_id) VALUES (?, ?, ?)
         ON CONFLICT (repository_id, number) DO UPDATE SET task_id = excluded.task_id",
    )
    .quick()
    .bind(repository)
    .bind(number)
    .bind(task)
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets what was prepared for a version that will not be.
pub async fn clear(
    connection: &mut Connection,
    repository: RepositoryId,
    number: i64,
) -> Result<()> {
    sql("DELETE FROM membership WHERE repository_id = ? AND added = ?")
        .bind(repository)
        .bind(number)
        .execute(connection)
        .await?;
    sql("UPDATE membership SET removed = ? WHERE repository_id = ? AND removed = ?")
        .bind(NEVER)
        .bind(repository)
        .bind(number)
        .execute(connection)
        .await?;
    end(connection, repository, number).await
}

/// Notes that a version is not being prepared any more.
pub async fn end(connection: &mut Connection, repository: RepositoryId, number: i64) -> Result<()> {
    sql("DELETE FROM pending_version WHERE repository_id = ? AND number = ?")
        .quick()
        .bind(repository)
        .bind(number)
        .execute(connection)
        .await?;
    Ok(())
}

/// What a task is preparing.
pub async fn pending_of_task(
    connection: &mut Connection,
    task: TaskId,
) -> Result<Vec<(RepositoryId, i64)>> {
    let rows = sql(
        "SELECT repository_id, number FROM pending_version WHERE task_id = ?
         ORDER BY number DESC",
    )
    .quick()
    .bind(task)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// What the unfinished tasks of a process are preparing.
pub async fn pending_of_worker(
    connection: &mut Connection,
    worker: WorkerId,
) -> Result<Vec<(RepositoryId, i64)>> {
    let rows = sql("SELECT p.repository_id, p.number FROM pending_version p
         JOIN task t ON t.id = p.task_id WHERE t.worker_id = ? ORDER BY p.number DESC")
    .bind(worker)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// Whether a version is still being prepared under this number, until the end of the
/// transaction: others may have given up the process that prepares it.
pub async fn is_pending(
    connection: &mut Connection,
    repository: RepositoryId,
    number: i64,
) -> Result<bool> {
    let text = format!(
        "SELECT number FROM pending_version WHERE repository_id = ? AND number = ?{}",
        connection.dialect().for_update()
    );
    let found: Option<i64> = sql(text)
        .bind(repository)
        .bind(number)
        .scalar_optional(connection)
        .await?;
    Ok(found.is_some())
}

/// Adds units under a number.
pub async fn add(
    connection: &mut Connection,
    repository: RepositoryId,
    number: i64,
    units: &[UnitId],
) -> Result<()> {
    let each = connection.dialect().each_number();
    for part in units.chunks(PART) {
        let ids = connection.dialect().numbers(part.iter().map(|id| id.0));
        sql(format!(
            "INSERT INTO membership (repository_id, unit_id, added)
             SELECT CAST(? AS BIGINT), e.value, CAST(? AS BIGINT) FROM {each} e"
        ))
        .bind(repository)
        .bind(number)
        .bind(ids)
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// Removes units under a number.
pub async fn remove(
    connection: &mut Connection,
    repository: RepositoryId,
    number: i64,
    units: &[UnitId],
) -> Result<()> {
    let each = connection.dialect().each_number();
    for part in units.chunks(PART) {
        let ids = connection.dialect().numbers(part.iter().map(|id| id.0));
        sql(format!(
            "UPDATE membership SET removed = ?
             WHERE repository_id = ? AND removed = ? AND unit_id IN (SELECT e.value FROM {each} e)"
        ))
        .bind(number)
        .bind(repository)
        .bind(NEVER)
        .bind(ids)
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// Takes units out of what a number prepares: its own newcomers too.
pub async fn take_out(
    connection: &mut Connection,
    repository: RepositoryId,
    number: i64,
    units: &[UnitId],
) -> Result<()> {
    let each = connection.dialect().each_number();
    for part in units.chunks(PART) {
        let ids = connection.dialect().numbers(part.iter().map(|id| id.0));
        sql(format!(
            "DELETE FROM membership
             WHERE repository_id = ? AND added = ? AND unit_id IN (SELECT e.value FROM {each} e)"
        ))
        .bind(repository)
        .bind(number)
        .bind(ids)
        .execute(connection)
        .await?;
    }
    remove(connection, repository, number, units).await
}

/// The units of a version that have the repository key of another one which a pending
/// number adds: what newcomers replace. Pairs of newcomer and replaced.
pub async fn clashes(
    connection: &mut Connection,
    table: &TypeTable,
    repository: RepositoryId,
    number: i64,
    pending: i64,
) -> Result<Vec<(UnitId, UnitId)>> {
    let rows = sql(format!(
        "SELECT c.unit_id, o.unit_id FROM membership p
         JOIN {table} c ON c.unit_id = p.unit_id
         JOIN {table} o ON o.repository_key = c.repository_key AND o.unit_id <> c.unit_id
         JOIN membership m ON m.unit_id = o.unit_id
         WHERE p.repository_id = ? AND p.added = ? AND {PRESENT}",
        table = table.table
    ))
    .bind(repository)
    .bind(pending)
    .bind(repository)
    .bind(number)
    .bind(number)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// Two of the units that a number added which have one repository key, if there are
/// any: what must not be in one version.
pub async fn twins(
    connection: &mut Connection,
    table: &TypeTable,
    repository: RepositoryId,
    number: i64,
) -> Result<Option<(UnitId, UnitId)>> {
    let row = sql(format!(
        "SELECT MIN(c.unit_id), MAX(c.unit_id) FROM membership m
         JOIN {} c ON c.unit_id = m.unit_id
         WHERE m.repository_id = ? AND m.added = ?
         GROUP BY c.repository_key HAVING COUNT(*) > 1 LIMIT 1",
        table.table
    ))
    .bind(repository)
    .bind(number)
    .fetch_optional(connection)
    .await?;
    row.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
}

/// How many units of each type a version has, and how many it added and removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "said above")]
pub struct Counts {
    pub content_type: i64,
    pub present: i64,
    pub added: i64,
    pub removed: i64,
}

/// Counts a version's units by type from its base's counts and its own changes.
pub async fn count_changes(
    connection: &mut Connection,
    repository: RepositoryId,
    number: i64,
) -> Result<Vec<Counts>> {
    let rows = sql(
        "SELECT u.content_type_id, COUNT(*), 0 FROM membership m JOIN unit u ON u.id = m.unit_id
         WHERE m.repository_id = ? AND m.added = ? GROUP BY u.content_type_id
         UNION ALL
         SELECT u.content_type_id, 0, COUNT(*) FROM membership m JOIN unit u ON u.id = m.unit_id
         WHERE m.repository_id = ? AND m.removed = ? GROUP BY u.content_type_id",
    )
    .bind(repository)
    .bind(number)
    .bind(repository)
    .bind(number)
    .fetch_all(connection)
    .await?;
    let mut counts: Vec<Counts> = Vec::new();
    for row in rows {
        let content_type = row.get(0)?;
        let (added, removed): (i64, i64) = (row.get(1)?, row.get(2)?);
        match counts
            .iter_mut()
            .find(|one| one.content_type == content_type)
        {
            Some(one) => {
                one.added += added;
                one.removed += removed;
            }
            None => counts.push(Counts {
                content_type,
                added,
                removed,
                present: 0,
            }),
        }
    }
    Ok(counts)
}

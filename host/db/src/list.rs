//! Lists: one engine that filters, orders and pages any resource, with SQL that both
//! databases run.

use std::time::Duration;

pub use crate::column::{Column, Kind};
pub use crate::condition::Condition;

use crate::database::Connection;
use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::row::Row;
use crate::statement::{Value, sql};

/// A resource that can be listed: where its rows are and how they are read.
pub trait Record: Sized {
    /// What stands after `FROM`.
    const FROM: &'static str;
    /// The columns, in the order in which [`Record::read`] expects them.
    const COLUMNS: &'static [Column];
    /// More columns of the answers, for filters and orders only. Words in braces are
    /// written out by [`Column::expanded`].
    const FILTERS: &'static [Column] = &[];
    /// The column that breaks ties of an ordering.
    const KEY: &'static str;
    /// Takes a row apart.
    fn read(row: &Row) -> Result<Self>;
}

/// The columns by which a resource can be filtered and ordered.
pub fn filters<R: Record>() -> Vec<Column> {
    R::COLUMNS.iter().chain(R::FILTERS).cloned().collect()
}

/// Which rows, in which order, and which part of them.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// Expressions and whether each is descending.
    pub order: Vec<(String, bool)>,
    /// At most so many rows.
    pub limit: i64,
    /// After so many.
    pub offset: i64,
    /// Of the placeholders in what stands after `FROM`.
    pub from_values: Vec<Value>,
    /// Names of filters that no index answers: with any, time is limited.
    pub slow: Vec<String>,
    /// Whether an index answers in microseconds (see `Statement::quick`).
    pub is_quick: bool,
}

/// How long one question of a list may take that no index answers.
pub const BUDGET: Duration = Duration::from_secs(5);

impl Selection {
    /// The rows for which one condition holds.
    pub fn one(text: impl Into<String>, values: impl IntoIterator<Item = Value>) -> Self {
        Self {
            conditions: vec![Condition::new(text, values)],
            limit: i64::from(u32::MAX),
            ..Self::default()
        }
    }

    /// Limits the time of what is asked next.
    async fn begin(&self, connection: &mut Connection) -> Result<()> {
        if self.slow.is_empty() {
            return Ok(());
        }
        connection.limit(BUDGET).await
    }

    /// Takes the limit away; an answer that did not come in time names the filters.
    async fn end<T>(&self, connection: &mut Connection, outcome: Result<T>) -> Result<T> {
        if self.slow.is_empty() {
            return outcome;
        }
        connection.unlimit().await?;
        match outcome {
            Err(Error::TimedOut) => Err(Error::TooSlow(self.slow.clone())),
            other => other,
        }
    }

    fn filter(&self) -> (String, Vec<Value>) {
        if self.conditions.is_empty() {
            return (String::new(), self.from_values.clone());
        }
        let texts: Vec<String> = self
            .conditions
            .iter()
            .map(|one| format!("({})", one.text))
            .collect();
        let own = self.conditions.iter().flat_map(|one| &one.values);
        let values = self.from_values.iter().chain(own).cloned().collect();
        (format!(" WHERE {}", texts.join(" AND ")), values)
    }
}

/// How many rows a selection has, without its limit.
pub async fn count(connection: &mut Connection, from: &str, selection: &Selection) -> Result<i64> {
    let (filter, values) = selection.filter();
    selection.begin(connection).await?;
    let counted = sql(format!("SELECT COUNT(*) FROM {from}{filter}"))
        .bind_all(values)
        .scalar(connection)
        .await;
    selection.end(connection, counted).await
}

/// How many rows a selection has, if a page of it shows: it is not full, or the first.
pub fn known_count(rows: usize, selection: &Selection) -> Option<i64> {
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    let shows = rows < selection.limit && (rows > 0 || selection.offset == 0);
    shows.then(|| selection.offset + rows)
}

/// One page of rows with the given expressions as columns.
pub async fn rows(
    connection: &mut Connection,
    from: &str,
    expressions: &[&str],
    key: &str,
    selection: &Selection,
) -> Result<Vec<Row>> {
    let (filter, mut values) = selection.filter();
    let mut order: Vec<String> = selection
        .order
        .iter()
        .map(|(expression, descending)| {
            // NULLs first when ascending on both sides.
            let direction = match (connection.dialect(), descending) {
                (Dialect::Sqlite, false) => "ASC",
                (Dialect::Sqlite, true) => "DESC",
                (Dialect::Postgres, false) => "ASC NULLS FIRST",
                (Dialect::Postgres, true) => "DESC NULLS LAST",
            };
            format!("{expression} {direction}")
        })
        .collect();
    let descending = selection
        .order
        .first()
        .is_none_or(|(_, descending)| *descending);
    order.push(format!("{key} {}", if descending { "DESC" } else { "ASC" }));
    // The limit is written out: SQLite prepares a statement anew each time that a bound
    // limit gets a value, which costs more than the question.
    let mut text = format!(
        "SELECT {} FROM {from}{filter} ORDER BY {} LIMIT {}",
        expressions.join(", "),
        order.join(", "),
        selection.limit
    );
    if selection.offset > 0 {
        text.push_str(" OFFSET ?");
        values.push(selection.offset.into());
    }
    selection.begin(connection).await?;
    let mut question = sql(text).bind_all(values);
    if selection.is_quick {
        question = question.quick();
    }
    let found = question.fetch_all(connection).await;
    selection.end(connection, found).await
}

/// One page of records.
pub async fn records<R: Record>(
    connection: &mut Connection,
    selection: &Selection,
) -> Result<Vec<R>> {
    let expressions: Vec<&str> = R::COLUMNS.iter().map(|c| c.expression.as_ref()).collect();
    let rows = rows(connection, R::FROM, &expressions, R::KEY, selection).await?;
    rows.iter().map(R::read).collect()
}

/// One page of records, and how many there are in all.
pub async fn page<R: Record>(
    connection: &mut Connection,
    selection: &Selection,
) -> Result<(Vec<R>, i64)> {
    let page: Vec<R> = records(connection, selection).await?;
    let count = match known_count(page.len(), selection) {
        Some(count) => count,
        None => count(connection, R::FROM, selection).await?,
    };
    Ok((page, count))
}

/// The record for which a condition holds that an index answers.
pub async fn record<R: Record>(
    connection: &mut Connection,
    condition: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Option<R>> {
    let mut selection = Selection::one(condition, values);
    selection.limit = 1;
    selection.is_quick = true;
    Ok(records(connection, &selection).await?.pop())
}

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
    /// What stands after `FROM`. A `LEFT JOIN` finds one row at most.
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
    /// How many there are in all, if that was counted before.
    pub counted: Option<i64>,
    /// Of the placeholders in what stands after `FROM`.
    pub from_values: Vec<Value>,
    /// Names of filters that no index answers: with any, time is limited.
    pub slow: Vec<String>,
    /// Fields of a type that nobody shows and that may be large: nothing in their place.
    pub unread: Vec<String>,
    /// Further questions about each row: SQL that is true or false.
    pub told: Vec<String>,
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

    /// Whether the first rows along the key are the answer.
    pub(crate) fn begins_the_table(&self) -> bool {
        self.conditions.is_empty() && self.order.is_empty() && self.offset == 0
    }

    /// Whether a condition or the order names a column of the table with this alias.
    pub(crate) fn speaks_of(&self, alias: &str) -> bool {
        let conditions = self.conditions.iter().map(|one| &one.text);
        let order = self.order.iter().map(|(expression, _)| expression);
        conditions.chain(order).any(|text| speaks_of(text, alias))
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
    let from = needed(from, &filter);
    let counted = sql(format!("SELECT COUNT(*) FROM {from}{filter}"))
        .bind_all(values)
        .scalar(connection)
        .await;
    selection.end(connection, counted).await
}

/// What stands after `FROM` without each `LEFT JOIN` that no later one and no condition speaks
/// of. It finds one row at most, so the count is the same without it, but counting would look
/// up that row for every row counted.
fn needed(from: &str, filter: &str) -> String {
    let parts: Vec<&str> = from.split("LEFT JOIN ").map(str::trim_end).collect();
    let mut kept: Vec<&str> = Vec::new();
    for (at, part) in parts.iter().enumerate().rev() {
        let alias = part.split_whitespace().nth(1).unwrap_or_default();
        let is_spoken_of = kept
            .iter()
            .chain([&filter])
            .any(|text| speaks_of(text, alias));
        if at == 0 || part.contains(" JOIN ") || is_spoken_of {
            kept.push(part);
        }
    }
    kept.reverse();
    kept.join(" LEFT JOIN ")
}

/// Whether a text names a column of the table with this alias.
pub(crate) fn speaks_of(text: &str, alias: &str) -> bool {
    text.match_indices(alias).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        text[at + alias.len()..].starts_with('.')
            && before.is_none_or(|letter| !letter.is_ascii_alphanumeric() && letter != '_')
    })
}

/// How many rows a selection has, if a page of it shows: it is not full, or the first.
pub fn known_count(rows: usize, selection: &Selection) -> Option<i64> {
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    let shows = rows < selection.limit && (rows > 0 || selection.offset == 0);
    shows.then(|| selection.offset + rows)
}

/// What stands after `FROM`, and the column that breaks ties of an ordering.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Tables and joins.
    pub from: &'a str,
    /// Unique among the rows of a selection.
    pub key: &'a str,
}

/// One page of rows with the given expressions as columns.
pub async fn rows(
    connection: &mut Connection,
    source: Source<'_>,
    expressions: &[&str],
    selection: &Selection,
) -> Result<Vec<Row>> {
    let (filter, mut values) = selection.filter();
    let Source { from, key } = source;
    let order = order(connection.dialect(), key, selection);
    let part = part(selection, &mut values);
    let text = format!(
        "SELECT {} FROM {from}{filter} ORDER BY {order}{part}",
        expressions.join(", ")
    );
    ask(connection, text, values, selection).await
}

/// One page of rows of `whole`, with the given expressions as columns, whose keys are chosen
/// from `narrow`. Where an index knows all that the choice needs, only the rows of the page are
/// read in full, and not those before it nor those that a sort would leave out.
pub async fn chosen_rows(
    connection: &mut Connection,
    narrow: Source<'_>,
    whole: Source<'_>,
    expressions: &[&str],
    selection: &Selection,
) -> Result<Vec<Row>> {
    let (choice, values) = choice(connection.dialect(), narrow, narrow.key, selection);
    let text = format!(
        "SELECT {} FROM {} WHERE {} IN {choice} ORDER BY {}",
        expressions.join(", "),
        whole.from,
        whole.key,
        order(connection.dialect(), whole.key, selection)
    );
    ask(connection, text, values, selection).await
}

/// The same for rows that only several columns tell apart: those `columns` of `narrow` are a
/// table with which `joins` begins, giving it an alias. The key speaks of that alias, in `narrow`
/// too.
pub(crate) async fn joined_rows(
    connection: &mut Connection,
    narrow: Source<'_>,
    (columns, joins): (&str, String),
    expressions: &[&str],
    selection: &Selection,
) -> Result<Vec<Row>> {
    let (choice, values) = choice(connection.dialect(), narrow, columns, selection);
    let text = format!(
        "SELECT {} FROM {choice} {joins} ORDER BY {}",
        expressions.join(", "),
        order(connection.dialect(), narrow.key, selection)
    );
    ask(connection, text, values, selection).await
}

/// The question for some columns of the rows of a page, in brackets, and its values.
fn choice(
    dialect: Dialect,
    narrow: Source<'_>,
    columns: &str,
    selection: &Selection,
) -> (String, Vec<Value>) {
    let (filter, mut values) = selection.filter();
    let rest = format!(
        "{filter} ORDER BY {}",
        order(dialect, narrow.key, selection)
    );
    let from = needed(narrow.from, &rest);
    let part = part(selection, &mut values);
    (
        format!("(SELECT {columns} FROM {from}{rest}{part})"),
        values,
    )
}

fn order(dialect: Dialect, key: &str, selection: &Selection) -> String {
    let mut order: Vec<String> = selection
        .order
        .iter()
        .map(|(expression, descending)| {
            // NULLs first when ascending on both sides.
            let direction = match (dialect, descending) {
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
    order.join(", ")
}

fn part(selection: &Selection, values: &mut Vec<Value>) -> String {
    // The limit is written out: SQLite prepares a statement anew each time that a bound
    // limit gets a value, which costs more than the question.
    let limit = selection.limit;
    if selection.offset == 0 {
        return format!(" LIMIT {limit}");
    }
    values.push(selection.offset.into());
    format!(" LIMIT {limit} OFFSET ?")
}

async fn ask(
    connection: &mut Connection,
    text: String,
    values: Vec<Value>,
    selection: &Selection,
) -> Result<Vec<Row>> {
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
    let source = Source {
        from: R::FROM,
        key: R::KEY,
    };
    let rows = if selection.is_quick || selection.begins_the_table() {
        rows(connection, source, &expressions, selection).await?
    } else {
        chosen_rows(connection, source, source, &expressions, selection).await?
    };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_joins_only_what_its_conditions_speak_of() {
        let from = "task t LEFT JOIN worker w ON w.id = t.worker_id
            LEFT JOIN task parent ON parent.id = t.parent_id
            LEFT JOIN worker x ON x.id = parent.worker_id";
        assert_eq!(needed(from, " WHERE t.state = ?"), "task t");
        assert_eq!(
            needed(from, " WHERE (w.uuid = ?)"),
            "task t LEFT JOIN worker w ON w.id = t.worker_id"
        );
        assert_eq!(
            needed(from, " WHERE x.uuid = ? AND vw.id = ?"),
            "task t LEFT JOIN task parent ON parent.id = t.parent_id \
             LEFT JOIN worker x ON x.id = parent.worker_id"
        );
        assert_eq!(needed("unit u", ""), "unit u");
    }
}

//! A statement for SQLite with its values, and the rows that answer it.

use rusqlite::types::Value as Stored;
use rusqlite::{Connection, Result, params_from_iter};

use crate::Dialect;
use crate::statement::Value;

/// One row, as SQLite stores it.
pub(crate) type SqliteRow = Vec<Stored>;

/// A statement and its values.
#[derive(Debug)]
pub(crate) struct Query {
    text: String,
    values: Vec<Stored>,
    /// Whether the text is one of few, so that it is worth keeping it prepared.
    keep: bool,
}

impl Query {
    /// From a text as this program writes it.
    pub(crate) fn new(text: &str, values: Vec<Value>) -> Self {
        let mut lengths = Vec::new();
        let mut stored = Vec::with_capacity(values.len());
        for value in values {
            let (is_list, before) = (value.list_length().is_some(), stored.len());
            push(&mut stored, value);
            if is_list {
                pad(&mut stored, before);
                lengths.push(stored.len() - before);
            }
        }
        Self {
            text: Dialect::Sqlite.placeholders(text, &lengths),
            values: stored,
            // Long lists make texts of many lengths; keeping those would push out the others.
            keep: lengths.iter().all(|length| *length <= LONGEST),
        }
    }

    /// Whether it asks about many at once.
    pub(super) fn is_bulky(&self) -> bool {
        !self.keep || self.values.iter().map(size).sum::<usize>() > BULK
    }

    /// The text, with a placeholder for each value.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Runs it to its end; how many rows it changed.
    pub(super) fn execute(&self, connection: &Connection) -> Result<u64> {
        self.each(connection, |_| true)?;
        Ok(connection.changes())
    }

    /// All rows.
    pub(super) fn all(&self, connection: &Connection) -> Result<Vec<SqliteRow>> {
        let mut rows = Vec::new();
        self.each(connection, |row| {
            rows.push(row);
            true
        })?;
        Ok(rows)
    }

    /// The first row.
    pub(super) fn first(&self, connection: &Connection) -> Result<Option<SqliteRow>> {
        let mut first = None;
        self.each(connection, |row| {
            first = Some(row);
            false
        })?;
        Ok(first)
    }

    /// Hands over every row, until one is not wanted any more.
    pub(super) fn each(
        &self,
        connection: &Connection,
        mut each: impl FnMut(SqliteRow) -> bool,
    ) -> Result<()> {
        let (mut kept, mut fresh);
        let statement = if self.keep {
            kept = connection.prepare_cached(&self.text)?;
            &mut *kept
        } else {
            fresh = connection.prepare(&self.text)?;
            &mut fresh
        };
        let width = statement.column_count();
        let mut rows = statement.query(params_from_iter(&self.values))?;
        while let Some(row) = rows.next()? {
            let row = (0..width).map(|at| row.get(at)).collect::<Result<_>>()?;
            if !each(row) {
                break;
            }
        }
        Ok(())
    }
}

/// More bytes of values than this are a list of many, as JSON or else.
const BULK: usize = 4 << 10;

fn size(value: &Stored) -> usize {
    match value {
        Stored::Text(text) => text.len(),
        Stored::Blob(bytes) => bytes.len(),
        Stored::Null | Stored::Integer(_) | Stored::Real(_) => 0,
    }
}

/// A text with a longer list is not kept.
const LONGEST: usize = 64;

/// Lengthens the list that begins there to a power of two, by more of its last value: whoever
/// looks for one of them finds the same, and a few texts stand for all short lists.
fn pad(stored: &mut Vec<Stored>, begin: usize) {
    let length = stored.len() - begin;
    if let Some(last) = stored.last().cloned()
        && (1..=LONGEST).contains(&length)
    {
        stored.resize(begin + length.next_power_of_two(), last);
    }
}

fn push(stored: &mut Vec<Stored>, value: Value) {
    match value {
        Value::Integer(v) => stored.push(optional(v, Stored::Integer)),
        Value::Real(v) => stored.push(optional(v, Stored::Real)),
        Value::Boolean(v) => stored.push(optional(v, |v| Stored::Integer(v.into()))),
        Value::Text(v) => stored.push(optional(v, Stored::Text)),
        Value::Bytes(v) => stored.push(optional(v, Stored::Blob)),
        Value::Uuid(v) => stored.push(optional(v, |v| Stored::Blob(v.as_bytes().to_vec()))),
        Value::Json(v) => stored.push(optional(v, |v| Stored::Text(v.to_string()))),
        Value::JsonText(text) => stored.push(Stored::Text(text)),
        Value::Integers(list) => stored.extend(list.into_iter().map(Stored::Integer)),
        Value::Texts(list) => stored.extend(list.into_iter().map(Stored::Text)),
        Value::BytesList(list) => stored.extend(list.into_iter().map(Stored::Blob)),
        Value::Uuids(list) => {
            let bytes = list
                .into_iter()
                .map(|v| Stored::Blob(v.as_bytes().to_vec()));
            stored.extend(bytes);
        }
    }
}

fn optional<T>(value: Option<T>, store: impl FnOnce(T) -> Stored) -> Stored {
    value.map_or(Stored::Null, store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_lists_share_few_texts() {
        let query =
            |list: &[i64]| Query::new("SELECT ? IN (?*)", vec![7.into(), list.to_vec().into()]);
        let connection = Connection::open_in_memory().expect("a database");
        for (list, width, is_in) in [
            (vec![], 0, 0),
            (vec![7], 1, 1),
            (vec![1, 2, 7], 4, 1),
            (vec![1, 2, 3, 4, 5], 8, 0),
            ((1..=65).collect(), 65, 1),
        ] {
            let query = query(&list);
            assert_eq!(query.values.len(), 1 + width);
            assert_eq!(query.is_bulky(), width > LONGEST);
            assert_eq!(query.all(&connection).expect("an answer"), [[is_in.into()]]);
        }
        assert_eq!(query(&[1, 2, 3]).text(), query(&[4, 5, 6, 7]).text());
    }
}

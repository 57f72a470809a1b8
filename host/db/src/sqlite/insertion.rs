//! Rows that are inserted one after the other by one statement.

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Result};

use crate::Dialect;
use crate::statement::Value;

/// A statement that inserts a row, and the values of many rows.
#[derive(Debug)]
pub(crate) struct Insertion {
    text: String,
    width: usize,
    /// Rows whose values stand one after the other.
    pieces: Vec<Vec<Value>>,
}

impl Insertion {
    /// From a text with `width` placeholders and as many values for each row.
    pub(crate) fn new(text: &str, width: usize, pieces: Vec<Vec<Value>>) -> Self {
        Self {
            text: Dialect::Sqlite.placeholders(text, &[]),
            width,
            pieces,
        }
    }

    /// Inserts all; how many rows there are more, or other.
    pub(super) fn execute(self, connection: &Connection) -> Result<u64> {
        let mut statement = connection.prepare_cached(&self.text)?;
        let mut changed = 0;
        for piece in self.pieces {
            for row in piece.chunks_exact(self.width) {
                for (value, place) in row.iter().zip(1..) {
                    statement.raw_bind_parameter(place, Bound(value))?;
                }
                changed += statement.raw_execute()?;
            }
        }
        Ok(changed as u64)
    }
}

/// A value as SQLite stores it, without a copy of it.
struct Bound<'a>(&'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        let stored = match self.0 {
            Value::Integer(value) => value.map(ValueRef::Integer),
            Value::Real(value) => value.map(ValueRef::Real),
            Value::Boolean(value) => value.map(|value| ValueRef::Integer(value.into())),
            Value::Text(value) => value.as_deref().map(ValueRef::from),
            Value::Bytes(value) => value.as_deref().map(ValueRef::Blob),
            Value::Uuid(value) => value.as_ref().map(|value| ValueRef::Blob(value.as_bytes())),
            Value::JsonText(text) => Some(ValueRef::from(text.as_str())),
            Value::Json(Some(value)) => return Ok(value.to_string().into()),
            Value::Json(None) => None,
            Value::Integers(_) | Value::Texts(_) | Value::BytesList(_) | Value::Uuids(_) => {
                let message = "a list cannot be a value of a row";
                return Err(rusqlite::Error::ToSqlConversionFailure(message.into()));
            }
        };
        Ok(ToSqlOutput::Borrowed(stored.unwrap_or(ValueRef::Null)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_is_stored_as_it_is() {
        let connection = Connection::open_in_memory().expect("memory");
        let table = "CREATE TABLE t (a INTEGER PRIMARY KEY, b, c)";
        connection.execute_batch(table).expect("a table");
        let insert = |rows: Vec<[Value; 3]>| {
            let text = "INSERT INTO t (a, b, c) VALUES (?,?,?) ON CONFLICT (a) DO NOTHING";
            let rows = rows.into_iter().map(Vec::from).collect();
            Insertion::new(text, 3, rows).execute(&connection)
        };
        let rows = vec![
            [1.into(), "text".into(), vec![7_u8].into()],
            [2.into(), true.into(), 1.5.into()],
            [
                3.into(),
                serde_json::json!([1]).into(),
                Value::JsonText("{}".into()),
            ],
            [4.into(), Value::Json(None), uuid::Uuid::nil().into()],
            [1.into(), "other".into(), 0.into()],
        ];
        assert_eq!(insert(rows), Ok(4));
        let all = "SELECT group_concat(concat(b, ' ', typeof(b), ' ', typeof(c)), ';') FROM t";
        let all: String = connection
            .query_row(all, [], |row| row.get(0))
            .expect("rows");
        assert_eq!(
            all,
            "text text blob;1 integer real;[1] text text; null blob"
        );
        assert!(insert(vec![[5.into(), vec![1_i64].into(), 0.into()]]).is_err());
    }
}

//! A row of either database, read by position.

use pith_model::Timestamp;
use rusqlite::types::Value as Stored;
use serde_json::Value as JsonValue;
use serde_json::value::RawValue;
use sqlx::Row as _;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::sqlite::SqliteRow;

/// One row of an answer.
#[derive(Debug)]
pub enum Row {
    /// Of SQLite.
    Sqlite(SqliteRow),
    /// Of PostgreSQL.
    Postgres(sqlx::postgres::PgRow),
}

/// A type that a column can be read as.
pub trait Read: Sized {
    /// Reads the column at `index` (from 0).
    fn read(row: &Row, index: usize) -> Result<Self>;
}

/// The column of a row of SQLite's; it keeps any type in any column.
fn stored(row: &SqliteRow, index: usize) -> Result<&Stored> {
    row.get(index)
        .ok_or_else(|| Error::Unexpected("a row with too few columns".into()))
}

fn unexpected<T>(what: &'static str) -> Result<T> {
    Err(Error::Unexpected(what.into()))
}

/// What of SQLite's values is read as a type; `None` for NULL.
trait OfSqlite: Sized {
    fn of(value: &Stored) -> Result<Option<Self>>;
}

impl OfSqlite for i64 {
    fn of(value: &Stored) -> Result<Option<Self>> {
        match value {
            Stored::Null => Ok(None),
            Stored::Integer(number) => Ok(Some(*number)),
            #[expect(clippy::cast_possible_truncation, reason = "as SQLite itself converts")]
            Stored::Real(number) => Ok(Some(*number as Self)),
            Stored::Text(_) | Stored::Blob(_) => unexpected("no number where one was expected"),
        }
    }
}

impl OfSqlite for f64 {
    fn of(value: &Stored) -> Result<Option<Self>> {
        match value {
            Stored::Null => Ok(None),
            #[expect(clippy::cast_precision_loss, reason = "as SQLite itself converts")]
            Stored::Integer(number) => Ok(Some(*number as Self)),
            Stored::Real(number) => Ok(Some(*number)),
            Stored::Text(_) | Stored::Blob(_) => unexpected("no number where one was expected"),
        }
    }
}

impl OfSqlite for bool {
    fn of(value: &Stored) -> Result<Option<Self>> {
        Ok(i64::of(value)?.map(|number| number != 0))
    }
}

impl OfSqlite for String {
    fn of(value: &Stored) -> Result<Option<Self>> {
        match value {
            Stored::Null => Ok(None),
            Stored::Integer(number) => Ok(Some(number.to_string())),
            Stored::Real(number) => Ok(Some(number.to_string())),
            Stored::Text(text) => Ok(Some(text.clone())),
            Stored::Blob(_) => unexpected("bytes where a text was expected"),
        }
    }
}

impl OfSqlite for Vec<u8> {
    fn of(value: &Stored) -> Result<Option<Self>> {
        match value {
            Stored::Null => Ok(None),
            Stored::Text(text) => Ok(Some(text.as_bytes().to_vec())),
            Stored::Blob(bytes) => Ok(Some(bytes.clone())),
            Stored::Integer(_) | Stored::Real(_) => {
                unexpected("a number where bytes were expected")
            }
        }
    }
}

impl OfSqlite for Uuid {
    fn of(value: &Stored) -> Result<Option<Self>> {
        match value {
            Stored::Null => Ok(None),
            Stored::Blob(bytes) => match Self::from_slice(bytes) {
                Ok(uuid) => Ok(Some(uuid)),
                Err(_) => unexpected("no UUID where one was expected"),
            },
            _ => unexpected("no UUID where one was expected"),
        }
    }
}

impl OfSqlite for JsonValue {
    fn of(value: &Stored) -> Result<Option<Self>> {
        let Some(text) = String::of(value)? else {
            return Ok(None);
        };
        match serde_json::from_str(&text) {
            Ok(json) => Ok(Some(json)),
            Err(_) => unexpected("no JSON where some was expected"),
        }
    }
}

macro_rules! readable {
    ($($type:ty),* $(,)?) => {$(
        impl Read for $type {
            fn read(row: &Row, index: usize) -> Result<Self> {
                match row {
                    Row::Sqlite(row) => match <$type>::of(stored(row, index)?)? {
                        Some(value) => Ok(value),
                        None => unexpected("NULL where a value was expected"),
                    },
                    Row::Postgres(row) => Ok(row.try_get(index)?),
                }
            }
        }

        impl Read for Option<$type> {
            fn read(row: &Row, index: usize) -> Result<Self> {
                match row {
                    Row::Sqlite(row) => <$type>::of(stored(row, index)?),
                    Row::Postgres(row) => Ok(row.try_get(index)?),
                }
            }
        }
    )*};
}

readable!(f64, bool, String, Vec<u8>, Uuid);

impl Read for i64 {
    fn read(row: &Row, index: usize) -> Result<Self> {
        Option::<Self>::read(row, index)?
            .ok_or_else(|| Error::Unexpected("NULL where a number was expected".into()))
    }
}

impl Read for Option<i64> {
    fn read(row: &Row, index: usize) -> Result<Self> {
        Ok(match row {
            Row::Sqlite(row) => i64::of(stored(row, index)?)?,
            Row::Postgres(row) => match row.try_get::<Self, _>(index) {
                Ok(value) => value,
                // A literal or a CASE of literals is a 32-bit integer there.
                Err(_) => row.try_get::<Option<i32>, _>(index)?.map(i64::from),
            },
        })
    }
}

impl Read for JsonValue {
    fn read(row: &Row, index: usize) -> Result<Self> {
        Ok(Option::<Self>::read(row, index)?.unwrap_or(Self::Null))
    }
}

impl Read for Option<JsonValue> {
    fn read(row: &Row, index: usize) -> Result<Self> {
        match row {
            Row::Sqlite(row) => JsonValue::of(stored(row, index)?),
            Row::Postgres(row) => {
                let value: Option<sqlx::types::Json<JsonValue>> = row.try_get(index)?;
                Ok(value.map(|json| json.0))
            }
        }
    }
}

impl Read for Option<Box<RawValue>> {
    fn read(row: &Row, index: usize) -> Result<Self> {
        match row {
            Row::Sqlite(row) => match String::of(stored(row, index)?)? {
                Some(text) => match RawValue::from_string(text) {
                    Ok(json) => Ok(Some(json)),
                    Err(_) => unexpected("no JSON where some was expected"),
                },
                None => Ok(None),
            },
            Row::Postgres(row) => {
                let value: Option<sqlx::types::Json<Box<RawValue>>> = row.try_get(index)?;
                Ok(value.map(|json| json.0))
            }
        }
    }
}

impl Read for Timestamp {
    fn read(row: &Row, index: usize) -> Result<Self> {
        Ok(Self(i64::read(row, index)?))
    }
}

impl Read for Option<Timestamp> {
    fn read(row: &Row, index: usize) -> Result<Self> {
        Ok(Option::<i64>::read(row, index)?.map(Timestamp))
    }
}

macro_rules! readable_ids {
    ($($type:ident),* $(,)?) => {$(
        impl Read for pith_model::$type {
            fn read(row: &Row, index: usize) -> Result<Self> {
                Ok(Self(i64::read(row, index)?))
            }
        }

        impl Read for Option<pith_model::$type> {
            fn read(row: &Row, index: usize) -> Result<Self> {
                Ok(Option::<i64>::read(row, index)?.map(pith_model::$type))
            }
        }
    )*};
}

readable_ids!(
    UnitId,
    ArtifactId,
    RepositoryId,
    VersionId,
    RemoteId,
    PublicationId,
    DistributionId,
    TaskId,
    WorkerId,
    SigningServiceId,
    UploadId,
    UserId,
);

impl Row {
    /// The column at `index` (from 0).
    pub fn get<T: Read>(&self, index: usize) -> Result<T> {
        T::read(self, index)
    }
}

//! A row of either database, read by position.

use pith_model::Timestamp;
use serde_json::Value as JsonValue;
use sqlx::Row as _;
use uuid::Uuid;

use crate::error::Result;

/// One row of an answer.
#[derive(Debug)]
pub enum Row {
    /// Of SQLite.
    Sqlite(sqlx::sqlite::SqliteRow),
    /// Of PostgreSQL.
    Postgres(sqlx::postgres::PgRow),
}

/// A type that a column can be read as.
pub trait Read: Sized {
    /// Reads the column at `index` (from 0).
    fn read(row: &Row, index: usize) -> Result<Self>;
}

macro_rules! readable {
    ($($type:ty),* $(,)?) => {$(
        impl Read for $type {
            fn read(row: &Row, index: usize) -> Result<Self> {
                Ok(match row {
                    // Unchecked, because an expression has no declared type in SQLite.
                    Row::Sqlite(row) => row.try_get_unchecked(index)?,
                    Row::Postgres(row) => row.try_get(index)?,
                })
            }
        }

        impl Read for Option<$type> {
            fn read(row: &Row, index: usize) -> Result<Self> {
                Ok(match row {
                    Row::Sqlite(row) => row.try_get_unchecked(index)?,
                    Row::Postgres(row) => row.try_get(index)?,
                })
            }
        }
    )*};
}

readable!(f64, bool, String, Vec<u8>, Uuid);

impl Read for i64 {
    fn read(row: &Row, index: usize) -> Result<Self> {
        Option::<Self>::read(row, index)?
            .ok_or_else(|| crate::Error::Unexpected("NULL where a number was expected".into()))
    }
}

impl Read for Option<i64> {
    fn read(row: &Row, index: usize) -> Result<Self> {
        Ok(match row {
            Row::Sqlite(row) => row.try_get_unchecked(index)?,
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
        let value: Option<sqlx::types::Json<JsonValue>> = match row {
            Row::Sqlite(row) => row.try_get_unchecked(index)?,
            Row::Postgres(row) => row.try_get(index)?,
        };
        Ok(value.map(|json| json.0))
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
    UploadId,
    UserId,
);

impl Row {
    /// The column at `index` (from 0).
    pub fn get<T: Read>(&self, index: usize) -> Result<T> {
        T::read(self, index)
    }
}

//! A statement with its values: `sql("SELECT … WHERE a = ?").bind(1).fetch_all(c)`.
//!
//! `?` stands for one value, `IN (?*)` for a list. The text is the same for both
//! databases; `dialect.rs` turns it into theirs.

use futures::TryStreamExt;
use pith_model::Timestamp;
use serde_json::Value as JsonValue;
use sqlx::AssertSqlSafe;
use std::borrow::Cow;
use uuid::Uuid;

use crate::database::{Connection, Raw};
use crate::error::Result;
use crate::row::{Read, Row};
use crate::sqlite::{Query, Speed};

/// A value to bind. `None` is NULL of that type: PostgreSQL wants to know which.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names are those of the types")]
pub enum Value {
    Integer(Option<i64>),
    Real(Option<f64>),
    Boolean(Option<bool>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    Uuid(Option<Uuid>),
    Json(Option<JsonValue>),
    /// JSON that is text already.
    JsonText(String),
    Integers(Vec<i64>),
    Texts(Vec<String>),
    BytesList(Vec<Vec<u8>>),
    Uuids(Vec<Uuid>),
}

macro_rules! value_from {
    ($($type:ty => $variant:ident($convert:expr)),* $(,)?) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$variant(Some(($convert)(value)))
            }
        }

        impl From<Option<$type>> for Value {
            fn from(value: Option<$type>) -> Self {
                Self::$variant(value.map($convert))
            }
        }
    )*};
}

value_from! {
    i64 => Integer(|v| v), i32 => Integer(i64::from), u32 => Integer(i64::from),
    f64 => Real(|v| v), bool => Boolean(|v| v),
    String => Text(|v| v), &str => Text(|v: &str| v.to_owned()),
    Vec<u8> => Bytes(|v| v), &[u8] => Bytes(|v: &[u8]| v.to_vec()),
    [u8; 16] => Bytes(|v: [u8; 16]| v.to_vec()), [u8; 32] => Bytes(|v: [u8; 32]| v.to_vec()),
    Uuid => Uuid(|v| v), JsonValue => Json(|v| v),
    Timestamp => Integer(|v: Timestamp| v.0),
    pith_model::UnitId => Integer(|v: pith_model::UnitId| v.0),
    pith_model::ArtifactId => Integer(|v: pith_model::ArtifactId| v.0),
    pith_model::RepositoryId => Integer(|v: pith_model::RepositoryId| v.0),
    pith_model::VersionId => Integer(|v: pith_model::VersionId| v.0),
    pith_model::RemoteId => Integer(|v: pith_model::RemoteId| v.0),
    pith_model::PublicationId => Integer(|v: pith_model::PublicationId| v.0),
    pith_model::DistributionId => Integer(|v: pith_model::DistributionId| v.0),
    pith_model::TaskId => Integer(|v: pith_model::TaskId| v.0),
    pith_model::WorkerId => Integer(|v: pith_model::WorkerId| v.0),
    pith_model::SigningServiceId => Integer(|v: pith_model::SigningServiceId| v.0),
    pith_model::UploadId => Integer(|v: pith_model::UploadId| v.0),
    pith_model::UserId => Integer(|v: pith_model::UserId| v.0),
}

impl From<Vec<i64>> for Value {
    fn from(values: Vec<i64>) -> Self {
        Self::Integers(values)
    }
}

impl From<Vec<String>> for Value {
    fn from(values: Vec<String>) -> Self {
        Self::Texts(values)
    }
}

impl From<Vec<Vec<u8>>> for Value {
    fn from(values: Vec<Vec<u8>>) -> Self {
        Self::BytesList(values)
    }
}

impl From<Vec<Uuid>> for Value {
    fn from(values: Vec<Uuid>) -> Self {
        Self::Uuids(values)
    }
}

impl Value {
    /// How many values a list has.
    pub(crate) fn list_length(&self) -> Option<usize> {
        match self {
            Self::Integers(list) => Some(list.len()),
            Self::Texts(list) => Some(list.len()),
            Self::BytesList(list) => Some(list.len()),
            Self::Uuids(list) => Some(list.len()),
            _ => None,
        }
    }
}

/// A statement in the making.
#[derive(Debug)]
pub struct Statement<'a> {
    text: Cow<'a, str>,
    values: Vec<Value>,
    speed: Speed,
}

/// Begins a statement.
pub fn sql<'a>(text: impl Into<Cow<'a, str>>) -> Statement<'a> {
    Statement {
        text: text.into(),
        values: Vec::new(),
        speed: Speed::Slow,
    }
}

type PostgresQuery = sqlx::query::Query<'static, sqlx::Postgres, sqlx::postgres::PgArguments>;

fn postgres_query(text: &str, values: Vec<Value>) -> PostgresQuery {
    let text = crate::Dialect::Postgres.placeholders(text, &[]);
    let mut query = sqlx::query(AssertSqlSafe(text));
    for value in values {
        query = match value {
            Value::Integer(v) => query.bind(v),
            Value::Real(v) => query.bind(v),
            Value::Boolean(v) => query.bind(v),
            Value::Text(v) => query.bind(v),
            Value::Bytes(v) => query.bind(v),
            Value::Uuid(v) => query.bind(v),
            Value::Json(v) => query.bind(v.map(sqlx::types::Json)),
            Value::JsonText(text) => query.bind(JsonText(text)),
            Value::Integers(list) => query.bind(list),
            Value::Texts(list) => query.bind(list),
            Value::BytesList(list) => query.bind(list),
            Value::Uuids(list) => query.bind(list),
        };
    }
    query
}

/// Text that PostgreSQL takes as `jsonb`.
struct JsonText(String);

impl sqlx::Type<sqlx::Postgres> for JsonText {
    fn type_info() -> sqlx::postgres::PgTypeInfo {
        <sqlx::types::Json<JsonValue> as sqlx::Type<sqlx::Postgres>>::type_info()
    }
}

impl sqlx::Encode<'_, sqlx::Postgres> for JsonText {
    fn encode_by_ref(
        &self,
        buffer: &mut sqlx::postgres::PgArgumentBuffer,
    ) -> std::result::Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
        // The version of the format, and then the text.
        buffer.push(1);
        buffer.extend(self.0.as_bytes());
        Ok(sqlx::encode::IsNull::No)
    }
}

impl Statement<'_> {
    /// The statement as a part of another one, whose first values are its.
    pub(crate) fn within(self, around: impl FnOnce(&str) -> String) -> Statement<'static> {
        Statement {
            text: around(&self.text).into(),
            values: self.values,
            speed: self.speed,
        }
    }

    /// The value of the next placeholder.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// The values of the next placeholders.
    #[must_use]
    pub fn bind_all(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        self.values.extend(values);
        self
    }

    /// Says that it takes microseconds: an index finds what it reads, and it changes few
    /// rows. SQLite is asked on the caller's thread then, where anything longer would hold
    /// up others.
    #[must_use]
    pub fn quick(mut self) -> Self {
        self.speed = Speed::Quick;
        self
    }

    fn for_sqlite(self) -> Query {
        Query::new(&self.text, self.values)
    }

    fn for_postgres(self) -> PostgresQuery {
        postgres_query(&self.text, self.values)
    }

    /// Runs it; how many rows it changed.
    pub async fn execute(self, connection: &mut Connection) -> Result<u64> {
        let speed = self.speed;
        Ok(match connection.raw(speed) {
            Raw::Sqlite(raw) => raw.execute(speed, self.for_sqlite()).await?,
            Raw::Postgres(raw) => self.for_postgres().execute(raw).await?.rows_affected(),
        })
    }

    /// All rows. Only where a limit or the nature of the question bounds them.
    pub async fn fetch_all(self, connection: &mut Connection) -> Result<Vec<Row>> {
        let speed = self.speed;
        Ok(match connection.raw(speed) {
            Raw::Sqlite(raw) => {
                let rows = raw.all(speed, self.for_sqlite()).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Raw::Postgres(raw) => {
                let rows = self.for_postgres().fetch(raw);
                rows.map_ok(Row::Postgres).try_collect().await?
            }
        })
    }

    /// Calls `each` for every row while they arrive: memory does not grow with them.
    pub async fn for_each(
        self,
        connection: &mut Connection,
        mut each: impl FnMut(Row) -> Result<()>,
    ) -> Result<()> {
        match connection.raw(Speed::Slow) {
            Raw::Sqlite(raw) => {
                let mut rows = raw.stream(self.for_sqlite());
                while let Some(row) = rows.next().await? {
                    each(Row::Sqlite(row))?;
                }
            }
            Raw::Postgres(raw) => {
                let mut rows = self.for_postgres().fetch(raw);
                while let Some(row) = rows.try_next().await? {
                    each(Row::Postgres(row))?;
                }
            }
        }
        Ok(())
    }

    /// Hands every row to somebody who may make it wait; ends early, and well, when
    /// that one wants no more.
    pub async fn for_each_async<F, E>(
        self,
        connection: &mut Connection,
        mut each: impl FnMut(Row) -> F,
    ) -> Result<()>
    where
        F: Future<Output = std::result::Result<(), E>>,
    {
        match connection.raw(Speed::Slow) {
            Raw::Sqlite(raw) => {
                let mut rows = raw.stream(self.for_sqlite());
                while let Some(row) = rows.next().await? {
                    if each(Row::Sqlite(row)).await.is_err() {
                        break;
                    }
                }
            }
            Raw::Postgres(raw) => {
                let mut rows = self.for_postgres().fetch(raw);
                while let Some(row) = rows.try_next().await? {
                    if each(Row::Postgres(row)).await.is_err() {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// The only row, if there is one.
    pub async fn fetch_optional(self, connection: &mut Connection) -> Result<Option<Row>> {
        let speed = self.speed;
        Ok(match connection.raw(speed) {
            Raw::Sqlite(raw) => raw.first(speed, self.for_sqlite()).await?.map(Row::Sqlite),
            Raw::Postgres(raw) => {
                let row = self.for_postgres().fetch_optional(raw).await?;
                row.map(Row::Postgres)
            }
        })
    }

    /// The first column of the only row, if there is one.
    pub async fn scalar_optional<T: Read>(self, connection: &mut Connection) -> Result<Option<T>> {
        match self.fetch_optional(connection).await? {
            Some(row) => Ok(Some(row.get(0)?)),
            None => Ok(None),
        }
    }

    /// The first column of the one row that is sure to be there.
    pub async fn scalar<T: Read>(self, connection: &mut Connection) -> Result<T> {
        let text = self.text.clone().into_owned();
        self.scalar_optional(connection).await?.ok_or_else(|| {
            crate::Error::Unexpected(format!("no row where one was expected: {text}").into())
        })
    }

    /// The first column of every row.
    pub async fn scalars<T: Read>(self, connection: &mut Connection) -> Result<Vec<T>> {
        let rows = self.fetch_all(connection).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }
}

//! The value of a unit's field, as lists give it out.

use pith_model::descriptor::FieldKind;
use serde::{Serialize, Serializer};
use serde_json::Value as JsonValue;
use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::row::Row;

/// A value that most often is only written into an answer: what is nested stays the text that
/// the database has, since nobody looks into it on the way.
#[derive(Clone, Debug)]
pub enum FieldValue {
    /// Null, a text, a number, true or false.
    Plain(JsonValue),
    /// A list or an object.
    Nested(Box<RawValue>),
}

impl FieldValue {
    /// Reads a type's field from a row.
    pub(crate) fn read(row: &Row, index: usize, kind: FieldKind) -> Result<Self> {
        Ok(match kind {
            FieldKind::Json => match row.get::<Option<Box<RawValue>>>(index)? {
                Some(nested) => Self::Nested(nested),
                None => Self::Plain(JsonValue::Null),
            },
            _ => Self::Plain(crate::unit::field_json(row, index, kind)?),
        })
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Plain(value) => value.as_str(),
            Self::Nested(_) => None,
        }
    }

    /// The value, taken apart.
    ///
    /// # Errors
    /// Where it nests deeper than anything that was stored through a plugin.
    pub fn into_json(self) -> Result<JsonValue> {
        match self {
            Self::Plain(value) => Ok(value),
            Self::Nested(text) => serde_json::from_str(text.get())
                .map_err(|error| Error::Unexpected(error.to_string().into())),
        }
    }
}

impl Serialize for FieldValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Plain(value) => value.serialize(serializer),
            Self::Nested(text) => text.serialize(serializer),
        }
    }
}

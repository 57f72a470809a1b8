//! `text REGEXP pattern`, which SQLite leaves to its user.

use regex::Regex;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, Result};

/// Teaches a connection the operator. NULL matches nothing and is no match.
pub(super) fn install(connection: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("regexp", 2, flags, |context| {
        let text = match context.get_raw(1) {
            ValueRef::Null => return Ok(None),
            text => text.as_str().map_err(|error| other(error.into()))?,
        };
        // Compiled once a statement, not once a row.
        let pattern = context.get_or_create_aux(0, |pattern| {
            let pattern = pattern.as_str().map_err(|error| other(error.into()))?;
            Regex::new(pattern).map_err(|error| other(error.into()))
        })?;
        Ok(Some(pattern.is_match(text)))
    })
}

fn other(error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::UserFunctionError(error)
}

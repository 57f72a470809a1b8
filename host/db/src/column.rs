//! Columns of lists: how clients call them, and what their literals look like.

use std::borrow::Cow;
use std::collections::HashMap;

use pith_model::Timestamp;
use pith_model::filter::Operator;
use uuid::Uuid;

use crate::dialect::Dialect;
use crate::statement::Value;

/// What a column holds, as far as filters care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// An integer.
    Integer,
    /// A float.
    Real,
    /// True or false.
    Boolean,
    /// A [`Timestamp`]; filters take RFC 3339.
    Time,
    /// A UUID.
    Uuid,
    /// Bytes that people see as hexadecimal.
    Hex,
    /// JSON; filters look at every element of a list and at what is named below.
    Json,
}

/// A column of a list.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name in the API; empty for one that is only read.
    pub name: Cow<'static, str>,
    /// Its SQL.
    pub expression: Cow<'static, str>,
    /// What it holds.
    pub kind: Kind,
    /// Whether an index leads to its values.
    pub is_indexed: bool,
    /// By what it is compared and sorted, if not by its own text.
    pub order: Option<Order>,
}

/// The order of a format, which is kept beside a column.
#[derive(Clone, Debug)]
pub struct Order {
    /// The SQL of a text that sorts.
    pub expression: Cow<'static, str>,
    /// Whether people see no text of the column: it is all there is to compare with.
    pub is_all: bool,
    /// What sorts instead of the literals that a question has.
    pub keys: HashMap<String, String>,
}

impl Column {
    /// A column of a resource that is known at compile time.
    pub const fn new(name: &'static str, expression: &'static str, kind: Kind) -> Self {
        Self {
            name: Cow::Borrowed(name),
            expression: Cow::Borrowed(expression),
            kind,
            is_indexed: false,
            order: None,
        }
    }

    /// A column that is known only when a plugin or a request says so.
    pub fn made(name: String, expression: String, kind: Kind) -> Self {
        Self {
            name: Cow::Owned(name),
            expression: Cow::Owned(expression),
            kind,
            is_indexed: false,
            order: None,
        }
    }

    /// The column with an index of its own, so that comparing it is cheap.
    #[must_use]
    pub const fn indexed(mut self) -> Self {
        self.is_indexed = true;
        self
    }

    /// Whether the column can be compared so.
    pub fn takes(&self, operator: Operator) -> bool {
        let is_all = self.order.as_ref().is_some_and(|order| order.is_all);
        let by_key = matches!(
            operator,
            Operator::Exact | Operator::Ne | Operator::In | Operator::Isnull
        );
        !is_all || by_key || operator.is_about_order()
    }

    /// The SQL by which rows are sorted.
    pub fn sorting(&self) -> &str {
        self.order
            .as_ref()
            .map_or(&self.expression, |order| &order.expression)
    }

    /// The column with `{root}` replaced by the API root that a client uses, and
    /// `{uuid …}` and `{hex …}` by the text that clients see of such a column.
    #[must_use]
    pub fn expanded(&self, root: &str, dialect: Dialect) -> Self {
        if !self.expression.contains('{') {
            return self.clone();
        }
        let mut expanded = String::with_capacity(self.expression.len() + 128);
        let mut rest = self.expression.as_ref();
        while let Some((before, after)) = rest.split_once('{') {
            expanded.push_str(before);
            let (word, after) = after.split_once('}').unwrap_or((after, ""));
            match word.split_once(' ') {
                Some(("uuid", column)) => expanded.push_str(&dialect.uuid_text(column)),
                Some(("hex", column)) => expanded.push_str(&dialect.hex_text(column)),
                _ if word == "root" => expanded.push_str(root),
                _ => {
                    expanded.push('{');
                    expanded.push_str(word);
                    expanded.push('}');
                }
            }
            rest = after;
        }
        expanded.push_str(rest);
        Self {
            expression: expanded.into(),
            ..self.clone()
        }
    }

    /// The column as the text that clients see.
    pub(crate) fn text(&self, dialect: Dialect) -> String {
        let expression = &self.expression;
        match (self.kind, dialect) {
            (Kind::Text, _) => expression.to_string(),
            (Kind::Hex, _) => dialect.hex_text(expression),
            (Kind::Uuid, _) => dialect.uuid_text(expression),
            (Kind::Time, Dialect::Sqlite) => format!(
                "(strftime('%Y-%m-%dT%H:%M:%S.', {expression} / 1000000, 'unixepoch')
                  || substr('00000' || ({expression} % 1000000), -6) || 'Z')"
            ),
            (Kind::Time, Dialect::Postgres) => format!(
                "to_char(to_timestamp({expression} / 1000000) AT TIME ZONE 'UTC'
                     + {expression} % 1000000 * INTERVAL '1 microsecond',
                     'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
            ),
            (Kind::Boolean, _) => format!("CASE WHEN {expression} THEN 'true' ELSE 'false' END"),
            _ => format!("CAST({expression} AS TEXT)"),
        }
    }

    /// Reads a literal as the column's kind.
    pub(crate) fn value(&self, literal: &str) -> std::result::Result<Value, String> {
        let wrong = |expected: &str| format!("Expected {expected}, got {literal:?}.");
        Ok(match self.kind {
            Kind::Text | Kind::Json => literal.into(),
            Kind::Integer => literal
                .parse::<i64>()
                .map_err(|_| wrong("an integer"))?
                .into(),
            Kind::Real => literal
                .parse::<f64>()
                .map_err(|_| wrong("a number"))?
                .into(),
            Kind::Boolean => boolean(literal)?.into(),
            Kind::Time => Timestamp::parse(literal)
                .ok_or_else(|| wrong("a moment such as 2026-01-31T12:00:00Z"))?
                .into(),
            Kind::Uuid => Uuid::try_parse(literal)
                .map_err(|_| wrong("a UUID"))?
                .into(),
            Kind::Hex => hex_bytes(literal)
                .ok_or_else(|| wrong("hexadecimal digits"))?
                .into(),
        })
    }
}

pub(crate) fn boolean(literal: &str) -> std::result::Result<bool, String> {
    match literal.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Ok(true),
        "false" | "0" | "no" => Ok(false),
        _ => Err(format!("Expected true or false, got {literal:?}.")),
    }
}

fn hex_bytes(literal: &str) -> Option<Vec<u8>> {
    if !literal.len().is_multiple_of(2) || !literal.is_ascii() {
        return None;
    }
    (0..literal.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&literal[at..at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_braces_are_written_out() {
        let column = Column::new("x", "'{root}a/' || {uuid a.uuid} || {hex a.b}", Kind::Text);
        let expanded = column.expanded("/api/v3/", Dialect::Postgres);
        assert_eq!(
            expanded.expression,
            "'/api/v3/a/' || (CAST(a.uuid AS TEXT) COLLATE \"C\") || encode(a.b, 'hex')"
        );
        let plain = Column::new("x", "a.x", Kind::Text);
        assert_eq!(plain.expanded("/", Dialect::Sqlite).expression, "a.x");
    }
}

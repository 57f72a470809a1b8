//! Conditions on labels, which are a JSON object of texts.

use crate::dialect::Dialect;
use crate::list::Condition;

/// What is asked of one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// It is there.
    Present,
    /// It is not there.
    Absent,
    /// It has this value.
    Is(String),
    /// It is there with another value.
    IsNot(String),
    /// Its value contains this text, in any case.
    Contains(String),
}

/// A test of the label `key` in a column of labels, which may be NULL for none.
pub fn condition(column: &str, key: &str, asked: &Test, dialect: Dialect) -> Condition {
    // The key is bound, never written into the statement.
    let (value, present, key) = match dialect {
        Dialect::Sqlite => (
            format!("json_extract({column}, ?)"),
            format!("(json_type({column}, ?) IS NOT NULL)"),
            format!("$.\"{}\"", key.replace('"', "")),
        ),
        Dialect::Postgres => (
            format!("({column} ->> ?)"),
            format!("COALESCE(jsonb_exists({column}, ?), FALSE)"),
            key.to_owned(),
        ),
    };
    match asked {
        Test::Present => Condition::new(present, [key.into()]),
        Test::Absent => Condition::new(format!("NOT {present}"), [key.into()]),
        Test::Is(text) => Condition::new(format!("{value} = ?"), [key.into(), text.clone().into()]),
        Test::IsNot(text) => Condition::new(
            format!("({present} AND ({value} IS NULL OR {value} <> ?))"),
            [
                key.clone().into(),
                key.clone().into(),
                key.into(),
                text.clone().into(),
            ],
        ),
        Test::Contains(text) => {
            let like = match dialect {
                Dialect::Sqlite => "LIKE",
                Dialect::Postgres => "ILIKE",
            };
            let pattern = text
                .replace('\\', "\\\\")
                .replace('%', "\\%")
                .replace('_', "\\_");
            Condition::new(
                format!("{value} {like} ? ESCAPE '\\'"),
                [key.into(), format!("%{pattern}%").into()],
            )
        }
    }
}

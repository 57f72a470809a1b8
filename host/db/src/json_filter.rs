//! Filters on JSON columns: every element of a list is looked at, on the way too, so that
//! `contents__name=x` finds a row one of whose contents is called so.

use pith_model::filter::Operator;

use crate::column::{Column, Kind, boolean};
use crate::compare::Literal;
use crate::condition::Condition;
use crate::dialect::Dialect;
use crate::statement::Value;

/// The deepest that a filter looks into a document.
const DEEPEST: usize = 8;

/// `column__path <operator> literal`: whether it holds for any of the elements there.
///
/// # Errors
/// A sentence for the user that says what was expected.
pub(crate) fn compare(
    column: &Column,
    path: &[&str],
    operator: Operator,
    literal: Literal<'_>,
    dialect: Dialect,
) -> Result<Condition, String> {
    if path.len() > DEEPEST {
        return Err(format!("Expected at most {DEEPEST} names below a field."));
    }
    let elements = Elements::of(&column.expression, path, dialect);
    let text = |operator| Condition::compare(&elements.text(dialect), operator, literal, dialect);
    Ok(match operator {
        // No element may be equal, and where there is none, none is.
        Operator::Ne => elements.none(text(Operator::Exact)?),
        Operator::Isnull => {
            let Literal::Text(given) = literal else {
                return Err("Expected true or false, got a list.".to_owned());
            };
            let is_there = Condition::new(
                format!("{} IS NOT NULL", elements.text(dialect).expression),
                [],
            );
            match (boolean(given)?, path) {
                // An empty list is something, too.
                (wanted, []) => is_null(&column.expression, wanted, dialect),
                (true, _) => elements.none(is_there),
                (false, _) => elements.any(is_there),
            }
        }
        Operator::Lt | Operator::Lte | Operator::Gt | Operator::Gte | Operator::Range => {
            // Numbers are compared with numbers, everything else as text.
            let number = elements.number(dialect);
            match Condition::compare(&number, operator, literal, dialect) {
                Ok(condition) => elements.any(condition),
                Err(_) => elements.any(text(operator)?),
            }
        }
        _ => elements.any(text(operator)?),
    })
}

/// Whether a document is nothing or null.
fn is_null(column: &str, wanted: bool, dialect: Dialect) -> Condition {
    let kind = match dialect {
        Dialect::Sqlite => "json_type",
        Dialect::Postgres => "jsonb_typeof",
    };
    let not = if wanted { "" } else { "NOT " };
    let text = format!("{not}({column} IS NULL OR {kind}({column}) = 'null')");
    Condition::slow(text, [])
}

/// The elements at a path of a document, as rows.
struct Elements {
    /// What stands after `FROM`; the elements are rows of the last table.
    from: String,
    values: Vec<Value>,
    /// The alias of the last table.
    last: String,
}

impl Elements {
    fn of(column: &str, path: &[&str], dialect: Dialect) -> Self {
        match dialect {
            Dialect::Sqlite => Self::sqlite(column, path),
            Dialect::Postgres => Self::postgres(column, path),
        }
    }

    /// One `json_each` a step. Each gets a list: what is none is made one.
    fn sqlite(column: &str, path: &[&str]) -> Self {
        let mut from = format!(
            "json_each(CASE WHEN json_type({column}) = 'array' THEN {column}
                            WHEN {column} IS NOT NULL THEN '[' || {column} || ']' END) e0"
        );
        let mut values = Vec::new();
        for (at, name) in path.iter().enumerate() {
            let next = at + 1;
            let step = format!(
                ", json_each(CASE WHEN e{at}.type = 'object' THEN
                     CASE WHEN json_type(e{at}.value, ?) = 'array' THEN e{at}.value -> ?
                          ELSE '[' || (e{at}.value -> ?) || ']' END END) e{next}"
            );
            from.push_str(&step);
            let name: Value = format!("$.\"{name}\"").into();
            values.extend([name.clone(), name.clone(), name]);
        }
        Self {
            from,
            values,
            last: format!("e{}", path.len()),
        }
    }

    /// A lax path opens lists by itself.
    fn postgres(column: &str, path: &[&str]) -> Self {
        let steps: Vec<String> = path.iter().map(|name| format!(".\"{name}\"[*]")).collect();
        Self {
            from: format!("jsonb_path_query({column}, CAST(? AS jsonpath)) e(value)"),
            values: vec![format!("lax $[*]{}", steps.concat()).into()],
            last: "e".to_owned(),
        }
    }

    /// An element as text; null has none.
    fn text(&self, dialect: Dialect) -> Column {
        let last = &self.last;
        let expression = match dialect {
            Dialect::Sqlite => format!(
                "(CASE {last}.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false'
                       WHEN 'null' THEN NULL ELSE CAST({last}.value AS TEXT) END)"
            ),
            Dialect::Postgres => format!("(({last}.value #>> '{{}}') COLLATE \"C\")"),
        };
        Column::made(String::new(), expression, Kind::Text)
    }

    /// An element as a number; what is none has none.
    fn number(&self, dialect: Dialect) -> Column {
        let last = &self.last;
        let expression = match dialect {
            Dialect::Sqlite => {
                format!("(CASE WHEN {last}.type IN ('integer', 'real') THEN {last}.value END)")
            }
            Dialect::Postgres => format!(
                "(CASE WHEN jsonb_typeof({last}.value) = 'number'
                       THEN CAST({last}.value #>> '{{}}' AS DOUBLE PRECISION) END)"
            ),
        };
        Column::made(String::new(), expression, Kind::Real)
    }

    fn any(&self, condition: Condition) -> Condition {
        let text = format!(
            "EXISTS (SELECT 1 FROM {} WHERE {})",
            self.from, condition.text
        );
        Condition::slow(text, self.values.iter().cloned().chain(condition.values))
    }

    fn none(&self, condition: Condition) -> Condition {
        let any = self.any(condition);
        Condition::slow(format!("NOT {}", any.text), any.values)
    }
}

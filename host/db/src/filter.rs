//! Filters of clients as conditions: which column a name means, and with which operator.

use pith_model::expression::{Given, Sign, Term};
use pith_model::filter::{self, Operator};

use crate::column::{Column, Kind};
use crate::compare::Literal;
use crate::condition::Condition;
use crate::dialect::Dialect;
use crate::json_filter;

/// Why a filter makes no condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No column is called so.
    NoSuchField,
    /// What was expected instead, as a sentence.
    Wrong(String),
}

/// What a filter's name means.
#[derive(Debug)]
struct Target<'a> {
    column: &'a Column,
    /// Names below it, of a JSON column.
    path: Vec<&'a str>,
    operator: Operator,
}

/// The condition of `name=literal`, where `name` may end with an operator and, of JSON,
/// go on with names inside of it.
///
/// # Errors
/// Why it is none.
pub fn condition(
    columns: &[Column],
    name: &str,
    literal: Literal<'_>,
    dialect: Dialect,
) -> Result<Condition, Refusal> {
    let target = target(columns, name)?;
    compare(&target, target.operator, literal, dialect)
}

/// The condition of a term of an expression.
///
/// # Errors
/// Why it is none.
pub fn condition_of_term(
    columns: &[Column],
    term: &Term,
    dialect: Dialect,
) -> Result<Condition, Refusal> {
    let literal = match &term.given {
        Given::One(text) => Literal::Text(text),
        Given::List(list) => Literal::List(list),
    };
    let target = target(columns, &term.field)?;
    let operator = match term.sign {
        Sign::Equal => target.operator,
        _ if target.operator != Operator::Exact => {
            let why = "An operator in the name goes with = only.";
            return Err(Refusal::Wrong(why.to_owned()));
        }
        Sign::Unequal => Operator::Ne,
        Sign::Less => Operator::Lt,
        Sign::AtMost => Operator::Lte,
        Sign::Greater => Operator::Gt,
        Sign::AtLeast => Operator::Gte,
        Sign::In => Operator::In,
    };
    compare(&target, operator, literal, dialect)
}

fn compare(
    target: &Target<'_>,
    operator: Operator,
    literal: Literal<'_>,
    dialect: Dialect,
) -> Result<Condition, Refusal> {
    let condition = if target.path.is_empty() {
        Condition::compare(target.column, operator, literal, dialect)
    } else {
        json_filter::compare(target.column, &target.path, operator, literal, dialect)
    };
    condition.map_err(Refusal::Wrong)
}

fn target<'a>(columns: &'a [Column], name: &'a str) -> Result<Target<'a>, Refusal> {
    // A field may be called `a__b` itself.
    if let Some(column) = find(columns, name) {
        return Ok(Target {
            column,
            path: Vec::new(),
            operator: Operator::Exact,
        });
    }
    let (field, operator) = match name.rsplit_once("__") {
        Some((field, word)) => match filter::operator(word) {
            Some(operator) => (field, operator),
            None => (name, Operator::Exact),
        },
        None => (name, Operator::Exact),
    };
    if let Some(column) = find(columns, field) {
        return Ok(Target {
            column,
            path: Vec::new(),
            operator,
        });
    }
    for (at, _) in field.match_indices("__") {
        let Some(column) = find(columns, &field[..at]) else {
            continue;
        };
        let path: Vec<&str> = field[at + 2..].split("__").collect();
        if column.kind == Kind::Json && path.iter().all(|name| is_property(name)) {
            return Ok(Target {
                column,
                path,
                operator,
            });
        }
        let word = path.first().copied().unwrap_or_default();
        let known = filter::words();
        return Err(Refusal::Wrong(format!(
            "Unknown operator {word:?}. Operators are: {known}."
        )));
    }
    Err(Refusal::NoSuchField)
}

/// Whether a name can stand in a path: no character of it means anything there.
fn is_property(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' '))
}

/// The column that clients call so.
pub fn find<'a>(columns: &'a [Column], name: &str) -> Option<&'a Column> {
    columns
        .iter()
        .find(|column| !name.is_empty() && column.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pith_model::Expression;

    const COLUMNS: &[Column] = &[
        Column::new("name", "r.name", Kind::Text).indexed(),
        Column::new("size", "r.size", Kind::Integer),
        Column::new("contents", "r.contents", Kind::Json),
        Column::new("", "r.secret", Kind::Text),
    ];

    fn lowered(text: &str, dialect: Dialect) -> Result<Condition, Refusal> {
        let expression = Expression::parse(text).expect("an expression");
        let terms =
            expression.try_map(&mut |term: Term| condition_of_term(COLUMNS, &term, dialect))?;
        Ok(Condition::of(terms))
    }

    fn text(text: &str) -> String {
        lowered(text, Dialect::Sqlite).expect(text).text
    }

    #[test]
    fn terms_become_comparisons_with_values_bound() {
        assert_eq!(text("name='x'' OR 1=1'"), "r.name = ?");
        assert_eq!(text("size>=3"), "r.size >= ?");
        assert_eq!(text("name IN (a, 'b')"), "r.name IN (?,?)");
        assert_eq!(text("name__in=a,b"), "r.name IN (?,?)");
        assert_eq!(text("name__range=('a,b', c)"), "r.name BETWEEN ? AND ?");
        assert_eq!(text("name__startswith=ab"), "(r.name >= ? AND r.name < ?)");
        assert_eq!(
            text("NOT name=a, size=1"),
            "((r.name = ?) IS NOT TRUE) AND (r.size = ?)"
        );
    }

    #[test]
    fn names_lead_into_documents() {
        let condition = lowered("contents__name__icontains=x", Dialect::Postgres).expect("SQL");
        assert_eq!(
            condition.values,
            ["lax $[*].\"name\"[*]".into(), "%x%".into()]
        );
        assert!(condition.is_slow);
        let condition = lowered("contents__a__b=x", Dialect::Sqlite).expect("SQL");
        assert!(condition.text.contains(" e2 WHERE "), "{}", condition.text);
        assert_eq!(condition.values.len(), 7);
    }

    #[test]
    fn what_is_unknown_or_does_not_fit_is_refused() {
        let refusal = |text: &str| lowered(text, Dialect::Sqlite).expect_err(text);
        assert_eq!(refusal("nome=x"), Refusal::NoSuchField);
        assert_eq!(refusal("secret=x"), Refusal::NoSuchField);
        for (given, part) in [
            ("name__like=x", "Unknown operator \"like\""),
            ("size__deep__eq=1", "Unknown operator \"deep\""),
            ("name__in>x", "goes with = only"),
            ("name=(a, b)", "got a list"),
            ("size=x", "Expected an integer"),
            ("name__regex='('", "Expected a regular expression"),
            (r"name__regex='(\w{90}){90}'", "takes too much memory"),
        ] {
            let Refusal::Wrong(message) = refusal(given) else {
                panic!("{given} is of an unknown field");
            };
            assert!(message.contains(part), "{given}: {message}");
        }
    }

    #[test]
    fn what_an_index_can_answer_is_known() {
        let is_slow = |text: &str| lowered(text, Dialect::Sqlite).expect(text).is_slow;
        for quick in ["name=a", "name__startswith=a", "name=a AND size=1"] {
            assert!(!is_slow(quick), "{quick}");
        }
        for slow in [
            "size=1",
            "name__contains=a",
            "name=a OR size=1",
            "NOT name=a",
        ] {
            assert!(is_slow(slow), "{slow}");
        }
    }
}

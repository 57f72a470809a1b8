//! Filters of clients as conditions: which column a name means, and with which operator.

use pith_model::expression::{Given, Sign, Term};
use pith_model::filter::{self, Operator};

use crate::column::{Column, Kind, Order};
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
    let target = target(columns, &term.field)?;
    let operator = operator_of(&target, term)?;
    compare(&target, operator, literal_of(term), dialect)
}

fn literal_of(term: &Term) -> Literal<'_> {
    match &term.given {
        Given::One(text) => Literal::Text(text),
        Given::List(list) => Literal::List(list),
    }
}

fn operator_of(target: &Target<'_>, term: &Term) -> Result<Operator, Refusal> {
    Ok(match term.sign {
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
    })
}

fn compare(
    target: &Target<'_>,
    operator: Operator,
    literal: Literal<'_>,
    dialect: Dialect,
) -> Result<Condition, Refusal> {
    if let Some(order) = target.order(operator) {
        return in_order(target.column, order, operator, literal, dialect);
    }
    let condition = if target.path.is_empty() {
        Condition::compare(target.column, operator, literal, dialect)
    } else {
        json_filter::compare(target.column, &target.path, operator, literal, dialect)
    };
    condition.map_err(Refusal::Wrong)
}

impl<'a> Target<'a> {
    /// By what is compared, if not by the column's own text.
    fn order(&self, operator: Operator) -> Option<&'a Order> {
        let order = self.column.order.as_ref()?;
        (self.path.is_empty() && (order.is_all || operator.is_about_order())).then_some(order)
    }
}

/// Compares with the keys of the literals.
fn in_order(
    column: &Column,
    order: &Order,
    operator: Operator,
    literal: Literal<'_>,
    dialect: Dialect,
) -> Result<Condition, Refusal> {
    let sorted = Column {
        expression: order.expression.clone(),
        order: None,
        ..column.clone()
    };
    let condition = if !column.takes(operator) {
        Err("It can only be compared: use =, ne, in, lt, lte, gt, gte or range.".to_owned())
    } else if operator == Operator::Isnull {
        Condition::compare(&sorted, operator, literal, dialect)
    } else {
        let keys = literals(operator, literal).into_iter().map(|text| {
            let key = order.keys.get(text).cloned();
            key.ok_or_else(|| Refusal::Wrong(format!("{text:?} has no place in the order.")))
        });
        let keys = keys.collect::<Result<Vec<String>, Refusal>>()?;
        match keys.as_slice() {
            [key] if operator != Operator::In => {
                Condition::compare(&sorted, operator, Literal::Text(key), dialect)
            }
            keys => Condition::compare(&sorted, operator, Literal::List(keys), dialect),
        }
    };
    condition.map_err(Refusal::Wrong)
}

/// The texts that an operator takes out of a literal.
fn literals(operator: Operator, literal: Literal<'_>) -> Vec<&str> {
    match (operator, literal) {
        (Operator::In | Operator::Range, _) | (_, Literal::List(_)) => literal.several(),
        (_, Literal::Text(text)) => vec![text],
    }
}

/// What a filter compares in the order of a format: the column's name, and the literals
/// whose keys are wanted.
pub fn asked<'a>(
    columns: &'a [Column],
    name: &'a str,
    literal: Literal<'a>,
) -> Option<(&'a str, Vec<&'a str>)> {
    let target = target(columns, name).ok()?;
    target.asked(target.operator, literal)
}

/// The same of a term of an expression.
pub fn asked_by_term<'a>(columns: &'a [Column], term: &'a Term) -> Option<(&'a str, Vec<&'a str>)> {
    let target = target(columns, &term.field).ok()?;
    target.asked(operator_of(&target, term).ok()?, literal_of(term))
}

impl<'a> Target<'a> {
    fn asked(&self, operator: Operator, literal: Literal<'a>) -> Option<(&'a str, Vec<&'a str>)> {
        self.order(operator)?;
        let literals = match operator {
            Operator::Isnull => Vec::new(),
            _ => literals(operator, literal),
        };
        Some((self.column.name.as_ref(), literals))
    }
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
    fn versions_are_compared_by_their_keys() {
        let order = |is_all, keys: &[&str]| Order {
            expression: "r.version_key".into(),
            is_all,
            keys: keys
                .iter()
                .map(|&key| (key.to_owned(), format!("key {key}")))
                .collect(),
        };
        let mut version = Column::new("version", "r.version", Kind::Text);
        version.order = Some(order(false, &["1.10", "1.9"]));
        let mut evr = Column::new("evr", "r.version_key", Kind::Text);
        evr.order = Some(order(true, &["1.10"]));
        let columns = [version, evr];
        let lowered = |name: &str, text: &str| {
            condition(&columns, name, Literal::Text(text), Dialect::Sqlite)
        };
        let greater = lowered("version__gt", "1.10").expect("SQL");
        assert_eq!(greater.text, "r.version_key > ?");
        assert_eq!(greater.values, ["key 1.10".into()]);
        let between = lowered("version__range", "1.9,1.10").expect("SQL");
        assert_eq!(between.values, ["key 1.9".into(), "key 1.10".into()]);
        // What people see is what is equal, or contains.
        assert_eq!(
            lowered("version", "1.10").expect("SQL").text,
            "r.version = ?"
        );
        assert_eq!(
            lowered("evr__in", "1.10").expect("SQL").text,
            "r.version_key IN (?)"
        );
        assert!(lowered("evr__contains", "1.10").is_err());
        assert!(lowered("version__lt", "2").is_err(), "nobody made its key");
        assert_eq!(
            asked(&columns, "version__range", Literal::Text("1,2")),
            Some(("version", vec!["1", "2"]))
        );
        assert_eq!(
            asked(&columns, "version__contains", Literal::Text("1")),
            None
        );
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

//! Comparisons: a column, an operator and a literal as SQL.

use pith_model::filter::Operator;

use crate::column::{Column, Kind, boolean};
use crate::condition::Condition;
use crate::dialect::Dialect;
use crate::json_filter;
use crate::statement::Value;

/// Longest text that is looked for inside of others; SQLite takes 50,000 bytes.
const LONGEST_PATTERN: usize = 10_000;

/// Most values of an `__in`; SQLite takes 32,766 in a statement.
const MOST_VALUES: usize = 10_000;

/// Longest regular expression, and the most memory that a compiled one may take. The
/// engine of SQLite's side takes time in proportion to both; PostgreSQL's gets only what
/// passes here (no references back, no looking around), and a question has its time.
const LONGEST_REGEX: usize = 500;
const LARGEST_REGEX: usize = 1 << 20;

/// A literal as it is given: text in which commas separate values, or values.
#[derive(Clone, Copy, Debug)]
pub enum Literal<'a> {
    /// `a,b` is two values where an operator takes several.
    Text(&'a str),
    /// Each is a value.
    List(&'a [String]),
}

impl<'a> Literal<'a> {
    fn one(self) -> Result<&'a str, String> {
        match self {
            Self::Text(text) => Ok(text),
            Self::List(_) => Err("Expected one value, got a list.".to_owned()),
        }
    }

    pub(crate) fn several(self) -> Vec<&'a str> {
        match self {
            Self::Text(text) => text.split(',').map(str::trim).collect(),
            Self::List(list) => list.iter().map(String::as_str).collect(),
        }
    }
}

impl Condition {
    /// `column <operator> literal`.
    ///
    /// # Errors
    /// A sentence for the user that says what was expected of the literal.
    pub fn compare(
        column: &Column,
        operator: Operator,
        literal: Literal<'_>,
        dialect: Dialect,
    ) -> Result<Self, String> {
        if column.kind == Kind::Json {
            return json_filter::compare(column, &[], operator, literal, dialect);
        }
        Compare { column, dialect }.build(operator, literal)
    }
}

struct Compare<'a> {
    column: &'a Column,
    dialect: Dialect,
}

impl Compare<'_> {
    fn build(&self, operator: Operator, literal: Literal<'_>) -> Result<Condition, String> {
        let expression = &self.column.expression;
        let one = |sign: &str| {
            let value = self.column.value(literal.one()?)?;
            let condition = Condition::new(format!("{expression} {sign} ?"), [value]);
            Ok(self.leading(condition))
        };
        match operator {
            Operator::Exact => one("="),
            // As people mean it: what has no value is not equal either.
            Operator::Ne => {
                let value = self.column.value(literal.one()?)?;
                let text = format!("({expression} <> ? OR {expression} IS NULL)");
                Ok(Condition::slow(text, [value]))
            }
            Operator::Lt => one("<"),
            Operator::Lte => one("<="),
            Operator::Gt => one(">"),
            Operator::Gte => one(">="),
            Operator::In => self.within(literal),
            Operator::Range => {
                let several = literal.several();
                let [low, high] = several.as_slice() else {
                    return Err("Expected two values separated by a comma.".to_owned());
                };
                let values = [self.column.value(low)?, self.column.value(high)?];
                let text = format!("{expression} BETWEEN ? AND ?");
                Ok(self.leading(Condition::new(text, values)))
            }
            Operator::Isnull => {
                let not = if boolean(literal.one()?)? { "" } else { "NOT " };
                Ok(Condition::slow(format!("{expression} IS {not}NULL"), []))
            }
            _ => self.text_condition(operator, literal.one()?),
        }
    }

    /// The condition, which leads to its rows if the column has an index.
    fn leading(&self, condition: Condition) -> Condition {
        Condition {
            is_slow: !self.column.is_indexed,
            ..condition
        }
    }

    fn within(&self, literal: Literal<'_>) -> Result<Condition, String> {
        let expression = &self.column.expression;
        let several = literal.several();
        if several.len() > MOST_VALUES {
            return Err(format!("Expected at most {MOST_VALUES} values."));
        }
        let values: Vec<Value> = several
            .into_iter()
            .map(|one| self.column.value(one))
            .collect::<Result<_, _>>()?;
        let marks = vec!["?"; values.len()].join(",");
        let text = format!("{expression} IN ({marks})");
        Ok(self.leading(Condition::new(text, values)))
    }

    /// Operators that look into text.
    fn text_condition(&self, operator: Operator, literal: &str) -> Result<Condition, String> {
        let text = self.column.text(self.dialect);
        if literal.len() > LONGEST_PATTERN {
            return Err(format!("Expected at most {LONGEST_PATTERN} bytes of text."));
        }
        if operator == Operator::Startswith && self.column.kind == Kind::Text {
            return Ok(self.leading(prefix(&text, literal)));
        }
        let pattern = literal
            .replace('\\', "\\\\")
            .replace('%', "\\%")
            .replace('_', "\\_");
        let like = |pattern: String| {
            // SQLite's LIKE does not tell ASCII cases apart, PostgreSQL's does.
            let like = match self.dialect {
                Dialect::Sqlite => "LIKE",
                Dialect::Postgres => "ILIKE",
            };
            Condition::slow(format!("{text} {like} ? ESCAPE '\\'"), [pattern.into()])
        };
        let exactly = |pattern: String, compare: String| {
            let mut condition = like(pattern);
            if self.dialect == Dialect::Sqlite {
                condition.text = format!("({} AND {compare})", condition.text);
                condition.values.push(literal.into());
            } else {
                condition.text = condition.text.replace("ILIKE", "LIKE");
            }
            condition
        };
        Ok(match operator {
            Operator::Iexact => like(pattern),
            Operator::Icontains => like(format!("%{pattern}%")),
            Operator::Istartswith => like(format!("{pattern}%")),
            Operator::Iendswith => like(format!("%{pattern}")),
            Operator::Contains => exactly(format!("%{pattern}%"), format!("instr({text}, ?) > 0")),
            Operator::Startswith => exactly(format!("{pattern}%"), format!("instr({text}, ?) = 1")),
            Operator::Endswith => {
                let length = literal.chars().count();
                exactly(
                    format!("%{pattern}"),
                    format!("substr({text}, -{length}) = ?"),
                )
            }
            Operator::Regex | Operator::Iregex => self.regex(operator, &text, literal)?,
            _ => unreachable!("the other operators were handled before"),
        })
    }

    fn regex(&self, operator: Operator, text: &str, literal: &str) -> Result<Condition, String> {
        let insensitive = operator == Operator::Iregex;
        check_pattern(literal, insensitive)?;
        Ok(match (self.dialect, insensitive) {
            (Dialect::Sqlite, false) => {
                Condition::slow(format!("{text} REGEXP ?"), [literal.into()])
            }
            (Dialect::Sqlite, true) => Condition::slow(
                format!("{text} REGEXP ?"),
                [format!("(?i){literal}").into()],
            ),
            (Dialect::Postgres, false) => Condition::slow(format!("{text} ~ ?"), [literal.into()]),
            (Dialect::Postgres, true) => Condition::slow(format!("{text} ~* ?"), [literal.into()]),
        })
    }
}

/// Refuses a regular expression that would cost too much.
fn check_pattern(pattern: &str, insensitive: bool) -> Result<(), String> {
    if pattern.len() > LONGEST_REGEX {
        return Err(format!(
            "Expected a regular expression of at most {LONGEST_REGEX} bytes."
        ));
    }
    let built = regex::RegexBuilder::new(pattern)
        .case_insensitive(insensitive)
        .size_limit(LARGEST_REGEX)
        .nest_limit(50)
        .build();
    match built {
        Ok(_) => Ok(()),
        Err(regex::Error::CompiledTooBig(_)) => {
            Err("Expected a simpler regular expression; this one takes too much memory.".to_owned())
        }
        Err(_) => Err(
            "Expected a regular expression, without looking around or references back.".to_owned(),
        ),
    }
}

/// A prefix as a range, which an index can answer.
fn prefix(text: &str, literal: &str) -> Condition {
    let mut after: Vec<char> = literal.chars().collect();
    while let Some(last) = after.pop() {
        // The next scalar value; surrogates are not scalar values.
        let next = match u32::from(last) {
            0xD7FF => char::from_u32(0xE000),
            code => char::from_u32(code + 1),
        };
        if let Some(next) = next {
            after.push(next);
            let end: String = after.into_iter().collect();
            return Condition::new(
                format!("({text} >= ? AND {text} < ?)"),
                [literal.into(), end.into()],
            );
        }
    }
    Condition::new(format!("{text} >= ?"), [literal.into()])
}

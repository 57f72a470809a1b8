//! Lists: one engine that filters, orders and pages any resource, with SQL that both
//! databases run.

use std::borrow::Cow;

use pith_model::Timestamp;
use pith_model::filter::Operator;
use uuid::Uuid;

use crate::database::Connection;
use crate::dialect::Dialect;
use crate::error::Result;
use crate::row::Row;
use crate::statement::{Value, sql};

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
    /// JSON; only `isnull` and comparisons of its text are possible.
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
}

impl Column {
    /// A column of a resource that is known at compile time.
    pub const fn new(name: &'static str, expression: &'static str, kind: Kind) -> Self {
        Self {
            name: Cow::Borrowed(name),
            expression: Cow::Borrowed(expression),
            kind,
        }
    }
}

/// A resource that can be listed: where its rows are and how they are read.
pub trait Record: Sized {
    /// What stands after `FROM`.
    const FROM: &'static str;
    /// The columns, in the order in which [`Record::read`] expects them.
    const COLUMNS: &'static [Column];
    /// The column that breaks ties of an ordering.
    const KEY: &'static str;
    /// Takes a row apart.
    fn read(row: &Row) -> Result<Self>;
}

/// One condition of a `WHERE`.
#[derive(Clone, Debug)]
pub struct Condition {
    /// SQL with `?` and `IN (?*)`.
    pub text: String,
    /// One for each placeholder.
    pub values: Vec<Value>,
}

impl Condition {
    /// A condition written out.
    pub fn new(text: impl Into<String>, values: impl IntoIterator<Item = Value>) -> Self {
        Self {
            text: text.into(),
            values: values.into_iter().collect(),
        }
    }

    /// `column <operator> literal`.
    ///
    /// # Errors
    /// A sentence for the user that says what was expected of the literal.
    pub fn compare(
        column: &Column,
        operator: Operator,
        literal: &str,
        dialect: Dialect,
    ) -> std::result::Result<Self, String> {
        Compare { column, dialect }.build(operator, literal)
    }
}

/// Longest text that is looked for inside of others; SQLite takes 50,000 bytes.
const LONGEST_PATTERN: usize = 10_000;

/// Most values of an `__in`; SQLite takes 32,766 in a statement.
const MOST_VALUES: usize = 10_000;

struct Compare<'a> {
    column: &'a Column,
    dialect: Dialect,
}

impl Compare<'_> {
    fn build(&self, operator: Operator, literal: &str) -> std::result::Result<Condition, String> {
        let expression = &self.column.expression;
        let one = |sign: &str| {
            let value = self.value(literal)?;
            Ok(Condition::new(format!("{expression} {sign} ?"), [value]))
        };
        match operator {
            Operator::Exact => one("="),
            // As people mean it: what has no value is not equal either.
            Operator::Ne => {
                let value = self.value(literal)?;
                let text = format!("({expression} <> ? OR {expression} IS NULL)");
                Ok(Condition::new(text, [value]))
            }
            Operator::Lt => one("<"),
            Operator::Lte => one("<="),
            Operator::Gt => one(">"),
            Operator::Gte => one(">="),
            Operator::In => self.within(literal),
            Operator::Range => {
                let Some((low, high)) = literal.split_once(',') else {
                    return Err("Expected two values separated by a comma.".to_owned());
                };
                let values = [self.value(low)?, self.value(high)?];
                Ok(Condition::new(
                    format!("{expression} BETWEEN ? AND ?"),
                    values,
                ))
            }
            Operator::Isnull => {
                let not = if boolean(literal)? { "" } else { "NOT " };
                Ok(Condition::new(format!("{expression} IS {not}NULL"), []))
            }
            _ => self.text_condition(operator, literal),
        }
    }

    fn within(&self, literal: &str) -> std::result::Result<Condition, String> {
        let expression = &self.column.expression;
        let values: Vec<Value> = literal
            .split(',')
            .map(|part| self.value(part.trim()))
            .collect::<std::result::Result<_, _>>()?;
        if values.len() > MOST_VALUES {
            return Err(format!("Expected at most {MOST_VALUES} values."));
        }
        let marks = vec!["?"; values.len()].join(",");
        Ok(Condition::new(format!("{expression} IN ({marks})"), values))
    }

    /// Operators that look into text.
    fn text_condition(
        &self,
        operator: Operator,
        literal: &str,
    ) -> std::result::Result<Condition, String> {
        let text = self.text();
        if literal.len() > LONGEST_PATTERN {
            return Err(format!("Expected at most {LONGEST_PATTERN} bytes of text."));
        }
        if operator == Operator::Startswith && self.column.kind == Kind::Text {
            return Ok(prefix(&text, literal));
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
            Condition::new(format!("{text} {like} ? ESCAPE '\\'"), [pattern.into()])
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

    fn regex(
        &self,
        operator: Operator,
        text: &str,
        literal: &str,
    ) -> std::result::Result<Condition, String> {
        // Linear time and no look-around; PostgreSQL gets only what passes here.
        if literal.len() > 500 || regex::Regex::new(literal).is_err() {
            return Err("Expected a regular expression of at most 500 characters.".to_owned());
        }
        let insensitive = operator == Operator::Iregex;
        Ok(match (self.dialect, insensitive) {
            (Dialect::Sqlite, false) => {
                Condition::new(format!("{text} REGEXP ?"), [literal.into()])
            }
            (Dialect::Sqlite, true) => Condition::new(
                format!("{text} REGEXP ?"),
                [format!("(?i){literal}").into()],
            ),
            (Dialect::Postgres, false) => Condition::new(format!("{text} ~ ?"), [literal.into()]),
            (Dialect::Postgres, true) => Condition::new(format!("{text} ~* ?"), [literal.into()]),
        })
    }

    /// The column as the text that clients see.
    fn text(&self) -> String {
        let expression = &self.column.expression;
        match (self.column.kind, self.dialect) {
            (Kind::Text, _) => expression.to_string(),
            (Kind::Hex, Dialect::Sqlite) => format!("lower(hex({expression}))"),
            (Kind::Hex, Dialect::Postgres) => format!("encode({expression}, 'hex')"),
            (Kind::Uuid, Dialect::Sqlite) => {
                let part = |from: u8, length: u8| {
                    format!("substr(lower(hex({expression})), {from}, {length})")
                };
                let parts = [
                    part(1, 8),
                    part(9, 4),
                    part(13, 4),
                    part(17, 4),
                    part(21, 12),
                ];
                format!("({})", parts.join(" || '-' || "))
            }
            (Kind::Time, Dialect::Sqlite) => format!(
                "(strftime('%Y-%m-%dT%H:%M:%S.', {expression} / 1000000, 'unixepoch')
                  || substr('00000' || {expression} % 1000000, -6) || 'Z')"
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
    fn value(&self, literal: &str) -> std::result::Result<Value, String> {
        let wrong = |expected: &str| format!("Expected {expected}, got {literal:?}.");
        Ok(match self.column.kind {
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

fn boolean(literal: &str) -> std::result::Result<bool, String> {
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

/// Which rows, in which order, and which part of them.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// Expressions and whether each is descending.
    pub order: Vec<(String, bool)>,
    /// At most so many rows.
    pub limit: i64,
    /// After so many.
    pub offset: i64,
}

impl Selection {
    /// The rows for which one condition holds.
    pub fn one(text: impl Into<String>, values: impl IntoIterator<Item = Value>) -> Self {
        Self {
            conditions: vec![Condition::new(text, values)],
            limit: i64::from(u32::MAX),
            ..Self::default()
        }
    }

    fn filter(&self) -> (String, Vec<Value>) {
        if self.conditions.is_empty() {
            return (String::new(), Vec::new());
        }
        let texts: Vec<&str> = self
            .conditions
            .iter()
            .map(|one| one.text.as_str())
            .collect();
        let values = self
            .conditions
            .iter()
            .flat_map(|one| one.values.clone())
            .collect();
        (format!(" WHERE {}", texts.join(" AND ")), values)
    }
}

/// How many rows a selection has, without its limit.
pub async fn count(connection: &mut Connection, from: &str, selection: &Selection) -> Result<i64> {
    let (filter, values) = selection.filter();
    sql(format!("SELECT COUNT(*) FROM {from}{filter}"))
        .bind_all(values)
        .scalar(connection)
        .await
}

/// How many rows a selection has, if a page of it shows: it is not full, or the first.
pub fn known_count(rows: usize, selection: &Selection) -> Option<i64> {
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    let shows = rows < selection.limit && (rows > 0 || selection.offset == 0);
    shows.then(|| selection.offset + rows)
}

/// One page of rows with the given expressions as columns.
pub async fn rows(
    connection: &mut Connection,
    from: &str,
    expressions: &[&str],
    key: &str,
    selection: &Selection,
) -> Result<Vec<Row>> {
    let (filter, mut values) = selection.filter();
    let mut order: Vec<String> = selection
        .order
        .iter()
        .map(|(expression, descending)| {
            // NULLs first when ascending on both sides.
            let direction = match (connection.dialect(), descending) {
                (Dialect::Sqlite, false) => "ASC",
                (Dialect::Sqlite, true) => "DESC",
                (Dialect::Postgres, false) => "ASC NULLS FIRST",
                (Dialect::Postgres, true) => "DESC NULLS LAST",
            };
            format!("{expression} {direction}")
        })
        .collect();
    let descending = selection
        .order
        .first()
        .is_none_or(|(_, descending)| *descending);
    order.push(format!("{key} {}", if descending { "DESC" } else { "ASC" }));
    // The limit is written out: SQLite prepares a statement anew each time that a bound
    // limit gets a value, which costs more than the question.
    let mut text = format!(
        "SELECT {} FROM {from}{filter} ORDER BY {} LIMIT {}",
        expressions.join(", "),
        order.join(", "),
        selection.limit
    );
    if selection.offset > 0 {
        text.push_str(" OFFSET ?");
        values.push(selection.offset.into());
    }
    sql(text).bind_all(values).fetch_all(connection).await
}

/// One page of records.
pub async fn records<R: Record>(
    connection: &mut Connection,
    selection: &Selection,
) -> Result<Vec<R>> {
    let expressions: Vec<&str> = R::COLUMNS.iter().map(|c| c.expression.as_ref()).collect();
    let rows = rows(connection, R::FROM, &expressions, R::KEY, selection).await?;
    rows.iter().map(R::read).collect()
}

/// One page of records, and how many there are in all.
pub async fn page<R: Record>(
    connection: &mut Connection,
    selection: &Selection,
) -> Result<(Vec<R>, i64)> {
    let page: Vec<R> = records(connection, selection).await?;
    let count = match known_count(page.len(), selection) {
        Some(count) => count,
        None => count(connection, R::FROM, selection).await?,
    };
    Ok((page, count))
}

/// The record for which a condition holds.
pub async fn record<R: Record>(
    connection: &mut Connection,
    condition: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Option<R>> {
    let mut selection = Selection::one(condition, values);
    selection.limit = 1;
    Ok(records(connection, &selection).await?.pop())
}

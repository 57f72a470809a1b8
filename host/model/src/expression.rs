//! Filter expressions: `name='foo' AND (arch=x86_64 OR NOT version<'2')` as a tree.
//!
//! What a field is and which operators it has is not known here; whoever has columns
//! makes conditions of the terms. Writing an expression out and parsing that gives the
//! same expression.

mod parse;

use std::fmt::{self, Display, Formatter, Write as _};

pub use parse::{LONGEST, MOST_TERMS};

/// A filter expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression<T = Term> {
    /// All hold: `a=1 AND b=2`, or `a=1, b=2`.
    All(Vec<Self>),
    /// One holds: `a=1 OR b=2`.
    Any(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// One comparison.
    Term(T),
}

/// One comparison of a field with what is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The field, with or without a named operator: `name`, `name__icontains`.
    pub field: String,
    /// The sign between.
    pub sign: Sign,
    /// One value, or a list of them.
    pub given: Given,
}

/// The sign between a field and a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `IN`
    In,
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// `'a'`
    One(String),
    /// `('a', 'b')`
    List(Vec<String>),
}

impl Sign {
    /// Every sign as it is written; those that begin like another come first.
    const ALL: [(&'static str, Self); 6] = [
        ("!=", Self::Unequal),
        ("<=", Self::AtMost),
        (">=", Self::AtLeast),
        ("=", Self::Equal),
        ("<", Self::Less),
        (">", Self::Greater),
    ];
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// A sentence for the user: where it went wrong, and what was expected there.
    pub fn parse(text: &str) -> Result<Self, String> {
        parse::parse(text)
    }
}

impl<T> Expression<T> {
    /// The same tree with something else in the place of each term.
    ///
    /// # Errors
    /// The first that `change` gives.
    pub fn try_map<U, E>(
        self,
        change: &mut impl FnMut(T) -> Result<U, E>,
    ) -> Result<Expression<U>, E> {
        let mut each = |list: Vec<Self>| {
            list.into_iter()
                .map(|one| one.try_map(change))
                .collect::<Result<Vec<_>, E>>()
        };
        Ok(match self {
            Self::All(list) => Expression::All(each(list)?),
            Self::Any(list) => Expression::Any(each(list)?),
            Self::Not(one) => Expression::Not(Box::new(one.try_map(change)?)),
            Self::Term(term) => Expression::Term(change(term)?),
        })
    }

    /// Calls `see` for every term.
    pub fn for_each_term<'a>(&'a self, see: &mut impl FnMut(&'a T)) {
        match self {
            Self::All(list) | Self::Any(list) => {
                for one in list {
                    one.for_each_term(see);
                }
            }
            Self::Not(one) => one.for_each_term(see),
            Self::Term(term) => see(term),
        }
    }
}

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(list) => write_joined(f, list, " AND "),
            Self::Any(list) => write_joined(f, list, " OR "),
            Self::Not(one) => {
                f.write_str("NOT ")?;
                one.write_nested(f)
            }
            Self::Term(term) => term.fmt(f),
        }
    }
}

impl Expression {
    /// Writes a part of another expression, in parentheses where it needs them.
    fn write_nested(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(_) | Self::Any(_) => write!(f, "({self})"),
            Self::Not(_) | Self::Term(_) => self.fmt(f),
        }
    }
}

fn write_joined(f: &mut Formatter<'_>, list: &[Expression], between: &str) -> fmt::Result {
    for (at, one) in list.iter().enumerate() {
        if at > 0 {
            f.write_str(between)?;
        }
        one.write_nested(f)?;
    }
    Ok(())
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.field)?;
        match Sign::ALL.iter().find(|(_, sign)| *sign == self.sign) {
            Some((text, _)) => f.write_str(text)?,
            None => f.write_str(" IN ")?,
        }
        match &self.given {
            Given::One(value) => write_quoted(f, value),
            Given::List(values) => {
                f.write_char('(')?;
                for (at, value) in values.iter().enumerate() {
                    if at > 0 {
                        f.write_str(", ")?;
                    }
                    write_quoted(f, value)?;
                }
                f.write_char(')')
            }
        }
    }
}

fn write_quoted(f: &mut Formatter<'_>, value: &str) -> fmt::Result {
    f.write_char('\'')?;
    for c in value.chars() {
        if matches!(c, '\'' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(c)?;
    }
    f.write_char('\'')
}

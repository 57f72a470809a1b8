//! Conditions of a `WHERE`: SQL with its values, and how several become one.

use pith_model::Expression;

use crate::statement::Value;

/// One condition of a `WHERE`.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// SQL with `?` and `IN (?*)`.
    pub text: String,
    /// One for each placeholder.
    pub values: Vec<Value>,
    /// Whether no index leads to the rows for which it holds.
    pub is_slow: bool,
}

impl Condition {
    /// A condition written out.
    pub fn new(text: impl Into<String>, values: impl IntoIterator<Item = Value>) -> Self {
        Self {
            text: text.into(),
            values: values.into_iter().collect(),
            is_slow: false,
        }
    }

    /// A condition that has to look at every row.
    pub fn slow(text: impl Into<String>, values: impl IntoIterator<Item = Value>) -> Self {
        Self {
            is_slow: true,
            ..Self::new(text, values)
        }
    }

    /// The condition of an expression whose terms are conditions already.
    pub fn of(expression: Expression<Self>) -> Self {
        match expression {
            Expression::Term(condition) => condition,
            // What is not known does not hold either, so its opposite does.
            Expression::Not(one) => {
                let one = Self::of(*one);
                Self {
                    text: format!("({}) IS NOT TRUE", one.text),
                    values: one.values,
                    is_slow: true,
                }
            }
            Expression::All(list) => {
                let list: Vec<Self> = list.into_iter().map(Self::of).collect();
                let is_slow = list.iter().all(|one| one.is_slow);
                Self::joined(list, " AND ", is_slow)
            }
            Expression::Any(list) => {
                let list: Vec<Self> = list.into_iter().map(Self::of).collect();
                let is_slow = list.iter().any(|one| one.is_slow);
                Self::joined(list, " OR ", is_slow)
            }
        }
    }

    fn joined(list: Vec<Self>, between: &str, is_slow: bool) -> Self {
        let texts: Vec<String> = list.iter().map(|one| format!("({})", one.text)).collect();
        Self {
            text: texts.join(between),
            values: list.into_iter().flat_map(|one| one.values).collect(),
            is_slow,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_of_conditions_is_a_condition() {
        let term = |text: &str, value: i64| {
            Expression::Term(Condition::new(format!("{text} = ?"), [value.into()]))
        };
        let not = Expression::Not(Box::new(term("c", 3)));
        let any = Expression::Any(vec![term("b", 2), not]);
        let condition = Condition::of(Expression::All(vec![term("a", 1), any]));
        assert_eq!(
            condition.text,
            "(a = ?) AND ((b = ?) OR ((c = ?) IS NOT TRUE))"
        );
        assert_eq!(condition.values, [1.into(), 2.into(), 3.into()]);
        assert!(!condition.is_slow, "`a` leads to the rows");
    }
}

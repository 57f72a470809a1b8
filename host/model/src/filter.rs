//! The filters of a list: what `name__icontains=x` means, without SQL.

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the words of the API")]
pub enum Operator {
    Exact,
    Ne,
    In,
    Contains,
    Icontains,
    Startswith,
    Istartswith,
    Endswith,
    Iendswith,
    Iexact,
    Lt,
    Lte,
    Gt,
    Gte,
    Range,
    Isnull,
    Regex,
    Iregex,
}

impl Operator {
    /// Every operator with its word, in the order in which they are listed for people.
    pub const ALL: [(&'static str, Self); 17] = [
        ("ne", Self::Ne),
        ("in", Self::In),
        ("contains", Self::Contains),
        ("icontains", Self::Icontains),
        ("startswith", Self::Startswith),
        ("istartswith", Self::Istartswith),
        ("endswith", Self::Endswith),
        ("iendswith", Self::Iendswith),
        ("iexact", Self::Iexact),
        ("lt", Self::Lt),
        ("lte", Self::Lte),
        ("gt", Self::Gt),
        ("gte", Self::Gte),
        ("range", Self::Range),
        ("isnull", Self::Isnull),
        ("regex", Self::Regex),
        ("iregex", Self::Iregex),
    ];
}

/// Splits a query parameter's name into a field and an operator.
///
/// # Errors
/// The unknown operator, with the ones that exist.
pub fn split(parameter: &str) -> Result<(&str, Operator), String> {
    let Some((field, word)) = parameter.rsplit_once("__") else {
        return Ok((parameter, Operator::Exact));
    };
    if let Some((_, operator)) = Operator::ALL.into_iter().find(|(name, _)| *name == word) {
        return Ok((field, operator));
    }
    let known: Vec<&str> = Operator::ALL.iter().map(|(name, _)| *name).collect();
    Err(format!(
        "Unknown operator {word:?}. Operators are: {}.",
        known.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_a_field_and_an_operator() {
        assert_eq!(split("name"), Ok(("name", Operator::Exact)));
        assert_eq!(
            split("pulp_created__gte"),
            Ok(("pulp_created", Operator::Gte))
        );
        assert!(split("name__like").unwrap_err().contains("istartswith"));
    }
}

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

impl Operator {
    /// Whether it asks what is smaller or greater.
    pub fn is_about_order(self) -> bool {
        matches!(
            self,
            Self::Lt | Self::Lte | Self::Gt | Self::Gte | Self::Range
        )
    }
}

/// The operator of that word.
pub fn operator(word: &str) -> Option<Operator> {
    let mut all = Operator::ALL.into_iter();
    all.find_map(|(name, operator)| (name == word).then_some(operator))
}

/// The words of all operators, for people.
pub fn words() -> String {
    let words: Vec<&str> = Operator::ALL.iter().map(|(name, _)| *name).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_known_by_their_words() {
        assert_eq!(operator("gte"), Some(Operator::Gte));
        assert_eq!(operator("like"), None);
        assert!(words().starts_with("ne, in, contains"));
    }
}

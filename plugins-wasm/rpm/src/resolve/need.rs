//! What a package needs: a capability, or a rich dependency, `(owl >= 2 if bear else cat)`.

use super::capability::{Capability, Relation, Words};

/// A need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Need {
    One(Capability),
    /// All of them, perhaps of several packages.
    And(Vec<Need>),
    Or(Vec<Need>),
    /// The first, where there is the second; else the third.
    If(Box<Need>, Box<Need>, Option<Box<Need>>),
    /// The first, where there is no second; else the third.
    Unless(Box<Need>, Box<Need>, Option<Box<Need>>),
    /// One package that is both.
    With(Box<Need>, Box<Need>),
    /// One package that is the first and not the second.
    Without(Box<Need>, Box<Need>),
}

/// Deeper ones nobody writes but to break parsers.
const DEEPEST: usize = 64;

impl Need {
    /// Reads a rich dependency; none if it is not well-formed.
    pub(super) fn parse(text: &str, words: &mut Words) -> Option<Self> {
        let mut parser = Parser { text, words };
        let need = parser.nested(0)?;
        parser.skip_space();
        parser.text.is_empty().then_some(need)
    }

    /// Calls `each` for every capability in it.
    pub(super) fn for_each(&self, each: &mut impl FnMut(Capability)) {
        match self {
            Self::One(capability) => each(*capability),
            Self::And(list) | Self::Or(list) => list.iter().for_each(|need| need.for_each(each)),
            Self::With(one, other) | Self::Without(one, other) => {
                one.for_each(each);
                other.for_each(each);
            }
            Self::If(one, condition, other) | Self::Unless(one, condition, other) => {
                one.for_each(each);
                condition.for_each(each);
                if let Some(other) = other {
                    other.for_each(each);
                }
            }
        }
    }

    /// For people.
    pub(super) fn text(&self, words: &Words) -> String {
        let join = |list: &[Self], word: &str| {
            let texts: Vec<String> = list.iter().map(|need| need.text(words)).collect();
            format!("({})", texts.join(word))
        };
        let three = |one: &Self, word: &str, condition: &Self, other: &Option<Box<Self>>| {
            let (one, condition) = (one.text(words), condition.text(words));
            match other {
                Some(other) => format!("({one} {word} {condition} else {})", other.text(words)),
                None => format!("({one} {word} {condition})"),
            }
        };
        match self {
            Self::One(capability) => capability.text(words),
            Self::And(list) => join(list, " and "),
            Self::Or(list) => join(list, " or "),
            Self::If(one, condition, other) => three(one, "if", condition, other),
            Self::Unless(one, condition, other) => three(one, "unless", condition, other),
            Self::With(one, other) => three(one, "with", other, &None),
            Self::Without(one, other) => three(one, "without", other, &None),
        }
    }
}

struct Parser<'a, 'b> {
    text: &'a str,
    words: &'b mut Words,
}

impl<'a> Parser<'a, '_> {
    fn skip_space(&mut self) {
        self.text = self.text.trim_start();
    }

    fn take(&mut self, start: &str) -> bool {
        match self.text.strip_prefix(start) {
            Some(rest) => {
                self.text = rest;
                true
            }
            None => false,
        }
    }

    /// `(…)`
    fn nested(&mut self, depth: usize) -> Option<Need> {
        self.skip_space();
        if depth > DEEPEST || !self.take("(") {
            return None;
        }
        let first = self.operand(depth)?;
        self.skip_space();
        if self.take(")") {
            return Some(first);
        }
        let operator = self.word();
        let second = self.operand(depth)?;
        let need = match operator {
            "and" | "or" => {
                let mut list = vec![first, second];
                loop {
                    self.skip_space();
                    if self.text.starts_with(')') {
                        break;
                    }
                    if self.word() != operator {
                        return None;
                    }
                    list.push(self.operand(depth)?);
                }
                if operator == "and" {
                    Need::And(list)
                } else {
                    Need::Or(list)
                }
            }
            "with" => Need::With(first.into(), second.into()),
            "without" => Need::Without(first.into(), second.into()),
            "if" | "unless" => {
                self.skip_space();
                let other = if self.text.starts_with(')') {
                    None
                } else if self.word() == "else" {
                    Some(Box::new(self.operand(depth)?))
                } else {
                    return None;
                };
                if operator == "if" {
                    Need::If(first.into(), second.into(), other)
                } else {
                    Need::Unless(first.into(), second.into(), other)
                }
            }
            _ => return None,
        };
        self.skip_space();
        self.take(")").then_some(need)
    }

    fn operand(&mut self, depth: usize) -> Option<Need> {
        self.skip_space();
        if self.text.starts_with('(') {
            return self.nested(depth + 1);
        }
        let name = self.word();
        if name.is_empty() {
            return None;
        }
        let name = self.words.learn(name);
        self.skip_space();
        let end = self.text.find(|c| !matches!(c, '<' | '=' | '>'));
        let sign = &self.text[..end.unwrap_or(0)];
        if sign.is_empty() {
            return Some(Need::One(Capability::any(name)));
        }
        self.text = &self.text[sign.len()..];
        self.skip_space();
        let evr = self.word();
        (!evr.is_empty()).then(|| {
            Need::One(Capability {
                name,
                relation: Relation::of_sign(sign),
                evr: Some(self.words.learn(evr)),
            })
        })
    }

    /// Up to white space, or to the parenthesis that closes what is around it: names have
    /// parentheses of their own.
    fn word(&mut self) -> &'a str {
        self.skip_space();
        let mut depth = 0_u32;
        let end = self.text.find(|c: char| {
            match c {
                '(' => depth += 1,
                ')' if depth == 0 => return true,
                ')' => depth -= 1,
                _ => {}
            }
            c.is_whitespace()
        });
        let (word, rest) = self.text.split_at(end.unwrap_or(self.text.len()));
        self.text = rest;
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rich_dependencies_are_read_and_written() {
        for text in [
            "(owl and bear and cat >= 1.0-2)",
            "(owl or (bear with bear < 1:2))",
            "(perl(Owl) = 2 if perl-libs(x86-64) else (cat without lion))",
            "(langpack unless minimal)",
            "(langpack unless minimal else libowl.so.1(OWL_1.0)(64bit))",
        ] {
            let mut words = Words::default();
            let need = Need::parse(text, &mut words).expect(text);
            assert_eq!(need.text(&words), text);
        }
        let mut words = Words::default();
        let need = Need::parse(" ( ( owl ) or bear >=2 )", &mut words).expect("spaces");
        assert_eq!(need.text(&words), "(owl or bear >= 2)");
    }

    #[test]
    fn what_is_not_well_formed_is_none() {
        let deep = "(".repeat(100) + "a" + &")".repeat(100);
        for text in [
            "",
            "owl",
            "(",
            "()",
            "(owl",
            "(owl and)",
            "(owl bear)",
            "(a and b or c)",
            "(a if b else)",
            "(a if b then c)",
            "(a >= )",
            "(a) b",
            &deep,
        ] {
            assert_eq!(Need::parse(text, &mut Words::default()), None, "{text}");
        }
    }
}

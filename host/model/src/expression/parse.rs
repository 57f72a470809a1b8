//! From text to an expression. Whatever is given, it ends soon and with bounded stack.

use winnow::combinator::{
    alt, cut_err, delimited, not, opt, peek, preceded, separated, terminated,
};
use winnow::error::{ContextError, ErrMode, StrContext, StrContextValue};
use winnow::stream::{Location as _, Stream as _};
use winnow::token::{self, one_of, take_while};
use winnow::{LocatingSlice, ModalResult, Parser as _};

use super::{Expression, Given, Sign, Term};

/// The longest expression, in bytes.
pub const LONGEST: usize = 65_536;

/// The most comparisons in one expression: each is part of one SQL statement.
pub const MOST_TERMS: usize = 250;

/// How deep parentheses and `NOT` may be nested.
const DEEPEST: usize = 32;

type Input<'a> = LocatingSlice<&'a str>;

/// Reads an expression; a sentence about what is wrong where it is none.
pub(super) fn parse(text: &str) -> Result<Expression, String> {
    if text.len() > LONGEST {
        return Err(format!("An expression has at most {LONGEST} bytes."));
    }
    let mut input = LocatingSlice::new(text);
    match whole(&mut input) {
        Ok(expression) => {
            let mut terms = 0;
            expression.for_each_term(&mut |_| terms += 1);
            if terms > MOST_TERMS {
                return Err(format!(
                    "An expression has at most {MOST_TERMS} comparisons; this has {terms}."
                ));
            }
            Ok(expression)
        }
        Err(error) => Err(sentence(text, input.current_token_start(), error)),
    }
}

fn sentence(text: &str, at: usize, error: ErrMode<ContextError>) -> String {
    let context = error.into_inner().unwrap_or_default();
    // The first is of the innermost parser.
    let expected = context.context().find_map(|one| match one {
        StrContext::Expected(value) => Some(value.to_string()),
        _ => None,
    });
    let expected = expected.unwrap_or_else(|| "something else".to_owned());
    let at = at.min(text.len());
    let before = text.get(..at).unwrap_or(text);
    let found = match text.get(at..).and_then(|rest| rest.chars().next()) {
        Some(c) => format!("{c:?}"),
        None => "the end".to_owned(),
    };
    let position = before.chars().count() + 1;
    format!("At character {position}: expected {expected}, found {found}.")
}

/// What to say when a parser fails.
fn expected(words: &'static str) -> StrContext {
    StrContext::Expected(StrContextValue::Description(words))
}

fn space(input: &mut Input<'_>) -> ModalResult<()> {
    take_while(0.., char::is_whitespace)
        .void()
        .parse_next(input)
}

fn whole(input: &mut Input<'_>) -> ModalResult<Expression> {
    let expression = any_of(input, 0)?;
    let end = preceded(space, not(token::any)).context(expected("AND, OR, a comma or the end"));
    cut_err(end).parse_next(input)?;
    Ok(expression)
}

/// A word of the language, in any case, that ends where it ends.
fn keyword<'a>(word: &'static str) -> impl FnMut(&mut Input<'a>) -> ModalResult<()> {
    move |input| {
        let end = not(one_of(is_word));
        terminated(winnow::ascii::Caseless(word), end)
            .void()
            .parse_next(input)
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '.'
}

/// `… OR …`, which binds the least.
fn any_of(input: &mut Input<'_>, depth: usize) -> ModalResult<Expression> {
    let or = delimited(space, keyword("OR"), space);
    let list: Vec<Expression> =
        separated(1.., |input: &mut Input<'_>| all_of(input, depth), or).parse_next(input)?;
    Ok(joined(list, Expression::Any))
}

/// `… AND …`, or with commas.
fn all_of(input: &mut Input<'_>, depth: usize) -> ModalResult<Expression> {
    let and = delimited(space, alt((keyword("AND"), ','.void())), space);
    let list: Vec<Expression> =
        separated(1.., |input: &mut Input<'_>| one(input, depth), and).parse_next(input)?;
    Ok(joined(list, Expression::All))
}

/// One part stands for itself, several for what joins them.
fn joined(mut parts: Vec<Expression>, several: fn(Vec<Expression>) -> Expression) -> Expression {
    if parts.len() == 1 {
        parts.swap_remove(0)
    } else {
        several(parts)
    }
}

/// What stands between `AND` and `OR`. It is expected by whoever calls this, so that a
/// failure is the end.
fn one(input: &mut Input<'_>, depth: usize) -> ModalResult<Expression> {
    space(input)?;
    if depth > DEEPEST {
        return cut_err(winnow::combinator::fail)
            .context(expected(
                "at most 32 parentheses and NOTs inside each other",
            ))
            .parse_next(input);
    }
    if opt(keyword("NOT")).parse_next(input)?.is_some() {
        return Ok(Expression::Not(Box::new(one(input, depth + 1)?)));
    }
    if opt('(').parse_next(input)?.is_some() {
        let inner = any_of(input, depth + 1)?;
        let close = preceded(space, ')').context(expected("AND, OR, a comma or ')'"));
        cut_err(close).parse_next(input)?;
        return Ok(inner);
    }
    term(input)
}

fn term(input: &mut Input<'_>) -> ModalResult<Expression> {
    let words = "the name of a field, NOT or '('";
    cut_err(not(reserved))
        .context(expected(words))
        .parse_next(input)?;
    let field = cut_err(name).context(expected(words)).parse_next(input)?;
    space(input)?;
    let (sign, negated) = cut_err(sign)
        .context(expected("one of = != < <= > >= and IN"))
        .parse_next(input)?;
    space(input)?;
    let given = match opt(one_of(['(', '['])).parse_next(input)? {
        Some(open) => Given::List(list(input, if open == '(' { ')' } else { ']' })?),
        None if sign == Sign::In => {
            return cut_err(winnow::combinator::fail)
                .context(expected("a list such as ('a', 'b')"))
                .parse_next(input);
        }
        None => Given::One(value(input)?),
    };
    let term = Expression::Term(Term {
        field: field.to_owned(),
        sign,
        given,
    });
    Ok(if negated {
        Expression::Not(Box::new(term))
    } else {
        term
    })
}

fn name<'a>(input: &mut Input<'a>) -> ModalResult<&'a str> {
    (
        one_of(|c: char| c.is_ascii_alphabetic() || c == '_'),
        take_while(0.., is_word),
    )
        .take()
        .parse_next(input)
}

/// Words that are no names and no values without quotes.
fn reserved(input: &mut Input<'_>) -> ModalResult<()> {
    alt((keyword("AND"), keyword("OR"), keyword("NOT"))).parse_next(input)
}

/// The sign, and whether what follows is turned round: `NOT IN`.
fn sign(input: &mut Input<'_>) -> ModalResult<(Sign, bool)> {
    for (text, sign) in Sign::ALL {
        if opt(text).parse_next(input)?.is_some() {
            return Ok((sign, false));
        }
    }
    let negated = opt(terminated(keyword("NOT"), space)).parse_next(input)?;
    keyword("IN").parse_next(input)?;
    Ok((Sign::In, negated.is_some()))
}

/// The values of a list and what closes it.
fn list(input: &mut Input<'_>, close: char) -> ModalResult<Vec<String>> {
    let comma = delimited(space, ',', space);
    space(input)?;
    let values = separated(
        1..,
        |input: &mut Input<'_>| alt((quoted, bare_in_list)).parse_next(input),
        comma,
    );
    let values = cut_err(values)
        .context(expected("a value"))
        .parse_next(input)?;
    let end = preceded(space, close).context(expected("a comma or the end of the list"));
    cut_err(end).parse_next(input)?;
    Ok(values)
}

fn value(input: &mut Input<'_>) -> ModalResult<String> {
    cut_err(alt((quoted, bare)))
        .context(expected("a value"))
        .parse_next(input)
}

/// Text in quotes of either kind. A backslash or a second quote lets a quote stand for
/// itself, a backslash also a backslash; before anything else it is one.
fn quoted(input: &mut Input<'_>) -> ModalResult<String> {
    let quote = one_of(['\'', '"']).parse_next(input)?;
    let mut text = String::new();
    loop {
        let c = cut_err(token::any)
            .context(expected("the end of the quoted text"))
            .parse_next(input)?;
        let next = input.peek_token();
        match (c, next) {
            ('\\', Some(next)) if matches!(next, '\\' | '\'' | '"') => {
                text.push(next);
                input.next_token();
            }
            (c, Some(next)) if c == quote && next == quote => {
                text.push(quote);
                input.next_token();
            }
            (c, _) if c == quote => return Ok(text),
            (c, _) => text.push(c),
        }
    }
}

/// Whether a character ends a value without quotes.
fn ends_value(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '\'' | '"' | ',')
}

fn bare_in_list(input: &mut Input<'_>) -> ModalResult<String> {
    let text = take_while(1.., |c| !ends_value(c)).parse_next(input)?;
    Ok(text.to_owned())
}

/// A value without quotes. A comma belongs to it unless a term begins behind it:
/// `name__in=a,b` is one, `name=a, stream=b` are two.
fn bare(input: &mut Input<'_>) -> ModalResult<String> {
    not(reserved).parse_next(input)?;
    not(one_of(['=', '<', '>', '!'])).parse_next(input)?;
    let start = bare_in_list(input)?;
    let mut text = start;
    loop {
        let more = preceded((',', not(begins_term)), bare_in_list);
        match opt(more).parse_next(input)? {
            Some(part) => {
                text.push(',');
                text.push_str(&part);
            }
            None => return Ok(text),
        }
    }
}

fn begins_term(input: &mut Input<'_>) -> ModalResult<()> {
    let field = (name, space, peek(sign)).void();
    alt((field, keyword("NOT"), '('.void())).parse_next(input)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round(text: &str) -> String {
        parse(text)
            .unwrap_or_else(|error| panic!("{text}: {error}"))
            .to_string()
    }

    #[test]
    fn terms_bind_as_they_read() {
        assert_eq!(
            round("name='foo' AND (arch='x86_64' OR arch='noarch') AND NOT version<'2'"),
            "name='foo' AND (arch='x86_64' OR arch='noarch') AND NOT version<'2'"
        );
        assert_eq!(round("a=1 or b=2 and c=3"), "a='1' OR (b='2' AND c='3')");
        assert_eq!(round("not (a=1,b=2)"), "NOT (a='1' AND b='2')");
        assert_eq!(round(" ( ( a = 1 ) ) "), "a='1'");
        assert_eq!(round("NOT NOT a=1"), "NOT NOT a='1'");
    }

    #[test]
    fn values_need_no_quotes() {
        assert_eq!(
            round("name=ripgrep, stream=master"),
            "name='ripgrep' AND stream='master'"
        );
        assert_eq!(
            round("name=ripgrep,stream!=master"),
            "name='ripgrep' AND stream!='master'"
        );
        assert_eq!(
            round("version>=1:2.0~rc1-3^git, n=x"),
            "version>='1:2.0~rc1-3^git' AND n='x'"
        );
        assert_eq!(
            round("pulp_type__in=core.rbac,core.content_redirect"),
            "pulp_type__in='core.rbac,core.content_redirect'"
        );
        assert_eq!(round("url=http://x/?a=b"), "url='http://x/?a=b'");
    }

    #[test]
    fn both_quotes_are_taken_and_can_be_quoted() {
        assert_eq!(
            round(r#"name__icontains="x" AND NOT state="done""#),
            "name__icontains='x' AND NOT state='done'"
        );
        assert_eq!(round(r"a='it''s'"), r"a='it\'s'");
        assert_eq!(round(r"a='it\'s \d \\'"), r"a='it\'s \\d \\'");
        assert_eq!(round(r#"a='say "x"'"#), r#"a='say "x"'"#);
        assert_eq!(round("a=''"), "a=''");
    }

    #[test]
    fn lists_are_lists() {
        assert_eq!(round("name IN ('a', b,\"c\")"), "name IN ('a', 'b', 'c')");
        assert_eq!(round("name__in=[\"a\",\"b\"]"), "name__in=('a', 'b')");
        assert_eq!(round("name not in (a)"), "NOT name IN ('a')");
    }

    #[test]
    fn an_error_says_where_and_what() {
        let error = |text: &str| parse(text).unwrap_err();
        assert_eq!(
            error("name"),
            "At character 5: expected one of = != < <= > >= and IN, found the end."
        );
        assert_eq!(
            error("name="),
            "At character 6: expected a value, found the end."
        );
        assert_eq!(
            error("name=a b"),
            "At character 8: expected AND, OR, a comma or the end, found 'b'."
        );
        assert_eq!(
            error("(ä=1"),
            "At character 2: expected the name of a field, NOT or '(', found 'ä'."
        );
        assert_eq!(
            error("(a=1"),
            "At character 5: expected AND, OR, a comma or ')', found the end."
        );
        assert_eq!(
            error("a='x"),
            "At character 5: expected the end of the quoted text, found the end."
        );
        assert_eq!(
            error("a IN b"),
            "At character 6: expected a list such as ('a', 'b'), found 'b'."
        );
        assert_eq!(
            error("a=AND"),
            "At character 3: expected a value, found 'A'."
        );
        assert_eq!(
            error(""),
            "At character 1: expected the name of a field, NOT or '(', found the end."
        );
        assert!(error("a=1 AND").starts_with("At character 8: expected the name of a field"));
    }

    #[test]
    fn hostile_expressions_are_refused_soon() {
        for text in ["(".repeat(LONGEST), "NOT ".repeat(LONGEST / 4)] {
            assert!(
                parse(&text).unwrap_err().contains("at most 32"),
                "{}",
                &text[..4]
            );
        }
        assert!(
            parse(&"a".repeat(LONGEST + 1))
                .unwrap_err()
                .contains("at most 65536 bytes")
        );
        let many = vec!["a=1"; MOST_TERMS + 1].join(" OR ");
        assert!(
            parse(&many)
                .unwrap_err()
                .contains("at most 250 comparisons")
        );
        let commas = format!("a={}", "x,".repeat(30_000));
        assert!(parse(&commas).is_err());
    }

    fn term() -> impl Strategy<Value = Expression> {
        let sign = prop_oneof![
            Just(Sign::Equal),
            Just(Sign::Unequal),
            Just(Sign::Less),
            Just(Sign::AtMost),
            Just(Sign::Greater),
            Just(Sign::AtLeast),
            Just(Sign::In),
        ];
        let list = prop::collection::vec(any::<String>(), 1..4);
        ("x[a-z_]{0,9}", sign, any::<String>(), list, any::<bool>()).prop_map(
            |(field, sign, one, list, several)| {
                let given = if several || sign == Sign::In {
                    Given::List(list)
                } else {
                    Given::One(one)
                };
                Expression::Term(Term { field, sign, given })
            },
        )
    }

    fn expression() -> impl Strategy<Value = Expression> {
        term().prop_recursive(5, 40, 4, |inner| {
            let several = || prop::collection::vec(inner.clone(), 2..4);
            prop_oneof![
                several().prop_map(Expression::All),
                several().prop_map(Expression::Any),
                inner.clone().prop_map(|one| Expression::Not(Box::new(one))),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_out_is_read_again(expression in expression()) {
            prop_assert_eq!(parse(&expression.to_string()), Ok(expression));
        }

        #[test]
        fn no_text_is_too_odd(text in any::<String>()) {
            let _ = parse(&text);
        }

        #[test]
        fn no_mixture_is_too_odd(parts in prop::collection::vec(
            prop::sample::select(vec!["a", "b__in", "=", "<=", "!", "IN", "NOT", "AND", "or",
                "(", ")", "[", ",", " ", "'", "\"", "\\", "x,y"]), 0..30)) {
            let text = parts.concat();
            if let Ok(expression) = parse(&text) {
                prop_assert_eq!(parse(&expression.to_string()), Ok(expression));
            }
        }
    }
}

//! Labels: what they may be, how they are selected, and the verbs that change one.

use axum::response::Response;
use http::StatusCode;
use pith_db::label::Test;
use serde_json::{Map, Value};

use crate::body::Fields;
use crate::document;
use crate::error::Result;
use crate::form::Form;
use crate::openapi::resource::object;
use crate::openapi::{Field, Operation};

const KEY: Field = Field::text("key", "Letters, digits, underscores and spaces.").required();
const VALUE: Field = Field::blank("value", "").nullable();

/// What the document says of `set_label/`; Pulp answers for some resources with 201 and
/// for others with 200.
pub(crate) fn set_operation(id: &'static str, status: u16) -> Operation {
    Operation::new(id, "Set a label")
        .takes("SetLabel", |_| object(&[KEY, VALUE.required()]))
        .answers(status, "Label", |_| object(&[KEY, VALUE]))
}

/// What the document says of `unset_label/`.
pub(crate) fn unset_operation(id: &'static str, status: u16) -> Operation {
    Operation::new(id, "Remove a label")
        .takes("UnsetLabel", |_| object(&[KEY]))
        .answers(status, "Label", |_| object(&[KEY, VALUE]))
}

/// What a key may consist of: it must stand in a query beside `=`, `!` and `,`.
fn is_key(key: &str) -> bool {
    !key.trim().is_empty()
        && key
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == ' ')
}

/// Why a label is refused, if it is.
fn problem(key: &str, value: &Value) -> Option<String> {
    if !is_key(key) {
        return Some(format!("Key '{key}' contains non-alphanumerics."));
    }
    match value {
        Value::String(text) if text.contains([',', '(', ')']) => Some(format!(
            "Key '{key}' contains value with comma or parenthesis."
        )),
        Value::String(_) | Value::Null => None,
        _ => Some(format!("The value of key '{key}' is no text.")),
    }
}

/// Takes `pulp_labels` from a form.
pub(crate) fn take(form: &mut Form) -> Option<Map<String, Value>> {
    let labels = form.object("pulp_labels")?;
    let problems: Vec<String> = labels
        .iter()
        .filter_map(|(key, value)| problem(key, value))
        .collect();
    let fits = problems.is_empty();
    for problem in problems {
        form.wrong("pulp_labels", problem);
    }
    fits.then_some(labels)
}

/// One label to set or to remove.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    /// Its key.
    pub(crate) key: String,
    /// Its new value; none to remove it.
    value: Option<Value>,
}

impl Change {
    /// What the body of a `set_label/` asks for.
    pub(crate) fn set(fields: Fields) -> Result<Self> {
        let mut form = Form::from(fields);
        form.require("key");
        form.require("value");
        let key = form.text("key").unwrap_or_default();
        let value = form.take("value").unwrap_or_default();
        if !form.is_wrong()
            && let Some(problem) = problem(&key, &value)
        {
            form.wrong("key", problem);
        }
        form.finish()?;
        Ok(Self {
            key,
            value: Some(value),
        })
    }

    /// What the body of an `unset_label/` asks for.
    pub(crate) fn unset(fields: Fields) -> Result<Self> {
        let mut form = Form::from(fields);
        form.require("key");
        let key = form.text("key").unwrap_or_default();
        form.finish()?;
        Ok(Self { key, value: None })
    }

    /// Changes labels as a row keeps them; the value that is there now or was before.
    pub(crate) fn apply(&self, labels: &mut Value) -> Value {
        if !labels.is_object() {
            *labels = Value::Object(Map::new());
        }
        let Some(map) = labels.as_object_mut() else {
            return Value::Null;
        };
        match &self.value {
            Some(value) => {
                map.insert(self.key.clone(), value.clone());
                value.clone()
            }
            None => map.remove(&self.key).unwrap_or(Value::Null),
        }
    }
}

/// The answer to `set_label/` and `unset_label/`.
pub(crate) fn answer(status: StatusCode, key: &str, value: &Value) -> Response {
    let mut response = document::object(None, |object| {
        object.field("key", key).field("value", value);
    });
    *response.status_mut() = status;
    response
}

/// Reads `pulp_label_select`: `key=value`, `key!=value`, `key~value`, `key`, `!key`,
/// separated by commas, all of which must hold.
pub(crate) fn parse_select(text: &str) -> Result<Vec<(String, Test)>, String> {
    text.split(',').map(parse_term).collect()
}

fn parse_term(term: &str) -> Result<(String, Test), String> {
    let term = term.trim();
    let (key, test) = match term.find(['=', '~', '!']) {
        Some(0) if term.starts_with('!') => (&term[1..], Test::Absent),
        None => (term, Test::Present),
        Some(at) => {
            let (key, rest) = term.split_at(at);
            let test = match rest.strip_prefix("!=") {
                Some(value) => Test::IsNot(value.trim().to_owned()),
                None if rest.starts_with('=') => Test::Is(rest[1..].trim().to_owned()),
                None if rest.starts_with('~') => Test::Contains(rest[1..].trim().to_owned()),
                None => return Err(wrong(term)),
            };
            (key, test)
        }
    };
    let key = key.trim();
    if is_key(key) {
        Ok((key.to_owned(), test))
    } else {
        Err(wrong(term))
    }
}

fn wrong(term: &str) -> String {
    format!("{term:?} is none of key=value, key!=value, key~value, key and !key.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_selection_is_a_list_of_tests() {
        let selected = parse_select("env=prod,!old, tier != 1,owner~team a,x").unwrap();
        let expected = [
            ("env", Test::Is("prod".into())),
            ("old", Test::Absent),
            ("tier", Test::IsNot("1".into())),
            ("owner", Test::Contains("team a".into())),
            ("x", Test::Present),
        ];
        let expected: Vec<(String, Test)> = expected
            .into_iter()
            .map(|(key, test)| (key.to_owned(), test))
            .collect();
        assert_eq!(selected, expected);
        for bad in ["", "a,", "=x", "!", "a!b", "a\"b=c", "!a=b"] {
            assert!(parse_select(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn labels_are_texts_with_simple_keys() {
        assert_eq!(problem("a_1 b", &json!("x y")), None);
        assert_eq!(problem("a", &Value::Null), None);
        for (key, value) in [
            ("a-b", json!("x")),
            ("a", json!("x,y")),
            ("a", json!(1)),
            (" ", json!("")),
        ] {
            assert!(problem(key, &value).is_some(), "{key} {value}");
        }
    }

    #[test]
    fn setting_and_unsetting_tell_the_value() {
        let fields = |value: Value| match value {
            Value::Object(map) => Fields {
                map,
                textual: false,
            },
            _ => Fields::default(),
        };
        let set = Change::set(fields(json!({"key": "a", "value": "1"}))).unwrap();
        let unset = Change::unset(fields(json!({"key": "a"}))).unwrap();
        let mut labels = Value::Null;
        assert_eq!(set.apply(&mut labels), json!("1"));
        assert_eq!(labels, json!({"a": "1"}));
        assert_eq!(unset.apply(&mut labels), json!("1"));
        assert_eq!(unset.apply(&mut labels), Value::Null);
        assert_eq!(labels, json!({}));
        assert!(Change::set(fields(json!({"key": "a-b", "value": "1"}))).is_err());
        assert!(Change::set(fields(json!({"key": "a"}))).is_err());
    }
}

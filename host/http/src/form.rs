//! Takes the fields of a body one by one, in the words of Pulp's error messages, and
//! tells of everything that is wrong at once.

use serde_json::{Map, Value};

use crate::body::Fields;
use crate::error::{Error, FieldErrors, NON_FIELD, Result};

/// What a field says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Given<T> {
    /// Nothing, or something wrong that was noted.
    Absent,
    /// That there is no value.
    Null,
    /// A value.
    This(T),
}

impl<T> Given<T> {
    /// Puts what was said into its place.
    pub(crate) fn set(self, place: &mut Option<T>) {
        match self {
            Self::Absent => {}
            Self::Null => *place = None,
            Self::This(value) => *place = Some(value),
        }
    }

    /// The same of another value.
    pub(crate) fn map<U>(self, turn: impl FnOnce(T) -> U) -> Given<U> {
        match self {
            Self::Absent => Given::Absent,
            Self::Null => Given::Null,
            Self::This(value) => Given::This(turn(value)),
        }
    }

    /// The value, if there is one.
    pub(crate) fn value(self) -> Option<T> {
        match self {
            Self::This(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }
}

/// The fields that are left, and what was wrong with those that were taken.
#[derive(Debug, Default)]
pub(crate) struct Form {
    fields: Map<String, Value>,
    textual: bool,
    errors: FieldErrors,
}

impl From<Fields> for Form {
    fn from(fields: Fields) -> Self {
        Self {
            fields: fields.map,
            textual: fields.textual,
            errors: FieldErrors::new(),
        }
    }
}

impl Form {
    /// Notes what is wrong with a field.
    pub(crate) fn wrong(&mut self, name: impl Into<String>, message: impl Into<String>) {
        self.errors
            .entry(name.into())
            .or_default()
            .push(message.into());
    }

    /// Notes what is wrong with several fields together.
    pub(crate) fn wrong_together(&mut self, message: impl Into<String>) {
        self.wrong(NON_FIELD, message);
    }

    /// Whether anything was wrong up to now.
    pub(crate) fn is_wrong(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Whether a field is given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    /// Fields that clients send back as they got them, and that nobody can set.
    pub(crate) fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.fields.remove(*name);
        }
    }

    /// Lets a field be called by another name.
    pub(crate) fn alias(&mut self, name: &str, other: &str) {
        if !self.fields.contains_key(name)
            && let Some(value) = self.fields.remove(other)
        {
            self.fields.insert(name.to_owned(), value);
        }
    }

    /// Notes a missing field.
    pub(crate) fn require(&mut self, name: &str) {
        if !self.has(name) {
            self.wrong(name, "This field is required.");
        }
    }

    /// Adds a field that was given elsewhere.
    pub(crate) fn put(&mut self, name: String, value: Value) {
        self.fields.insert(name, value);
    }

    /// Ends, and notes what was wrong as wrong with parts of a field of another form.
    pub(crate) fn finish_within(self, outer: &mut Self, field: &str) {
        if let Err(errors) = self.checked() {
            for (name, messages) in errors {
                for message in messages {
                    outer.wrong(format!("{field}.{name}"), message);
                }
            }
        }
    }

    /// Takes a field as it is.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.fields.remove(name)
    }

    /// Looks at a field and leaves it there.
    pub(crate) fn peek(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// Whether all values are texts, because they came in a form.
    pub(crate) fn is_textual(&self) -> bool {
        self.textual
    }

    /// A text that may not be empty.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        match self.nullable_text(name) {
            Given::This(text) => Some(text),
            Given::Null => {
                self.wrong(name, "This field may not be null.");
                None
            }
            Given::Absent => None,
        }
    }

    /// A text that may be null, but not empty.
    pub(crate) fn nullable_text(&mut self, name: &str) -> Given<String> {
        let message = match self.take(name) {
            None => return Given::Absent,
            Some(Value::Null) => return Given::Null,
            // In a form there is no other way to say null.
            Some(Value::String(text)) if text.is_empty() && self.textual => return Given::Null,
            Some(Value::String(text)) if text.trim().is_empty() => "This field may not be blank.",
            Some(Value::String(text)) => return Given::This(text),
            Some(Value::Number(number)) => return Given::This(number.to_string()),
            Some(_) => "Not a valid string.",
        };
        self.wrong(name, message);
        Given::Absent
    }

    /// True or false.
    pub(crate) fn boolean(&mut self, name: &str) -> Option<bool> {
        let value = self.take(name)?;
        let parsed = match &value {
            Value::Bool(value) => Some(*value),
            Value::String(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Some(true),
                "false" | "0" | "no" | "off" => Some(false),
                _ => None,
            },
            _ => None,
        };
        if parsed.is_none() {
            self.wrong(name, "Must be a valid boolean.");
        }
        parsed
    }

    /// An integer of at least `least`, or null.
    pub(crate) fn nullable_integer(&mut self, name: &str, least: i64) -> Given<i64> {
        let Some(value) = self.take(name) else {
            return Given::Absent;
        };
        if self.is_null(&value) {
            return Given::Null;
        }
        let parsed = match &value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        match parsed {
            Some(number) if number >= least => return Given::This(number),
            Some(_) => self.wrong(name, too_small(&least)),
            None => self.wrong(name, "A valid integer is required."),
        }
        Given::Absent
    }

    /// A number that is not negative, or null.
    pub(crate) fn nullable_number(&mut self, name: &str) -> Given<f64> {
        let Some(value) = self.take(name) else {
            return Given::Absent;
        };
        if self.is_null(&value) {
            return Given::Null;
        }
        let parsed = match &value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok().filter(|x: &f64| x.is_finite()),
            _ => None,
        };
        match parsed {
            Some(number) if number >= 0.0 => return Given::This(number),
            Some(_) => self.wrong(name, too_small(&"0.0")),
            None => self.wrong(name, "A valid number is required."),
        }
        Given::Absent
    }

    /// A list; in a form, as JSON text.
    pub(crate) fn list(&mut self, name: &str) -> Option<Vec<Value>> {
        let value = self.take(name)?;
        match self.untextual(value) {
            Value::Array(list) => Some(list),
            Value::Null => Some(Vec::new()),
            other => {
                let kind = crate::body::kind_of(&other);
                self.wrong(name, format!("Expected a list of items, but got {kind}."));
                None
            }
        }
    }

    /// An object; in a form, as JSON text.
    pub(crate) fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        let value = self.take(name)?;
        match self.untextual(value) {
            Value::Object(map) => Some(map),
            Value::Null => Some(Map::new()),
            other => {
                let kind = crate::body::kind_of(&other);
                self.wrong(name, format!("Expected an object, but got {kind}."));
                None
            }
        }
    }

    /// A feature of Pulp's that is not here yet: its field may only say "no".
    pub(crate) fn refuse(&mut self, name: &str, no: &Value) {
        match self.take(name) {
            None | Some(Value::Null) => {}
            Some(value) if self.untextual(value.clone()) == *no => {}
            Some(_) => self.wrong(name, "This is not supported yet."),
        }
    }

    fn is_null(&self, value: &Value) -> bool {
        value.is_null() || (self.textual && value.as_str() == Some(""))
    }

    fn untextual(&self, value: Value) -> Value {
        match &value {
            Value::String(text) if self.textual => serde_json::from_str(text).unwrap_or(value),
            _ => value,
        }
    }

    /// What was wrong, without a look at what is left.
    pub(crate) fn into_error(self) -> Error {
        Error::fields(self.errors)
    }

    /// Ends: an error if anything was wrong, or if a field is left that nobody knows.
    pub(crate) fn finish(self) -> Result<()> {
        self.checked().map_err(Error::fields)
    }

    fn checked(mut self) -> Result<(), FieldErrors> {
        self.fields.remove("csrfmiddlewaretoken");
        let unknown: Vec<String> = self.fields.keys().cloned().collect();
        for name in unknown {
            self.wrong(name, "Unexpected field.");
        }
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(self.errors)
        }
    }
}

fn too_small(least: &dyn std::fmt::Display) -> String {
    format!("Ensure this value is greater than or equal to {least}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn form(value: Value, textual: bool) -> Form {
        let Value::Object(map) = value else {
            panic!("an object")
        };
        Form::from(Fields { map, textual })
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let mut form = form(
            json!({"name": "", "age": -1, "odd": true, "extra": 1}),
            false,
        );
        assert_eq!(form.text("name"), None);
        assert_eq!(form.nullable_integer("age", 0), Given::Absent);
        assert_eq!(form.boolean("odd"), Some(true));
        form.require("missing");
        assert!(form.is_wrong());
        let error = form.finish().unwrap_err();
        let text = format!("{error:?}");
        for part in [
            "may not be blank",
            "greater than",
            "Unexpected field",
            "is required",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_form_says_everything_in_text() {
        let mut form = form(
            json!({"on": "true", "n": "5", "x": "1.5", "none": "", "labels": "{\"a\": \"b\"}"}),
            true,
        );
        assert_eq!(form.boolean("on"), Some(true));
        assert_eq!(form.nullable_integer("n", 0), Given::This(5));
        assert_eq!(form.nullable_number("x"), Given::This(1.5));
        assert_eq!(form.nullable_text("none"), Given::Null);
        assert_eq!(
            form.object("labels").map(Value::Object),
            Some(json!({"a": "b"}))
        );
        assert!(form.finish().is_ok());
    }

    #[test]
    fn other_names_and_read_only_fields_are_no_surprise() {
        let mut form = form(json!({"importer": "x", "prn": "y"}), false);
        form.alias("remote", "importer");
        form.ignore(&["prn"]);
        assert_eq!(form.text("remote").as_deref(), Some("x"));
        assert!(form.finish().is_ok());
    }
}

//! The fields of a draft. Lists and objects that only have to be stored stay the text that the
//! plugin wrote: a package has thousands of files, and nobody here looks at one.

use std::borrow::Cow;
use std::fmt;

use pith_db::Value;
use pith_db::unit::{self, Key};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;
use serde_json::{Map, Value as JsonValue};

use crate::error::{Error, Result};
use crate::types::Type;

/// Fields that were read and fit their type.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    pub(super) natural_key: Key,
    pub(super) repository_key: Key,
    /// One value for each field of the type, in the type's order.
    pub(super) values: Vec<Value>,
}

impl Fields {
    /// Reads a JSON object as far as its type wants it, and checks it against the schema.
    pub(super) fn read(kind: &Type, text: &str) -> Result<Self> {
        let name = &kind.table.full_name;
        let mut json = serde_json::Deserializer::from_str(text);
        let reading = Reading {
            kind,
            may_have_zero: text.contains("\\u0000"),
        };
        let read = reading.deserialize(&mut json);
        let read = read.and_then(|read| json.end().map(|()| read));
        let Read { known, verbatim } = read.map_err(|error| {
            Error::invalid(format!(
                "the fields of a draft of {name} are not a JSON object that can be stored: {error}"
            ))
        })?;
        let content_type = &kind.table.content_type;
        let links = content_type.links.iter().map(|link| &link.name);
        let aliases = content_type.aliases.iter().map(|alias| &alias.name);
        let shown = links.chain(aliases).chain(&content_type.picture);
        let mut others = content_type.derived.iter().chain(shown);
        if let Some(field) = others.find(|field| known.contains_key(*field)) {
            return Err(Error::invalid(format!(
                "a draft of {name} has the field {field:?}, which is derived and not stored"
            )));
        }
        let known = JsonValue::Object(known);
        if let Some(problem) = kind.problem(&known) {
            return Err(Error::invalid(format!(
                "a draft of {name} does not fit its schema: {problem}"
            )));
        }
        let mut keys = content_type.order_keys.iter();
        if let Some(key) = keys.find(|key| !known[key.name.as_str()].is_string()) {
            return Err(Error::invalid(format!(
                "a draft of {name} has no order key {:?}",
                key.name
            )));
        }
        let JsonValue::Object(known) = known else {
            unreachable!("it was made of an object above")
        };
        let natural_key = content_type.natural_fingerprint(&known);
        let repository_key = content_type.repository_fingerprint(&known);
        let fields = content_type.fields.iter();
        let mut values: Vec<Value> = fields.map(|field| unit::no_value(field.kind)).collect();
        for (name, value) in known {
            if let Some(at) = kind.position(&name) {
                values[at] = unit::field_value(content_type.fields[at].kind, value);
            }
        }
        for (at, text) in verbatim {
            values[at] = Value::JsonText(text);
        }
        Ok(Self {
            natural_key,
            repository_key,
            values,
        })
    }
}

/// What was read of an object.
#[derive(Default)]
struct Read {
    /// All fields; those which are kept as text are empty here.
    known: Map<String, JsonValue>,
    /// Kept as text, by the field's place.
    verbatim: Vec<(usize, String)>,
}

/// Reads an object of this type.
struct Reading<'a> {
    kind: &'a Type,
    /// Only so can JSON have the one character that no database takes.
    may_have_zero: bool,
}

impl<'de> DeserializeSeed<'de> for Reading<'_> {
    type Value = Read;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Read, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Reading<'_> {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Read, A::Error> {
        let mut read = Read::default();
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            let wrong = |error| A::Error::custom(format!("the field {name:?}: {error}"));
            let value = match self.kind.verbatim(&name) {
                None if self.may_have_zero => {
                    let raw: &RawValue = map.next_value()?;
                    let Sound = serde_json::from_str(raw.get()).map_err(wrong)?;
                    serde_json::from_str(raw.get()).map_err(wrong)?
                }
                None => map.next_value()?,
                Some(at) => {
                    let raw: &RawValue = map.next_value()?;
                    let (is_long, placeholder) = match raw.get().as_bytes().first() {
                        Some(b'[') => (true, JsonValue::Array(Vec::new())),
                        Some(b'{') => (true, JsonValue::Object(Map::new())),
                        _ => (false, serde_json::from_str(raw.get()).map_err(wrong)?),
                    };
                    if is_long {
                        let Sound = serde_json::from_str(raw.get()).map_err(wrong)?;
                        read.verbatim.push((at, raw.get().to_owned()));
                    }
                    placeholder
                }
            };
            if let Some(before) = read.known.insert(name.into_owned(), value) {
                return Err(A::Error::custom(format!(
                    "a field is there twice, once as {before}"
                )));
            }
        }
        Ok(read)
    }
}

/// A value that can be read again: its strings are text and it is not too deep. Nothing of it
/// is kept.
struct Sound;

impl<'de> Deserialize<'de> for Sound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Look)
    }
}

struct Look;

impl<'de> Visitor<'de> for Look {
    type Value = Sound;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Sound, E> {
        Ok(Sound)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Sound, E> {
        Ok(Sound)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Sound, E> {
        Ok(Sound)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Sound, E> {
        Ok(Sound)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Sound, E> {
        Ok(Sound)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Sound, E> {
        // PostgreSQL has no text with it.
        if text.contains('\0') {
            return Err(E::custom("a text has a zero byte"));
        }
        Ok(Sound)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Sound, A::Error> {
        while let Some(Sound) = list.next_element()? {}
        Ok(Sound)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sound, A::Error> {
        while let Some((Sound, Sound)) = map.next_entry()? {}
        Ok(Sound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_sound(text: &str) -> bool {
        serde_json::from_str::<Sound>(text).is_ok()
    }

    #[test]
    fn only_what_can_be_read_again_is_kept_as_text() {
        assert!(is_sound(r#"[null, true, -1, 1.5, "ä\u00e4", {"a": [{}]}]"#));
        for wrong in [
            r#"["\ud800"]"#,
            r#"["\u0000"]"#,
            r#"{"\u0000": 1}"#,
            "[1e999]",
        ] {
            assert!(!is_sound(wrong), "{wrong}");
        }
        let deep = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert!(is_sound(&deep(100)));
        assert!(!is_sound(&deep(10_000)));
    }
}

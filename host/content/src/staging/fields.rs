//! The fields of a draft. Lists and objects that only have to be stored stay the text that the
//! plugin wrote: a package has thousands of files, and nobody here looks at one.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::types::Type;

/// Fields as a plugin gives them: by name, as JSON text.
pub type RawFields = BTreeMap<String, Box<RawValue>>;

/// Fields that were read.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    /// All of them; those which are kept as text are empty here.
    pub(super) known: Map<String, Value>,
    /// Kept as text.
    pub(super) verbatim: BTreeMap<String, String>,
}

impl Fields {
    /// Reads fields as far as their type wants it.
    pub(super) fn read(kind: &Type, raw: RawFields) -> Result<Self> {
        let mut fields = Self::default();
        for (name, text) in raw {
            let wrong = |error: serde_json::Error| {
                Error::invalid(format!(
                    "the field {name:?} of a draft of {} is no JSON that can be stored: {error}",
                    kind.table.full_name
                ))
            };
            let placeholder = match text.get().as_bytes().first() {
                Some(b'[') if kind.is_verbatim(&name) => Value::Array(Vec::new()),
                Some(b'{') if kind.is_verbatim(&name) => Value::Object(Map::new()),
                _ => {
                    let value = serde_json::from_str(text.get()).map_err(wrong)?;
                    // Only so can JSON have the one character that no database takes.
                    if text.get().contains("\\u0000") {
                        let Sound = serde_json::from_str(text.get()).map_err(wrong)?;
                    }
                    fields.known.insert(name, value);
                    continue;
                }
            };
            let Sound = serde_json::from_str(text.get()).map_err(wrong)?;
            let text: Box<str> = text.into();
            fields.verbatim.insert(name.clone(), text.into());
            fields.known.insert(name, placeholder);
        }
        Ok(fields)
    }
}

/// A value that can be read again: its strings are text and it is not too deep. Nothing of it
/// is kept.
struct Sound;

impl<'de> Deserialize<'de> for Sound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(Look)
    }
}

struct Look;

impl<'de> Visitor<'de> for Look {
    type Value = Sound;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> std::result::Result<Sound, E> {
        Ok(Sound)
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<Sound, E> {
        Ok(Sound)
    }

    fn visit_i64<E>(self, _: i64) -> std::result::Result<Sound, E> {
        Ok(Sound)
    }

    fn visit_u64<E>(self, _: u64) -> std::result::Result<Sound, E> {
        Ok(Sound)
    }

    fn visit_f64<E>(self, _: f64) -> std::result::Result<Sound, E> {
        Ok(Sound)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<Sound, E> {
        // PostgreSQL has no text with it.
        if text.contains('\0') {
            return Err(E::custom("a text has a zero byte"));
        }
        Ok(Sound)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Sound, A::Error> {
        while let Some(Sound) = list.next_element()? {}
        Ok(Sound)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Sound, A::Error> {
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

//! Describes content types by the lists of their fields; the JSON Schema is written from those.
//!
//! ```
//! use pith_plugin_sdk::ArtifactCount;
//! use pith_plugin_sdk::content_type::{Kind, integer, maybe_text, text};
//!
//! let notes = Kind {
//!     name: "note",
//!     plural: "notes",
//!     model: "note",
//!     title: "Note",
//!     artifacts: ArtifactCount::One,
//!     fields: vec![
//!         text("subject").about("What it is about, in a line."),
//!         integer("size"),
//!         maybe_text("author"),
//!     ],
//!     natural_key: &["subject"],
//!     repository_key: &[],
//!     indexed: &["subject"],
//!     references: Vec::new(),
//! };
//! assert_eq!(notes.describe().natural_key, ["subject"]);
//! ```

use serde_json::{Map, Value, json};

use crate::{ArtifactCount, ContentType, Reference, schema};

/// A content type with its fields. What the rest means, `ContentType` says.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names are those of the contract")]
pub struct Kind<'a> {
    pub name: &'a str,
    pub plural: &'a str,
    pub model: &'a str,
    pub title: &'a str,
    pub artifacts: ArtifactCount,
    pub fields: Vec<Field>,
    pub natural_key: &'a [&'a str],
    pub repository_key: &'a [&'a str],
    pub indexed: &'a [&'a str],
    pub references: Vec<Reference>,
}

/// A field of a content type.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    name: String,
    schema: Value,
    is_required: bool,
}

impl Field {
    /// A field whose values have one of these JSON types.
    pub fn of(name: &str, types: &[&str]) -> Self {
        let schema = match types {
            [one] => json!({ "type": one }),
            several => json!({ "type": several }),
        };
        Self::with_schema(name, schema)
    }

    /// A field with a schema of its own.
    pub fn with_schema(name: &str, schema: Value) -> Self {
        Self {
            name: name.to_owned(),
            schema,
            is_required: true,
        }
    }

    /// Says what it is, for people.
    #[must_use]
    pub fn about(self, description: &str) -> Self {
        self.with("description", description.into())
    }

    /// With one more word of its schema, such as `x-entity`.
    ///
    /// # Panics
    /// If the schema is no JSON object, which is a mistake in the plugin.
    #[must_use]
    pub fn with(mut self, word: &str, value: Value) -> Self {
        let schema = self.schema.as_object_mut();
        let schema = schema.expect("the schema of a field is a JSON object");
        schema.insert(word.to_owned(), value);
        self
    }

    /// It is not stored: the plugin's `Deriver` makes it of fragments for whoever reads it.
    #[must_use]
    pub fn derived(self) -> Self {
        self.with("x-derived", true.into()).optional()
    }

    /// It is not stored: the host shows what the type refers to by another field, and finds by
    /// it. That is one unit, or several if this is a list.
    #[must_use]
    pub fn link_of(self, field: &str) -> Self {
        self.with("x-unit", field.into()).optional()
    }

    /// It is not stored and not shown: the host finds by it what has this text, in which names of
    /// fields stand in braces, such as `{name}-{version}.txt`; of one field alone, what has that.
    #[must_use]
    pub fn alias_of(self, text: &str) -> Self {
        self.with("x-filter", text.into()).optional()
    }

    /// It is not stored: the host shows where the unit's first stored file is, a picture.
    #[must_use]
    pub fn picture(self) -> Self {
        self.with("x-picture", true.into()).optional()
    }

    /// A draft need not have it.
    #[must_use]
    pub fn optional(self) -> Self {
        Self {
            is_required: false,
            ..self
        }
    }
}

macro_rules! fields {
    ($($(#[doc = $documentation:literal])* $name:ident $types:expr;)+) => {
        $(
            $(#[doc = $documentation])*
            pub fn $name(name: &str) -> Field {
                Field::of(name, &$types)
            }
        )+
    };
}

fields! {
    /// A list, or null.
    maybe_list ["array", "null"];
    /// A text.
    text ["string"];
    /// A text, or null.
    maybe_text ["string", "null"];
    /// A number, with or without a fraction.
    number ["number"];
    /// A whole number.
    integer ["integer"];
    /// A whole number, or null.
    maybe_integer ["integer", "null"];
    /// True or false.
    flag ["boolean"];
    /// True, false or null.
    maybe_flag ["boolean", "null"];
    /// A list of whatever.
    list ["array"];
    /// An object with whatever.
    object ["object"];
}

impl Kind<'_> {
    /// The content type as a descriptor has it.
    pub fn describe(self) -> ContentType {
        let required = self.fields.iter().filter(|field| field.is_required);
        let required: Vec<String> = required.map(|field| field.name.clone()).collect();
        let required: Vec<&str> = required.iter().map(String::as_str).collect();
        let fields = self.fields.into_iter();
        let properties: Map<String, Value> =
            fields.map(|field| (field.name, field.schema)).collect();
        let words = |list: &[&str]| list.iter().map(|&word| word.to_owned()).collect();
        ContentType {
            name: self.name.into(),
            plural: self.plural.into(),
            model: self.model.into(),
            title: self.title.into(),
            artifacts: self.artifacts,
            schema_version: 1,
            fields: schema::object(&Value::Object(properties), &required),
            natural_key: words(self.natural_key),
            repository_key: words(self.repository_key),
            indexed: words(self.indexed),
            references: self.references,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_says_what_each_field_is() {
        let kind = Kind {
            name: "note",
            plural: "notes",
            model: "note",
            title: "Note",
            artifacts: ArtifactCount::None,
            fields: vec![
                text("subject")
                    .about("In a line.")
                    .with("x-entity", "shelf.write".into()),
                maybe_integer("size"),
                Field::with_schema("key", json!({"type": "string", "x-order": {}})).optional(),
            ],
            natural_key: &["subject"],
            repository_key: &[],
            indexed: &[],
            references: Vec::new(),
        };
        let described = kind.describe();
        let schema: Value = serde_json::from_str(&described.fields).expect("the schema is JSON");
        assert_eq!(
            schema["properties"],
            json!({
                "subject": {
                    "type": "string", "description": "In a line.", "x-entity": "shelf.write",
                },
                "size": { "type": ["integer", "null"] },
                "key": { "type": "string", "x-order": {} },
            })
        );
        assert_eq!(schema["required"], json!(["subject", "size"]));
        assert_eq!(described.natural_key, ["subject"]);
    }
}

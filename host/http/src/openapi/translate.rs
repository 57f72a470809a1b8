//! A plugin's JSON Schema (2020-12) in the words of OpenAPI 3.0.3, which knows fewer.
//!
//! What has no word there is left out: the document then says less than is checked, and
//! never something that is not so.

use serde_json::{Map, Value, json};

/// A schema that refers to itself ends here; none that people write is so deep.
const DEEPEST: usize = 12;

/// Words that mean the same in both, and whose values are no schemas.
const SAME: &[&str] = &[
    "title",
    "description",
    "default",
    "format",
    "pattern",
    "minLength",
    "maxLength",
    "multipleOf",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "required",
    "enum",
    "readOnly",
    "writeOnly",
    "deprecated",
];

/// The same schema for OpenAPI.
pub(crate) fn translate(schema: &Value) -> Value {
    Translation { whole: schema }.of(schema, 0)
}

struct Translation<'a> {
    whole: &'a Value,
}

impl Translation<'_> {
    fn of(&self, schema: &Value, depth: usize) -> Value {
        let Some(schema) = schema.as_object().filter(|_| depth < DEEPEST) else {
            return json!({});
        };
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let pointer = target.strip_prefix('#').unwrap_or_default();
            return match self.whole.pointer(pointer) {
                Some(target) => self.of(target, depth + 1),
                None => json!({}),
            };
        }
        let mut translated = Map::new();
        for word in SAME {
            if let Some(value) = schema.get(*word) {
                translated.insert((*word).to_owned(), value.clone());
            }
        }
        // A reference to a resource of the host.
        if translated.get("format") == Some(&json!("signing-service")) {
            translated.insert("format".to_owned(), "uri-reference".into());
        }
        if translated.get("required") == Some(&json!([])) {
            translated.remove("required");
        }
        if let Some(value) = schema.get("const") {
            translated.insert("enum".to_owned(), json!([value]));
        }
        self.take_type(schema, &mut translated, depth);
        for (word, limit) in [
            ("exclusiveMinimum", "minimum"),
            ("exclusiveMaximum", "maximum"),
        ] {
            if let Some(number) = schema.get(word).filter(|value| value.is_number()) {
                translated.insert(limit.to_owned(), number.clone());
                translated.insert(word.to_owned(), true.into());
            }
        }
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            let properties: Map<String, Value> = properties
                .iter()
                .map(|(name, property)| (name.clone(), self.of(property, depth + 1)))
                .collect();
            translated.insert("properties".to_owned(), properties.into());
        }
        match schema.get("additionalProperties") {
            Some(Value::Bool(may)) => {
                translated.insert("additionalProperties".to_owned(), (*may).into());
            }
            Some(other) => {
                translated.insert("additionalProperties".to_owned(), self.of(other, depth + 1));
            }
            None => {}
        }
        for word in ["allOf", "anyOf", "oneOf"] {
            self.take_several(schema, word, &mut translated, depth);
        }
        if let Some(not) = schema.get("not") {
            translated.insert("not".to_owned(), self.of(not, depth + 1));
        }
        Value::Object(translated)
    }

    /// `"type": ["string", "null"]` is a nullable string.
    fn take_type(&self, schema: &Map<String, Value>, into: &mut Map<String, Value>, depth: usize) {
        let kinds: Vec<&str> = match schema.get("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let (nulls, kinds): (Vec<&str>, Vec<&str>) =
            kinds.into_iter().partition(|kind| *kind == "null");
        match kinds.as_slice() {
            [] => {}
            [one] => {
                into.insert("type".to_owned(), (*one).into());
            }
            several => {
                let several: Vec<Value> =
                    several.iter().map(|kind| json!({"type": kind})).collect();
                into.insert("anyOf".to_owned(), several.into());
            }
        }
        if !nulls.is_empty() {
            into.insert("nullable".to_owned(), true.into());
        }
        if kinds.contains(&"array") {
            let items = schema.get("items").map(|items| self.of(items, depth + 1));
            into.insert("items".to_owned(), items.unwrap_or_else(|| json!({})));
        }
    }

    /// One of several schemas, of which one may only say that null is fine.
    fn take_several(
        &self,
        schema: &Map<String, Value>,
        word: &str,
        into: &mut Map<String, Value>,
        depth: usize,
    ) {
        let Some(several) = schema.get(word).and_then(Value::as_array) else {
            return;
        };
        let is_null = |one: &&Value| one.get("type").and_then(Value::as_str) == Some("null");
        if word != "allOf" && several.iter().any(|one| is_null(&one)) {
            into.insert("nullable".to_owned(), true.into());
        }
        let rest: Vec<Value> = several
            .iter()
            .filter(|one| !is_null(one))
            .map(|one| self.of(one, depth + 1))
            .collect();
        if !rest.is_empty() {
            into.insert(word.to_owned(), rest.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_becomes_nullable() {
        let schema = json!({"type": "object", "required": [], "properties": {
            "a": {"type": ["string", "null"], "minLength": 1},
            "b": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "c": {"const": 7, "exclusiveMinimum": 3},
            "d": {"type": ["array", "null"]},
        }});
        let expected = json!({"type": "object", "properties": {
            "a": {"type": "string", "nullable": true, "minLength": 1},
            "b": {"anyOf": [{"type": "integer"}], "nullable": true},
            "c": {"enum": [7], "minimum": 3, "exclusiveMinimum": true},
            "d": {"type": "array", "nullable": true, "items": {}},
        }});
        assert_eq!(translate(&schema), expected);
    }

    #[test]
    fn references_are_followed_but_not_for_ever() {
        let schema = json!({
            "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
            "type": "object", "properties": {"first": {"$ref": "#/$defs/node"}}
        });
        let translated = translate(&schema);
        assert_eq!(
            translated.pointer("/properties/first/properties/next/type"),
            Some(&json!("object"))
        );
        assert!(!translated.to_string().contains("$ref"));
    }
}

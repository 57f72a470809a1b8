//! Writes the JSON Schemas that a descriptor carries.

use serde_json::{Value, json};

/// An object with these properties and no others; `required` names those it must have.
///
/// # Panics
/// If `properties` is not a JSON object, which is a mistake in the plugin.
pub fn object(properties: &Value, required: &[&str]) -> String {
    assert!(properties.is_object(), "properties must be a JSON object");
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
    .to_string()
}

/// The parameters of an upload. Units of the types in `fileless` are made of these alone.
///
/// # Panics
/// If `properties` is not a JSON object, which is a mistake in the plugin.
pub fn of_upload(properties: &Value, fileless: &[&str]) -> String {
    assert!(properties.is_object(), "properties must be a JSON object");
    json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "x-fileless": fileless,
    })
    .to_string()
}

/// An object without properties: no settings beyond the host's own.
pub fn empty() -> String {
    object(&json!({}), &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_lists_its_properties_and_takes_no_others() {
        let schema = object(&json!({ "name": { "type": "string" } }), &["name"]);
        let schema: Value = serde_json::from_str(&schema).expect("the schema is JSON");
        assert_eq!(
            schema,
            json!({
                "type": "object",
                "properties": { "name": { "type": "string" } },
                "required": ["name"],
                "additionalProperties": false,
            })
        );
    }
}

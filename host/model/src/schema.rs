//! JSON Schemas of plugins: the order of their properties, and defaults.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Where a schema keeps the names of its properties in the order of its text, which a map
/// does not.
pub const ORDER: &str = "x-property-order";

/// Reads a schema and notes the order of its properties.
///
/// # Errors
/// Why the text is no JSON.
pub fn parse(text: &str) -> Result<Value, serde_json::Error> {
    let mut schema: Value = serde_json::from_str(text)?;
    if let Some(schema) = schema.as_object_mut()
        && schema.get("properties").is_some_and(Value::is_object)
    {
        let Properties {
            properties: Names(names),
        } = serde_json::from_str(text)?;
        schema.insert(ORDER.to_owned(), names.into());
    }
    Ok(schema)
}

#[derive(Deserialize)]
struct Properties {
    properties: Names,
}

/// The names of a map, in the order of the text.
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Names, M::Error> {
                let mut names: Vec<String> = Vec::new();
                while let Some((name, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
                Ok(Names(names))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// Fills in each property that is missing and has a default.
pub fn fill_defaults(schema: &Value, object: &mut Map<String, Value>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    for (name, property) in properties {
        if let Some(default) = property.get("default")
            && !object.contains_key(name)
        {
            object.insert(name.clone(), default.clone());
        }
    }
}

/// The settings of an object that a schema has a name for, without those that are null.
pub fn settings_for(schema: &Value, settings: &Value) -> Map<String, Value> {
    property_names(schema)
        .filter_map(|name| Some((name.to_owned(), settings.get(name)?.clone())))
        .filter(|(_, value)| !value.is_null())
        .collect()
}

/// The parameters of an upload that are for a content type: those that name types with `x-for`
/// are for these alone, and have to be given unless they have a default.
pub fn for_content_type(schema: &Value, content_type: &str) -> Value {
    let mut schema = schema.clone();
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    let Some(properties) = properties else {
        return schema;
    };
    let mut required = Vec::new();
    properties.retain(|name, said| match said["x-for"].as_array() {
        Some(types) if types.iter().any(|one| one == content_type) => {
            if said.get("default").is_none() {
                required.push(Value::from(name.as_str()));
            }
            true
        }
        Some(_) => false,
        None => true,
    });
    let names: Vec<String> = properties.keys().cloned().collect();
    if let Some(order) = schema.get_mut(ORDER).and_then(Value::as_array_mut) {
        order.retain(|one| names.iter().any(|name| one == name));
    }
    if !required.is_empty() {
        let known = schema["required"].as_array().cloned().unwrap_or_default();
        schema["required"] = known.into_iter().chain(required).collect();
    }
    schema
}

/// In the parameters of an upload: the content types that are made of these alone.
const FILELESS: &str = "x-fileless";

/// Whether units of a content type are made of an upload's parameters, without a file.
pub fn is_fileless(schema: &Value, content_type: &str) -> bool {
    let types = schema[FILELESS].as_array();
    types.is_some_and(|types| types.iter().any(|one| one == content_type))
}

/// What the schema of an entity's settings says of names, as a schema of `{"name": …}`.
pub fn schema_of_name(schema: &Value) -> Option<Value> {
    let name = schema.get("x-name")?;
    Some(serde_json::json!({
        "type": "object", "properties": { "name": name }, ORDER: ["name"],
    }))
}

/// The properties that name an entity, each with the entity's type and the verb that is
/// needed for it.
pub fn named_entities(schema: &Value) -> impl Iterator<Item = (&str, &str, &str)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().filter_map(|(name, said)| {
        let (type_name, verb) = said.get("x-entity")?.as_str()?.split_once('.')?;
        Some((name.as_str(), type_name, verb))
    })
}

/// The format of a setting that names a signing service. Its PRN is stored.
const SIGNING_SERVICE: &str = "signing-service";

/// Whether a property of a schema names a signing service.
pub fn is_signing_service(property: &Value) -> bool {
    property["format"] == SIGNING_SERVICE
}

/// The signing services that settings name.
pub fn signing_services(schema: &Value, settings: &Map<String, Value>) -> Vec<String> {
    property_names(schema)
        .filter(|name| is_signing_service(&schema["properties"][*name]))
        .filter_map(|name| Some(settings.get(name)?.as_str()?.to_owned()))
        .collect()
}

/// A setting whose value is an address that a file is fetched from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSetting {
    /// The setting.
    pub property: String,
    /// What the file may have, in bytes.
    pub max_size: u64,
}

/// The setting of a schema, if it has one, that says where a file is: `"x-picture": bytes`.
pub fn file_setting(schema: &Value) -> Option<FileSetting> {
    property_names(schema).find_map(|name| {
        let max_size = schema["properties"][name].get("x-picture")?.as_u64()?;
        Some(FileSetting {
            property: name.to_owned(),
            max_size,
        })
    })
}

/// In the settings of a distribution type, at a property that shows an address.
const ADDRESS: &str = "x-address";

/// The properties of a schema that are no settings but show an address of the server's, each with
/// its path, in which `{base_path}` stands for the distribution's: `"x-address": path`.
pub fn addresses(schema: &Value) -> impl Iterator<Item = (&str, &str)> {
    property_names(schema).filter_map(|name| {
        let path = schema["properties"][name].get(ADDRESS)?.as_str()?;
        Some((name, path))
    })
}

/// Checks the properties that show addresses.
///
/// # Errors
/// A sentence that says what is wrong with one.
pub fn check_addresses(schema: &Value) -> Result<(), String> {
    let required = schema["required"].as_array();
    for name in property_names(schema) {
        let Some(path) = schema["properties"][name].get(ADDRESS) else {
            continue;
        };
        // Whatever follows one slash is on this server.
        let is_path = path
            .as_str()
            .is_some_and(|path| path.starts_with('/') && !path.starts_with("//"));
        if !is_path {
            return Err(format!("`x-address` of {name:?} is no path of this server"));
        }
        if required.is_some_and(|required| required.iter().any(|one| one == name)) {
            return Err(format!("{name:?} shows an address, and nobody can give it"));
        }
    }
    Ok(())
}

/// In the settings of a type of repository or remote, at a property that shows something of the
/// last sync.
const LAST_SYNC: &str = "x-last-sync";

/// What a property shows of the last sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastSync {
    /// The task: its ID, its state, and when it ran.
    Task,
    /// When something new came from the remote that the repository has.
    Time,
}

/// The properties of a schema that are no settings but show something of the last sync:
/// `"x-last-sync": "task"`, or `"time"`, which only repositories have.
///
/// # Errors
/// A sentence that says what is wrong with one.
pub fn last_syncs(schema: &Value) -> Result<Vec<(&str, LastSync)>, String> {
    let mut found = Vec::new();
    for name in property_names(schema) {
        let Some(what) = schema["properties"][name].get(LAST_SYNC) else {
            continue;
        };
        let what = match what.as_str() {
            Some("task") => LastSync::Task,
            Some("time") => LastSync::Time,
            _ => {
                return Err(format!(
                    "`x-last-sync` of {name:?} is neither \"task\" nor \"time\""
                ));
            }
        };
        found.push((name, what));
    }
    Ok(found)
}

/// Whether a property is no setting: nobody can give it.
pub fn is_shown_only(property: &Value) -> bool {
    [ADDRESS, LAST_SYNC]
        .iter()
        .any(|word| property.get(word).is_some())
}

/// The names of a schema's properties, in the order of its text if that is known.
pub fn property_names(schema: &Value) -> impl Iterator<Item = &str> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let ordered = schema.get(ORDER).and_then(Value::as_array);
    let in_order = ordered.into_iter().flatten().filter_map(Value::as_str);
    let by_name = properties
        .filter(|_| ordered.is_none())
        .into_iter()
        .flat_map(|properties| properties.keys().map(String::as_str));
    in_order.chain(by_name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_those_that_the_schema_names() {
        let schema = json!({"properties": {"a": {}, "b": {}, "c": {}}});
        let settings = json!({"a": 1, "b": null, "d": 4});
        let taken = settings_for(&schema, &settings);
        assert_eq!(Value::Object(taken), json!({"a": 1}));
    }

    #[test]
    fn parameters_are_for_some_content_types_or_all() {
        let text = r#"{"properties": {"b": {"x-for": ["role"]}, "a": {},
            "c": {"x-for": ["role"], "default": 1}}, "required": ["a"]}"#;
        let schema = parse(text).expect("a schema");
        let of_role = for_content_type(&schema, "role");
        assert_eq!(
            property_names(&of_role).collect::<Vec<_>>(),
            ["b", "a", "c"]
        );
        assert_eq!(of_role["required"], json!(["a", "b"]));
        assert!(!is_fileless(&schema, "role"));
        let fileless = json!({"x-fileless": ["mark", "role"]});
        assert!(is_fileless(&fileless, "role") && !is_fileless(&fileless, "file"));
        let others = for_content_type(&schema, "collection");
        assert_eq!(property_names(&others).collect::<Vec<_>>(), ["a"]);
        assert_eq!(others["required"], json!(["a"]));
    }

    #[test]
    fn what_is_shown_of_syncs_is_no_setting() {
        let schema = json!({"properties": {
            "a": {"x-last-sync": "task"}, "b": {"x-last-sync": "time"}, "c": {"type": "string"}}});
        let expected = [("a", LastSync::Task), ("b", LastSync::Time)];
        assert_eq!(last_syncs(&schema).expect("both are known"), expected);
        assert!(is_shown_only(&schema["properties"]["a"]));
        assert!(!is_shown_only(&schema["properties"]["c"]));
        for wrong in [json!(true), json!("tasks")] {
            let schema = json!({"properties": {"a": {"x-last-sync": wrong}}});
            assert!(last_syncs(&schema).is_err_and(|error| error.contains("\"a\"")));
        }
    }

    #[test]
    fn signing_services_are_what_the_format_says() {
        let schema = json!({"properties": {
            "a": {"format": "signing-service"}, "b": {}, "c": {"format": "signing-service"}}});
        let settings = json!({"a": "prn:x", "b": "prn:y", "c": null});
        let settings = settings.as_object().expect("an object");
        assert_eq!(signing_services(&schema, settings), ["prn:x"]);
    }

    #[test]
    fn properties_keep_the_order_of_the_text() {
        let text = r#"{"type": "object", "properties": {"b": {}, "a": {}, "c": {"x": 1}}}"#;
        let schema = parse(text).expect("a schema");
        assert_eq!(property_names(&schema).collect::<Vec<_>>(), ["b", "a", "c"]);
        let unordered: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(property_names(&unordered).count(), 3);
        assert!(parse(r#"{"type": "object"}"#).is_ok());
        assert!(parse("{").is_err());
    }
}

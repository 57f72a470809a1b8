//! Fields of content types, as a JSON Schema declares them: columns, what is derived, and links.

use serde_json::Value;

use crate::descriptor::check_word;
use crate::order_key;
use crate::schema::property_names;

/// One field of a content type: a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the API.
    pub name: String,
    /// Its column's type.
    pub kind: FieldKind,
    /// Whether it is an [order key](order_key::OrderKey), which nobody is shown.
    pub is_hidden: bool,
}

/// The type of a field's column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Text.
    Text,
    /// 64-bit integer.
    Integer,
    /// 64-bit float.
    Real,
    /// True or false.
    Boolean,
    /// Anything nested.
    Json,
}

/// In the schema of a content type, at a property that is not stored.
const DERIVED: &str = "x-derived";

fn is_derived(property: &Value) -> bool {
    property.get(DERIVED).is_some()
}

/// In the schema of a content type, at a property that shows the unit that a field names.
const LINK: &str = "x-unit";

/// A field that is not stored, but shows which unit another field names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its name in the API.
    pub name: String,
    /// The text field, by which the type refers to units of another.
    pub field: String,
}

/// The links of a type.
///
/// # Errors
/// A sentence that says what is wrong with one.
pub fn links_of(schema: &Value) -> Result<Vec<Link>, String> {
    let properties = &schema["properties"];
    let mut links = Vec::new();
    for name in property_names(schema) {
        let Some(field) = properties[name].get(LINK) else {
            continue;
        };
        check_field(name)?;
        let Some(field) = field.as_str() else {
            return Err(format!("`x-unit` of {name:?} is not the name of a field"));
        };
        let required = schema["required"].as_array();
        if required.is_some_and(|required| required.iter().any(|one| one == name)) {
            return Err(format!(
                "the link {name:?} is required, but drafts do not have it"
            ));
        }
        links.push(Link {
            name: name.to_owned(),
            field: field.to_owned(),
        });
    }
    Ok(links)
}

/// The names of the fields that are not stored, but derived.
///
/// # Errors
/// A sentence that says what is wrong with one.
pub fn derived_of(schema: &Value) -> Result<Vec<String>, String> {
    let properties = &schema["properties"];
    let derived = property_names(schema).filter(|name| is_derived(&properties[*name]));
    derived
        .map(|name| {
            check_field(name)?;
            let wrong = |why: &str| Err(format!("the derived field {name:?} {why}"));
            let required = schema["required"].as_array();
            if properties[name][DERIVED] != true {
                return wrong("is declared wrongly: `x-derived` is `true` or not there");
            }
            if order_key::is_key(&properties[name]) {
                return wrong("is an order key, which is stored");
            }
            if properties[name].get(LINK).is_some() {
                return wrong("is a link, which nobody derives");
            }
            if required.is_some_and(|required| required.iter().any(|one| one == name)) {
                return wrong("is required, but drafts do not have it");
            }
            Ok(name.to_owned())
        })
        .collect()
}

/// The columns that a JSON Schema of an object asks for.
///
/// # Errors
/// A sentence that says what is wrong with the schema.
pub fn fields_of(schema: &Value) -> Result<Vec<Field>, String> {
    let properties = schema
        .get("properties")
        .and_then(Value::as_object)
        .ok_or("the schema of the fields has no `properties`")?;
    property_names(schema)
        .filter(|name| !is_derived(&properties[*name]) && properties[*name].get(LINK).is_none())
        .map(|name| {
            check_field(name)?;
            Ok(Field {
                name: name.to_owned(),
                kind: kind_of(&properties[name]),
                is_hidden: order_key::is_key(&properties[name]),
            })
        })
        .collect()
}

fn kind_of(property: &Value) -> FieldKind {
    let mut kinds: Vec<&str> = match property.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    kinds.retain(|kind| *kind != "null");
    match kinds.as_slice() {
        ["string"] => FieldKind::Text,
        ["integer"] => FieldKind::Integer,
        ["number"] => FieldKind::Real,
        ["boolean"] => FieldKind::Boolean,
        _ => FieldKind::Json,
    }
}

/// As [`check_word`], but ecosystems have names such as `pkgId`.
fn check_field(name: &str) -> Result<(), String> {
    let lowered = name.to_ascii_lowercase();
    if name.starts_with(|first: char| first.is_ascii_lowercase())
        && check_word(&lowered, "a field").is_ok()
    {
        return Ok(());
    }
    check_word(name, "a field")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn links_are_no_columns() {
        let link = |said: Value, required: &[&str]| {
            json!({"properties": {"sha256": {"type": "string"}, "signed": {"x-unit": said}},
                "required": required})
        };
        let good = link("sha256".into(), &["sha256"]);
        let links = links_of(&good).expect("links");
        assert_eq!((&*links[0].name, &*links[0].field), ("signed", "sha256"));
        let fields = fields_of(&good).expect("fields");
        assert_eq!(fields.len(), 1);
        assert_eq!(links_of(&json!({"properties": {"sha256": {}}})), Ok(vec![]));
        for (schema, said) in [
            (link(true.into(), &[]), "name of a field"),
            (link("sha256".into(), &["signed"]), "required"),
        ] {
            let error = links_of(&schema).expect_err("refused");
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn derived_fields_are_no_columns() {
        let schema = |property: Value, required: &[&str]| {
            json!({"type": "object", "required": required, "properties": {
                "name": {"type": "string"}, "files": property}})
        };
        let good = schema(json!({"type": "array", "x-derived": true}), &["name"]);
        assert_eq!(derived_of(&good), Ok(vec!["files".to_owned()]));
        assert_eq!(fields_of(&good).expect("fields").len(), 1);
        let derived = json!({"type": "array", "x-derived": true});
        let key = json!({"type": "string", "x-derived": true, "x-order": {"of": ["name"]}});
        for (property, required, what) in [
            (derived.clone(), &["files"][..], "required"),
            (json!({"type": "array", "x-derived": 1}), &[], "wrongly"),
            (key, &[], "order key"),
        ] {
            let error = derived_of(&schema(property, required)).expect_err("refused");
            assert!(error.contains(what), "{error}");
        }
    }

    #[test]
    fn names_are_words_that_may_have_capitals_inside() {
        assert_eq!(check_field("pkgId"), Ok(()));
        assert!(check_field("PkgId").is_err());
    }
}

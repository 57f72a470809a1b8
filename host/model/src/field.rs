//! Fields of content types, as a JSON Schema declares them: columns, what is derived, links, and
//! names that only find.

use serde_json::Value;

use crate::descriptor::check_word;
use crate::order_key;
use crate::schema::{is_signing_service, property_names};

/// One field of a content type: a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the API.
    pub name: String,
    /// Its column's type.
    pub kind: FieldKind,
    /// Whether it is an [order key](order_key::OrderKey), which nobody is shown.
    pub is_hidden: bool,
    /// Whether it is the PRN of a signing service, which is shown as its path.
    pub is_signing_service: bool,
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

/// A field that is not stored, but shows which units another field names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its name in the API.
    pub name: String,
    /// By which the type refers to units of another: a text field, or the path of a list.
    pub field: String,
    /// Whether it shows several units.
    pub is_list: bool,
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
        if is_required(schema, name) {
            return Err(format!(
                "the link {name:?} is required, but drafts do not have it"
            ));
        }
        links.push(Link {
            name: name.to_owned(),
            field: field.to_owned(),
            is_list: properties[name]["type"] == "array",
        });
    }
    Ok(links)
}

/// In the schema of a content type, at a property that shows where a unit's picture is.
const PICTURE: &str = "x-picture";

/// The property that shows where the picture of a unit is: `"x-picture": true`.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn picture_of(schema: &Value) -> Result<Option<String>, String> {
    let properties = &schema["properties"];
    let mut named = property_names(schema).filter(|name| properties[*name].get(PICTURE).is_some());
    let Some(name) = named.next() else {
        return Ok(None);
    };
    check_field(name)?;
    if let Some(other) = named.next() {
        return Err(format!("both {name:?} and {other:?} show a picture"));
    }
    if properties[name][PICTURE] != true {
        return Err(format!("`x-picture` of {name:?} is `true` or not there"));
    }
    if is_required(schema, name) {
        return Err(format!(
            "{name:?} shows a picture, and drafts do not have it"
        ));
    }
    Ok(Some(name.to_owned()))
}

fn is_required(schema: &Value, name: &str) -> bool {
    let required = schema["required"].as_array();
    required.is_some_and(|required| required.iter().any(|one| one == name))
}

/// In the schema of a content type, at a property that nobody is shown, but that finds.
const ALIAS: &str = "x-filter";

/// A name that clients find units by: a field under another name, or a text made of fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// Its name in the API.
    pub name: String,
    /// What it is made of: one field of any kind, or fields of text and words.
    pub parts: Vec<Part>,
}

/// A part of an [`Alias`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The value of a field.
    Field(String),
    /// What stands between fields.
    Words(String),
}

/// The aliases of a type with these fields: `"x-filter": "{name}-{version}.txt"`.
///
/// # Errors
/// A sentence that says what is wrong with one.
pub fn aliases_of(schema: &Value, fields: &[Field]) -> Result<Vec<Alias>, String> {
    let properties = &schema["properties"];
    let mut aliases = Vec::new();
    for name in property_names(schema) {
        let Some(said) = properties[name].get(ALIAS) else {
            continue;
        };
        check_field(name)?;
        let wrong = |why: &str| Err(format!("`x-filter` of {name:?} {why}"));
        let Some(parts) = said.as_str().and_then(parts_of) else {
            return wrong("is no text with names of fields in braces");
        };
        for part in &parts {
            let Part::Field(field) = part else { continue };
            let known = fields
                .iter()
                .find(|one| one.name == *field && !one.is_hidden);
            let Some(known) = known else {
                return wrong(&format!("names {field:?}, which is no stored field"));
            };
            if parts.len() > 1 && known.kind != FieldKind::Text {
                return wrong(&format!("puts {field:?} into a text, which is none"));
            }
        }
        if is_required(schema, name) {
            return wrong("is required, but drafts do not have it");
        }
        aliases.push(Alias {
            name: name.to_owned(),
            parts,
        });
    }
    Ok(aliases)
}

/// The parts of a text with names in braces, of which there is one at least.
fn parts_of(text: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((words, after)) = rest.split_once('{') {
        let (field, after) = after.split_once('}')?;
        if !words.is_empty() {
            parts.push(Part::Words(words.to_owned()));
        }
        parts.push(Part::Field(field.to_owned()));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Words(rest.to_owned()));
    }
    let is_sound = |part: &Part| match part {
        Part::Field(name) => check_field(name).is_ok(),
        // They become a part of SQL.
        Part::Words(words) => !words.contains(|c: char| c == '}' || c.is_control()),
    };
    let has_field = parts.iter().any(|part| matches!(part, Part::Field(_)));
    (has_field && parts.iter().all(is_sound)).then_some(parts)
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
            if properties[name][DERIVED] != true {
                return wrong("is declared wrongly: `x-derived` is `true` or not there");
            }
            if order_key::is_key(&properties[name]) {
                return wrong("is an order key, which is stored");
            }
            if [LINK, ALIAS]
                .iter()
                .any(|word| properties[name].get(word).is_some())
            {
                return wrong("is a link or a filter, which nobody derives");
            }
            if is_required(schema, name) {
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
    let is_stored = |property: &Value| {
        [DERIVED, LINK, ALIAS, PICTURE]
            .iter()
            .all(|word| property.get(word).is_none())
    };
    property_names(schema)
        .filter(|name| is_stored(&properties[*name]))
        .map(|name| {
            check_field(name)?;
            Ok(Field {
                name: name.to_owned(),
                kind: kind_of(&properties[name]),
                is_hidden: order_key::is_key(&properties[name]),
                is_signing_service: is_signing_service(&properties[name]),
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
    fn aliases_are_made_of_fields() {
        let aliases = |said: Value, required: &[&str]| {
            let schema = json!({"required": required, "properties": {
                "name": {"type": "string"}, "size": {"type": "integer"},
                "file": {"type": "string", "x-filter": said}}});
            let fields = fields_of(&schema).expect("fields");
            assert_eq!(fields.len(), 2);
            aliases_of(&schema, &fields)
        };
        let field = |name: &str| Part::Field(name.into());
        let words = |words: &str| Part::Words(words.into());
        let made = aliases("{name}-x".into(), &[]).expect("an alias");
        assert_eq!(made[0].name, "file");
        assert_eq!(made[0].parts, [field("name"), words("-x")]);
        let made = aliases("{size}".into(), &[]).expect("an alias");
        assert_eq!(made[0].parts, [field("size")]);
        for (said, required, what) in [
            (json!(true), &[][..], "no text"),
            ("words".into(), &[], "no text"),
            ("{name".into(), &[], "no text"),
            ("{name}}".into(), &[], "no text"),
            ("{name}\0".into(), &[], "no text"),
            ("{file}".into(), &[], "no stored field"),
            ("{size}.txt".into(), &[], "puts \"size\" into a text"),
            ("{name}".into(), &["file"], "required"),
        ] {
            let error = aliases(said, required).expect_err("refused");
            assert!(error.contains(what), "{error}");
        }
    }

    #[test]
    fn a_picture_is_no_column() {
        let with = |properties: Value| json!({"properties": properties, "required": ["face"]});
        let good = with(json!({"face_url": {"x-picture": true}, "face": {"type": "string"}}));
        assert_eq!(picture_of(&good), Ok(Some("face_url".into())));
        assert_eq!(fields_of(&good).expect("fields").len(), 1);
        assert_eq!(picture_of(&with(json!({"face": {}}))), Ok(None));
        for (properties, what) in [
            (
                json!({"face": {"x-picture": true}}),
                "drafts do not have it",
            ),
            (json!({"url": {"x-picture": 1}}), "`true` or not there"),
            (
                json!({"a": {"x-picture": true}, "b": {"x-picture": true}}),
                "both",
            ),
        ] {
            let error = picture_of(&with(properties)).expect_err("refused");
            assert!(error.contains(what), "{error}");
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

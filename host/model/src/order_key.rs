//! Order keys: hidden text fields that sort, byte by byte, as a format orders its versions. By
//! them lists and filters are right for a format without a plugin being asked for each row.

use serde::Deserialize;
use serde_json::Value;

use crate::descriptor::{Field, FieldKind};

/// In the schema of a content type, at a property that is an order key.
const KEYWORD: &str = "x-order";

/// A field that sorts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderKey {
    /// The field's name, and its column's.
    pub name: String,
    /// The field whose comparisons and order it decides; its own name if clients compare
    /// with it and with nothing that they see.
    pub field: String,
    /// The fields that it is made of.
    pub of: Vec<String>,
    /// What stays of units that differ in it.
    pub retention: Option<Retention>,
}

/// That a repository may keep only the greatest of units that are equal in some fields.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// The setting of repositories that says how many; 0 or nothing for all.
    pub setting: String,
    /// The fields in which those units are equal.
    pub per: Vec<String>,
    /// A field that is true of units which stay all.
    #[serde(default)]
    pub unless: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    of: Vec<String>,
    #[serde(default)]
    field: Option<String>,
    #[serde(default)]
    retain: Option<Retention>,
}

impl OrderKey {
    /// Whether clients compare with it by its own name.
    pub fn has_own_name(&self) -> bool {
        self.field == self.name
    }

    /// How many of equal units a repository with these settings keeps; none for all.
    pub fn retained(&self, settings: &Value) -> Option<(&Retention, i64)> {
        let retention = self.retention.as_ref()?;
        let count = settings[retention.setting.as_str()].as_i64()?;
        (count > 0).then_some((retention, count))
    }
}

/// Whether a property is an order key.
pub(crate) fn is_key(property: &Value) -> bool {
    property.get(KEYWORD).is_some()
}

/// The order keys of a content type.
///
/// # Errors
/// A sentence that says what is wrong with one.
pub fn order_keys_of(schema: &Value, fields: &[Field]) -> Result<Vec<OrderKey>, String> {
    let mut keys: Vec<OrderKey> = Vec::new();
    for field in fields.iter().filter(|field| field.is_hidden) {
        let name = field.name.as_str();
        let wrong = |why: String| format!("the order key {name:?} {why}");
        let said: Said = serde_json::from_value(schema["properties"][name][KEYWORD].clone())
            .map_err(|error| wrong(format!("is declared wrongly: {error}")))?;
        let is = |name: &str, kind: FieldKind| {
            let mut seen = fields.iter().filter(|field| !field.is_hidden);
            seen.any(|field| field.name == name && field.kind == kind)
        };
        let is_required = schema["required"]
            .as_array()
            .is_some_and(|required| required.iter().any(|one| one == name));
        if field.kind != FieldKind::Text || is_required {
            return Err(wrong("must be an optional text".to_owned()));
        }
        let retention = said.retain.as_ref();
        let mut texts = said
            .of
            .iter()
            .chain(retention.iter().flat_map(|one| &one.per));
        if said.of.is_empty() {
            return Err(wrong("is of no field".to_owned()));
        }
        if let Some(other) = texts.find(|one| !is(one, FieldKind::Text)) {
            return Err(wrong(format!("names {other:?}, which is no text field")));
        }
        let flag = retention.and_then(|one| one.unless.as_deref());
        if let Some(flag) = flag.filter(|flag| !is(flag, FieldKind::Boolean)) {
            return Err(wrong(format!(
                "names {flag:?}, which is neither true nor false"
            )));
        }
        let served = said.field.unwrap_or_else(|| name.to_owned());
        if served != name && !is(&served, FieldKind::Text) {
            return Err(wrong(format!("is for {served:?}, which is no text field")));
        }
        if keys.iter().any(|key| key.field == served) {
            return Err(wrong(format!("is the second one for {served:?}")));
        }
        keys.push(OrderKey {
            name: name.to_owned(),
            field: served,
            of: said.of,
            retention: said.retain,
        });
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptor::fields_of;
    use serde_json::json;

    fn keys(order: &Value) -> Result<Vec<OrderKey>, String> {
        let schema = json!({"type": "object", "properties": {
            "name": {"type": "string"},
            "version": {"type": "string"},
            "is_old": {"type": "boolean"},
            "key": {"type": "string", "x-order": order},
        }});
        order_keys_of(&schema, &fields_of(&schema)?)
    }

    #[test]
    fn a_key_serves_a_field_or_itself() {
        let own = keys(&json!({"of": ["name", "version"]})).expect("a key");
        assert!(own[0].has_own_name());
        let other = keys(&json!({"of": ["version"], "field": "version"})).expect("a key");
        assert_eq!(
            (other[0].name.as_str(), other[0].field.as_str()),
            ("key", "version")
        );
    }

    #[test]
    fn what_a_key_names_must_be_there() {
        for wrong in [
            json!(true),
            json!({"of": []}),
            json!({"of": ["nothing"]}),
            json!({"of": ["is_old"]}),
            json!({"of": ["key"]}),
            json!({"of": ["version"], "field": "is_old"}),
            json!({"of": ["version"], "retain": {"setting": "n", "per": ["x"]}}),
            json!({"of": ["version"], "retain": {"setting": "n", "per": [], "unless": "name"}}),
        ] {
            assert!(keys(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_repository_says_how_many_stay() {
        let retain = json!({"setting": "keep", "per": ["name"], "unless": "is_old"});
        let keys = keys(&json!({"of": ["version"], "retain": retain})).expect("a key");
        let count = |settings: Value| keys[0].retained(&settings).map(|(_, count)| count);
        assert_eq!(count(json!({"keep": 2})), Some(2));
        assert_eq!(count(json!({"keep": 0})), None);
        assert_eq!(count(json!({"keep": null})), None);
        assert_eq!(count(json!({})), None);
    }
}

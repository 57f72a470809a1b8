//! The key by which filters and orders of `version` go: it sorts as semantic versions do.

use pith_plugin_sdk::{Error, Orderer, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{AnsiblePlugin, COLLECTION_VERSION, version};

/// The name of the key.
pub(crate) const KEY: &str = "version_order";

/// What the schema of collection versions says of it.
pub(crate) fn property() -> Value {
    json!({"type": "string", "x-order": {"of": ["version"], "field": "version"}})
}

/// The version of a unit.
#[derive(Deserialize)]
struct Fields {
    version: String,
}

impl Orderer for AnsiblePlugin {
    fn keys(content_type: &str, key: &str, values: &[String]) -> Result<Vec<String>> {
        if content_type != COLLECTION_VERSION || key != KEY {
            return Err(Error::internal(format!(
                "{key} of {content_type} is no key"
            )));
        }
        let wrong = |error| Error::internal(format!("a value is no JSON: {error}"));
        let keys = values.iter().map(|text| {
            let value: Value = serde_json::from_str(text).map_err(wrong)?;
            let text = match value {
                Value::String(literal) => literal,
                unit => {
                    serde_json::from_value::<Fields>(unit)
                        .map_err(wrong)?
                        .version
                }
            };
            // Keys begin with digits: what is no version comes after all that are.
            let version = version::parse_loose(&text);
            Ok(version.map_or_else(|| format!("~{text}"), |version| version::order(&version)))
        });
        keys.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(values: &[Value]) -> Result<Vec<String>> {
        let values: Vec<String> = values.iter().map(Value::to_string).collect();
        AnsiblePlugin::keys(COLLECTION_VERSION, KEY, &values)
    }

    #[test]
    fn literals_may_be_shorter_than_versions() {
        let found = keys(&[json!("1.10"), json!({"version": "1.10.0"}), json!("1.9")]);
        let found = found.expect("versions");
        assert_eq!(found[0], found[1]);
        assert!(found[2] < found[0]);
    }

    #[test]
    fn what_is_no_version_comes_after_all_that_are() {
        let found = keys(&[json!("0a"), json!("999.0.0")]).expect("keys");
        assert!(found[0] > found[1], "{found:?}");
    }
}

//! The settings that a plugin adds to a resource or a task: taken from a body by the
//! names in the plugin's JSON Schema, and checked by it.

use jsonschema::error::ValidationErrorKind;
use pith_model::descriptor::{FieldKind, fields_of};
use pith_model::reference::{Kind as ModelKind, core_prn};
use pith_model::schema::{fill_defaults, is_shown_only, is_signing_service, property_names};
use pith_model::{Reference, Root};
use serde_json::{Map, Value};

use pith_db::list::{Column, Kind};
use pith_db::{Connection, Dialect};

use crate::document::{Href, Object};
use crate::form::{Form, Given};
use crate::lookup;

/// Takes the settings that are given over into `config`, fills in defaults, and checks.
pub(crate) fn take(form: &mut Form, schema: &Value, config: &mut Map<String, Value>) {
    for name in property_names(schema) {
        if let Some(value) = form.take(name) {
            if is_shown_only(&schema["properties"][name]) {
                // Clients send back what they were shown.
                continue;
            }
            let value = if form.is_textual() {
                typed(schema, name, value)
            } else {
                value
            };
            config.insert(name.to_owned(), value);
        }
    }
    fill_defaults(schema, config);
    check(form, schema, config);
}

/// Notes what a schema says against settings, by field.
fn check(form: &mut Form, schema: &Value, config: &Map<String, Value>) {
    let validator = match jsonschema::validator_for(schema) {
        Ok(validator) => validator,
        Err(error) => {
            // The gates let no such plugin in.
            tracing::error!(%error, "a plugin's schema is wrong: {error}");
            return form.wrong_together("The plugin's schema is wrong; the server's log says how.");
        }
    };
    let instance = Value::Object(config.clone());
    for error in validator.iter_errors(&instance) {
        let path = error.instance_path().to_string();
        if let ValidationErrorKind::Required { property } = error.kind()
            && path.is_empty()
        {
            let name = property.as_str().unwrap_or_default();
            form.wrong(name, "This field is required.");
            continue;
        }
        let name = path
            .trim_start_matches('/')
            .split('/')
            .next()
            .unwrap_or_default();
        let message = format!("{error}.");
        if name.is_empty() {
            form.wrong_together(message);
        } else {
            form.wrong(name, message);
        }
    }
}

/// The value of a form's text as the schema wants it; as it is where it does not fit,
/// so that the check says so.
fn typed(schema: &Value, name: &str, value: Value) -> Value {
    let Value::String(text) = &value else {
        return value;
    };
    let property = &schema["properties"][name];
    let takes = |kind: &str| match &property["type"] {
        Value::String(one) => one == kind,
        Value::Array(several) => several.iter().any(|one| one == kind),
        _ => false,
    };
    if takes("string") && !(text.is_empty() && takes("null")) {
        return value;
    }
    if text.is_empty() && takes("null") {
        return Value::Null;
    }
    let lower = text.to_ascii_lowercase();
    serde_json::from_str(if takes("boolean") { &lower } else { text }).unwrap_or(value)
}

/// Writes the settings of a resource as fields of it: those of the schema, with its
/// defaults for what was stored before they existed.
pub(crate) fn write(object: &mut Object<'_>, root: Root, schema: Option<&Value>, config: &Value) {
    let Some(schema) = schema else {
        for (name, value) in config.as_object().into_iter().flatten() {
            object.field(name, value);
        }
        return;
    };
    let is_setting = |name: &&str| !is_shown_only(&schema["properties"][*name]);
    for name in property_names(schema).filter(is_setting) {
        let value = config
            .get(name)
            .unwrap_or(&schema["properties"][name]["default"]);
        match value.as_str().and_then(Reference::parse) {
            Some(service) if is_signing_service(&schema["properties"][name]) => {
                let path = format_args!("{}/{}/", service.kind.collection(), service.uuid);
                object.field(name, Href(root, path));
            }
            _ => {
                object.field(name, value);
            }
        }
    }
}

/// Looks up the signing services that a form names, before [`take`] takes the settings.
pub(crate) async fn find_signing_services(
    connection: &mut Connection,
    form: &mut Form,
    schema: &Value,
) -> pith_db::Result<()> {
    let names =
        property_names(schema).filter(|name| is_signing_service(&schema["properties"][*name]));
    for name in names {
        if let Given::This(service) = lookup::signing_service(connection, form, name).await? {
            form.put(
                name.to_owned(),
                core_prn(ModelKind::SigningService, service.uuid).into(),
            );
        }
    }
    Ok(())
}

/// The settings as columns of a list, so that they can be filtered by.
pub(crate) fn columns(schema: &Value, column: &str, dialect: Dialect) -> Vec<Column> {
    fields_of(schema)
        .unwrap_or_default()
        .into_iter()
        .filter(|field| !is_shown_only(&schema["properties"][&field.name]))
        .map(|field| {
            let text = dialect.json_text(column, &[&field.name]);
            let (expression, kind) = match field.kind {
                FieldKind::Text => (text, Kind::Text),
                FieldKind::Integer => (format!("CAST({text} AS BIGINT)"), Kind::Integer),
                FieldKind::Real => (format!("CAST({text} AS DOUBLE PRECISION)"), Kind::Real),
                FieldKind::Boolean => (format!("CAST({text} AS BOOLEAN)"), Kind::Boolean),
                FieldKind::Json => (dialect.json_value(column, &field.name), Kind::Json),
            };
            Column::made(field.name, expression, kind)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Fields;
    use serde_json::json;

    fn schema() -> Value {
        json!({"type": "object", "required": ["path"], "properties": {
            "path": {"type": "string", "minLength": 1},
            "manifest": {"type": ["string", "null"], "default": "M"},
            "depth": {"type": "integer"}, "fast": {"type": "boolean"}}})
    }

    fn taken(body: Value, textual: bool) -> (Map<String, Value>, Result<(), crate::error::Error>) {
        let Value::Object(map) = body else {
            panic!("an object")
        };
        let mut form = Form::from(Fields { map, textual });
        let mut config = Map::new();
        take(&mut form, &schema(), &mut config);
        (config, form.finish())
    }

    #[test]
    fn defaults_are_filled_in_and_forms_are_typed() {
        let (config, outcome) = taken(json!({"path": "7", "depth": "3", "fast": "True"}), true);
        assert!(outcome.is_ok(), "{outcome:?}");
        let expected = json!({"path": "7", "depth": 3, "fast": true, "manifest": "M"});
        assert_eq!(Value::Object(config), expected);
        assert_eq!(
            taken(json!({"path": "x", "manifest": ""}), true).0["manifest"],
            Value::Null
        );
    }

    #[test]
    fn what_the_schema_refuses_is_told_by_field() {
        let (_, outcome) = taken(json!({"depth": "deep", "odd": 1}), false);
        let text = format!("{:?}", outcome.unwrap_err());
        for part in [
            "\"depth\"",
            "\"path\": [\"This field is required.\"]",
            "Unexpected field.",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}

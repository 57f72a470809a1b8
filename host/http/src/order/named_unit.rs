//! Parameters of an upload that name a unit which is there already.

use pith_db::unit_list;
use pith_model::Reference;
use pith_model::reference::Kind;
use pith_model::schema::property_names;
use serde_json::{Map, Value};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::form::Form;
use crate::query::not_a_reference;

/// With it, a parameter's schema says of which content type the unit is that it names.
const CONTENT_TYPE: &str = "x-content-type";

/// Puts the natural key of each unit that is named in the place of its reference: the plugin
/// knows units by their keys. The rows of these units.
pub(super) async fn resolve(
    context: &Context,
    plugin: &str,
    schema: &Value,
    form: &mut Form,
    params: &mut Map<String, Value>,
) -> Result<Vec<i64>> {
    let mut named = Vec::new();
    for name in property_names(schema) {
        let Some(content_type) = schema["properties"][name][CONTENT_TYPE].as_str() else {
            continue;
        };
        let Some(text) = params.get(name).and_then(Value::as_str) else {
            continue;
        };
        let reference = match Reference::parse(text) {
            Some(reference) if reference.kind == Kind::Content => reference,
            Some(_) => {
                form.wrong(name, format!("{text:?} names another kind of resource."));
                continue;
            }
            None => {
                form.wrong(name, not_a_reference(text));
                continue;
            }
        };
        let table = context
            .app
            .types
            .by_name(&format!("{plugin}.{content_type}"))
            .ok_or_else(Error::not_found)?;
        let mut connection = context.app.database.read().await?;
        let mut found = unit_list::by_uuid(&mut connection, Some(&table), reference.uuid).await?;
        if let Some(unit) = &found {
            let access = context.access()?;
            let seen = access.units_among(&mut connection, &[unit.id]).await?;
            found = found.filter(|unit| seen.contains(&unit.id));
        }
        // What one may not see is not there.
        let Some(unit) = found else {
            form.wrong(name, "Invalid hyperlink - Object does not exist.");
            continue;
        };
        let content_type = &table.content_type;
        let key: Map<String, Value> = content_type
            .fields
            .iter()
            .zip(unit.values)
            .filter(|(field, _)| content_type.natural_key.contains(&field.name))
            .map(|(field, value)| Ok((field.name.clone(), value.into_json()?)))
            .collect::<Result<_>>()?;
        params.insert(name.to_owned(), Value::Object(key));
        named.push(unit.id.0);
    }
    Ok(named)
}

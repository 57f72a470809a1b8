//! The order to add units to a repository and to remove units from it.

use std::collections::HashMap;

use pith_db::repository::Repository;
use pith_db::{Connection, unit};
use pith_model::reference::{Kind, typed_prn};
use pith_model::task::Lock;
use pith_model::{Reference, UnitId};
use pith_tasks::work::Work;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::declared;
use crate::error::Result;
use crate::form::{Form, Given};
use crate::lookup;
use crate::order::Order;

/// How many wrong references are told; the rest are counted.
const TOLD: usize = 20;

/// What stands for all units of a repository.
const ALL: &str = "*";

/// The schema of what a client gives to `adds` and `removes`.
pub(crate) fn schema() -> Value {
    json!({"type": "object", "required": ["repository", "content_units"], "properties": {
        "repository": {"type": "string", "description": "The repository to change."},
        "content_units": {"type": "array", "items": {"type": "string"},
            "description": "Units of content."},
        "base_version": {"type": ["string", "null"],
            "description": "A version to start from instead of the newest."},
    }})
}

/// The schema of what a client gives to `modifications`.
pub(crate) fn schema_of_both() -> Value {
    let mut schema = schema();
    schema["required"] = json!(["repository"]);
    if let Some(properties) = schema["properties"].as_object_mut() {
        let units = properties.remove("content_units").unwrap_or_default();
        properties.insert("add_content_units".to_owned(), units.clone());
        properties.insert("remove_content_units".to_owned(), units);
    }
    schema
}

/// Builds it; `parameters` are what the task shows.
pub(crate) async fn build(
    app: &App,
    repository: &Repository,
    mut form: Form,
    mut parameters: Map<String, Value>,
) -> Result<Order> {
    let plugin = repository.plugin.as_str();
    let generation = declared::generation_of_row(app, plugin)?;
    let to_add = form.list("add_content_units").unwrap_or_default();
    let to_remove = form.list("remove_content_units").unwrap_or_default();
    let remove_all = to_remove.iter().any(|one| one == ALL);
    if remove_all && to_remove.len() > 1 {
        form.wrong(
            "remove_content_units",
            "Cannot supply content units and '*'.",
        );
    }
    form.refuse("overwrite", &Value::Bool(true));

    let mut connection = app.database.read().await?;
    let mut units = Units {
        app,
        plugin,
        connection: &mut connection,
    };
    let add = units
        .resolve(&mut form, "add_content_units", &to_add)
        .await?;
    let remove = if remove_all {
        Vec::new()
    } else {
        units
            .resolve(&mut form, "remove_content_units", &to_remove)
            .await?
    };
    let base = lookup::version(&mut connection, &mut form, "base_version", plugin).await?;
    drop(connection);
    if let Given::This(base) = &base
        && base.type_name != repository.type_name
    {
        form.wrong(
            "base_version",
            "It is a version of another type of repository.",
        );
    }
    form.finish()?;

    let prn = typed_prn(
        Kind::Repository,
        plugin,
        &repository.type_name,
        repository.uuid,
    );
    parameters.insert("repository".to_owned(), prn.as_str().into());
    let type_name = match (to_add.is_empty(), to_remove.is_empty()) {
        (false, true) => "adds",
        (true, false) => "removes",
        _ => "modifications",
    };
    Ok(Order {
        name: "pulpcore.app.tasks.repository.aadd_and_remove".to_owned(),
        plugin: plugin.to_owned(),
        type_name: type_name.to_owned(),
        plugin_version: Some(generation.version().to_owned()),
        parameters,
        work: Work::Modify {
            repository: repository.id.0,
            add,
            remove,
            remove_all,
            base_version: base.value().map(|version| version.id.0),
        },
        locks: vec![Lock::exclusive(prn)],
    })
}

/// Finds the rows of units.
struct Units<'a> {
    app: &'a App,
    plugin: &'a str,
    connection: &'a mut Connection,
}

impl Units<'_> {
    /// The rows of references, in order; whatever is wrong is noted.
    async fn resolve(
        &mut self,
        form: &mut Form,
        field: &str,
        references: &[Value],
    ) -> Result<Vec<i64>> {
        let uuids: Vec<Option<Uuid>> = references.iter().map(uuid_of).collect();
        let known: Vec<Uuid> = uuids.iter().flatten().copied().collect();
        let rows = unit::by_uuid(self.connection, &known).await?;
        let types: HashMap<i64, bool> = self
            .app
            .types
            .all()
            .iter()
            .map(|table| (table.id, table.plugin == self.plugin))
            .collect();
        let mut found = Vec::with_capacity(references.len());
        let mut wrong = Vec::new();
        for (reference, uuid) in references.iter().zip(uuids) {
            match uuid.and_then(|uuid| rows.get(&uuid)) {
                Some((UnitId(id), content_type)) if types.get(content_type) == Some(&true) => {
                    found.push(*id);
                }
                Some(_) => wrong.push(format!(
                    "{reference} does not belong into a repository of the plugin {:?}.",
                    self.plugin
                )),
                None => wrong.push(format!("There is no content unit {reference}.")),
            }
        }
        let more = wrong.len().saturating_sub(TOLD);
        for message in wrong.into_iter().take(TOLD) {
            form.wrong(field, message);
        }
        if more > 0 {
            form.wrong(field, format!("And {more} more."));
        }
        Ok(found)
    }
}

fn uuid_of(reference: &Value) -> Option<Uuid> {
    Reference::parse(reference.as_str()?)
        .filter(|reference| reference.kind == Kind::Content)
        .map(|reference| reference.uuid)
}

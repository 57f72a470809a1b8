//! The order to add units to a repository and to remove units from it.

use pith_db::repository::Repository;
use pith_model::reference::{Kind, typed_prn};
use pith_model::task::Lock;
use pith_tasks::work::Work;
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::declared;
use crate::error::Result;
use crate::form::{Form, Given};
use crate::lookup;
use crate::openapi::Field;
use crate::openapi::resource::object;
use crate::order::units::Units;
use crate::order::{Order, permit};

/// What stands for all units of a repository.
const ALL: &str = "*";

/// The parameter that says whether units may be replaced.
pub(crate) const OVERWRITE: &str = "overwrite";

/// What the document says of it.
const ABOUT_OVERWRITE: &str = "Units of the repository give way to new ones with the same key; \
    if false, the task fails instead.";

/// Its schema.
pub(crate) fn overwrite_schema() -> Value {
    json!({"type": "boolean", "default": true, "description": ABOUT_OVERWRITE})
}

/// The schema of what a client gives to `adds` and `removes`.
pub(crate) fn schema() -> Value {
    json!({"type": "object", "required": ["repository", "content_units"], "properties": {
        "repository": {"type": "string", "description": "The repository to change."},
        "content_units": {"type": "array", "items": {"type": "string"},
            "description": "Units of content."},
        "base_version": {"type": ["string", "null"],
            "description": "A version to start from instead of the newest."},
        OVERWRITE: overwrite_schema(),
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

/// What `modify/` of a repository takes.
pub(crate) fn described() -> Value {
    object(&[
        Field::hrefs("add_content_units", "Units to add."),
        Field::hrefs(
            "remove_content_units",
            "Units to remove; `*` alone for all.",
        ),
        Field::href(
            "base_version",
            "A version to start from instead of the newest.",
        )
        .nullable(),
        Field::boolean(OVERWRITE, ABOUT_OVERWRITE),
    ])
}

/// Builds it; `parameters` are what the task shows.
pub(crate) async fn build(
    context: &Context,
    repository: &Repository,
    mut form: Form,
    mut parameters: Map<String, Value>,
) -> Result<Order> {
    let (app, access) = (&*context.app, context.access()?);
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
    let overwrite = form.boolean(OVERWRITE).unwrap_or(true);

    let mut connection = app.database.read().await?;
    permit(&mut connection, access, repository, "modify").await?;
    let mut units = Units {
        app,
        access,
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
    let base = lookup::version(&mut connection, access, &mut form, "base_version", plugin).await?;
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
            keep: !overwrite,
        },
        locks: vec![Lock::exclusive(prn)],
    })
}

//! The order to make a publication of a version.

use pith_db::repository;
use pith_db::version::{self, Version};
use pith_model::access::{Securable, permission};
use pith_model::descriptor::TaskKind;
use pith_model::reference::{Kind, typed_prn};
use pith_model::schema::settings_for;
use pith_model::task::Lock;
use pith_tasks::work::Work;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::config;
use crate::context::Context;
use crate::declared::{self, Declared};
use crate::error::{Error, Result};
use crate::form::{Form, Given};
use crate::lookup;
use crate::order::Order;

/// The schema of what a client gives, beside what the plugin adds.
pub(crate) fn schema() -> Value {
    json!({"type": "object", "properties": {
        "repository": {"type": "string",
            "description": "The repository whose newest version is published."},
        "repository_version": {"type": "string",
            "description": "The version to publish, instead of a repository."},
    }})
}

/// Builds it; `parameters` are what the task shows.
pub(crate) async fn build(
    context: &Context,
    declared: &Declared,
    mut form: Form,
    parameters: Map<String, Value>,
) -> Result<Order> {
    let app = &*context.app;
    let plugin = declared.plugin();
    let model = Securable::Publication.model(plugin, declared.type_name());
    if !context.access()?.holds(&permission(&model, "add")) {
        return Err(Error::forbidden());
    }
    let names_repository = form.has("repository");
    let version = version_of(context, plugin, &mut form).await?;
    form.refuse("checkpoint", &Value::Bool(false));
    let mut settings = match &version {
        Some(version) => settings_of(app, declared, version).await?,
        None => Map::new(),
    };
    {
        let mut connection = app.database.read().await?;
        config::find_signing_services(&mut connection, &mut form, declared.schema()).await?;
    }
    config::take(&mut form, declared.schema(), &mut settings);
    form.finish()?;
    let version = version.ok_or_else(Error::not_found)?;

    let prn = typed_prn(
        Kind::Repository,
        plugin,
        &version.type_name,
        version.repository_uuid,
    );
    let type_name = declared::task_type(&declared.generation, TaskKind::Publish)
        .map_or("publications", |task_type| &task_type.name);
    Ok(Order {
        name: format!("pulp_{plugin}.app.tasks.publishing.publish"),
        plugin: plugin.to_owned(),
        type_name: type_name.to_owned(),
        plugin_version: Some(declared.generation.version().to_owned()),
        parameters,
        work: Work::Publish {
            version: version.id.0,
            repository: names_repository.then_some(version.repository.0),
            type_name: declared.type_name().to_owned(),
            config: settings,
        },
        locks: vec![Lock::shared(prn)],
    })
}

/// What the repository says of its publications, where the client says nothing.
async fn settings_of(
    app: &App,
    declared: &Declared,
    version: &Version,
) -> Result<Map<String, Value>> {
    let mut connection = app.database.read().await?;
    let repository = repository::by_id(&mut connection, version.repository).await?;
    Ok(repository.map_or_else(Map::new, |repository| {
        settings_for(declared.schema(), &repository.config)
    }))
}

/// The version to publish: the one that is given, or the newest of a repository.
async fn version_of(context: &Context, plugin: &str, form: &mut Form) -> Result<Option<Version>> {
    let access = context.access()?;
    let mut connection = context.app.database.read().await?;
    let repository =
        lookup::repository(&mut connection, access, form, "repository", plugin).await?;
    let version =
        lookup::version(&mut connection, access, form, "repository_version", plugin).await?;
    Ok(match (repository, version) {
        (Given::This(_), Given::This(_)) => {
            form.wrong_together(
                "Either the 'repository' or 'repository_version' can be specified, but not both.",
            );
            None
        }
        (Given::This(repository), _) => version::latest(&mut connection, repository.id).await?,
        (_, Given::This(version)) => Some(version),
        _ => {
            if !form.is_wrong() {
                form.wrong_together(
                    "Either the 'repository' or 'repository_version' need to be specified",
                );
            }
            None
        }
    })
}

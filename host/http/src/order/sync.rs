//! The order to read a remote into a repository.

use pith_db::Connection;
use pith_db::access::{Access, Object};
use pith_db::remote::{self, Remote};
use pith_db::repository::Repository;
use pith_model::RemoteId;
use pith_model::access::Securable;
use pith_model::descriptor::TaskKind;
use pith_model::reference::{Kind, typed_prn};
use pith_model::schema::settings_for;
use pith_model::task::Lock;
use pith_tasks::work::Work;
use serde_json::{Map, Value, json};

use crate::config;
use crate::context::Context;
use crate::declared;
use crate::error::{Error, Result};
use crate::form::{Form, Given};
use crate::lookup;
use crate::openapi::Place;
use crate::openapi::resource::joined;
use crate::order::{Order, permit};

/// The schema of what a client gives, beside what the plugin adds.
pub(crate) fn schema() -> Value {
    json!({"type": "object", "required": ["repository"], "properties": {
        "repository": {"type": "string", "description": "The repository to sync into."},
        "remote": {"type": ["string", "null"],
            "description": "Where to sync from; the repository's own remote if not given."},
    }})
}

/// Whether a plugin can sync.
pub(crate) fn is_offered(place: &Place) -> bool {
    place
        .generation()
        .is_some_and(|generation| declared::task_type(generation, TaskKind::Sync).is_some())
}

/// What `sync/` of a repository takes.
pub(crate) fn described(place: &Place) -> Value {
    let task_type = place
        .generation()
        .and_then(|generation| declared::task_type(generation, TaskKind::Sync));
    without_repository(&joined(&schema(), task_type.map(|one| &one.params)))
}

/// The repository is in the path.
fn without_repository(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.remove("repository");
    }
    if let Some(required) = schema["required"].as_array_mut() {
        required.retain(|name| name != "repository");
        if required.is_empty() {
            schema
                .as_object_mut()
                .map(|schema| schema.remove("required"));
        }
    }
    schema
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
    let task_type = declared::task_type(&generation, TaskKind::Sync)
        .ok_or_else(|| Error::bad_request(format!("The plugin {plugin:?} cannot sync.")))?;

    form.alias("remote", "importer");
    let mut connection = app.database.read().await?;
    permit(&mut connection, access, repository, "sync").await?;
    let given = lookup::remote(&mut connection, access, &mut form, "remote", plugin).await?;
    let remote = match given {
        Given::This(remote) => Some(remote),
        Given::Absent | Given::Null => match repository.remote {
            Some(id) if !form.is_wrong() => own_remote(&mut connection, access, id).await?,
            _ => None,
        },
    };
    drop(connection);
    if remote.is_none() && !form.is_wrong() {
        form.wrong(
            "remote",
            "This field is required because the repository has no remote of its own.",
        );
    }
    // What the client does not say, the repository may.
    let mut params = settings_for(&task_type.params, &repository.config);
    config::take(&mut form, &task_type.params, &mut params);
    form.finish()?;
    let remote = remote.ok_or_else(Error::not_found)?;

    let prn = typed_prn(
        Kind::Repository,
        plugin,
        &repository.type_name,
        repository.uuid,
    );
    let remote_prn = typed_prn(Kind::Remote, plugin, &remote.type_name, remote.uuid);
    parameters.insert("repository".to_owned(), prn.as_str().into());
    parameters
        .entry("remote")
        .or_insert_with(|| remote_prn.as_str().into());
    Ok(Order {
        name: format!("pulp_{plugin}.app.tasks.synchronizing.synchronize"),
        plugin: plugin.to_owned(),
        type_name: task_type.name.clone(),
        plugin_version: Some(generation.version().to_owned()),
        parameters,
        work: Work::Sync {
            repository: repository.id.0,
            remote: remote.id.0,
            params,
        },
        locks: vec![Lock::exclusive(prn), Lock::shared(remote_prn)],
    })
}

/// The repository's own remote, if the caller may see it.
async fn own_remote(
    connection: &mut Connection,
    access: &Access,
    id: RemoteId,
) -> Result<Option<Remote>> {
    let Some(remote) = remote::by_id(connection, id).await? else {
        return Ok(None);
    };
    let object = Object::typed(Securable::Remote, id.0, &remote.plugin, &remote.type_name);
    if access.may(connection, &object, "view").await? {
        Ok(Some(remote))
    } else {
        Err(Error::forbidden())
    }
}

//! The order to make units of a file, or of fields alone.

use std::sync::Arc;

use pith_db::content_type::TypeTable;
use pith_db::entity;
use pith_db::repository::Repository;
use pith_model::ArtifactId;
use pith_model::access::upload_permission;
use pith_model::descriptor::TaskKind;
use pith_model::reference::{Kind, typed_prn};
use pith_model::schema::{for_content_type, is_fileless, named_entities};
use pith_model::task::Lock;
use pith_plugin::Generation;
use pith_tasks::work::{Source, Work};
use serde_json::{Map, Value, json};

use crate::config;
use crate::context::Context;
use crate::declared;
use crate::error::{Error, Result};
use crate::form::{Form, Given};
use crate::label;
use crate::lookup;
use crate::openapi::Place;
use crate::openapi::resource::joined;
use crate::order::modify::{OVERWRITE, overwrite_schema};
use crate::order::{Order, named_unit, permit};

/// Where the plugin finds the name of the type that was asked for.
const CONTENT_TYPE: &str = "content_type";

/// Where the plugin finds the settings of the repository that gets the units.
const REPOSITORY: &str = "repository";

/// The schema of what a client gives, beside what the plugin adds.
pub(crate) fn schema() -> Value {
    json!({"type": "object", "properties": {
        "artifact": {"type": "string", "description": "The stored file."},
        "upload": {"type": "string", "description": "An upload in place of an artifact."},
        "file_url": {"type": "string",
            "description": "An address to fetch the file from, in place of an artifact."},
        "downloader_config": {"type": "object",
            "description": "How to fetch it: the network settings of a remote."},
        "size": {"type": "integer", "description": "What the file must have, in bytes."},
        "sha256": {"type": "string", "description": "What the file must have."},
        "content_type": {"type": "string",
            "description": "Which of the plugin's content types the file is of."},
        "repository": {"type": "string",
            "description": "A repository that gets a new version with the units."},
        "pulp_labels": {"type": "object", "description": "Labels for the new units."},
        OVERWRITE: overwrite_schema(),
    }})
}

/// What says where a file is, and what is known of it.
const OF_FILES: [&str; 6] = [
    "artifact",
    "upload",
    "file_url",
    "downloader_config",
    "size",
    "sha256",
];

/// Whether a plugin makes units of what is uploaded.
pub(crate) fn is_offered(place: &Place) -> bool {
    place
        .generation()
        .is_some_and(|generation| declared::task_type(generation, TaskKind::Upload).is_some())
}

/// What making content takes: a file, one that is stored, or fields alone.
pub(crate) fn described(place: &Place) -> Value {
    let task_type = place
        .generation()
        .and_then(|generation| declared::task_type(generation, TaskKind::Upload));
    let params = task_type.map(|one| match place.content_type() {
        Some(table) => for_content_type(&one.params, &table.content_type.name),
        None => one.params.clone(),
    });
    let has_file = !place.content_type().is_some_and(|table| {
        task_type.is_some_and(|one| is_fileless(&one.params, &table.content_type.name))
    });
    let mut host = schema();
    if let Some(properties) = host["properties"].as_object_mut() {
        properties.remove("content_type");
        if has_file {
            let file = json!({"type": "string", "format": "binary", "writeOnly": true,
                "description": "The file, in a multipart form."});
            properties.insert("file".to_owned(), file);
        } else {
            properties.retain(|name, _| !OF_FILES.contains(&name.as_str()));
        }
    }
    let mut schema = joined(&host, params.as_ref());
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|name| name != "artifact");
        // An empty list is no valid schema.
        if required.is_empty() {
            schema
                .as_object_mut()
                .map(|schema| schema.remove("required"));
        }
    }
    schema
}

/// Where the file is, and what is known of it.
#[derive(Debug)]
pub(crate) struct File {
    /// Where it comes from.
    pub(crate) source: Source,
    /// As the client calls it.
    pub(crate) name: String,
    /// The PRN of the upload that it is; nobody removes that while the task waits.
    pub(crate) upload: Option<String>,
    /// What the unit must have.
    pub(crate) fields: Map<String, Value>,
}

impl File {
    /// A stored file.
    pub(crate) fn stored(artifact: ArtifactId) -> Self {
        Self::at(Source::Artifact(artifact.0))
    }

    /// None at all.
    pub(crate) fn none() -> Self {
        Self::at(Source::Nowhere {})
    }

    fn at(source: Source) -> Self {
        Self {
            source,
            name: String::new(),
            upload: None,
            fields: Map::new(),
        }
    }
}

/// Everything but the file: checked before the file is kept.
#[derive(Debug)]
pub(crate) struct Upload {
    named: Vec<i64>,
    generation: Arc<Generation>,
    task_type: String,
    content_type: String,
    params: Map<String, Value>,
    repository: Option<Repository>,
    labels: Option<Map<String, Value>>,
    overwrite: bool,
}

/// Takes and checks everything but the file.
pub(crate) async fn check(context: &Context, table: &TypeTable, mut form: Form) -> Result<Upload> {
    let (app, access) = (&*context.app, context.access()?);
    let plugin = table.plugin.as_str();
    let generation = declared::generation_of_row(app, plugin)?;
    let task_type = declared::task_type(&generation, TaskKind::Upload).ok_or_else(|| {
        Error::bad_request(format!(
            "Content of the plugin {plugin:?} cannot be uploaded."
        ))
    })?;
    let repository = {
        let mut connection = app.database.read().await?;
        let given =
            lookup::repository(&mut connection, access, &mut form, "repository", plugin).await?;
        match &given {
            Given::This(repository) => {
                permit(&mut connection, access, repository, "modify").await?;
            }
            // Content in no repository is for those who may keep such.
            _ if form.is_wrong() => {}
            _ if access.holds(&upload_permission(plugin, &table.content_type.plural)) => {}
            _ => return Err(Error::forbidden()),
        }
        given
    };
    let overwrite = form.boolean(OVERWRITE).unwrap_or(true);
    let labels = label::take(&mut form);
    let has_labels = labels.as_ref().is_some_and(|labels| !labels.is_empty());
    if has_labels && !access.holds("core.manage_content_labels") {
        return Err(Error::forbidden());
    }
    let mut params = Map::new();
    let schema = for_content_type(&task_type.params, &table.content_type.name);
    config::take(&mut form, &schema, &mut params);
    let named = named_unit::resolve(context, plugin, &schema, &mut form, &mut params).await?;
    form.finish()?;
    permit_entities(context, plugin, &schema, &params).await?;
    let content_type = table.content_type.name.as_str();
    params.insert(CONTENT_TYPE.to_owned(), content_type.into());
    let repository = repository.value();
    if let Some(repository) = &repository {
        params.insert(REPOSITORY.to_owned(), repository.config.clone());
    }
    Ok(Upload {
        named,
        task_type: task_type.name.clone(),
        content_type: table.content_type.name.clone(),
        params,
        repository,
        labels,
        overwrite,
        generation,
    })
}

/// Refuses at once who may not upload what parameters announce; the task looks at the units.
async fn permit_entities(
    context: &Context,
    plugin: &str,
    schema: &Value,
    params: &Map<String, Value>,
) -> Result<()> {
    for (field, type_name, verb) in named_entities(schema) {
        let Some(name) = params.get(field).and_then(Value::as_str) else {
            continue;
        };
        let mut connection = context.app.database.read().await?;
        let access = context.access()?;
        let named = (plugin, type_name, name);
        if !entity::allows(&mut connection, access, named, verb).await? {
            return Err(Error::forbidden());
        }
    }
    Ok(())
}

impl Upload {
    /// Builds the order for a file; `parameters` are what the task shows.
    pub(crate) fn order(self, file: File, parameters: Map<String, Value>) -> Order {
        // Parsing needs no lock; a repository is held only because its set changes.
        let lock = self.repository.as_ref().map(|repository| {
            Lock::exclusive(typed_prn(
                Kind::Repository,
                &repository.plugin,
                &repository.type_name,
                repository.uuid,
            ))
        });
        Order {
            name: "pulpcore.app.tasks.base.general_create".to_owned(),
            plugin: self.generation.name().to_owned(),
            type_name: self.task_type,
            plugin_version: Some(self.generation.version().to_owned()),
            parameters,
            work: Work::Upload {
                content_type: self.content_type,
                source: file.source,
                file_name: file.name,
                params: self.params,
                repository: self.repository.map(|repository| repository.id.0),
                labels: self.labels,
                fields: file.fields,
                keep: !self.overwrite,
                named: self.named,
            },
            locks: lock
                .into_iter()
                .chain(file.upload.map(Lock::shared))
                .collect(),
        }
    }
}

//! Makes units of a file, or of parameters alone, as their plugin reads them.

use std::sync::Arc;

use async_trait::async_trait;
use pith_content::changes::Wanted;
use pith_content::error::{Error, Result};
use pith_content::inputs::{Input, Inputs};
use pith_content::references::References;
use pith_content::staging::Staging;
use pith_db::field_value::FieldValue;
use pith_db::{Connection, access, unit_list};
use pith_model::reference::typed_path;
use pith_model::schema::signing_services;
use pith_model::task::TaskError;
use pith_model::{ArtifactId, Kind, UnitId, UploadId, UserId};
use pith_plugin::call::{UploadCall, upload};
use serde_json::{Map, Value};

use crate::commit::{Commit, Created, Outcome};
use crate::modify::{self, NewVersion};
use crate::permit;
use crate::run::{Context, failed};
use crate::source::Source;

/// A file and what the client says of it.
pub(crate) struct File {
    pub(crate) content_type: String,
    pub(crate) source: Source,
    pub(crate) name: String,
    pub(crate) params: Map<String, Value>,
    pub(crate) labels: Option<Map<String, Value>>,
    /// Of the unit.
    pub(crate) fields: Map<String, Value>,
    /// Whether a unit with its repository key stays, and the task fails.
    pub(crate) keep: bool,
    /// Units that parameters name; their stored files come after the one that is uploaded.
    pub(crate) named: Vec<i64>,
}

pub(crate) async fn run(
    context: &Context,
    file: File,
    repository: Option<i64>,
) -> Result<Box<dyn Commit>, TaskError> {
    let services = &context.toolbox.services;
    let plugin = context.task.plugin.clone();
    let artifact = file.source.artifact(context).await?;
    let artifact_id = artifact.as_ref().map(|artifact| artifact.id);
    let generation = context.generation(&plugin)?;
    let references = Arc::new(References::default());
    let staging = Staging::start(
        services.clone(),
        &plugin,
        Arc::clone(&references),
        None,
        context.progress.clone(),
    );
    let input = artifact.map(|artifact| Input {
        name: file.name,
        artifact,
    });
    let mut inputs: Vec<Input> = input.into_iter().collect();
    inputs.extend(files_of(context, &file.named).await.map_err(failed)?);
    let repository = match repository {
        Some(repository) => Some(modify::find(context, repository).await?),
        None => None,
    };
    let types = &generation.descriptor().repository_types;
    let signing = repository.as_ref().and_then(|repository| {
        let kind = types.iter().find(|one| one.name == repository.type_name)?;
        Some(signing_services(
            &kind.config,
            repository.config.as_object()?,
        ))
    });
    let files = Inputs::new(services.clone(), Arc::clone(&references), inputs);
    let call = UploadCall {
        caller: context.caller(Value::Object(file.params), None),
        files: files.signing(signing.unwrap_or_default()),
        staging: staging.clone(),
    };
    let made = upload(&generation, call).await?;
    staging.finish().await.map_err(failed)?;
    references.check(&made).map_err(failed)?;
    let units: Vec<UnitId> = made
        .iter()
        .filter_map(|reference| references.unit(*reference))
        .collect();
    if units.is_empty() {
        return Err(TaskError::new(
            "invalid",
            format!("the plugin {plugin:?} found no content in what was uploaded"),
        ));
    }
    let expected = format!("{plugin}.{}", file.content_type);
    let (made, found) = describe(context, &units, &expected).await.map_err(failed)?;
    check_fields(&found, &expected, &file.fields)?;
    permit::check(context, &units).await?;
    let version = match repository {
        Some(repository) => {
            let mut wanted = Wanted::of(units.iter().map(|unit| unit.0), []);
            wanted.keep = file.keep;
            wanted.retain = true;
            modify::make(context, &repository, None, &wanted).await?
        }
        None => None,
    };
    Ok(Box::new(Uploaded {
        units: made,
        labels: file.labels.map(Value::Object),
        version,
        used_up: file.source.used_up(),
        sender: context.task.user.map(|user| (user, artifact_id)),
    }))
}

/// The stored files of units, by their paths.
async fn files_of(context: &Context, units: &[i64]) -> Result<Vec<Input>> {
    let services = &context.toolbox.services;
    let mut connection = services.database.read().await?;
    let units: Vec<UnitId> = units.iter().copied().map(UnitId).collect();
    let mut files = Vec::new();
    for one in pith_db::unit::artifacts(&mut connection, &units).await? {
        let Some((id, ..)) = one.stored else {
            continue;
        };
        if let Some(artifact) = pith_db::artifact::by_id(&mut connection, id).await? {
            files.push(Input {
                name: one.path,
                artifact,
            });
        }
    }
    Ok(files)
}

/// Where the API shows each unit, and the fields of those of the expected type.
pub(crate) async fn describe(
    context: &Context,
    units: &[UnitId],
    expected: &str,
) -> Result<(Vec<(UnitId, Created)>, Vec<Map<String, Value>>)> {
    let services = &context.toolbox.services;
    let mut connection = services.database.read().await?;
    let rows = pith_db::unit::uuids(&mut connection, units).await?;
    let mut made = Vec::with_capacity(units.len());
    let mut found = Vec::new();
    for (unit, (uuid, content_type)) in units.iter().zip(rows) {
        let table = services
            .types
            .by_id(content_type)
            .ok_or_else(|| Error::internal("a unit of a type that is not in service"))?;
        if table.full_name == expected {
            let listed = unit_list::by_uuid(&mut connection, Some(&table), uuid).await?;
            let names = table.content_type.fields.iter().map(|field| &field.name);
            let values = listed.into_iter().flat_map(|listed| listed.values);
            let values = values.map(FieldValue::into_json);
            let fields = names.cloned().zip(values);
            let fields = fields.map(|(name, value)| Ok::<_, pith_db::Error>((name, value?)));
            found.push(fields.collect::<std::result::Result<_, _>>()?);
        } else {
            tracing::debug!("an upload of {expected} made a unit of {}", table.full_name);
        }
        let created = Created {
            path: typed_path(
                Kind::Content,
                &table.plugin,
                &table.content_type.plural,
                uuid,
            ),
            prn: format!("prn:{}.{}:{uuid}", table.plugin, table.content_type.model),
        };
        made.push((*unit, created));
    }
    Ok((made, found))
}

/// Compares what the client said of its unit with the units that were found.
fn check_fields(
    found: &[Map<String, Value>],
    expected: &str,
    fields: &Map<String, Value>,
) -> Result<(), TaskError> {
    if fields.is_empty() {
        return Ok(());
    }
    let mut wrong = format!("the file holds no {expected}");
    for unit in found {
        let other = fields
            .iter()
            .find(|(name, value)| unit.get(*name) != Some(*value));
        let Some((name, value)) = other else {
            return Ok(());
        };
        let actual = unit.get(name).unwrap_or(&Value::Null);
        wrong = format!("{name} was said to be {value}, but the file says {actual}");
    }
    Err(TaskError::new("conflict", wrong))
}

struct Uploaded {
    units: Vec<(UnitId, Created)>,
    labels: Option<Value>,
    version: Option<NewVersion>,
    /// Goes with success.
    used_up: Option<UploadId>,
    /// Who sent it, and which file there was.
    sender: Option<(UserId, Option<ArtifactId>)>,
}

#[async_trait]
impl Commit for Uploaded {
    async fn commit(&self, connection: &mut Connection) -> Result<Outcome> {
        let mut created = Vec::new();
        if let Some(version) = &self.version {
            created.extend(version.publish(connection).await?);
        }
        for (unit, one) in &self.units {
            if let Some(labels) = &self.labels {
                pith_db::unit::set_labels(connection, *unit, labels).await?;
            }
            created.push(one.clone());
        }
        if let Some((user, artifact)) = self.sender {
            let units = self.units.iter().map(|(unit, _)| *unit);
            access::note_units(connection, user, units).await?;
            if let Some(artifact) = artifact {
                access::note_artifact(connection, user, artifact).await?;
            }
        }
        if let Some(upload) = self.used_up {
            pith_db::upload::delete(connection, upload).await?;
        }
        Ok(Outcome {
            created,
            result: None,
        })
    }
}

//! Makes units of a stored file, as its plugin reads it.

use std::sync::Arc;

use async_trait::async_trait;
use pith_content::changes::Wanted;
use pith_content::error::{Error, Result};
use pith_content::inputs::{Input, Inputs};
use pith_content::references::References;
use pith_content::staging::Staging;
use pith_db::Connection;
use pith_model::reference::typed_path;
use pith_model::task::TaskError;
use pith_model::{ArtifactId, Kind, UnitId};
use pith_plugin::call::{UploadCall, upload};
use serde_json::{Map, Value};

use crate::commit::{Commit, Created, Outcome};
use crate::modify::{self, NewVersion};
use crate::run::{Context, failed, failed_db, gone};

/// A stored file and what the client says of it.
pub(crate) struct File {
    pub(crate) content_type: String,
    pub(crate) artifact: i64,
    pub(crate) name: String,
    pub(crate) params: Map<String, Value>,
    pub(crate) labels: Option<Map<String, Value>>,
}

pub(crate) async fn run(
    context: &Context,
    file: File,
    repository: Option<i64>,
) -> Result<Box<dyn Commit>, TaskError> {
    let services = &context.toolbox.services;
    let plugin = context.task.plugin.clone();
    let artifact = {
        let mut connection = services.database.read().await.map_err(failed_db)?;
        pith_db::artifact::by_id(&mut connection, ArtifactId(file.artifact))
            .await
            .map_err(failed_db)?
            .ok_or_else(|| gone("uploaded file"))?
    };
    let generation = context.generation(&plugin)?;
    let references = Arc::new(References::default());
    let staging = Staging::start(
        services.clone(),
        &plugin,
        Arc::clone(&references),
        None,
        context.progress.clone(),
    );
    let input = Input {
        name: file.name,
        artifact,
    };
    let call = UploadCall {
        caller: context.caller(Value::Object(file.params), None),
        files: Inputs::new(services.clone(), Arc::clone(&references), vec![input]),
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
            format!("the plugin {plugin:?} found no content in the uploaded file"),
        ));
    }
    let version = match repository {
        Some(repository) => {
            let repository = modify::find(context, repository).await?;
            let wanted = Wanted::of(units.iter().map(|unit| unit.0), []);
            modify::make(context, &repository, None, &wanted).await?
        }
        None => None,
    };
    let expected = format!("{plugin}.{}", file.content_type);
    Ok(Box::new(Uploaded {
        units: describe(context, &units, &expected).await.map_err(failed)?,
        labels: file.labels.map(Value::Object),
        version,
    }))
}

/// Where the API shows each unit.
async fn describe(
    context: &Context,
    units: &[UnitId],
    expected: &str,
) -> Result<Vec<(UnitId, Created)>> {
    let services = &context.toolbox.services;
    let mut connection = services.database.read().await?;
    let rows = pith_db::unit::uuids(&mut connection, units).await?;
    units
        .iter()
        .zip(rows)
        .map(|(unit, (uuid, content_type))| {
            let table = services
                .types
                .by_id(content_type)
                .ok_or_else(|| Error::internal("a unit of a type that is not in service"))?;
            if table.full_name != expected {
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
            Ok((*unit, created))
        })
        .collect()
}

struct Uploaded {
    units: Vec<(UnitId, Created)>,
    labels: Option<Value>,
    version: Option<NewVersion>,
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
        Ok(Outcome {
            created,
            result: None,
        })
    }
}

//! Changes a repository, or makes units, by rules of a plugin's own.

use std::sync::Arc;

use async_trait::async_trait;
use pith_content::changes::Changes;
use pith_content::error::Result;
use pith_content::inputs::{Input, Inputs};
use pith_content::references::References;
use pith_content::staging::Staging;
use pith_content::task::TaskHandle;
use pith_content::view::View;
use pith_db::Connection;
use pith_model::task::TaskError;
use pith_model::{ArtifactId, RepositoryId, UnitId};
use pith_plugin::call::{ChangeCall, change};
use serde_json::{Map, Value};

use crate::commit::{Commit, Created, Outcome};
use crate::modify::{self, NewVersion};
use crate::run::{Context, failed, failed_db, gone};
use crate::upload::describe;

/// A task names at most so many units that it made.
const MOST_SHOWN: usize = 1_000;

/// What to do.
pub(crate) struct Change {
    pub(crate) task_type: String,
    pub(crate) repository: Option<i64>,
    /// Whose newest version is looked into, if it is not that one's.
    pub(crate) source: Option<i64>,
    pub(crate) file: Option<(i64, String)>,
    pub(crate) params: Map<String, Value>,
    /// What a parameter names; all without.
    pub(crate) units: Option<Vec<i64>>,
    /// The signing services that parameters name.
    pub(crate) signing: Vec<String>,
}

pub(crate) async fn run(context: &Context, asked: Change) -> Result<Box<dyn Commit>, TaskError> {
    let services = &context.toolbox.services;
    let plugin = context.task.plugin.clone();
    let repository = match asked.repository {
        Some(repository) => Some(modify::find(context, repository).await?),
        None => None,
    };
    let source = match asked.source {
        Some(source) => Some(modify::find(context, source).await?),
        None => None,
    };
    let files = match asked.file {
        Some((artifact, name)) => vec![input(context, artifact, name).await?],
        None => Vec::new(),
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
    let changes = Changes::new(Arc::clone(&references));
    // No row has this number: the version of no repository is empty.
    let looked_into = source.as_ref().or(repository.as_ref());
    let (id, number) = looked_into.map_or((RepositoryId(0), 0), |one| {
        (one.id, one.latest_version.unwrap_or(0))
    });
    let mut caller = context.caller(Value::Object(asked.params), None);
    let task = TaskHandle::clone(&caller.task);
    caller.task = Arc::new(task.signing(services.clone(), asked.signing));
    let call = ChangeCall {
        caller,
        name: asked.task_type,
        files: Inputs::new(services.clone(), Arc::clone(&references), files),
        current: View::new(services.clone(), references, &plugin, id, number).choosing(asked.units),
        staging: staging.clone(),
        next: changes.clone(),
    };
    change(&generation, call).await?;
    staging.finish().await.map_err(failed)?;
    let mut wanted = changes.wanted().map_err(failed)?;
    wanted.retain = true;
    let added = wanted.add.iter().take(MOST_SHOWN);
    let added: Vec<UnitId> = added
        .filter_map(|unit| i64::try_from(unit).ok().map(UnitId))
        .collect();
    let (made, _) = describe(context, &added, "").await.map_err(failed)?;
    let version = match &repository {
        Some(repository) => modify::make(context, repository, None, &wanted).await?,
        None => None,
    };
    Ok(Box::new(Changed {
        units: made.into_iter().map(|(_, created)| created).collect(),
        version,
    }))
}

async fn input(context: &Context, artifact: i64, name: String) -> Result<Input, TaskError> {
    let database = &context.toolbox.services.database;
    let mut connection = database.read().await.map_err(failed_db)?;
    let artifact = pith_db::artifact::by_id(&mut connection, ArtifactId(artifact))
        .await
        .map_err(failed_db)?
        .ok_or_else(|| gone("file"))?;
    Ok(Input { name, artifact })
}

struct Changed {
    units: Vec<Created>,
    version: Option<NewVersion>,
}

#[async_trait]
impl Commit for Changed {
    fn is_durable(&self) -> bool {
        self.version.is_some()
    }

    async fn commit(&self, connection: &mut Connection) -> Result<Outcome> {
        let mut created = Vec::new();
        if let Some(version) = &self.version {
            created.extend(version.publish(connection).await?);
        }
        created.extend(self.units.iter().cloned());
        Ok(Outcome {
            created,
            result: None,
        })
    }
}

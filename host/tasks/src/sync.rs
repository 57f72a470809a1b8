//! Reads a remote into a repository.

use std::sync::Arc;

use async_trait::async_trait;
use pith_content::changes::Changes;
use pith_content::error::Result;
use pith_content::fetch::{self, Remote};
use pith_content::references::References;
use pith_content::staging::{Origin, Staging};
use pith_content::view::View;
use pith_db::Connection;
use pith_db::checkpoint::{self, Checkpoint};
use pith_model::remote::Policy;
use pith_model::task::TaskError;
use pith_model::{RemoteId, RepositoryId};
use pith_plugin::call::{SyncCall, sync};
use serde_json::{Map, Value};

use crate::commit::{Commit, Done, Outcome};
use crate::modify::{self, NewVersion};
use crate::publish::{self, Publish};
use crate::run::{Context, failed, failed_db, gone};

pub(crate) async fn run(
    context: &Context,
    repository: i64,
    remote: i64,
    params: Map<String, Value>,
) -> Result<Box<dyn Commit>, TaskError> {
    let services = &context.toolbox.services;
    let repository = modify::find(context, repository).await?;
    let latest = repository.latest_version.unwrap_or(0);
    let mut connection = services.database.read().await.map_err(failed_db)?;
    let row = pith_db::remote::by_id(&mut connection, RemoteId(remote))
        .await
        .map_err(failed_db)?
        .ok_or_else(|| gone("remote"))?;
    let old = checkpoint::find(&mut connection, repository.id, row.id)
        .await
        .map_err(failed_db)?
        .filter(|old| fetch::holds(old, latest, row.pulp_last_updated));
    drop(connection);

    let generation = context.generation(&repository.plugin)?;
    let references = Arc::new(References::default());
    let validators = old.as_ref().map(|old| old.validators.clone());
    let remote =
        Remote::new(services, &row, validators, Arc::clone(&references)).map_err(failed)?;
    let policy = Policy::parse(&row.settings.policy).unwrap_or(Policy::Immediate);
    let origin = Origin {
        remote: remote.clone(),
        id: row.id,
        policy,
    };
    let staging = Staging::start(
        services.clone(),
        &repository.plugin,
        Arc::clone(&references),
        Some(origin),
        context.progress.clone(),
    );
    let changes = Changes::new(Arc::clone(&references)).publishing(services);
    let known = old.as_ref().and_then(|old| old.value.clone());
    let caller = context.caller(Value::Object(params), known);
    let handle = caller.task.clone();
    let call = SyncCall {
        caller,
        remote: remote.clone(),
        current: View::new(
            services.clone(),
            references,
            &repository.plugin,
            repository.id,
            latest,
        ),
        staging: staging.clone(),
        next: changes.clone(),
    };
    sync(&generation, call).await?;
    staging.finish().await.map_err(failed)?;

    let wanted = changes.wanted().map_err(failed)?;
    let associating = wanted.add.len();
    if associating > 0 {
        context.progress.report(
            "associating.content",
            "Associating Content",
            associating,
            Some(associating),
        );
    }
    let mut made = match changes.take_publication() {
        Some(publishing) => Some(publish::of_sync(context, &repository, publishing).await?),
        None => None,
    };
    let version = modify::make_published(context, &repository, None, &wanted, &mut made).await?;
    // Other indexes of the same content: the version that is there is published anew.
    let publication = made.map(|publication| Publish {
        repository: repository.id,
        number: latest,
        publication,
    });
    let new = Checkpoint {
        version_number: version.as_ref().map_or(latest, NewVersion::number),
        remote_updated: row.pulp_last_updated,
        // A plugin that found nothing new says nothing new.
        value: handle
            .take_checkpoint()
            .or_else(|| old.as_ref()?.value.clone()),
        validators: remote.take_validators(),
    };
    if version.is_none() && publication.is_none() && old.as_ref() == Some(&new) {
        return Ok(Box::new(Done::default()));
    }
    Ok(Box::new(Synced {
        repository: repository.id,
        remote: row.id,
        version,
        publication,
        checkpoint: new,
    }))
}

struct Synced {
    repository: RepositoryId,
    remote: RemoteId,
    version: Option<NewVersion>,
    publication: Option<Publish>,
    checkpoint: Checkpoint,
}

#[async_trait]
impl Commit for Synced {
    fn is_durable(&self) -> bool {
        self.version.is_some() || self.publication.is_some()
    }

    async fn commit(&self, connection: &mut Connection) -> Result<Outcome> {
        let mut created = match &self.version {
            Some(version) => version.publish(connection).await?,
            None => Vec::new(),
        };
        if let Some(publication) = &self.publication {
            created.extend(publication.commit(connection).await?.created);
        }
        checkpoint::save(connection, self.repository, self.remote, &self.checkpoint).await?;
        Ok(Outcome {
            created,
            result: None,
        })
    }
}

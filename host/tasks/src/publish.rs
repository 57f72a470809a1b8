//! Makes a publication of a version, by the plugin or by the host's own way.

use std::sync::Arc;

use async_trait::async_trait;
use pith_content::changes::Publishing;
use pith_content::error::{Error, Result};
use pith_content::publish::{Finished, PublicationDraft};
use pith_content::references::References;
use pith_content::view::View;
use pith_db::Connection;
use pith_db::access::{self, Object};
use pith_db::repository::Repository;
use pith_model::access::Securable;
use pith_model::reference::typed_path;
use pith_model::reference::typed_prn;
use pith_model::schema::signing_services;
use pith_model::task::TaskError;
use pith_model::{Kind, RepositoryId, ResourceType, UserId, VersionId};
use pith_plugin::Generation;
use pith_plugin::call::{PublishCall, publish};
use serde_json::{Map, Value};

use crate::commit::{Commit, Created, Outcome};
use crate::run::{Context, failed, failed_db, gone};

pub(crate) async fn run(
    context: &Context,
    version: i64,
    repository: Option<i64>,
    type_name: String,
    config: Map<String, Value>,
) -> Result<Box<dyn Commit>, TaskError> {
    let version = {
        let mut connection = context
            .toolbox
            .services
            .database
            .read()
            .await
            .map_err(failed_db)?;
        pith_db::version::by_id(&mut connection, VersionId(version))
            .await
            .map_err(failed_db)?
            .ok_or_else(|| gone("repository version"))?
    };
    // Whoever names a repository means its newest version, also one of the same group.
    let number = repository
        .and_then(|repository| context.heads.get(RepositoryId(repository)))
        .map_or(version.number, |head| head.number);
    let publication = make(
        context,
        &version.plugin,
        &type_name,
        version.repository,
        number,
        config,
    )
    .await?;
    Ok(Box::new(Publish {
        repository: version.repository,
        number,
        publication,
    }))
}

/// A publication that is made but not visible.
pub(crate) struct Made {
    plugin: String,
    type_name: String,
    config: Value,
    finished: Finished,
    owner: Option<UserId>,
}

/// Makes a publication of a version, which may itself not be visible yet.
pub(crate) async fn make(
    context: &Context,
    plugin: &str,
    type_name: &str,
    repository: RepositoryId,
    number: i64,
    config: Map<String, Value>,
) -> Result<Made, TaskError> {
    let services = &context.toolbox.services;
    let generation = context.generation(plugin)?;
    let types = &generation.descriptor().publication_types;
    let schema = types.iter().find(|one| one.name == type_name);
    let signing = schema.map_or_else(Vec::new, |one| signing_services(&one.config, &config));
    let config = Value::Object(config);
    let references = Arc::new(References::default());
    let draft = PublicationDraft::new(services.clone(), Arc::clone(&references)).signed_by(signing);
    let call = PublishCall {
        caller: context.caller(config.clone(), None),
        content: View::new(services.clone(), references, plugin, repository, number),
        publication: draft.clone(),
    };
    let finished = match publish(&generation, call).await {
        Ok(()) => draft.finish().await.map_err(failed)?,
        Err(error) if error.code == "unsupported" => Finished::pass_through(services.clone()),
        Err(error) => return Err(error),
    };
    Ok(Made {
        plugin: plugin.to_owned(),
        type_name: type_name.to_owned(),
        config,
        finished,
        owner: context.task.user,
    })
}

/// The type of the publications that a repository has.
pub(crate) fn type_of<'a>(
    generation: &'a Generation,
    repository: &Repository,
) -> Result<&'a ResourceType, TaskError> {
    let types = &generation.descriptor().publication_types;
    types
        .iter()
        .find(|one| one.name == repository.type_name)
        .or(types.first())
        .ok_or_else(|| {
            TaskError::new(
                "unsupported",
                format!("the plugin {:?} has no publications", repository.plugin),
            )
        })
}

/// What a sync published itself.
pub(crate) async fn of_sync(
    context: &Context,
    repository: &Repository,
    publishing: Publishing,
) -> Result<Made, TaskError> {
    let generation = context.generation(&repository.plugin)?;
    let publication_type = type_of(&generation, repository)?;
    let mut config: Map<String, Value> =
        serde_json::from_str(&publishing.settings).map_err(|error| {
            let message = format!("the settings of a publication are no JSON object: {error}");
            TaskError::new("invalid", message)
        })?;
    pith_model::schema::fill_defaults(&publication_type.config, &mut config);
    Ok(Made {
        plugin: repository.plugin.clone(),
        type_name: publication_type.name.clone(),
        config: Value::Object(config),
        finished: publishing.draft.finish().await.map_err(failed)?,
        owner: context.task.user,
    })
}

impl Made {
    /// Makes it visible.
    pub(crate) async fn publish(
        &self,
        connection: &mut Connection,
        version: VersionId,
    ) -> Result<Created> {
        let (id, uuid) = self
            .finished
            .publish(
                connection,
                &self.plugin,
                &self.type_name,
                version,
                &self.config,
            )
            .await?;
        if let Some(owner) = self.owner {
            let kind = Securable::Publication;
            let object = Object::typed(kind, id.0, &self.plugin, &self.type_name);
            access::own(connection, owner, &object).await?;
        }
        Ok(Created {
            path: typed_path(Kind::Publication, &self.plugin, &self.type_name, uuid),
            prn: typed_prn(Kind::Publication, &self.plugin, &self.type_name, uuid),
        })
    }
}

/// A publication of a version that is there when it becomes visible.
pub(crate) struct Publish {
    pub(crate) repository: RepositoryId,
    pub(crate) number: i64,
    pub(crate) publication: Made,
}

#[async_trait]
impl Commit for Publish {
    async fn commit(&self, connection: &mut Connection) -> Result<Outcome> {
        let version = pith_db::version::by_number(connection, self.repository, self.number)
            .await?
            .ok_or_else(|| {
                Error::not_found("the repository version was deleted while it was published")
            })?;
        let created = self.publication.publish(connection, version.id).await?;
        Ok(Outcome {
            created: vec![created],
            result: None,
        })
    }
}

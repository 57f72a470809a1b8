//! Adds and removes units by the host's own way, and what every change of a repository
//! has in common: the version, and the publication that may follow it.

use async_trait::async_trait;
use pith_content::changes::Wanted;
use pith_content::error::{Error, Result};
use pith_content::version::{Base, Head, Pending, prepare};
use pith_db::Connection;
use pith_db::repository::Repository;
use pith_model::reference::{core_prn, version_path};
use pith_model::task::TaskError;
use pith_model::{Kind, RepositoryId, VersionId};
use pith_plugin::order;

use crate::commit::{Commit, Created, Done, Outcome};
use crate::publish::{self, Made};
use crate::run::{Context, failed, failed_db, gone};

/// What to change.
pub(crate) struct Change {
    pub(crate) add: Vec<i64>,
    pub(crate) remove: Vec<i64>,
    pub(crate) remove_all: bool,
    pub(crate) base_version: Option<i64>,
    pub(crate) keep: bool,
}

pub(crate) async fn run(
    context: &Context,
    repository: i64,
    change: Change,
) -> Result<Box<dyn Commit>, TaskError> {
    let repository = find(context, repository).await?;
    let mut wanted = Wanted::of(change.add, change.remove);
    wanted.clear = change.remove_all;
    wanted.keep = change.keep;
    wanted.retain = true;
    let base = match change.base_version {
        Some(version) => Some(find_base(context, version).await?),
        None => None,
    };
    match make(context, &repository, base, &wanted).await? {
        Some(version) => Ok(Box::new(version)),
        None => Ok(Box::new(Done::default())),
    }
}

async fn find_base(context: &Context, version: i64) -> Result<Base, TaskError> {
    let mut connection = context
        .toolbox
        .services
        .database
        .read()
        .await
        .map_err(failed_db)?;
    let version = pith_db::version::by_id(&mut connection, VersionId(version))
        .await
        .map_err(failed_db)?
        .ok_or_else(|| gone("base version"))?;
    Ok(Base {
        repository: version.repository,
        number: version.number,
    })
}

/// The repository of a task.
pub(crate) async fn find(context: &Context, repository: i64) -> Result<Repository, TaskError> {
    let mut connection = context
        .toolbox
        .services
        .database
        .read()
        .await
        .map_err(failed_db)?;
    let mut repository = pith_db::repository::by_id(&mut connection, RepositoryId(repository))
        .await
        .map_err(failed_db)?
        .ok_or_else(|| gone("repository"))?;
    if let Some(head) = context.heads.get(repository.id) {
        repository.latest_version = Some(head.number);
    }
    Ok(repository)
}

/// A version, and its publication where the repository wants one, made but not visible.
pub(crate) struct NewVersion {
    repository: Repository,
    pending: Pending,
    publication: Option<Made>,
}

/// Makes a version; none if nothing changes.
pub(crate) async fn make(
    context: &Context,
    repository: &Repository,
    base: Option<Base>,
    wanted: &Wanted,
) -> Result<Option<NewVersion>, TaskError> {
    make_published(context, repository, base, wanted, &mut None).await
}

/// The same with a publication that is made already, which is taken if there is a version.
pub(crate) async fn make_published(
    context: &Context,
    repository: &Repository,
    base: Option<Base>,
    wanted: &Wanted,
    made: &mut Option<Made>,
) -> Result<Option<NewVersion>, TaskError> {
    let services = &context.toolbox.services;
    let is_nothing = !wanted.clear && wanted.add.is_empty() && wanted.remove.is_empty();
    if base.is_none() && is_nothing {
        return Ok(None);
    }
    if wanted.retain {
        complete_keys(context, repository).await?;
    }
    let head = match context.heads.get(repository.id) {
        Some(head) => head,
        None => Head::visible(services, repository.id)
            .await
            .map_err(failed)?,
    };
    let pending = prepare(services, repository, &head, base, wanted, context.task.id)
        .await
        .map_err(failed)?;
    let Some(pending) = pending else {
        return Ok(None);
    };
    context.heads.set(repository.id, pending.head());
    let publication = if made.is_some() {
        made.take()
    } else if repository.autopublish {
        Some(autopublish(context, repository, pending.number).await?)
    } else {
        None
    };
    Ok(Some(NewVersion {
        repository: repository.clone(),
        pending,
        publication,
    }))
}

/// What decides who is old must be known of all units, before it is looked at.
async fn complete_keys(context: &Context, repository: &Repository) -> Result<(), TaskError> {
    let services = &context.toolbox.services;
    for table in services.types.of_plugin(&repository.plugin) {
        let mut keys = table.content_type.order_keys.iter();
        if keys.any(|key| key.retained(&repository.config).is_some()) {
            let generation = context.generation(&repository.plugin)?;
            order::complete(&generation, &services.database, &table)
                .await
                .map_err(failed)?;
        }
    }
    Ok(())
}

/// Publishes with the settings that the repository has for it.
async fn autopublish(
    context: &Context,
    repository: &Repository,
    number: i64,
) -> Result<Made, TaskError> {
    let generation = context.generation(&repository.plugin)?;
    let publication_type = publish::type_of(&generation, repository)?;
    let schema = &publication_type.config;
    let mut config = pith_model::schema::settings_for(schema, &repository.config);
    pith_model::schema::fill_defaults(schema, &mut config);
    publish::make(
        context,
        &repository.plugin,
        &publication_type.name,
        repository.id,
        number,
        config,
    )
    .await
}

impl NewVersion {
    /// The number that it will have.
    pub(crate) fn number(&self) -> i64 {
        self.pending.number
    }

    /// Makes it visible, with its publication.
    pub(crate) async fn publish(&self, connection: &mut Connection) -> Result<Vec<Created>> {
        let id = self.pending.publish(connection).await?;
        let repository = &self.repository;
        let version = pith_db::version::by_id(connection, id)
            .await?
            .ok_or_else(|| Error::internal("a version that was just made is gone"))?;
        let mut created = vec![Created {
            path: version_path(
                &repository.plugin,
                &repository.type_name,
                repository.uuid,
                self.pending.number,
            ),
            prn: core_prn(Kind::Version, version.uuid),
        }];
        if let Some(publication) = &self.publication {
            created.push(publication.publish(connection, VersionId(id.0)).await?);
        }
        Ok(created)
    }
}

#[async_trait]
impl Commit for NewVersion {
    async fn commit(&self, connection: &mut Connection) -> Result<Outcome> {
        Ok(Outcome {
            created: self.publish(connection).await?,
            result: None,
        })
    }
}

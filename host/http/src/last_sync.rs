//! What repositories and remotes show of their last syncs, where their types want that.

use std::collections::HashMap;

use pith_db::last_sync::{self, LastSync};
use pith_db::remote::Remote;
use pith_db::repository::Repository;
use pith_model::access::Securable;
use pith_model::schema::{self, LastSync as Shown};
use pith_model::{RepositoryId, Timestamp};
use serde_json::Value;

use crate::context::Context;
use crate::document::{Object, Text};
use crate::error::Result;

/// The last syncs of some resources, by PRN, and when repositories took something new.
#[derive(Debug, Default)]
pub(crate) struct LastSyncs {
    tasks: HashMap<String, LastSync>,
    times: HashMap<RepositoryId, Timestamp>,
}

impl LastSyncs {
    /// Of remotes of one type, as far as the caller may see the tasks.
    pub(crate) async fn of_remotes(
        context: &Context,
        schema: Option<&Value>,
        remotes: &[Remote],
    ) -> Result<Self> {
        Self::of(context, schema, remotes.iter().map(Remote::prn)).await
    }

    /// The same of repositories.
    pub(crate) async fn of_repositories(
        context: &Context,
        schema: Option<&Value>,
        repositories: &[Repository],
    ) -> Result<Self> {
        let prns = repositories.iter().map(Repository::prn);
        let mut found = Self::of(context, schema, prns).await?;
        if shows(schema, Shown::Time) {
            let mut connection = context.app.database.read().await?;
            let ids = repositories.iter().map(|one| one.id.0).collect();
            let times = last_sync::times(&mut connection, ids).await?;
            found.times = times.into_iter().collect();
        }
        Ok(found)
    }

    async fn of(
        context: &Context,
        schema: Option<&Value>,
        prns: impl Iterator<Item = String>,
    ) -> Result<Self> {
        let mut found = Self::default();
        if shows(schema, Shown::Task) {
            let prns: Vec<String> = prns.collect();
            let mut connection = context.app.database.read().await?;
            let access = context.access()?;
            let seen = access.seen_of_many(&mut connection, Securable::Task, "t");
            let seen = seen.await?;
            let tasks = last_sync::of(&mut connection, prns, seen).await?;
            let tasks = tasks.into_iter();
            found.tasks = tasks.map(|one| (one.resource.clone(), one)).collect();
        }
        Ok(found)
    }

    /// Writes what the schema of the type wants of one.
    pub(crate) fn write(
        &self,
        object: &mut Object<'_>,
        schema: Option<&Value>,
        prn: &str,
        repository: Option<RepositoryId>,
    ) {
        // The gates let no plugin in whose schema is wrong there.
        let wanted = schema.and_then(|schema| schema::last_syncs(schema).ok());
        for (name, what) in wanted.into_iter().flatten() {
            match what {
                Shown::Time => {
                    let time = repository.and_then(|repository| self.times.get(&repository));
                    object.field(name, time);
                }
                Shown::Task => match self.tasks.get(prn) {
                    Some(sync) => {
                        object.object(name, |object| write_task(object, sync));
                    }
                    None => {
                        object.field(name, ());
                    }
                },
            }
        }
    }
}

fn shows(schema: Option<&Value>, what: Shown) -> bool {
    let shown = schema.and_then(|schema| schema::last_syncs(schema).ok());
    shown.is_some_and(|all| all.iter().any(|(_, one)| *one == what))
}

fn write_task(object: &mut Object<'_>, sync: &LastSync) {
    object
        .field("task_id", Text(sync.task))
        .field("state", &sync.state)
        .field("started_at", sync.started_at)
        .field("finished_at", sync.finished_at)
        .field("error", &sync.error);
}

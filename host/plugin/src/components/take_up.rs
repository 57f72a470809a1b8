//! Takes a build into service: the last gate, one transaction, one swap.

use std::sync::Arc;

use bytes::Bytes;
use pith_content::types::{Prepared, Types};
use pith_db::component::{self, Build, Component, Origin};
use pith_db::{Connection, Transaction};
use pith_model::Descriptor;

use super::{Components, Error, overrides};
use crate::gate::Gate;
use crate::generation::Generation;

/// Where a candidate came from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'a> {
    Builtin,
    Upload,
    /// The file's path.
    File(&'a str),
}

impl<'a> Source<'a> {
    fn origin(self) -> Origin {
        match self {
            Self::Builtin => Origin::Builtin,
            Self::Upload => Origin::Upload,
            Self::File(_) => Origin::Directory,
        }
    }

    fn file(self) -> Option<&'a str> {
        match self {
            Self::File(file) => Some(file),
            Self::Builtin | Self::Upload => None,
        }
    }
}

impl Components {
    /// Takes a candidate that passed its own gates into service, for all servers. Whether
    /// the plugin was unknown before.
    pub(super) async fn take_up(
        &self,
        candidate: Generation,
        bytes: &Bytes,
        source: Source<'_>,
    ) -> Result<bool, Error> {
        let _turn = self.0.turn.lock().await;
        let name = candidate.name().to_owned();
        let digest = candidate.sha256();
        let mut transaction = self.0.services.database.write_durably().await?;
        component::begin_change(&mut transaction).await?;
        let old = component::by_name(&mut transaction, &name).await?;
        let in_service = self.known().generations.get(&name).cloned();

        let prepared = self.check_compatible(&mut transaction, &candidate).await?;
        let row = match &old {
            Some(row) if row.digest == digest => row.clone(),
            _ => {
                let build = Build {
                    name: &name,
                    version: candidate.version(),
                    digest,
                    bytes,
                    origin: source.origin(),
                    file: source.file(),
                };
                component::save(&mut transaction, &build).await?
            }
        };
        if let Some(file) = source.file() {
            component::note_file(&mut transaction, file, digest, row.id).await?;
        }
        transaction.commit().await?;

        self.forget_problem(&name);
        let is_new = old.is_none();
        if in_service.is_none_or(|(generation, _)| generation.sha256() != digest) {
            self.put_in_service(&candidate, &row, prepared);
        }
        Ok(is_new)
    }

    /// The last gate: makes or widens the tables of the candidate's types, if they fit.
    async fn check_compatible(
        &self,
        transaction: &mut Transaction,
        candidate: &Generation,
    ) -> Result<Prepared, Error> {
        let descriptor = candidate.descriptor();
        if let Some(reason) = self.changed_artifacts(descriptor) {
            return Err(Gate::Compatibility.refuses(reason).into());
        }
        if let Some(reason) = self.taken_place(descriptor) {
            return Err(Gate::Compatibility.refuses(reason).into());
        }
        if let Some(reason) = lost_type(transaction, descriptor).await? {
            return Err(Gate::Compatibility.refuses(reason).into());
        }
        match Types::prepare(transaction, descriptor).await {
            Err(pith_db::Error::Incompatible(reason)) => {
                Err(Gate::Compatibility.refuses(reason).into())
            }
            other => Ok(other?),
        }
    }

    /// How many artifacts a unit has is part of what it is.
    fn changed_artifacts(&self, descriptor: &Descriptor) -> Option<String> {
        let known = self.known();
        let (before, _) = known.generations.get(&descriptor.name)?;
        let changed = before.descriptor().content_types.iter().find(|old| {
            let new = descriptor.content_type(&old.name);
            new.is_some_and(|new| new.artifacts != old.artifacts)
        })?;
        Some(format!(
            "content type {:?} has another number of artifacts than in the build that is in service",
            changed.name
        ))
    }

    /// An address has one plugin that answers there. One that is out of service keeps its own.
    fn taken_place(&self, descriptor: &Descriptor) -> Option<String> {
        let known = self.known();
        let mut others = known.generations.values();
        others.find_map(|(other, _)| {
            let other = other.descriptor();
            let (own, theirs) = descriptor.routing.clash(&other.routing)?;
            (other.name != descriptor.name).then(|| {
                format!(
                    "the place {} is, or may be, plugin {}'s, which answers at {}",
                    own.at, other.name, theirs.at
                )
            })
        })
    }

    /// Swaps a build in, with its types, in one step. Its tables are there.
    pub(super) fn put_in_service(
        &self,
        generation: &Generation,
        row: &Component,
        prepared: Prepared,
    ) {
        let limits = overrides::apply(&self.0.defaults, &row.limits);
        let number = u64::try_from(row.generation).unwrap_or(0);
        let generation = generation.limited(limits).numbered(number);
        let types = &self.0.services.types;
        let generation = if row.enabled {
            self.0
                .plugins
                .install_with(generation, || types.put(&prepared))
        } else {
            types.put(&prepared);
            self.0.plugins.remove(&row.name);
            Arc::new(generation)
        };
        let known = (generation, Arc::new(prepared));
        self.known().generations.insert(row.name.clone(), known);
    }
}

/// A kind of resource that rows have and the descriptor has not.
async fn lost_type(
    connection: &mut Connection,
    descriptor: &Descriptor,
) -> Result<Option<String>, Error> {
    for (kind, types) in [
        ("repository", &descriptor.repository_types),
        ("remote", &descriptor.remote_types),
        ("publication", &descriptor.publication_types),
        ("distribution", &descriptor.distribution_types),
        ("entity", &descriptor.entity_types),
    ] {
        let used = component::types_in_use(connection, kind, &descriptor.name).await?;
        let lost = used
            .into_iter()
            .find(|name| types.iter().all(|one| one.name != *name));
        if let Some(name) = lost {
            return Ok(Some(format!(
                "the {kind} type {name:?} is gone, but there are resources of it"
            )));
        }
    }
    Ok(None)
}

//! What the plugins in service declare: which typed paths there are, and with which
//! settings.

use std::sync::Arc;

use pith_db::content_type::TypeTable;
use pith_model::descriptor::{Descriptor, ResourceType, TaskKind, TaskType};
use pith_model::reference::Kind;
use pith_plugin::Generation;
use serde_json::Value;

use crate::app::App;
use crate::error::{Error, Result};

/// A resource type of a plugin in service.
#[derive(Clone, Debug)]
pub(crate) struct Declared {
    /// The build that declares it; a request stays with it to its end.
    pub(crate) generation: Arc<Generation>,
    kind: Kind,
    at: usize,
}

/// The types of one kind of resource that a plugin declares.
pub(crate) fn types(descriptor: &Descriptor, kind: Kind) -> &[ResourceType] {
    match kind {
        Kind::Repository | Kind::Version => &descriptor.repository_types,
        Kind::Remote => &descriptor.remote_types,
        Kind::Publication => &descriptor.publication_types,
        Kind::Distribution => &descriptor.distribution_types,
        Kind::Entity => &descriptor.entity_types,
        Kind::Content
        | Kind::Artifact
        | Kind::Task
        | Kind::Worker
        | Kind::SigningService
        | Kind::TaskGroup
        | Kind::TaskSchedule
        | Kind::Upload => &[],
    }
}

impl Declared {
    /// The type, if a plugin in service has it.
    pub(crate) fn find(app: &App, kind: Kind, plugin: &str, type_name: &str) -> Option<Self> {
        let generation = app.plugins.current(plugin)?;
        let at = types(generation.descriptor(), kind)
            .iter()
            .position(|one| one.name == type_name)?;
        Some(Self {
            generation,
            kind,
            at,
        })
    }

    /// The type that a path names.
    pub(crate) fn get(app: &App, kind: Kind, plugin: &str, type_name: &str) -> Result<Self> {
        Self::find(app, kind, plugin, type_name).ok_or_else(Error::not_found)
    }

    /// What the plugin says of it.
    pub(crate) fn resource_type(&self) -> &ResourceType {
        &types(self.generation.descriptor(), self.kind)[self.at]
    }

    /// The JSON Schema of its settings.
    pub(crate) fn schema(&self) -> &Value {
        &self.resource_type().config
    }

    /// The plugin's name.
    pub(crate) fn plugin(&self) -> &str {
        &self.generation.descriptor().name
    }

    /// The type's name.
    pub(crate) fn type_name(&self) -> &str {
        &self.resource_type().name
    }
}

/// A plugin in service.
pub(crate) fn generation(app: &App, plugin: &str) -> Result<Arc<Generation>> {
    app.plugins.current(plugin).ok_or_else(Error::not_found)
}

/// The plugin of a row that was made while it was in service.
pub(crate) fn generation_of_row(app: &App, plugin: &str) -> Result<Arc<Generation>> {
    app.plugins.current(plugin).ok_or_else(|| {
        Error::unavailable(format!(
            "The plugin {plugin:?} is not in service right now."
        ))
    })
}

/// The task type of a kind, where the plugin offers one.
pub(crate) fn task_type(generation: &Generation, kind: TaskKind) -> Option<&TaskType> {
    let task_type = generation.descriptor().task_type(kind)?;
    generation.abilities().has(kind).then_some(task_type)
}

/// The content type that a path names.
pub(crate) fn content_type(app: &App, plugin: &str, plural: &str) -> Result<Arc<TypeTable>> {
    generation(app, plugin)?;
    app.types
        .by_path(plugin, plural)
        .ok_or_else(Error::not_found)
}

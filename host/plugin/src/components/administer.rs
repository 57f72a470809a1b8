//! What an administrator asks for: a component loaded, changed, removed.

use std::sync::Arc;

use bytes::Bytes;
use pith_db::component::{self, Component, Origin};
use serde_json::{Map, Value};

use super::take_up::Source;
use super::{Components, Error, Shown, overrides};
use crate::gate::Gate;

/// A change of a component.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Whether it is in service.
    pub enabled: Option<bool>,
    /// Limits, by name; null takes one back.
    pub limits: Option<Map<String, Value>>,
}

impl Components {
    /// Loads a component, or reloads one. Whether the plugin was unknown before.
    ///
    /// # Errors
    /// [`Error::Refused`] with the gate that stayed closed; what was in service goes on.
    pub async fn load(&self, bytes: Bytes, expected: Option<&str>) -> Result<(Shown, bool), Error> {
        const SOURCE: &str = "that was sent";
        let limits = self.0.defaults.clone();
        let candidate = self
            .0
            .loader
            .load_expected(SOURCE, bytes.clone(), expected, limits);
        let candidate = candidate.await?;
        let name = candidate.name().to_owned();
        match self.take_up(candidate, &bytes, Source::Upload).await {
            Ok(is_new) => Ok((self.find(&name).await?, is_new)),
            Err(error) => {
                let error = match error {
                    Error::Refused(refused) => refused.of(SOURCE).into(),
                    other => other,
                };
                tracing::warn!(plugin.name = name, %error, "the plugin {name} was not reloaded: {error}");
                self.note_problem(&name, SOURCE, &error);
                Err(error)
            }
        }
    }

    /// Changes what may be chosen of a component.
    pub async fn change(&self, name: &str, change: &Change) -> Result<Shown, Error> {
        let turn = self.0.turn.lock().await;
        let mut transaction = self.0.services.database.write_durably().await?;
        component::begin_change(&mut transaction).await?;
        let row = component::by_name(&mut transaction, name)
            .await?
            .ok_or_else(|| Error::NotFound(name.to_owned()))?;
        let limits = match &change.limits {
            Some(changes) => overrides::merge(&row.limits, changes).map_err(Error::Limits)?,
            None => row.limits.clone(),
        };
        let enabled = change.enabled.unwrap_or(row.enabled);
        component::set_options(&mut transaction, row.id, enabled, &limits).await?;
        transaction.commit().await?;
        let row = Component {
            enabled,
            limits,
            ..row
        };
        self.apply_options(&row);
        drop(turn);
        self.find(name).await
    }

    /// Takes a component out of service for good. Where the server's own build or a file in
    /// a plugin directory stands behind it, that takes its place.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        let mut connection = self.0.services.database.read().await?;
        let row = component::by_name(&mut connection, name)
            .await?
            .ok_or_else(|| Error::NotFound(name.to_owned()))?;
        drop(connection);
        match row.origin {
            Origin::Builtin => Err(Error::Conflict(format!(
                "The plugin {name:?} is part of the server; disable it instead."
            ))),
            Origin::Directory => Err(Error::Conflict(format!(
                "The plugin {name:?} comes from the file {}; remove the file, or disable the plugin.",
                row.file.unwrap_or_default()
            ))),
            Origin::Upload => {
                if !self.fall_back(name).await? {
                    self.remove(name, &row).await?;
                }
                self.look_anew();
                Ok(())
            }
        }
    }

    /// Puts the server's own build of a plugin into service; whether there is one.
    pub(super) async fn fall_back(&self, name: &str) -> Result<bool, Error> {
        let Some((_, bytes)) = self.0.builtins.iter().find(|(stem, _)| *stem == name) else {
            return Ok(false);
        };
        let bytes = Bytes::from_static(bytes);
        let limits = self.0.defaults.clone();
        let builtin = self.0.loader.load(name, bytes.clone(), limits).await?;
        self.take_up(builtin, &bytes, Source::Builtin).await?;
        Ok(true)
    }

    /// Removes a plugin that nothing belongs to any more, with its empty tables.
    pub(super) async fn remove(&self, name: &str, row: &Component) -> Result<(), Error> {
        let _turn = self.0.turn.lock().await;
        let mut transaction = self.0.services.database.write_durably().await?;
        component::begin_change(&mut transaction).await?;
        let uses = component::uses(&mut transaction, name).await?;
        if !uses.is_empty() {
            return Err(Error::Conflict(format!(
                "The plugin {name:?} still has {}; delete these first, or disable the plugin.",
                uses.join(", ")
            )));
        }
        pith_db::content_type::drop_all_of(&mut transaction, name).await?;
        component::delete(&mut transaction, row.id).await?;
        transaction.commit().await?;
        self.put_out_of_service(name);
        Ok(())
    }

    /// Nothing of a plugin stays in this process.
    pub(super) fn put_out_of_service(&self, name: &str) {
        self.0.plugins.remove(name);
        self.0.services.types.remove(name);
        let mut known = self.known();
        known.generations.remove(name);
        known.problems.remove(name);
    }

    /// Brings the options of a row to the build that this process has.
    pub(super) fn apply_options(&self, row: &Component) {
        let Some((generation, prepared)) = self.known().generations.get(&row.name).cloned() else {
            return;
        };
        let limits = overrides::apply(&self.0.defaults, &row.limits);
        let in_service = self.0.plugins.current(&row.name).is_some();
        if *generation.limits() == limits && in_service == row.enabled {
            return;
        }
        let generation = generation.limited(limits);
        let generation = if row.enabled {
            self.0.plugins.install_with(generation, || ())
        } else {
            self.0.plugins.remove(&row.name);
            Arc::new(generation)
        };
        let known = (generation, prepared);
        self.known().generations.insert(row.name.clone(), known);
    }
}

/// The gate that a component which is too large for a request does not pass.
pub fn too_large(most: u64) -> Error {
    Gate::Size
        .refuses(format!("it has more than {} MiB", most >> 20))
        .into()
}

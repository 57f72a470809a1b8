//! The plugins at the start of a server: its own, those in directories, those in the rows.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use anyhow::Context as _;
use bytes::Bytes;
use pith_content::Services;
use pith_db::component::{self, Origin};
use tokio::sync::Mutex;

use super::directory::Watcher;
use super::take_up::Source;
use super::{Components, Error, Inner};
use crate::limits::Limits;
use crate::load::Loader;
use crate::registry::Plugins;

/// What the plugins of an installation are made of.
pub struct Parts {
    /// Rows, types and the rest of the house.
    pub services: Services,
    /// Where builds come into service.
    pub plugins: Arc<Plugins>,
    /// Leads components through the gates.
    pub loader: Loader,
    /// What a plugin may use for which nothing else is set.
    pub limits: Limits,
    /// Names and components that the binary brings.
    pub builtins: &'static [(&'static str, &'static [u8])],
    /// Directories whose `*.wasm` are plugins.
    pub directories: Vec<PathBuf>,
}

impl Components {
    /// Brings all plugins into service. One that the binary brings must come up; what else
    /// does not is left out, and the log says why.
    pub async fn start(parts: Parts) -> anyhow::Result<Self> {
        let components = Self(Arc::new(Inner {
            services: parts.services,
            plugins: parts.plugins,
            loader: parts.loader,
            defaults: parts.limits,
            builtins: parts.builtins,
            builtin_digests: OnceLock::new(),
            // A file is known by its path, whatever this process was started in.
            directories: parts
                .directories
                .into_iter()
                .map(|directory| directory.canonicalize().unwrap_or(directory))
                .collect(),
            turn: Mutex::default(),
            known: std::sync::Mutex::default(),
        }));
        for (name, bytes) in components.0.builtins {
            components
                .start_builtin(name, Bytes::from_static(bytes))
                .await
                .with_context(|| format!("the built-in plugin {name:?} does not come up"))?;
        }
        let mut watcher = Watcher::new(components.clone());
        watcher.begin().await?;
        components.synchronize().await?;
        tokio::spawn(watcher.run());
        tokio::spawn(components.clone().follow());
        Ok(components)
    }

    /// The server's own build, unless another took its place.
    async fn start_builtin(&self, name: &str, bytes: Bytes) -> Result<(), Error> {
        let mut connection = self.0.services.database.read().await?;
        let row = component::by_name(&mut connection, name).await?;
        drop(connection);
        if row
            .as_ref()
            .is_some_and(|row| row.origin != Origin::Builtin)
        {
            return Ok(());
        }
        let limits = self.0.defaults.clone();
        let builtin = self.0.loader.load(name, bytes.clone(), limits).await?;
        match self.take_up(builtin, &bytes, Source::Builtin).await {
            // A newer server was here. Its build is in the rows and comes up from there.
            Err(error @ Error::Refused(_)) if row.is_some() => {
                tracing::warn!(plugin.name = name, %error, "the server's own plugin {name} is not used: {error}");
                self.note_problem(name, name, &error);
                Ok(())
            }
            other => other.map(drop),
        }
    }
}

//! Loads the plugins that the binary brings and those in the plugin directories.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use pith_content::Services;
use pith_plugin::{Generation, Limits, Loader, Plugins};

/// Names and components, as `build.rs` found them.
static EMBEDDED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// Loads all plugins. One that the binary brings must load; one in a directory that does
/// not is left out and the log says why. A plugin in a directory takes the place of one
/// with the same name.
pub(crate) async fn load(
    loader: &Loader,
    services: &Services,
    plugins: &Arc<Plugins>,
    directories: &[PathBuf],
    limits: &Limits,
) -> anyhow::Result<()> {
    for (name, component) in EMBEDDED {
        let generation = loader
            .load(name, Bytes::from_static(component), limits.clone())
            .await
            .with_context(|| format!("the built-in plugin {name:?} does not load"))?;
        install(services, plugins, generation)
            .await
            .with_context(|| format!("the built-in plugin {name:?} cannot be put into service"))?;
    }
    for directory in directories {
        for file in components(directory)? {
            if let Err(error) = load_file(loader, services, plugins, &file, limits).await {
                tracing::error!("the plugin {} is left out: {error:#}", file.display());
            }
        }
    }
    Ok(())
}

async fn load_file(
    loader: &Loader,
    services: &Services,
    plugins: &Arc<Plugins>,
    file: &Path,
    limits: &Limits,
) -> anyhow::Result<()> {
    let generation = loader.load_file(file, limits.clone()).await?;
    install(services, plugins, generation).await
}

/// Its tables first: a plugin in service has somewhere to put its content.
async fn install(
    services: &Services,
    plugins: &Arc<Plugins>,
    generation: Generation,
) -> anyhow::Result<()> {
    services
        .types
        .install(&services.database, generation.descriptor())
        .await?;
    plugins.install(generation);
    Ok(())
}

/// The components in a directory, by name; none where there is no such directory.
fn components(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(directory).with_context(|| {
        format!(
            "the plugin directory {} cannot be read",
            directory.display()
        )
    })?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "wasm")
        })
        .collect();
    files.sort();
    Ok(files)
}

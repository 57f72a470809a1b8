//! `pith serve`: puts the parts together and runs them until told to stop.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use pith_content::fetch::AddressPolicy;
use pith_content::seal::Seal;
use pith_content::types::Types;
use pith_content::{Services, orphan, upload};
use pith_http::{App, HttpSettings};
use pith_plugin::compile::Compiler;
use pith_plugin::components::{Components, Parts};
use pith_plugin::{Cache, Engine, Limits, Loader, Plugins};
use pith_storage::faults::FaultyFileSystem;
use pith_storage::{DirectoryStore, Store};
use pith_tasks::{Options, Scheduler, Toolbox, Workers};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::Config;
use crate::data_directory::DataDirectory;
use crate::{open, plugins, user};

/// Runs the server.
pub(crate) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    raise_file_limit();
    let directory = DataDirectory::take(&config.data_dir, config.database_url.is_some())?;
    let database = open::database(config).await?;
    let store = open_store(config, &directory)?;
    let services = Services {
        database: database.clone(),
        store: Arc::clone(&store),
        types: Types::default(),
        seal: Seal::open(&directory.key()).context("the key for secrets cannot be read")?,
        addresses: AddressPolicy {
            deny_private: config.deny_private_addresses,
        },
        uploads: config.uploads.limits()?,
    };
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.listen))?;

    let plugins = Arc::new(Plugins::default());
    let engine = Engine::start().context("plugins cannot run on this machine")?;
    let cache = Cache::open(directory.compiled(), &engine)
        .context("the directory for compiled plugins cannot be used")?
        .compiled_by(compiler());
    let loader = Loader::new(engine, cache)?;
    let mut directories = vec![directory.plugins()?];
    directories.extend(config.plugin_dir.clone());
    let limits = Limits {
        cpu: Duration::from_secs(config.plugin_cpu_seconds),
        memory_bytes: config.plugin_memory_mib << 20,
        ..Limits::default()
    };
    let components = Components::start(Parts {
        services: services.clone(),
        plugins: Arc::clone(&plugins),
        loader,
        limits,
        builtins: plugins::EMBEDDED,
        directories,
    })
    .await?;

    user::ensure_admin(&database, config.admin_password.as_deref()).await?;
    let scheduler = Scheduler::new(database.clone());
    let toolbox = Toolbox {
        services: services.clone(),
        plugins: Arc::clone(&plugins),
    };
    let options = Options {
        name: directory.server_name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        slots: config.task_slots,
    };
    let workers = Workers::register(toolbox, scheduler.clone(), options)
        .await
        .context("this server cannot register itself in the database")?;
    let workers = Arc::new(workers);
    workers.start();
    tokio::spawn(tidy(services.clone()));
    tokio::spawn(upload::keep_reaping(services.clone()));

    let settings = HttpSettings {
        content_origin: config.content_origin.clone(),
        ..HttpSettings::default()
    };
    let app = App::new(services, plugins, components, scheduler, settings);
    // For whoever started this: the port may have been chosen by the system.
    println!("listening on http://{}", listener.local_addr()?);
    pith_http::run(app, listener, stopped()).await?;
    workers.shut_down().await;
    database.close().await;
    Ok(ExitCode::SUCCESS)
}

/// This program once more, with the command that compiles.
fn compiler() -> Compiler {
    // The name of the file may be another program's by then, after an update.
    let own = Path::new("/proc/self/exe");
    let program = if own.exists() {
        own.to_owned()
    } else {
        match std::env::current_exe() {
            Ok(program) => program,
            Err(_) => return Compiler::Here,
        }
    };
    Compiler::Apart([program.into(), "compile".into()].into())
}

fn open_store(config: &Config, directory: &DataDirectory) -> anyhow::Result<Arc<dyn Store>> {
    let path = directory.store();
    let store = match &config.disk_faults {
        Some(spec) => {
            let faults = FaultyFileSystem::from_spec(spec)
                .with_context(|| format!("the disk faults {spec:?} are wrong"))?;
            tracing::warn!("the disk will fail on purpose: {spec}");
            DirectoryStore::open_with(path, Arc::new(faults))
        }
        None => DirectoryStore::open(path),
    };
    Ok(Arc::new(store.context("the store cannot be opened")?))
}

/// What an earlier life left half done, beside serving.
async fn tidy(services: Services) {
    if let Err(error) = services.store.recover().await {
        tracing::warn!(%error, "unfinished files could not be cleared: {error}");
    }
    if let Err(error) = orphan::finish_removals(&services).await {
        tracing::warn!(%error, "a clean-up that was cut off could not be finished: {error}");
    }
}

/// Files and connections are many; the limit that a shell gives is for people.
fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files could not be raised: {error}");
    }
}

async fn stopped() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    tracing::info!("stopping");
}

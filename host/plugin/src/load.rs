//! Makes a generation of a component: through the gates, one after the other.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use pith_model::descriptor::{Descriptor, TaskKind};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use wasmtime::Store;
use wasmtime::component::{Component, HasSelf, Instance, Linker};

use crate::bridge::State;
use crate::bridge::contract::Plugin;
use crate::bridge::contract::exports::pith::plugin::describe;
use crate::cache::{Cache, Source};
use crate::descriptor;
use crate::engine::{ASKING_EACH, Engine, EngineError, SERVING_EACH};
use crate::failure;
use crate::gate::{Gate, Refused};
use crate::generation::{Exports, Generation};
use crate::imports::{self, Imports, Wants};
use crate::limits::{Limits, in_bytes};
use crate::order::Complete;
use crate::program::Program;
use crate::routing;

/// Loads components.
#[derive(Clone)]
pub struct Loader {
    engine: Engine,
    cache: Cache,
    /// What every plugin is linked with.
    contract: Linker<State>,
}

impl Loader {
    /// A loader that keeps compiled code in `cache`.
    pub fn new(engine: Engine, cache: Cache) -> Result<Self, EngineError> {
        let mut contract = Linker::new(engine.wasmtime());
        Plugin::add_to_linker::<_, HasSelf<State>>(&mut contract, |state| state)?;
        Ok(Self {
            engine,
            cache,
            contract,
        })
    }

    /// Loads a component from a file.
    pub async fn load_file(&self, path: &Path, limits: Limits) -> Result<Generation, Refused> {
        let source = path.display().to_string();
        let owned = path.to_owned();
        let most = limits.component_bytes;
        let bytes = blocking(move || read(&owned, most))
            .await
            .map_err(|refused| refused.of(&source))?;
        self.load(&source, bytes, limits).await
    }

    /// Loads a component. `source` is what people call it while it has no other name.
    pub async fn load(
        &self,
        source: &str,
        component: Bytes,
        limits: Limits,
    ) -> Result<Generation, Refused> {
        self.load_expected(source, component, None, limits).await
    }

    /// The same, where whoever sent it says which SHA-256 it has, in hexadecimal.
    pub async fn load_expected(
        &self,
        source: &str,
        component: Bytes,
        expected: Option<&str>,
        limits: Limits,
    ) -> Result<Generation, Refused> {
        self.pass_gates(source, component, expected, limits)
            .await
            .map_err(|refused| refused.of(source))
    }

    async fn pass_gates(
        &self,
        source: &str,
        bytes: Bytes,
        expected: Option<&str>,
        limits: Limits,
    ) -> Result<Generation, Refused> {
        check_size(bytes.len() as u64, limits.component_bytes)?;
        let began = Instant::now();
        let loader = self.clone();
        let expected = expected.map(str::to_ascii_lowercase);
        let turn = self.engine.turn_to_compile().await;
        let (component, origin, digest, imports) = blocking(move || {
            let ready = loader.make_ready(&bytes, expected.as_deref());
            // Whoever gives up waiting does not give the turn to another while this compiles.
            drop(turn);
            ready
        })
        .await?;
        let ready = began.elapsed();

        let program = self.link(&component, imports.wants)?;
        let exports = Exports::of(&program.pre);
        let descriptor = describe(&program, &exports, source, &limits).await?;
        check_abilities(&descriptor, &exports)?;

        let Descriptor { name, version, .. } = &descriptor;
        tracing::info!(
            plugin.name = name,
            plugin.version = version,
            digest,
            cached = origin == Source::Cached,
            ready_in = ?ready,
            loaded_in = ?began.elapsed(),
            "plugin {name} {version} is ready"
        );
        Ok(Generation {
            number: 0,
            digest,
            name: name.as_str().into(),
            limits,
            imports: imports.names,
            exports,
            // What `describe` used is not the plugin's work.
            program: Program {
                usage: Arc::default(),
                ..program
            },
            descriptor,
            complete: Complete::default(),
        })
    }

    /// Reads, hashes and compiles: seconds of work for a large component.
    fn make_ready(
        &self,
        bytes: &[u8],
        expected: Option<&str>,
    ) -> Result<(Component, Source, String, Imports), Refused> {
        let digest = hex::encode(Sha256::digest(bytes));
        if let Some(expected) = expected
            && expected != digest
        {
            return Err(Gate::Digest.refuses(format!(
                "its SHA-256 is {digest}, but {expected} was announced"
            )));
        }
        let imports = imports::check(bytes)?;
        let (component, source) = self
            .cache
            .component(&self.engine, &digest, bytes)
            .map_err(|error| Gate::Compile.refuses(format!("{error:#}")))?;
        Ok((component, source, digest, imports))
    }

    fn link(&self, component: &Component, wants: Wants) -> Result<Program, Refused> {
        let mut linker = self.contract.clone();
        let with_wasi = match wants {
            Wants::Contract => Ok(()),
            Wants::Wasi => wasmtime_wasi::p2::add_to_linker_async(&mut linker),
        };
        let pre = with_wasi
            .and_then(|()| linker.instantiate_pre(component))
            .map_err(|error| Gate::Link.refuses(format!("{error:#}")))?;
        Ok(Program {
            engine: self.engine.clone(),
            pre,
            wants,
            usage: Arc::default(),
            serving: Arc::new(Semaphore::new(SERVING_EACH as usize)),
            asking: Arc::new(Semaphore::new(ASKING_EACH as usize)),
        })
    }
}

pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going down, and with it whoever waits for this.
            Err(_) => std::future::pending().await,
        },
    }
}

/// Reads a component that may not be larger than `most`.
pub(crate) fn read(path: &Path, most: u64) -> Result<Bytes, Refused> {
    let unreadable = |error| Gate::Read.refuses(format!("it cannot be read: {error}"));
    let file = std::fs::File::open(path).map_err(unreadable)?;
    // What the file system says first: there is no need to read what is too large anyway.
    check_size(file.metadata().map_err(unreadable)?.len(), most)?;
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok(bytes.into())
}

fn check_size(size: u64, most: u64) -> Result<(), Refused> {
    if size <= most {
        return Ok(());
    }
    let in_words = |bytes: u64| in_bytes(usize::try_from(bytes).unwrap_or(usize::MAX));
    Err(Gate::Size.refuses(format!(
        "it has {}, the limit is {}",
        in_words(size),
        in_words(most)
    )))
}

/// Asks the component what it is, and looks at the types of all that it exports.
async fn describe(
    program: &Program,
    exports: &Exports,
    source: &str,
    limits: &Limits,
) -> Result<Descriptor, Refused> {
    let describe = describe::GuestIndices::new(&program.pre).map_err(|_| {
        Gate::Exports.refuses(format!(
            "it does not export `pith:plugin/describe@{}`, which every plugin must",
            imports::CONTRACT
        ))
    })?;
    let name: Arc<str> = source.into();
    let limits = limits.while_describing();
    let never = CancellationToken::new();
    // Waiting for the seat is not the component's fault.
    let seat = program.engine.seat_for_loading().await;
    let mut is_made = false;
    let run = program.run(seat, &name, &limits, &never, async |store, instance| {
        is_made = true;
        let guest = match check_types(exports, store, instance)
            .and_then(|()| describe.load(&mut *store, instance))
        {
            Ok(guest) => guest,
            Err(error) => return Ok(Ok(Err(error))),
        };
        let described = match guest.call_describe(&mut *store).await? {
            Ok(described) => described,
            Err(error) => return Ok(Err(error)),
        };
        let routing = match &exports.server {
            Some(server) => {
                server
                    .load(&mut *store, instance)?
                    .call_routes(store)
                    .await?
            }
            None => return Ok(Ok(Ok((described, None)))),
        };
        Ok(routing.map(|routing| Ok((described, Some(routing)))))
    });
    let (described, routing) = run
        .await
        .map_err(|ending| {
            let gate = if is_made { Gate::Describe } else { Gate::Probe };
            gate.refuses(failure::in_words(&ending, &name, &limits))
        })?
        .map_err(|error| Gate::Exports.refuses(format!("an export has another type: {error:#}")))?;
    let routing = routing.map(routing::convert).transpose()?;
    descriptor::convert(described, routing.unwrap_or_default())
}

fn check_types(
    exports: &Exports,
    store: &mut Store<State>,
    instance: &Instance,
) -> wasmtime::Result<()> {
    if let Some(syncer) = &exports.syncer {
        syncer.load(&mut *store, instance)?;
    }
    if let Some(uploader) = &exports.uploader {
        uploader.load(&mut *store, instance)?;
    }
    if let Some(publisher) = &exports.publisher {
        publisher.load(&mut *store, instance)?;
    }
    if let Some(server) = &exports.server {
        server.load(&mut *store, instance)?;
    }
    if let Some(resolver) = &exports.resolver {
        resolver.load(&mut *store, instance)?;
    }
    if let Some(changer) = &exports.changer {
        changer.load(&mut *store, instance)?;
    }
    if let Some(orderer) = &exports.orderer {
        orderer.load(&mut *store, instance)?;
    }
    if let Some(deriver) = &exports.deriver {
        deriver.load(&mut *store, instance)?;
    }
    Ok(())
}

/// A task type that nothing can run is a lie, and so is a key that nobody makes.
fn check_abilities(descriptor: &Descriptor, exports: &Exports) -> Result<(), Refused> {
    for one in &descriptor.content_types {
        let lacking = if !one.order_keys.is_empty() && exports.orderer.is_none() {
            ("order keys", "orderer")
        } else if !one.derived.is_empty() && exports.deriver.is_none() {
            ("derived fields", "deriver")
        } else {
            continue;
        };
        return Err(Gate::Exports.refuses(format!(
            "its content type `{}` has {}, but it does not export `pith:plugin/{}@{}` to make them",
            one.name,
            lacking.0,
            lacking.1,
            imports::CONTRACT
        )));
    }
    for task_type in &descriptor.task_types {
        if exports.abilities().has(task_type.kind) {
            continue;
        }
        let interface = match task_type.kind {
            TaskKind::Sync => "syncer",
            TaskKind::Upload => "uploader",
            TaskKind::Publish => "publisher",
            TaskKind::Change => "changer",
        };
        return Err(Gate::Exports.refuses(format!(
            "it lists the task type `{}`, but does not export `pith:plugin/{interface}@{}` to run it",
            task_type.name,
            imports::CONTRACT
        )));
    }
    Ok(())
}

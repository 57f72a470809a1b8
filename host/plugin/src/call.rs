//! Runs one export of a plugin for a task: a fresh instance, the task's handles, an outcome.

use std::sync::Arc;

use pith_content::changes::Changes;
use pith_content::fetch::Remote;
use pith_content::inputs::Inputs;
use pith_content::lines::Lines;
use pith_content::publish::PublicationDraft;
use pith_content::staging::Staging;
use pith_content::task::TaskHandle;
use pith_content::view::View;
use pith_model::task::TaskError;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};
use wasmtime::Store;
use wasmtime::component::Instance;

use crate::bridge::State;
use crate::bridge::contract::exports::pith::plugin::resolver;
use crate::bridge::contract::pith::plugin::types;
use crate::failure;
use crate::generation::Generation;
use crate::program::Ending;

/// The task that a call runs for.
#[derive(Clone)]
pub struct Caller {
    /// The task's identifier, as logs and clients know it.
    pub id: String,
    /// Its parameters, its progress and its checkpoint.
    pub task: Arc<TaskHandle>,
    /// Ends the call when it is cancelled: within a beat of the clock (10 ms) while the plugin
    /// computes, at once while it waits for the host.
    pub cancel: CancellationToken,
}

/// What a sync is given.
pub struct SyncCall {
    /// The task.
    pub caller: Caller,
    /// The upstream.
    pub remote: Remote,
    /// The repository's latest version.
    pub current: View,
    /// The way in.
    pub staging: Staging,
    /// The next version.
    pub next: Changes,
}

/// What an upload is given.
pub struct UploadCall {
    /// The task.
    pub caller: Caller,
    /// The uploaded files.
    pub files: Inputs,
    /// The way in.
    pub staging: Staging,
}

/// What a publishing is given.
pub struct PublishCall {
    /// The task.
    pub caller: Caller,
    /// The version to publish.
    pub content: View,
    /// The publication in the making.
    pub publication: PublicationDraft,
}

/// What resolving is given.
pub struct ResolveCall {
    /// The task.
    pub caller: Caller,
    /// The lines of the copy.
    pub lines: Lines,
    /// Whether the newest is to come, also where something older would do.
    pub upgrade: bool,
}

/// What a plugin answers to [`resolve`]; nothing of it is checked.
#[derive(Clone, Debug, Default)]
pub struct Resolution {
    /// Units to bring.
    pub pulled: Vec<Pulled>,
    /// What is missing.
    pub unresolved: Vec<Unresolved>,
}

/// A unit to bring.
#[derive(Clone, Debug)]
pub struct Pulled {
    /// A reference.
    pub handle: u64,
    /// A number of a line.
    pub line: u32,
    /// A reference.
    pub wanted_by: u64,
    /// In words.
    pub reason: String,
}

/// What a unit needs and nobody has.
#[derive(Clone, Debug)]
pub struct Unresolved {
    /// A reference.
    pub wanted_by: u64,
    /// In words.
    pub reason: String,
    /// As JSON text.
    pub missing: String,
}

/// What a change of a repository is given.
pub struct ChangeCall {
    /// The task.
    pub caller: Caller,
    /// The name of the task type.
    pub name: String,
    /// The files that came with it.
    pub files: Inputs,
    /// The repository's latest version.
    pub current: View,
    /// The way in.
    pub staging: Staging,
    /// The next version.
    pub next: Changes,
}

/// Reads an upstream's index and stages what it finds.
///
/// # Errors
/// With the code `unsupported` if the plugin leaves this to the host.
pub async fn sync(generation: &Arc<Generation>, call: SyncCall) -> Result<(), TaskError> {
    const EXPORT: &str = "syncer.sync";
    let Some(syncer) = &generation.exports.syncer else {
        return Err(left_to_the_host(generation, EXPORT));
    };
    run(generation, EXPORT, &call.caller, async |store, instance| {
        let state = store.data_mut();
        let task = state.lend(Arc::clone(&call.caller.task))?;
        let remote = state.lend(call.remote)?;
        let current = state.lend(call.current)?;
        let staging = state.lend(call.staging)?;
        let next = state.lend(call.next)?;
        let guest = syncer.load(&mut *store, instance)?;
        guest
            .call_sync(store, task, remote, current, staging, next)
            .await
    })
    .await
}

/// Says what uploaded files are. Gives the references of the staged units.
///
/// # Errors
/// With the code `unsupported` if the plugin leaves this to the host.
pub async fn upload(generation: &Arc<Generation>, call: UploadCall) -> Result<Vec<u64>, TaskError> {
    const EXPORT: &str = "uploader.parse";
    let Some(uploader) = &generation.exports.uploader else {
        return Err(left_to_the_host(generation, EXPORT));
    };
    run(generation, EXPORT, &call.caller, async |store, instance| {
        let state = store.data_mut();
        let task = state.lend(Arc::clone(&call.caller.task))?;
        let files = state.lend(call.files)?;
        let staging = state.lend(call.staging)?;
        let guest = uploader.load(&mut *store, instance)?;
        guest.call_parse(store, task, files, staging).await
    })
    .await
}

/// Makes the files that clients read beside the content itself.
///
/// # Errors
/// With the code `unsupported` if the plugin leaves this to the host.
pub async fn publish(generation: &Arc<Generation>, call: PublishCall) -> Result<(), TaskError> {
    const EXPORT: &str = "publisher.publish";
    let Some(publisher) = &generation.exports.publisher else {
        return Err(left_to_the_host(generation, EXPORT));
    };
    run(generation, EXPORT, &call.caller, async |store, instance| {
        let state = store.data_mut();
        let task = state.lend(Arc::clone(&call.caller.task))?;
        let content = state.lend(call.content)?;
        let publication = state.lend(call.publication)?;
        let guest = publisher.load(&mut *store, instance)?;
        guest.call_publish(store, task, content, publication).await
    })
    .await
}

/// Changes a repository by rules of the plugin's own.
///
/// # Errors
/// With the code `unsupported` if the plugin has none.
pub async fn change(generation: &Arc<Generation>, call: ChangeCall) -> Result<(), TaskError> {
    const EXPORT: &str = "changer.change";
    let Some(changer) = &generation.exports.changer else {
        return Err(left_to_the_host(generation, EXPORT));
    };
    run(generation, EXPORT, &call.caller, async |store, instance| {
        let state = store.data_mut();
        let task = state.lend(Arc::clone(&call.caller.task))?;
        let files = state.lend(call.files)?;
        let current = state.lend(call.current)?;
        let staging = state.lend(call.staging)?;
        let next = state.lend(call.next)?;
        let guest = changer.load(&mut *store, instance)?;
        guest
            .call_change(store, &call.name, task, files, current, staging, next)
            .await
    })
    .await
}

/// Says what the units of a copy need beyond what they refer to.
///
/// # Errors
/// With the code `unsupported` if the plugin leaves this to the host.
pub async fn resolve(
    generation: &Arc<Generation>,
    call: ResolveCall,
) -> Result<Resolution, TaskError> {
    const EXPORT: &str = "resolver.resolve";
    let Some(resolver) = &generation.exports.resolver else {
        return Err(left_to_the_host(generation, EXPORT));
    };
    run(generation, EXPORT, &call.caller, async |store, instance| {
        let state = store.data_mut();
        let task = state.lend(Arc::clone(&call.caller.task))?;
        let lines = state.lend(call.lines)?;
        let guest = resolver.load(&mut *store, instance)?;
        let answer = guest.call_resolve(store, task, lines, call.upgrade).await?;
        Ok(answer.map(resolution))
    })
    .await
}

fn resolution(answer: resolver::Resolution) -> Resolution {
    let pulled = answer.pulled.into_iter().map(|one| Pulled {
        handle: one.handle,
        line: one.line,
        wanted_by: one.wanted_by,
        reason: one.reason,
    });
    let unresolved = answer.unresolved.into_iter().map(|one| Unresolved {
        wanted_by: one.wanted_by,
        reason: one.reason,
        missing: one.missing,
    });
    Resolution {
        pulled: pulled.collect(),
        unresolved: unresolved.collect(),
    }
}

async fn run<T>(
    generation: &Generation,
    export: &'static str,
    caller: &Caller,
    body: impl AsyncFnOnce(&mut Store<State>, &Instance) -> wasmtime::Result<Result<T, types::Error>>,
) -> Result<T, TaskError> {
    let Generation {
        program,
        name,
        limits,
        ..
    } = generation;
    let call = async {
        let seat = tokio::select! {
            biased;
            () = caller.cancel.cancelled() => return Err(Ending::Cancelled),
            seat = program.engine.seat() => seat,
        };
        program.run(seat, name, limits, &caller.cancel, body).await
    };
    call.instrument(span(generation, export, caller))
        .await
        .map_err(|ending| failure::task_error(&ending, generation, export))
}

fn span(generation: &Generation, export: &'static str, caller: &Caller) -> Span {
    tracing::info_span!(
        "plugin",
        task.id = caller.id,
        plugin.name = generation.name(),
        plugin.version = generation.version(),
        generation = generation.number(),
        export,
    )
}

pub(crate) fn left_to_the_host(generation: &Generation, export: &str) -> TaskError {
    TaskError {
        plugin: Some(generation.name().to_owned()),
        version: Some(generation.version().to_owned()),
        export: Some(export.to_owned()),
        ..TaskError::new(
            "unsupported",
            format!("plugin {} does not export {export}", generation.name()),
        )
    }
}

//! A linked component, and how one of its exports is run: in a fresh instance, within
//! limits, until it ends or is told to.

use std::pin::pin;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use wasmtime::component::{Instance, InstancePre};
use wasmtime::{Store, UpdateDeadline};

use crate::bridge::State;
use crate::bridge::contract::pith::plugin::types;
use crate::engine::{Engine, Seat};
use crate::imports::Wants;
use crate::limits::{LimitExceeded, Limits};
use crate::usage::Usage;

/// Handles in the component's own tables, which it can make without asking the host. Each
/// costs a few bytes; the host's own are counted in [`Limits::handles`].
const COMPONENT_HANDLES: usize = 10_000;

/// What is ready to run.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) engine: Engine,
    pub(crate) pre: InstancePre<State>,
    pub(crate) wants: Wants,
    pub(crate) usage: Arc<Usage>,
    /// How many requests it may answer at once.
    pub(crate) serving: Arc<Semaphore>,
    /// How many of its calls may put values in order or derive fields at once.
    pub(crate) asking: Arc<Semaphore>,
}

/// How a run ended that did not end well.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The plugin answered with an error of its own.
    Answered(types::Error),
    /// It trapped, or the host ended it.
    Trapped {
        error: wasmtime::Error,
        last_words: Option<String>,
    },
    /// It was still running when its time was up.
    TimeUp(LimitExceeded),
    /// Whoever started it wanted it no more.
    Cancelled,
}

impl Program {
    /// Makes an instance in `seat` and runs `body` in it.
    pub(crate) async fn run<T>(
        &self,
        seat: Seat,
        plugin: &Arc<str>,
        limits: &Limits,
        cancel: &CancellationToken,
        body: impl AsyncFnOnce(
            &mut Store<State>,
            &Instance,
        ) -> wasmtime::Result<Result<T, types::Error>>,
    ) -> Result<T, Ending> {
        // Everything below ends within a beat of the clock when it is dropped: the plugin's
        // code comes back to the executor at each, and host calls are futures.
        let run = tokio::time::timeout(limits.wall, self.run_freely(seat, plugin, limits, body));
        let mut run = pin!(run);
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Ending::Cancelled),
            ended = &mut run => ended.unwrap_or_else(|_| {
                Err(Ending::TimeUp(LimitExceeded::Wall {
                    plugin: Arc::clone(plugin),
                    limit: limits.wall,
                }))
            }),
        }
    }

    async fn run_freely<T>(
        &self,
        // A parameter lives longer than what is declared below, as it must.
        seat: Seat,
        plugin: &Arc<str>,
        limits: &Limits,
        body: impl AsyncFnOnce(
            &mut Store<State>,
            &Instance,
        ) -> wasmtime::Result<Result<T, types::Error>>,
    ) -> Result<T, Ending> {
        let state =
            State::new(plugin, seat.clock(), limits, self.wants).counted(self.usage.begin());
        let mut store = self.store(state, limits);
        let outcome = async {
            let instance = self.pre.instantiate_async(&mut store).await?;
            body(&mut store, &instance).await
        }
        .await;
        let state = store.data();
        tracing::debug!(cpu = ?state.meter.spent(), "plugin {plugin} ended");
        match outcome {
            Ok(answer) => answer.map_err(Ending::Answered),
            Err(error) => {
                self.usage.trapped();
                Err(Ending::Trapped {
                    error,
                    last_words: state.log.last_words(),
                })
            }
        }
    }

    fn store(&self, state: State, limits: &Limits) -> Store<State> {
        let mut store = Store::new(self.engine.wasmtime(), state);
        store.limiter(|state| &mut state.limiter);
        store.set_hostcall_fuel(limits.passed_bytes);
        store.set_max_component_handles(COMPONENT_HANDLES);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut context| {
            context.data_mut().meter.beat()?;
            // Tokio's own `yield_now` lets its driver and other tasks have a turn first.
            Ok(UpdateDeadline::YieldCustom(
                1,
                Box::pin(tokio::task::yield_now()),
            ))
        });
        store
    }
}

//! What the host keeps for one instance: its handles, its accounts and its log.

use std::sync::Arc;

use pith_content::error::Error;
use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::contract::pith::plugin::host;
use super::failure::Failure;
use super::log::Log;
use super::wasi;
use crate::imports::Wants;
use crate::limits::{Limiter, Limits};
use crate::meter::Meter;
use crate::ticker::Clock;
use crate::usage::Account;

/// The state of one store.
pub(crate) struct State {
    pub(crate) limiter: Limiter,
    pub(crate) meter: Meter,
    pub(crate) log: Log,
    pub(super) table: ResourceTable,
    /// How many bodies are open.
    pub(super) bodies: usize,
    plugin: Arc<str>,
    handles: usize,
    wasi: Option<WasiCtx>,
    account: Option<Account>,
}

impl Drop for State {
    /// However a call ends, what it used is counted.
    fn drop(&mut self) {
        if let Some(account) = &self.account {
            account.close(self.meter.spent(), self.limiter.memory());
        }
    }
}

impl State {
    pub(crate) fn new(plugin: &Arc<str>, clock: Clock, limits: &Limits, wants: Wants) -> Self {
        let log = Log::new(Arc::clone(plugin));
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        Self {
            limiter: Limiter::new(Arc::clone(plugin), limits),
            meter: Meter::new(Arc::clone(plugin), clock, limits.cpu),
            wasi: (wants == Wants::Wasi).then(|| wasi::nothing(&log)),
            log,
            table,
            bodies: 0,
            plugin: Arc::clone(plugin),
            handles: limits.handles,
            account: None,
        }
    }

    /// The same, for a call whose use of the machine is counted.
    pub(crate) fn counted(mut self, account: Account) -> Self {
        self.account = Some(account);
        self
    }

    /// Gives the plugin a power for the time of its call.
    pub(crate) fn lend<T: Send + 'static>(&mut self, power: T) -> wasmtime::Result<Resource<T>> {
        let owned = self.table.push(power)?;
        Ok(Resource::new_borrow(owned.rep()))
    }

    /// Gives the plugin something that it opened.
    pub(super) fn give<T: Send + 'static>(&mut self, opened: T) -> Result<Resource<T>, Failure> {
        let Self {
            plugin, handles, ..
        } = self;
        self.table.push(opened).map_err(|_| {
            Failure::limit(format!(
                "plugin {plugin} holds {handles} handles, which is its limit; close some before opening more"
            ))
        })
    }

    /// The plugin dropped what it had opened.
    pub(super) fn release<T: Send + 'static>(
        &mut self,
        handle: Resource<T>,
    ) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }

    /// To be called with the outcome of whatever may have waited: from here on the time is
    /// the plugin's again.
    pub(super) fn resume<T>(&mut self, outcome: Result<T, Error>) -> Result<T, Failure> {
        self.meter.back_in_plugin();
        outcome.map_err(Failure::Told)
    }
}

impl host::Host for State {}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: self
                .wasi
                .as_mut()
                .expect("WASI is linked only for components whose state has it"),
            table: &mut self.table,
        }
    }
}

#[cfg(test)]
mod tests {
    use pith_content::error::Code;

    use super::*;
    use crate::ticker::Ticker;

    fn state() -> State {
        let ticker = Ticker::start(|| ()).expect("a thread");
        let limits = Limits {
            handles: 2,
            ..Limits::default()
        };
        State::new(
            &"file".into(),
            ticker.run().clock(),
            &limits,
            Wants::Contract,
        )
    }

    #[test]
    fn a_plugin_holds_so_many_handles_and_no_more() {
        let mut state = state();
        let first = state.give("a body").expect("room");
        state.give("a reader").expect("room");
        let Err(Failure::Told(error)) = state.give("a file") else {
            panic!("a third handle was given");
        };
        assert_eq!(error.code, Code::Limit);
        assert!(error.message.contains("holds 2 handles"), "{error}");
        state.release(first).expect("released");
        assert!(state.give("a file").is_ok());
    }

    #[test]
    fn a_plugin_leaves_a_connection_to_the_pipeline() {
        let mut state = state();
        assert!(state.check_bodies(1).is_ok());
        state.bodies = 3;
        assert!(state.check_bodies(5).is_ok());
        let Err(Failure::Told(error)) = state.check_bodies(4) else {
            panic!("all connections were given away");
        };
        assert_eq!(error.code, Code::Limit);
    }
}

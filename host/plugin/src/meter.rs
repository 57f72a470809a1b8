//! Counts the time that a plugin computes, by the beats of the clock that fall into it.

use std::sync::Arc;
use std::time::Duration;

use crate::limits::LimitExceeded;
use crate::ticker::{Clock, TICK};

/// The CPU account of one call. A beat counts if the plugin's code was running when it
/// came; beats during a host call are the host's. Over many beats that is what it used.
#[derive(Debug)]
pub(crate) struct Meter {
    plugin: Arc<str>,
    clock: Clock,
    limit: Duration,
    budget: u64,
    spent: u64,
    /// The clock when the plugin's code last began to run.
    since: u64,
}

impl Meter {
    pub(crate) fn new(plugin: Arc<str>, clock: Clock, limit: Duration) -> Self {
        let budget = limit.as_millis().div_ceil(TICK.as_millis());
        Self {
            plugin,
            since: clock.now(),
            clock,
            limit,
            budget: u64::try_from(budget).unwrap_or(u64::MAX).max(1),
            spent: 0,
        }
    }

    /// The plugin's code runs again, after the host did something for it.
    pub(crate) fn back_in_plugin(&mut self) {
        self.since = self.clock.now();
    }

    /// The engine noticed a beat while the plugin's code was running.
    ///
    /// One at most is counted: a thread that the system took away did not compute.
    pub(crate) fn beat(&mut self) -> Result<(), LimitExceeded> {
        let now = self.clock.now();
        if now > self.since {
            self.since = now;
            self.spent += 1;
        }
        if self.spent < self.budget {
            return Ok(());
        }
        Err(LimitExceeded::Cpu {
            plugin: Arc::clone(&self.plugin),
            limit: self.limit,
        })
    }

    /// What was used so far.
    pub(crate) fn spent(&self) -> Duration {
        TICK.saturating_mul(u32::try_from(self.spent).unwrap_or(u32::MAX))
    }
}

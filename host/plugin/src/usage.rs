//! What the calls of one build used of this machine, since it came into service here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// Counters that calls add to; they may be read at any time.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    calls: AtomicU64,
    running: AtomicU64,
    traps: AtomicU64,
    cpu_milliseconds: AtomicU64,
    largest_memory: AtomicUsize,
}

/// What was used, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Calls that began.
    pub calls: u64,
    /// Of these, how many run now.
    pub running: u64,
    /// Of these, how many ended in a trap or at a limit.
    pub traps: u64,
    /// Time spent in the plugin's own code, to 10 ms a call.
    pub cpu: Duration,
    /// The most memory that one call had, in bytes.
    pub largest_memory: usize,
}

/// A call that runs.
#[derive(Debug)]
pub(crate) struct Account(Arc<Usage>);

impl Usage {
    /// A call begins.
    pub(crate) fn begin(self: &Arc<Self>) -> Account {
        self.calls.fetch_add(1, Relaxed);
        self.running.fetch_add(1, Relaxed);
        Account(Arc::clone(self))
    }

    /// A call trapped.
    pub(crate) fn trapped(&self) {
        self.traps.fetch_add(1, Relaxed);
    }

    /// What was used so far, by calls that ended.
    pub(crate) fn read(&self) -> Used {
        Used {
            calls: self.calls.load(Relaxed),
            running: self.running.load(Relaxed),
            traps: self.traps.load(Relaxed),
            cpu: Duration::from_millis(self.cpu_milliseconds.load(Relaxed)),
            largest_memory: self.largest_memory.load(Relaxed),
        }
    }
}

impl Account {
    /// The call ended, well or not.
    pub(crate) fn close(&self, cpu: Duration, memory: usize) {
        let milliseconds = u64::try_from(cpu.as_millis()).unwrap_or(u64::MAX);
        self.0.cpu_milliseconds.fetch_add(milliseconds, Relaxed);
        self.0.largest_memory.fetch_max(memory, Relaxed);
        self.0.running.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_add_up() {
        let usage = Arc::new(Usage::default());
        let (first, second) = (usage.begin(), usage.begin());
        first.close(Duration::from_millis(30), 100);
        usage.trapped();
        assert_eq!(usage.read().running, 1);
        second.close(Duration::from_millis(10), 50);
        let expected = Used {
            calls: 2,
            running: 0,
            traps: 1,
            cpu: Duration::from_millis(40),
            largest_memory: 100,
        };
        assert_eq!(usage.read(), expected);
    }
}

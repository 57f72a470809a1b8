//! The clock of running plugins: a thread that beats while at least one of them runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

/// Between two beats. A beat costs a running plugin one trip through the async executor
/// (about a microsecond), and it is the longest that a plugin keeps a server thread from
/// other work; 10 ms keeps both out of sight.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Beats until it is dropped.
#[derive(Debug)]
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Debug, Default)]
struct Shared {
    running: AtomicUsize,
    ticks: AtomicU64,
    closing: AtomicBool,
}

impl Ticker {
    /// Starts the thread, which sleeps until something runs.
    pub(crate) fn start(on_tick: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let handle = thread::Builder::new()
            .name("plugin-ticker".into())
            // It calls nothing but `sleep`: the smallest stack there is will do.
            .stack_size(64 << 10)
            .spawn(move || of_thread.beat(on_tick))?;
        Ok(Self {
            shared,
            thread: handle.thread().clone(),
        })
    }

    /// Keeps the clock going for as long as the result lives.
    pub(crate) fn run(&self) -> Running {
        if self.shared.running.fetch_add(1, Ordering::AcqRel) == 0 {
            self.thread.unpark();
        }
        Running {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

impl Shared {
    fn beat(&self, on_tick: impl Fn()) {
        while !self.closing.load(Ordering::Acquire) {
            // An `unpark` between the look and the `park` makes the `park` return at once.
            if self.running.load(Ordering::Acquire) == 0 {
                thread::park();
                continue;
            }
            thread::sleep(TICK);
            self.ticks.fetch_add(1, Ordering::AcqRel);
            on_tick();
        }
    }
}

/// Something runs.
#[derive(Debug)]
pub(crate) struct Running {
    shared: Arc<Shared>,
}

impl Running {
    /// The clock that it keeps going.
    pub(crate) fn clock(&self) -> Clock {
        Clock {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.running.fetch_sub(1, Ordering::AcqRel);
    }
}

/// To be read.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    shared: Arc<Shared>,
}

impl Clock {
    /// How often it has beaten since the process began.
    pub(crate) fn now(&self) -> u64 {
        self.shared.ticks.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_stands_still_while_nothing_runs() {
        let ticker = Ticker::start(|| ()).expect("a thread");
        thread::sleep(TICK * 5);
        assert_eq!(ticker.shared.ticks.load(Ordering::Acquire), 0);

        let running = ticker.run();
        while running.clock().now() < 3 {
            thread::yield_now();
        }
        drop(running);

        // The beat that was under way may still come.
        thread::sleep(TICK * 3);
        let after = ticker.shared.ticks.load(Ordering::Acquire);
        thread::sleep(TICK * 5);
        assert_eq!(ticker.shared.ticks.load(Ordering::Acquire), after);
    }
}

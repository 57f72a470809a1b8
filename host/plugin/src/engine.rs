//! The one wasmtime engine of the process: how plugins are compiled and where they live.
//!
//! Invariant: an instance exists only while its call holds a [`Seat`], so the pool below is
//! never asked for more than it has.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::{
    Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails,
};

use crate::ticker::{Clock, Running, Ticker};

/// How many instances live at once. More workers than this make no sense on machines that
/// one process is meant for, and a call past it only waits for a seat.
const SEATS: u32 = 64;

/// Seats of requests that plugins answer: short calls, which long ones must not keep out.
const SERVING: u32 = 32;

/// Of these, how many one plugin may have: one whose routes hang leaves room for others.
pub(crate) const SERVING_EACH: u32 = 24;

/// Seats of calls that put values in order or derive fields. They have their own, for whoever waits for one may
/// have another seat, of a request or of a task.
const ASKING: u32 = 8;

/// Of these, how many one plugin may have.
pub(crate) const ASKING_EACH: u32 = 6;

/// How long these wait for a seat: longer, and a client is better told to come again.
const WAIT: Duration = Duration::from_secs(10);

/// One more, for the `describe` of a component that is being loaded: a server whose seats
/// are all taken by long tasks still takes a new generation.
const PLACES: u32 = SEATS + SERVING + ASKING + 1;

/// A Rust or C component has one memory. Four leave room for components composed of others.
const MEMORIES_EACH: u32 = 4;

/// A module's function table, and one per adapter that the component toolchains add.
const TABLES_EACH: u32 = 8;

/// Core modules in one component. Python's toolchain links a dozen, the others two to four.
const CORE_INSTANCES_EACH: u32 = 128;

/// Entries of one table: 8 bytes each, reserved and not resident. An interpreter compiled
/// to WebAssembly has about 10,000.
pub(crate) const TABLE_ELEMENTS: usize = 100_000;

/// Address space of one memory: all that 32 bits reach, so that compiled code needs no
/// bounds checks. Four in each of some 100 places are 1.6 TiB of the 128 TiB that a process has;
/// nothing of it is resident before it is written.
const MEMORY_RESERVATION: u64 = 4 << 30;

/// What a plugin's own frames may take of a stack. A parser that recurses a few thousand
/// levels fits; endless recursion ends here in a trap.
const WASM_STACK: usize = 1 << 20;

/// What is left of the stack for the host's functions, which run on top of the plugin's
/// frames: as much as a thread of the server has.
const HOST_STACK: usize = 2 << 20;

/// Of a used stack, how much is cleared in place; the rest goes back to the system, so that
/// a plugin which recursed once does not cost a megabyte for ever.
const STACK_KEPT: usize = 16 << 10;

/// Of a used memory, how much stays: what a request needs, so that the next one asks the system
/// for nothing.
const MEMORY_KEPT: usize = 1 << 20;

/// The same of a used table. A page that goes back to the system interrupts all processors, twice:
/// more than a small request costs otherwise.
const TABLE_KEPT: usize = 64 << 10;

/// Memory slots that keep the shape of the plugin they last served (its image is mapped and
/// ready). Slots hold next to no memory while unused, so this is about address space.
const WARM_SLOTS: u32 = 16;

/// Frames of a trap that are kept: enough to see who called whom.
pub(crate) const FRAMES: NonZeroUsize = NonZeroUsize::new(20).expect("20 is not 0");

/// The engine did not start; no plugin can run.
#[derive(Debug, thiserror::Error)]
#[error("the plugin engine did not start: {0}")]
pub struct EngineError(String);

impl From<wasmtime::Error> for EngineError {
    fn from(error: wasmtime::Error) -> Self {
        Self(format!("{error:#}"))
    }
}

/// Where instances get their memory from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// Slots that were reserved when the process began: an instance in microseconds.
    Pooling,
    /// The system, each time anew.
    OnDemand,
}

impl Allocation {
    /// As a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pooling => "pooling",
            Self::OnDemand => "on-demand",
        }
    }

    /// Of the word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Pooling, Self::OnDemand]
            .into_iter()
            .find(|one| one.as_str() == word)
    }
}

/// The engine. Clones are the same engine.
#[derive(Clone, Debug)]
pub struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    wasmtime: wasmtime::Engine,
    allocation: Allocation,
    ticker: Ticker,
    seats: Arc<Semaphore>,
    serving: Arc<Semaphore>,
    asking: Arc<Semaphore>,
    loading: Arc<Semaphore>,
    compiling: Arc<Semaphore>,
}

/// Leave to have one instance. To be dropped after the store, which only then has given its
/// memory back to the pool.
#[derive(Debug)]
pub(crate) struct Seat {
    running: Running,
    _permit: OwnedSemaphorePermit,
    /// Of the plugin's own share.
    _share: Option<OwnedSemaphorePermit>,
}

impl Seat {
    pub(crate) fn clock(&self) -> Clock {
        self.running.clock()
    }
}

impl Engine {
    /// Starts the engine: from a pool if the address space for it can be had, else without.
    pub fn start() -> Result<Self, EngineError> {
        match wasmtime::Engine::new(&pooling_config()) {
            Ok(engine) => Self::with(engine, Allocation::Pooling),
            Err(error) => {
                let reason = format!("{error:#}");
                tracing::warn!(
                    reason,
                    "the address space for a pool of plugin instances cannot be reserved ({reason}); \
                     plugins start and run slower without it. Is there a limit on virtual memory (ulimit -v)?"
                );
                Self::on_demand()
            }
        }
    }

    /// Starts the engine as another process has it: code that is compiled by one runs in both.
    pub(crate) fn of(allocation: Allocation) -> Result<Self, EngineError> {
        match allocation {
            Allocation::Pooling => {
                Self::with(wasmtime::Engine::new(&pooling_config())?, allocation)
            }
            Allocation::OnDemand => Self::on_demand(),
        }
    }

    /// Starts the engine without a pool.
    pub fn on_demand() -> Result<Self, EngineError> {
        Self::with(
            wasmtime::Engine::new(&on_demand_config())?,
            Allocation::OnDemand,
        )
    }

    fn with(wasmtime: wasmtime::Engine, allocation: Allocation) -> Result<Self, EngineError> {
        let of_ticker = wasmtime.clone();
        let ticker = Ticker::start(move || of_ticker.increment_epoch())
            .map_err(|error| EngineError(format!("its clock has no thread: {error}")))?;
        Ok(Self {
            inner: Arc::new(Inner {
                wasmtime,
                allocation,
                ticker,
                seats: Arc::new(Semaphore::new(SEATS as usize)),
                serving: Arc::new(Semaphore::new(SERVING as usize)),
                asking: Arc::new(Semaphore::new(ASKING as usize)),
                loading: Arc::new(Semaphore::new(1)),
                compiling: Arc::new(Semaphore::new(1)),
            }),
        })
    }

    /// Where instances get their memory from.
    pub fn allocation(&self) -> Allocation {
        self.inner.allocation
    }

    /// How many instances exist or are being made for calls.
    pub fn instances(&self) -> usize {
        SEATS as usize - self.inner.seats.available_permits()
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner.wasmtime
    }

    /// Waits until there is room for the instance of a call.
    pub(crate) async fn seat(&self) -> Seat {
        self.take(&self.inner.seats).await
    }

    /// Waits until there is room for the instance of a request, also in the plugin's share;
    /// none if there is not soon.
    pub(crate) async fn seat_for_serving(&self, share: &Arc<Semaphore>) -> Option<Seat> {
        self.take_soon(&self.inner.serving, share).await
    }

    /// The same for a call that puts values in order or derives fields.
    pub(crate) async fn seat_for_asking(&self, share: &Arc<Semaphore>) -> Option<Seat> {
        self.take_soon(&self.inner.asking, share).await
    }

    /// Waits until no other component is being described.
    pub(crate) async fn seat_for_loading(&self) -> Seat {
        self.take(&self.inner.loading).await
    }

    /// Waits until no other component is being compiled: one takes all cores and, for a
    /// large one, a gigabyte.
    pub(crate) async fn turn_to_compile(&self) -> OwnedSemaphorePermit {
        acquire(&self.inner.compiling).await
    }

    async fn take_soon(&self, seats: &Arc<Semaphore>, share: &Arc<Semaphore>) -> Option<Seat> {
        let seat = async {
            let share = acquire(share).await;
            Seat {
                _share: Some(share),
                ..self.take(seats).await
            }
        };
        tokio::time::timeout(WAIT, seat).await.ok()
    }

    async fn take(&self, seats: &Arc<Semaphore>) -> Seat {
        Seat {
            _permit: acquire(seats).await,
            _share: None,
            running: self.inner.ticker.run(),
        }
    }
}

async fn acquire(semaphore: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    Arc::clone(semaphore)
        .acquire_owned()
        .await
        .expect("the semaphore is never closed")
}

/// What both kinds of allocation share. Features that the build leaves out (threads, garbage
/// collection, exceptions, async components, memory protection keys) need no word here.
fn config() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(WASM_STACK + HOST_STACK)
        // No plugin sees what another left on a stack, whatever the compiler gets wrong.
        .async_stack_zeroing(true)
        .wasm_backtrace_details(WasmBacktraceDetails::Enable)
        .wasm_backtrace_max_frames(Some(FRAMES))
        // Results that differ between processors would differ between nodes.
        .wasm_relaxed_simd(false)
        // Needs bounds checks, and no plugin may have that much memory anyway.
        .wasm_memory64(false);
    config
}

fn pooling_config() -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(PLACES)
        .total_stacks(PLACES)
        .max_memories_per_component(MEMORIES_EACH)
        .total_memories(PLACES * MEMORIES_EACH)
        .max_memories_per_module(MEMORIES_EACH)
        .max_tables_per_component(TABLES_EACH)
        .total_tables(PLACES * TABLES_EACH)
        .max_tables_per_module(TABLES_EACH)
        .table_elements(TABLE_ELEMENTS)
        .max_core_instances_per_component(CORE_INSTANCES_EACH)
        .total_core_instances(PLACES * CORE_INSTANCES_EACH)
        .max_memory_size(usize::try_from(MEMORY_RESERVATION).unwrap_or(usize::MAX))
        .max_unused_warm_slots(WARM_SLOTS)
        // What an instance wrote is cleared in place up to here, and the rest goes back to the
        // system. Only pages that were written are looked at, where the system can tell.
        .linear_memory_keep_resident(MEMORY_KEPT)
        .pagemap_scan(Enabled::Auto)
        .table_keep_resident(TABLE_KEPT)
        .async_stack_keep_resident(STACK_KEPT);
    let mut config = config();
    config
        .memory_reservation(MEMORY_RESERVATION)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// Where a pool is refused, 4 GiB for each memory may be as well. So a memory reserves what
/// plugins have by default, one with a higher limit moves when it grows past that, and
/// compiled code checks bounds.
fn on_demand_config() -> Config {
    let mut config = config();
    config
        .memory_reservation(256 << 20)
        .memory_reservation_for_growth(256 << 20)
        .memory_guard_size(64 << 10)
        .allocation_strategy(InstanceAllocationStrategy::OnDemand);
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn seats_are_counted_and_given_back() {
        let engine = Engine::on_demand().expect("an engine");
        let mut seats = Vec::new();
        for _ in 0..SEATS {
            seats.push(engine.seat().await);
        }
        assert_eq!(engine.instances(), 64);
        let wait = std::time::Duration::from_millis(20);
        assert!(tokio::time::timeout(wait, engine.seat()).await.is_err());
        engine.seat_for_loading().await;
        seats.pop();
        engine.seat().await;
        assert_eq!(engine.instances(), 63);
    }
}

//! How much a plugin may have of the machine, and what it reads when it wants more.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::ResourceLimiter;

use crate::engine::TABLE_ELEMENTS;

/// What one call of a plugin may use. A plugin of its own trust gets limits of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory, all memories of the instance together, at most 4 GiB each.
    pub memory_bytes: usize,
    /// Time spent in the plugin's own code, to 10 ms. Waiting for the host is free.
    pub cpu: Duration,
    /// Time from beginning to end, waiting included.
    pub wall: Duration,
    /// Entries of tables, all tables together; the pool has at most 100,000 for each.
    pub table_elements: usize,
    /// Core modules that a component may instantiate, and its memories, and its tables.
    pub instances: usize,
    /// The component's own size.
    pub component_bytes: u64,
    /// Handles that a call may hold at once: bodies, readers, files, cursors. Each may be a
    /// connection or an open file, of which a process has some thousands.
    pub handles: usize,
    /// What a plugin may pass to the host in one call of a host function.
    pub passed_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // The index of a large distribution, parsed as a stream, needs a tenth of this.
            memory_bytes: 256 << 20,
            // A million packages take about a minute to parse.
            cpu: Duration::from_mins(10),
            // A first mirror of a large repository over a slow line takes hours.
            wall: Duration::from_hours(24),
            table_elements: TABLE_ELEMENTS,
            instances: 128,
            // Python and JavaScript components bring their interpreter: 12-18 MB.
            component_bytes: 64 << 20,
            handles: 256,
            // 1,000 unit drafts of 64 KiB, which only packages with very many files reach.
            passed_bytes: 64 << 20,
        }
    }
}

impl Limits {
    /// For a request: somebody waits, and thousands come.
    pub(crate) fn while_serving(&self) -> Self {
        Self {
            memory_bytes: self.memory_bytes.min(128 << 20),
            cpu: self.cpu.min(Duration::from_secs(10)),
            wall: self.wall.min(Duration::from_mins(1)),
            ..self.clone()
        }
    }

    /// For `describe`: a component that nobody knows yet says a few hundred words.
    pub(crate) fn while_describing(&self) -> Self {
        Self {
            memory_bytes: self.memory_bytes.min(64 << 20),
            cpu: self.cpu.min(Duration::from_secs(2)),
            wall: self.wall.min(Duration::from_secs(5)),
            passed_bytes: self.passed_bytes.min(4 << 20),
            ..self.clone()
        }
    }
}

/// A plugin wanted more than it may have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LimitExceeded {
    #[error("plugin {plugin} wanted {} of memory, its limit is {}", in_bytes(*wanted), in_bytes(*limit))]
    Memory {
        plugin: Arc<str>,
        wanted: usize,
        limit: usize,
    },
    #[error("plugin {plugin} wanted tables of {wanted} elements, its limit is {limit}")]
    Table {
        plugin: Arc<str>,
        wanted: usize,
        limit: usize,
    },
    #[error("plugin {plugin} computed for {}, which is its limit", in_time(*limit))]
    Cpu { plugin: Arc<str>, limit: Duration },
    #[error("plugin {plugin} was not done after {}, which is its limit", in_time(*limit))]
    Wall { plugin: Arc<str>, limit: Duration },
}

/// Counts what an instance asks the engine for.
#[derive(Debug)]
pub(crate) struct Limiter {
    plugin: Arc<str>,
    memory: Count,
    table: Count,
    instances: usize,
}

#[derive(Debug)]
struct Count {
    used: usize,
    limit: usize,
    /// What the last permission added, to be taken back if the system then refuses.
    pending: usize,
}

impl Count {
    fn new(limit: usize) -> Self {
        Self {
            used: 0,
            limit,
            pending: 0,
        }
    }

    /// The whole that there would be, if it is too much.
    fn grow(&mut self, current: usize, desired: usize) -> Result<(), usize> {
        let more = desired.saturating_sub(current);
        let wanted = self.used.saturating_add(more);
        if wanted > self.limit {
            return Err(wanted);
        }
        self.used = wanted;
        self.pending = more;
        Ok(())
    }

    fn take_back(&mut self) {
        self.used -= std::mem::take(&mut self.pending);
    }
}

impl Limiter {
    pub(crate) fn new(plugin: Arc<str>, limits: &Limits) -> Self {
        Self {
            plugin,
            memory: Count::new(limits.memory_bytes),
            table: Count::new(limits.table_elements),
            instances: limits.instances,
        }
    }

    /// The most memory that there was.
    pub(crate) fn memory(&self) -> usize {
        self.memory.used
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let grown = self.memory.grow(current, desired);
        grown.map_err(|wanted| LimitExceeded::Memory {
            plugin: Arc::clone(&self.plugin),
            wanted,
            limit: self.memory.limit,
        })?;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory.take_back();
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let grown = self.table.grow(current, desired);
        grown.map_err(|wanted| LimitExceeded::Table {
            plugin: Arc::clone(&self.plugin),
            wanted,
            limit: self.table.limit,
        })?;
        Ok(true)
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.table.take_back();
        Ok(())
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.instances
    }

    fn memories(&self) -> usize {
        self.instances
    }
}

/// `256 MiB`, `256.1 MiB`, `12 KiB`. Rounded up: what is too much never looks like enough.
pub(crate) fn in_bytes(bytes: usize) -> String {
    let (unit, name) = match bytes {
        0..1024 => return format!("{bytes} bytes"),
        1024..1_048_576 => (1 << 10, "KiB"),
        1_048_576..1_073_741_824 => (1 << 20, "MiB"),
        _ => (1 << 30, "GiB"),
    };
    with_a_tenth(bytes as u128, unit, name)
}

/// `24 h`, `10 min`, `2 s`, `10 ms`.
pub(crate) fn in_time(time: Duration) -> String {
    let milliseconds = time.as_millis();
    let (unit, name) = match milliseconds {
        0..1_000 => return format!("{milliseconds} ms"),
        1_000..120_000 => (1_000, "s"),
        120_000..7_200_000 => (60_000, "min"),
        _ => (3_600_000, "h"),
    };
    with_a_tenth(milliseconds, unit, name)
}

fn with_a_tenth(amount: u128, unit: u128, name: &str) -> String {
    let tenths = (amount * 10).div_ceil(unit);
    match tenths % 10 {
        0 => format!("{} {name}", tenths / 10),
        tenth => format!("{}.{tenth} {name}", tenths / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn limiter() -> Limiter {
        Limiter::new("file".into(), &Limits::default())
    }

    #[test]
    fn a_refusal_says_who_wanted_how_much_of_what() {
        let error = limiter().memory_growing(0, 300 * MIB, None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "plugin file wanted 300 MiB of memory, its limit is 256 MiB"
        );
        let error = limiter().table_growing(0, 200_000, None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "plugin file wanted tables of 200000 elements, its limit is 100000"
        );
    }

    #[test]
    fn memories_of_an_instance_are_counted_together() {
        let mut limiter = limiter();
        assert!(limiter.memory_growing(0, 200 * MIB, None).is_ok());
        assert!(limiter.memory_growing(0, 50 * MIB, None).is_ok());
        let error = limiter
            .memory_growing(50 * MIB, 57 * MIB, None)
            .unwrap_err();
        assert!(error.to_string().contains("wanted 257 MiB"), "{error}");
        assert!(limiter.memory_growing(50 * MIB, 56 * MIB, None).is_ok());
    }

    #[test]
    fn memory_that_the_system_refuses_is_not_counted() {
        let mut limiter = limiter();
        assert!(limiter.memory_growing(0, 200 * MIB, None).is_ok());
        let refused = wasmtime::Error::msg("no memory");
        limiter.memory_grow_failed(refused).expect("taken back");
        assert!(limiter.memory_growing(0, 256 * MIB, None).is_ok());
    }

    #[test]
    fn amounts_are_rounded_up() {
        assert_eq!(in_bytes(256 * MIB), "256 MiB");
        assert_eq!(in_bytes(256 * MIB + 1), "256.1 MiB");
        assert_eq!(in_bytes(1000), "1000 bytes");
        assert_eq!(in_bytes(8 << 10), "8 KiB");
        assert_eq!(in_time(Duration::from_mins(10)), "10 min");
        assert_eq!(in_time(Duration::from_hours(24)), "24 h");
        assert_eq!(in_time(Duration::from_millis(1500)), "1.5 s");
    }
}

//! Measures a task while it runs, if its maker asked for it.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use pith_db::{Database, task_profile};
use pith_model::TaskId;
use serde_json::Value;
use tokio::task::JoinHandle;

/// The field of a task's work that says what to measure.
pub const FIELD: &str = "diagnostics";

/// The word that asks for the memory of the process.
pub const MEMORY: &str = "memory";

/// What the profile of the memory is called.
const NAME: &str = "memory_profile";

/// How often the memory is looked at in the beginning.
const PACE: Duration = Duration::from_millis(100);

/// The most that is noted; of a longer task every second note goes, and the pace halves.
const MOST: usize = 4096;

/// The memory of the process while a task runs.
pub(crate) struct MemoryProfile {
    sampling: JoinHandle<()>,
    notes: std::sync::Arc<std::sync::Mutex<Vec<(Duration, u64)>>>,
}

impl MemoryProfile {
    /// Begins, if the task's work asks for it.
    pub(crate) fn begin(work: &Value) -> Option<Self> {
        let wanted = work[FIELD].as_array()?;
        if !wanted.iter().any(|one| one == MEMORY) {
            return None;
        }
        let notes = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let sampling = tokio::spawn(sample(std::sync::Arc::clone(&notes)));
        Some(Self { sampling, notes })
    }

    /// Ends, and keeps what was noted with the task. A profile is no reason to fail.
    pub(crate) async fn end(self, database: &Database, task: TaskId) {
        self.sampling.abort();
        let body = {
            let notes = self.notes.lock().expect("nobody panics while holding it");
            table(&notes)
        };
        let kept = async {
            let mut transaction = database.write().await?;
            task_profile::keep(&mut transaction, task, NAME, &body).await?;
            transaction.commit().await
        };
        if let Err(error) = kept.await {
            tracing::warn!(%error, "the profile of a task was not kept: {error}");
        }
    }
}

async fn sample(notes: std::sync::Arc<std::sync::Mutex<Vec<(Duration, u64)>>>) {
    let begun = Instant::now();
    let mut pace = PACE;
    loop {
        if let Some(bytes) = resident() {
            let mut notes = notes.lock().expect("nobody panics while holding it");
            notes.push((begun.elapsed(), bytes));
            if notes.len() == MOST {
                let mut at = 0;
                notes.retain(|_| {
                    at += 1;
                    at % 2 == 1
                });
                pace *= 2;
            }
        }
        tokio::time::sleep(pace).await;
    }
}

/// How much of the process is in memory now; nothing where the system does not say.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// A line for each note: seconds since the task began, and MiB of the whole process.
fn table(notes: &[(Duration, u64)]) -> String {
    let mut text = String::from("# seconds\tMiB of the server process\n");
    for (after, bytes) in notes {
        let tenths = bytes * 10 / (1 << 20);
        let _ = writeln!(
            text,
            "{:.3}\t{}.{}",
            after.as_secs_f64(),
            tenths / 10,
            tenths % 10
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn only_what_is_asked_for_is_measured() {
        assert!(MemoryProfile::begin(&json!({"kind": "x"})).is_none());
        assert!(MemoryProfile::begin(&json!({FIELD: ["other"]})).is_none());
        assert!(MemoryProfile::begin(&json!({FIELD: [MEMORY]})).is_some());
        assert!(resident().is_some_and(|bytes| bytes > 1 << 20));
    }

    #[test]
    fn a_profile_is_a_table() {
        let notes = [(Duration::from_millis(1500), 3 << 19)];
        assert_eq!(table(&notes).lines().nth(1), Some("1.500\t1.5"));
    }
}

//! What a plugin's call sees of the task it runs for.

use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::progress::Progress;

/// One task, as a plugin sees it; cheap to clone.
#[derive(Clone, Debug)]
pub struct TaskHandle {
    params: Arc<Value>,
    /// Its reports.
    pub progress: Progress,
    checkpoint: Option<Arc<Value>>,
    new_checkpoint: Arc<Mutex<Option<Value>>>,
}

impl TaskHandle {
    /// A task with checked parameters.
    pub fn new(params: Value, progress: Progress, checkpoint: Option<Value>) -> Self {
        Self {
            params: Arc::new(params),
            progress,
            checkpoint: checkpoint.map(Arc::new),
            new_checkpoint: Arc::default(),
        }
    }

    /// Checked, defaults filled in.
    pub fn params(&self) -> &Value {
        &self.params
    }

    /// What an earlier run left, if it still holds.
    pub fn checkpoint(&self) -> Option<&Value> {
        self.checkpoint.as_deref()
    }

    /// Kept if the task succeeds.
    pub fn set_checkpoint(&self, value: Value) {
        *self
            .new_checkpoint
            .lock()
            .expect("nobody panics while holding it") = Some(value);
    }

    /// What is to be kept.
    pub fn take_checkpoint(&self) -> Option<Value> {
        self.new_checkpoint
            .lock()
            .expect("nobody panics while holding it")
            .take()
    }
}

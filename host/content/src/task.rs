//! What a plugin's call sees of the task it runs for.

use std::sync::Mutex;

use serde_json::Value;

use crate::progress::Progress;

/// One task, as a plugin sees it.
#[derive(Debug)]
pub struct TaskHandle {
    params: Value,
    /// Its reports.
    pub progress: Progress,
    checkpoint: Option<Value>,
    new_checkpoint: Mutex<Option<Value>>,
}

impl TaskHandle {
    /// A task with checked parameters.
    pub fn new(params: Value, progress: Progress, checkpoint: Option<Value>) -> Self {
        Self {
            params,
            progress,
            checkpoint,
            new_checkpoint: Mutex::new(None),
        }
    }

    /// Checked, defaults filled in.
    pub fn params(&self) -> &Value {
        &self.params
    }

    /// What an earlier run left, if it still holds.
    pub fn checkpoint(&self) -> Option<&Value> {
        self.checkpoint.as_ref()
    }

    /// Kept if the task succeeds.
    pub fn set_checkpoint(&self, value: Value) {
        *self.new_checkpoint.lock().expect("nobody panics while holding it") = Some(value);
    }

    /// What is to be kept.
    pub fn take_checkpoint(&self) -> Option<Value> {
        self.new_checkpoint.lock().expect("nobody panics while holding it").take()
    }
}

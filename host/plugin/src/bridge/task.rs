//! `task`: what the task was asked, how far it is, and what the next one may build on.

use pith_content::error::Code;
use pith_content::progress::Progress;
use pith_content::task::TaskHandle;
use serde_json::Value;
use wasmtime::component::Resource;

use super::contract::pith::plugin::host::HostTask;
use super::log::cut;
use super::{Refusal, State};
use crate::limits::in_bytes;

/// A checkpoint is a few validators and marks, not a copy of an index.
const MAX_CHECKPOINT: usize = 1 << 20;

/// A progress message is a line on a screen.
const MAX_MESSAGE: usize = 1 << 10;

/// The task that a call runs for, as the plugin sees it.
#[derive(Clone)]
pub struct Task {
    /// Its parameters and its checkpoint.
    pub(crate) handle: TaskHandle,
    /// Where its progress goes.
    pub(crate) progress: Progress,
}

impl HostTask for State {
    async fn params(&mut self, task: Resource<Task>) -> wasmtime::Result<String> {
        Ok(self.table.get(&task)?.handle.params().to_string())
    }

    fn progress(
        &mut self,
        task: Resource<Task>,
        code: String,
        message: String,
        done: u64,
        total: Option<u64>,
    ) -> wasmtime::Result<()> {
        let (code, _) = cut(&code, MAX_MESSAGE);
        let (message, _) = cut(&message, MAX_MESSAGE);
        let progress = &self.table.get(&task)?.progress;
        progress.report(code, message, done, total);
        Ok(())
    }

    async fn checkpoint(&mut self, task: Resource<Task>) -> wasmtime::Result<Option<String>> {
        let checkpoint = self.table.get(&task)?.handle.checkpoint();
        Ok(checkpoint.map(|value| value.to_string()))
    }

    async fn set_checkpoint(&mut self, task: Resource<Task>, value: String) -> wasmtime::Result<()> {
        let value = parse_checkpoint(&value)?;
        self.table.get(&task)?.handle.set_checkpoint(value);
        Ok(())
    }

    async fn drop(&mut self, task: Resource<Task>) -> wasmtime::Result<()> {
        self.release(task)
    }
}

fn parse_checkpoint(value: &str) -> Result<Value, Refusal> {
    if value.len() > MAX_CHECKPOINT {
        return Err(Refusal {
            code: Code::Limit,
            message: format!(
                "a checkpoint of {} was set, the limit is {}",
                in_bytes(value.len()),
                in_bytes(MAX_CHECKPOINT)
            ),
        });
    }
    serde_json::from_str(value).map_err(|error| Refusal {
        code: Code::Invalid,
        message: format!("the checkpoint that was set is not JSON: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_json_of_a_modest_size() {
        assert!(parse_checkpoint(r#"{"etag": "x"}"#).is_ok());
        let refusal = parse_checkpoint("{").expect_err("refused");
        assert_eq!(refusal.code, Code::Invalid);
        let large = format!("\"{}\"", "x".repeat(MAX_CHECKPOINT));
        let refusal = parse_checkpoint(&large).expect_err("refused");
        assert_eq!(refusal.code, Code::Limit);
    }
}

//! `task`: what the task was asked, how far it is, and what the next one may build on.

use std::sync::Arc;

use pith_content::error::Error;
use pith_content::task::TaskHandle;
use serde_json::Value;
use wasmtime::component::Resource;

use super::State;
use super::contract::pith::plugin::host::HostTask;
use super::failure::Failure;
use crate::limits::in_bytes;

/// A checkpoint is a few validators and marks, not a copy of an index.
const MAX_CHECKPOINT: usize = 1 << 20;

/// The task that a call runs for, as the plugin sees it.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub type Task = Arc<TaskHandle>;

impl HostTask for State {
    async fn params(&mut self, task: Resource<Task>) -> wasmtime::Result<String> {
        Ok(self.table.get(&task)?.params().to_string())
    }

    fn progress(
        &mut self,
        task: Resource<Task>,
        code: String,
        message: String,
        done: u64,
        total: Option<u64>,
    ) -> wasmtime::Result<()> {
        let progress = &self.table.get(&task)?.progress;
        progress.report(&code, &message, done, total);
        Ok(())
    }

    async fn checkpoint(&mut self, task: Resource<Task>) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&task)?.checkpoint().map(Value::to_string))
    }

    async fn set_checkpoint(&mut self, task: Resource<Task>, value: String) -> Result<(), Failure> {
        let value = parse_checkpoint(&value)?;
        self.table.get(&task)?.set_checkpoint(value);
        Ok(())
    }

    async fn sign(
        &mut self,
        task: Resource<Task>,
        bytes: Vec<u8>,
        name: String,
        service: String,
    ) -> Result<String, Failure> {
        let task = Arc::clone(self.table.get(&task)?);
        let signed = task.sign(&bytes, &name, &service).await;
        self.resume(signed)
    }

    async fn verify(
        &mut self,
        task: Resource<Task>,
        bytes: Vec<u8>,
        signature: String,
        keys: String,
    ) -> Result<String, Failure> {
        let task = Arc::clone(self.table.get(&task)?);
        let verified = task.verify(&bytes, &signature, &keys).await;
        self.resume(verified)
    }

    async fn drop(&mut self, task: Resource<Task>) -> wasmtime::Result<()> {
        self.release(task)
    }
}

fn parse_checkpoint(value: &str) -> Result<Value, Error> {
    if value.len() > MAX_CHECKPOINT {
        return Err(Error::limit(format!(
            "a checkpoint of {} was set, the limit is {}",
            in_bytes(value.len()),
            in_bytes(MAX_CHECKPOINT)
        )));
    }
    serde_json::from_str(value).map_err(|error| {
        Error::invalid(format!("the checkpoint that was set is not JSON: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use pith_content::error::Code;

    use super::*;

    #[test]
    fn a_checkpoint_is_json_of_a_modest_size() {
        assert!(parse_checkpoint(r#"{"etag": "x"}"#).is_ok());
        let error = parse_checkpoint("{").expect_err("refused");
        assert_eq!(error.code, Code::Invalid);
        let large = format!("\"{}\"", "x".repeat(MAX_CHECKPOINT));
        let error = parse_checkpoint(&large).expect_err("refused");
        assert_eq!(error.code, Code::Limit);
    }
}

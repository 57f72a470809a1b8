//! `file`: a file of a publication, while it is written.

use pith_content::publish::FileDraft;
use wasmtime::component::Resource;

use super::State;
use super::contract::pith::plugin::host::{HostFile, Written};
use super::failure::Failure;
use crate::limits::in_bytes;

/// What one call of `write` takes; larger files come in several.
const MAX_WRITE: usize = 4 << 20;

impl HostFile for State {
    async fn write(&mut self, file: Resource<FileDraft>, bytes: Vec<u8>) -> Result<(), Failure> {
        if bytes.len() > MAX_WRITE {
            return Err(Failure::limit(format!(
                "{} were written at once, the limit is {}; write in several steps",
                in_bytes(bytes.len()),
                in_bytes(MAX_WRITE)
            )));
        }
        let written = self.table.get_mut(&file)?.write(bytes.into()).await;
        self.resume(written)
    }

    async fn finish(&mut self, file: Resource<FileDraft>) -> Result<Written, Failure> {
        let finished = self.table.get_mut(&file)?.finish().await;
        let written = self.resume(finished)?;
        Ok(Written {
            artifact: written.artifact,
            digest: written.digest,
            size: written.size,
        })
    }

    async fn drop(&mut self, file: Resource<FileDraft>) -> wasmtime::Result<()> {
        self.release(file)
    }
}

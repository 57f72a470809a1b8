//! `reader`: bytes that are in the store.

use pith_content::inputs::Reader;
use wasmtime::component::Resource;

use super::contract::pith::plugin::host::HostReader;
use super::failure::Failure;
use super::{MAX_READ, State};

impl HostReader for State {
    async fn artifact(&mut self, reader: Resource<Reader>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&reader)?.artifact())
    }

    async fn size(&mut self, reader: Resource<Reader>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&reader)?.size())
    }

    async fn digest(
        &mut self,
        reader: Resource<Reader>,
        algorithm: String,
    ) -> Result<String, Failure> {
        let digest = self.table.get(&reader)?.digest(&algorithm).await;
        self.resume(digest)
    }

    async fn read_at(
        &mut self,
        reader: Resource<Reader>,
        offset: u64,
        length: u32,
    ) -> Result<Vec<u8>, Failure> {
        let length = length.min(MAX_READ) as usize;
        let read = self.table.get(&reader)?.read_at(offset, length).await;
        Ok(self.resume(read)?.into())
    }

    async fn drop(&mut self, reader: Resource<Reader>) -> wasmtime::Result<()> {
        self.release(reader)
    }
}

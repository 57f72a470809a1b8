//! `body`: what an upstream sends, while it arrives.

use pith_content::fetch::Body;
use wasmtime::component::Resource;

use super::contract::pith::plugin::host::HostBody;
use super::failure::Failure;
use super::{MAX_READ, State};

impl HostBody for State {
    async fn unchanged(&mut self, body: Resource<Body>) -> wasmtime::Result<bool> {
        Ok(self.table.get(&body)?.unchanged())
    }

    async fn url(&mut self, body: Resource<Body>) -> wasmtime::Result<String> {
        Ok(self.table.get(&body)?.url().to_owned())
    }

    async fn header(
        &mut self,
        body: Resource<Body>,
        name: String,
    ) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&body)?.header(&name))
    }

    async fn read(&mut self, body: Resource<Body>, max: u32) -> Result<Vec<u8>, Failure> {
        let max = max.min(MAX_READ) as usize;
        let read = self.table.get_mut(&body)?.read(max).await;
        Ok(self.resume(read)?.into())
    }

    async fn drop(&mut self, body: Resource<Body>) -> wasmtime::Result<()> {
        self.release(body)?;
        self.bodies -= 1;
        Ok(())
    }
}

//! `body`: what an upstream sends, while it arrives.

use pith_content::document::Document;
use wasmtime::component::Resource;

use super::contract::pith::plugin::host::HostBody;
use super::failure::Failure;
use super::{MAX_READ, State};

impl HostBody for State {
    async fn unchanged(&mut self, body: Resource<Document>) -> wasmtime::Result<bool> {
        Ok(self.table.get(&body)?.unchanged())
    }

    async fn url(&mut self, body: Resource<Document>) -> wasmtime::Result<String> {
        Ok(self.table.get(&body)?.url().to_owned())
    }

    async fn header(
        &mut self,
        body: Resource<Document>,
        name: String,
    ) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&body)?.header(&name))
    }

    async fn read(&mut self, body: Resource<Document>, max: u32) -> Result<Vec<u8>, Failure> {
        let max = max.min(MAX_READ) as usize;
        let read = self.table.get_mut(&body)?.read(max).await;
        Ok(self.resume(read)?.into())
    }

    async fn spool(&mut self, body: Resource<Document>) -> Result<(), Failure> {
        let document = self.table.get_mut(&body)?;
        let connected = document.is_connected();
        let spooled = document.spool().await;
        self.disconnected(connected);
        self.resume(spooled)
    }

    async fn decode(&mut self, body: Resource<Document>, max_size: u64) -> Result<(), Failure> {
        let document = self.table.get_mut(&body)?;
        let connected = document.is_connected();
        let decoding = document.decode(max_size).await;
        self.disconnected(connected);
        self.resume(decoding)
    }

    async fn keep(&mut self, body: Resource<Document>) -> Result<u64, Failure> {
        let kept = self.table.get_mut(&body)?.keep().await;
        self.resume(kept)
    }

    async fn follow(&mut self, body: Resource<Document>, urls: Vec<String>) -> Result<(), Failure> {
        let followed = self.table.get(&body)?.follow(&urls).await;
        self.resume(followed)
    }

    async fn drop(&mut self, body: Resource<Document>) -> wasmtime::Result<()> {
        if self.table.delete(body)?.is_connected() {
            self.bodies -= 1;
        }
        Ok(())
    }
}

impl State {
    /// A body that was spooled, well or not, has given its connection back.
    fn disconnected(&mut self, was_connected: bool) {
        if was_connected {
            self.bodies -= 1;
        }
    }
}

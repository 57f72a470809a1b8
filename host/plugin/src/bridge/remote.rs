//! `remote`: the upstream of a sync.

use pith_content::fetch::{Body, OpenRequest, Remote};
use wasmtime::component::Resource;

use super::State;
use super::contract::pith::plugin::host::{HostRemote, Request};
use super::failure::Failure;

impl HostRemote for State {
    async fn config(&mut self, remote: Resource<Remote>) -> wasmtime::Result<String> {
        Ok(self.table.get(&remote)?.config().to_string())
    }

    async fn open(
        &mut self,
        remote: Resource<Remote>,
        request: Request,
    ) -> Result<Resource<Body>, Failure> {
        let request = OpenRequest {
            url: request.url,
            conditional: request.conditional,
            max_size: request.max_size,
            digest: request.digest,
        };
        let opened = self.table.get(&remote)?.open(request).await;
        let body = self.resume(opened)?;
        self.give(body)
    }

    async fn drop(&mut self, remote: Resource<Remote>) -> wasmtime::Result<()> {
        self.release(remote)
    }
}

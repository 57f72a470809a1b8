//! `remote`: the upstream of a sync.

use pith_content::document::Document;
use pith_content::fetch::{OpenRequest, Remote};
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
    ) -> Result<Resource<Document>, Failure> {
        let request = OpenRequest {
            url: request.url,
            conditional: request.conditional,
            max_size: request.max_size,
            digest: request.digest,
        };
        let remote = self.table.get(&remote)?.clone();
        self.check_bodies(remote.client().concurrency())?;
        let opened = remote.open(request).await;
        let body = self.resume(opened)?;
        let body = self.give(body)?;
        self.bodies += 1;
        Ok(body)
    }

    async fn drop(&mut self, remote: Resource<Remote>) -> wasmtime::Result<()> {
        self.release(remote)
    }
}

impl State {
    /// A plugin that holds all connections which its remote may have would wait for ever for
    /// one more, and so would the pipeline that fetches what it staged.
    pub(super) fn check_bodies(&self, concurrency: usize) -> Result<(), Failure> {
        let most = concurrency.saturating_sub(1).max(1);
        if self.bodies < most {
            return Ok(());
        }
        Err(Failure::limit(format!(
            "{most} bodies are open, and the remote may have {concurrency} connections; close one before opening another"
        )))
    }
}

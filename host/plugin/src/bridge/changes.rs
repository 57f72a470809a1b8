//! `changes`: the next version of a repository, in the making.

use pith_content::changes::Changes;
use wasmtime::component::Resource;

use super::State;
use super::contract::pith::plugin::host::HostChanges;
use super::failure::Failure;

impl HostChanges for State {
    async fn clear(&mut self, changes: Resource<Changes>) -> wasmtime::Result<()> {
        self.table.get(&changes)?.clear();
        Ok(())
    }

    async fn add(&mut self, changes: Resource<Changes>, units: Vec<u64>) -> Result<(), Failure> {
        let added = self.table.get(&changes)?.add(&units);
        self.resume(added)
    }

    async fn remove(&mut self, changes: Resource<Changes>, units: Vec<u64>) -> Result<(), Failure> {
        let removed = self.table.get(&changes)?.remove(&units);
        self.resume(removed)
    }

    async fn drop(&mut self, changes: Resource<Changes>) -> wasmtime::Result<()> {
        self.release(changes)
    }
}

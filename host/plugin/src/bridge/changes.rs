//! `changes`: the next version of a repository, in the making.

use pith_content::changes::Changes;
use pith_content::publish::PublicationDraft;
use wasmtime::component::Resource;

use super::State;
use super::contract::pith::plugin::host::HostChanges;
use super::failure::Failure;
use crate::limits::in_bytes;

/// Settings are a few words.
const MAX_SETTINGS: usize = 64 << 10;

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

    async fn publish(
        &mut self,
        changes: Resource<Changes>,
        settings: String,
    ) -> Result<Resource<PublicationDraft>, Failure> {
        if settings.len() > MAX_SETTINGS {
            return Err(Failure::limit(format!(
                "the settings of a publication are {}, the limit is {}",
                in_bytes(settings.len()),
                in_bytes(MAX_SETTINGS)
            )));
        }
        let begun = self.table.get(&changes)?.publish(settings);
        let draft = self.resume(begun)?;
        self.give(draft)
    }

    async fn drop(&mut self, changes: Resource<Changes>) -> wasmtime::Result<()> {
        self.release(changes)
    }
}

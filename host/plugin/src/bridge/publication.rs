//! `publication`: what clients will see of a version, in the making.

use pith_content::publish::{FileDraft, Link, PublicationDraft};
use wasmtime::component::Resource;

use super::State;
use super::contract::pith::plugin::host;
use super::failure::Failure;

impl host::HostPublication for State {
    async fn create(
        &mut self,
        publication: Resource<PublicationDraft>,
    ) -> Result<Resource<FileDraft>, Failure> {
        let file = self.table.get(&publication)?.create();
        self.give(file)
    }

    async fn link(
        &mut self,
        publication: Resource<PublicationDraft>,
        links: Vec<host::Link>,
    ) -> Result<(), Failure> {
        let links = links.into_iter().map(link).collect();
        let linked = self.table.get(&publication)?.link(links);
        self.resume(linked)
    }

    async fn pass_through(
        &mut self,
        publication: Resource<PublicationDraft>,
    ) -> wasmtime::Result<()> {
        self.table.get(&publication)?.pass_through();
        Ok(())
    }

    async fn drop(&mut self, publication: Resource<PublicationDraft>) -> wasmtime::Result<()> {
        self.release(publication)
    }
}

fn link(link: host::Link) -> Link {
    Link {
        path: link.path,
        artifact: link.artifact,
        media_type: link.media_type,
    }
}

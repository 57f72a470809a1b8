//! `cursor`: the units that a query found, a page at a time.

use pith_content::view::{Artifact, Cursor, Unit};
use wasmtime::component::Resource;

use super::contract::pith::plugin::host::HostCursor;
use super::contract::pith::plugin::types;
use super::failure::Failure;
use super::{MAX_UNITS, State};

impl HostCursor for State {
    async fn next(
        &mut self,
        cursor: Resource<Cursor>,
        max: u32,
    ) -> Result<Vec<types::Unit>, Failure> {
        let max = max.min(MAX_UNITS) as usize;
        let page = self.table.get_mut(&cursor)?.next(max).await;
        Ok(self.resume(page)?.into_iter().map(unit).collect())
    }

    async fn drop(&mut self, cursor: Resource<Cursor>) -> wasmtime::Result<()> {
        self.release(cursor)
    }
}

fn unit(unit: Unit) -> types::Unit {
    types::Unit {
        handle: unit.handle,
        content_type: unit.content_type,
        fields: unit.fields,
        artifacts: unit.artifacts.into_iter().map(artifact).collect(),
    }
}

fn artifact(artifact: Artifact) -> types::Artifact {
    types::Artifact {
        handle: artifact.handle,
        path: artifact.path,
        digests: artifact.digests,
        size: artifact.size,
        stored: artifact.stored,
    }
}

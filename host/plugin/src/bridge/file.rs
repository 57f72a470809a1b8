//! `file`: a file of a publication, while it is written.

use pith_content::publish::{self, FileDraft};
use pith_content::view::{Query, View};
use wasmtime::component::Resource;

use super::State;
use super::contract::pith::plugin::host::{HostFile, Written};
use super::contract::pith::plugin::types;
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

    async fn append(
        &mut self,
        file: Resource<FileDraft>,
        content: Resource<View>,
        query: types::Query,
        fragments: Vec<String>,
    ) -> Result<u64, Failure> {
        let query = Query {
            content_type: query.content_type,
            order_by: query.order_by,
        };
        let content = self.table.get(&content)?.clone();
        let file = self.table.get_mut(&file)?;
        let appended = file.append(&content, &query, &fragments).await;
        self.resume(appended)
    }

    async fn finish(&mut self, file: Resource<FileDraft>) -> Result<Written, Failure> {
        let finished = self.table.get_mut(&file)?.finish().await;
        self.resume(finished).map(written)
    }

    async fn drop(&mut self, file: Resource<FileDraft>) -> wasmtime::Result<()> {
        self.release(file)
    }
}

pub(super) fn written(written: publish::Written) -> Written {
    Written {
        artifact: written.artifact,
        digests: written.digests,
        size: written.size,
        plain_digests: written.plain_digests,
        plain_size: written.plain_size,
    }
}

//! `lines` and `candidates`: a copy whose units need more than is chosen.

use pith_content::lines::{Candidate, Candidates, Lines};
use wasmtime::component::Resource;

use super::contract::pith::plugin::host::{self, HostCandidates, HostLines};
use super::failure::Failure;
use super::{MAX_UNITS, State};

impl HostLines for State {
    async fn count(&mut self, lines: Resource<Lines>) -> wasmtime::Result<u32> {
        let count = self.table.get(&lines)?.count();
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    async fn chosen(
        &mut self,
        lines: Resource<Lines>,
        content_type: String,
        fields: Vec<String>,
    ) -> Result<Resource<Candidates>, Failure> {
        let found = self.table.get(&lines)?.chosen(&content_type, &fields);
        let found = self.resume(found)?;
        self.give(found)
    }

    async fn all(
        &mut self,
        lines: Resource<Lines>,
        content_type: String,
        fields: Vec<String>,
    ) -> Result<Resource<Candidates>, Failure> {
        let found = self.table.get(&lines)?.all(&content_type, &fields).await;
        let found = self.resume(found)?;
        self.give(found)
    }

    async fn with_terms(
        &mut self,
        lines: Resource<Lines>,
        content_type: String,
        terms: Vec<String>,
        fields: Vec<String>,
    ) -> Result<Resource<Candidates>, Failure> {
        let lines = self.table.get(&lines)?;
        let found = lines.with_terms(&content_type, &terms, &fields).await;
        let found = self.resume(found)?;
        self.give(found)
    }

    async fn with_values(
        &mut self,
        lines: Resource<Lines>,
        content_type: String,
        field: String,
        values: Vec<String>,
        fields: Vec<String>,
    ) -> Result<Resource<Candidates>, Failure> {
        let lines = self.table.get(&lines)?;
        let found = lines
            .with_values(&content_type, &field, &values, &fields)
            .await;
        let found = self.resume(found)?;
        self.give(found)
    }

    async fn fragments(
        &mut self,
        lines: Resource<Lines>,
        units: Vec<u64>,
        name: String,
    ) -> Result<Vec<Vec<u8>>, Failure> {
        let read = self.table.get(&lines)?.fragments(&units, &name).await;
        self.resume(read)
    }

    async fn drop(&mut self, lines: Resource<Lines>) -> wasmtime::Result<()> {
        self.release(lines)
    }
}

impl HostCandidates for State {
    async fn next(
        &mut self,
        candidates: Resource<Candidates>,
        max: u32,
    ) -> Result<Vec<host::Candidate>, Failure> {
        let max = max.min(MAX_UNITS) as usize;
        let page = self.table.get_mut(&candidates)?.next(max).await;
        Ok(self.resume(page)?.into_iter().map(candidate).collect())
    }

    async fn drop(&mut self, candidates: Resource<Candidates>) -> wasmtime::Result<()> {
        self.release(candidates)
    }
}

fn candidate(candidate: Candidate) -> host::Candidate {
    host::Candidate {
        handle: candidate.handle,
        fields: candidate.fields,
        chosen: candidate.chosen,
        sources: candidate.sources,
        destinations: candidate.destinations,
    }
}

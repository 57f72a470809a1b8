//! `staging`: the way of units into the server.

use pith_content::fragment::Fragment;
use pith_content::staging::{
    ArtifactDraft, MAX_DRAFTS, Renewal, Sighting, Source, Staging, UnitDraft,
};
use wasmtime::component::Resource;

use super::State;
use super::contract::pith::plugin::host;
use super::failure::Failure;

impl host::HostStaging for State {
    async fn recall(
        &mut self,
        staging: Resource<Staging>,
        sightings: Vec<host::Sighting>,
    ) -> Result<Vec<Option<u64>>, Failure> {
        let sightings = sightings.into_iter().map(|one| Sighting {
            content_type: one.content_type,
            key: one.key,
            artifacts: one.artifacts.into_iter().map(artifact_draft).collect(),
        });
        let staging = self.table.get(&staging)?.clone();
        let recalled = staging.recall(sightings.collect()).await;
        self.resume(recalled)
    }

    async fn put(
        &mut self,
        staging: Resource<Staging>,
        units: Vec<host::UnitDraft>,
    ) -> Result<Vec<u64>, Failure> {
        if units.len() > MAX_DRAFTS {
            return Err(Failure::limit(format!(
                "{} drafts were put at once, the limit is {MAX_DRAFTS}",
                units.len()
            )));
        }
        let drafts = units.into_iter().map(unit_draft).collect();
        let put = self.table.get(&staging)?.put(drafts).await;
        self.resume(put)
    }

    async fn renew(
        &mut self,
        staging: Resource<Staging>,
        units: Vec<host::Renewal>,
    ) -> Result<u32, Failure> {
        let renewals = units.into_iter().map(|one| Renewal {
            unit: one.unit,
            content_type: one.content_type,
            fields: one.fields,
            fragments: one.fragments.into_iter().map(fragment).collect(),
            terms: one.terms,
        });
        let staging = self.table.get(&staging)?.clone();
        let renewed = staging.renew(renewals.collect()).await;
        self.resume(renewed)
    }

    async fn drop(&mut self, staging: Resource<Staging>) -> wasmtime::Result<()> {
        self.release(staging)
    }
}

fn unit_draft(unit: host::UnitDraft) -> UnitDraft {
    UnitDraft {
        content_type: unit.content_type,
        fields: unit.fields,
        artifacts: unit.artifacts.into_iter().map(artifact_draft).collect(),
        fragments: unit.fragments.into_iter().map(fragment).collect(),
        terms: unit.terms,
    }
}

fn fragment(fragment: host::Fragment) -> Fragment {
    Fragment {
        name: fragment.name,
        bytes: fragment.bytes,
    }
}

fn artifact_draft(artifact: host::ArtifactDraft) -> ArtifactDraft {
    ArtifactDraft {
        path: artifact.path,
        digests: artifact.digests,
        size: artifact.size,
        source: match artifact.source {
            host::Source::Urls(urls) => Source::Urls(urls),
            host::Source::Held(artifact) => Source::Held(artifact),
        },
    }
}

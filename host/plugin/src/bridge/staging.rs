//! `staging`: the way of units into the server.

use pith_content::fragment::Fragment;
use pith_content::staging::{ArtifactDraft, MAX_DRAFTS, Source, Staging, UnitDraft};
use wasmtime::component::Resource;

use super::State;
use super::contract::pith::plugin::host;
use super::failure::Failure;

impl host::HostStaging for State {
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
        let drafts: Vec<UnitDraft> = units
            .into_iter()
            .enumerate()
            .map(|(index, unit)| unit_draft(index, unit))
            .collect::<Result<_, _>>()?;
        let put = self.table.get(&staging)?.put(drafts).await;
        self.resume(put)
    }

    async fn drop(&mut self, staging: Resource<Staging>) -> wasmtime::Result<()> {
        self.release(staging)
    }
}

fn unit_draft(index: usize, unit: host::UnitDraft) -> Result<UnitDraft, Failure> {
    let fields = serde_json::from_str(&unit.fields).map_err(|error| {
        Failure::invalid(format!(
            "the fields of draft {index}, a {}, are not a JSON object: {error}",
            unit.content_type
        ))
    })?;
    Ok(UnitDraft {
        content_type: unit.content_type,
        fields,
        artifacts: unit.artifacts.into_iter().map(artifact_draft).collect(),
        fragments: unit.fragments.into_iter().map(fragment).collect(),
        terms: unit.terms,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_are_no_object_name_the_draft() {
        for fields in ["", "[]", "{\"a\":"] {
            let unit = host::UnitDraft {
                content_type: "file".into(),
                fields: fields.into(),
                artifacts: Vec::new(),
                fragments: Vec::new(),
                terms: Vec::new(),
            };
            let Err(Failure::Told(error)) = unit_draft(7, unit) else {
                panic!("{fields:?} is no object");
            };
            assert!(error.message.contains("draft 7, a file"), "{error}");
        }
    }
}

//! What a plugin stages, and the checks before anything is done with it.

use std::sync::Arc;

use pith_db::Value;
use pith_db::fragment::Packed;
use pith_db::unit::Key;
use pith_model::path;
use pith_storage::{Algorithm, Digest, Expected};
use url::Url;

use super::Context;
use super::fields::Fields;
use crate::error::{Error, Result};
use crate::fragment::{self, Fragment};
use crate::references::HeldArtifact;
use crate::term;
use crate::types::Type;

/// A unit as a plugin describes it.
#[derive(Clone, Debug)]
pub struct UnitDraft {
    /// The short name: `file`.
    pub content_type: String,
    /// Its fields, a JSON object.
    pub fields: String,
    /// Its artifacts.
    pub artifacts: Vec<ArtifactDraft>,
    /// Its fragments.
    pub fragments: Vec<Fragment>,
    /// Words that it is found by.
    pub terms: Vec<String>,
}

/// An artifact of a draft.
#[derive(Clone, Debug)]
pub struct ArtifactDraft {
    /// Where the unit puts it.
    pub path: String,
    /// `sha256:…` and so on.
    pub digests: Vec<String>,
    /// In bytes.
    pub size: Option<u64>,
    /// Where its bytes are.
    pub source: Source,
}

/// Where bytes are.
#[derive(Clone, Debug)]
pub enum Source {
    /// Upstream; relative to the remote, or absolute.
    Urls(Vec<String>),
    /// Stored; a reference that the plugin was given.
    Held(u64),
}

/// A draft that was found to be in order.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    pub(super) reference: u64,
    pub(super) kind: Arc<Type>,
    pub(super) natural_key: Key,
    pub(super) repository_key: Key,
    /// Its fields, a JSON object.
    pub(super) fields: String,
    /// Its fields for its row; empty once they were taken for it.
    pub(super) values: Vec<Value>,
    pub(super) artifacts: Vec<CheckedArtifact>,
    pub(super) fragments: Vec<Fragment>,
    /// The fragments as a row, of a unit that is new.
    pub(super) packed: Option<Packed>,
    /// Hashes of its terms.
    pub(super) terms: Vec<i64>,
}

/// An artifact that was found to be in order.
#[derive(Clone, Debug)]
pub(super) struct CheckedArtifact {
    pub(super) path: String,
    pub(super) expected: Expected,
    pub(super) source: CheckedSource,
}

/// Where its bytes are.
#[derive(Clone, Debug)]
pub(super) enum CheckedSource {
    Urls(Vec<Url>),
    Held(HeldArtifact),
}

impl Checked {
    /// Takes the values of its row, which are read anew where they were taken before.
    pub(super) fn take_values(&mut self) -> Result<Vec<Value>> {
        if self.values.is_empty() {
            return Ok(Fields::read(&self.kind, &self.fields)?.values);
        }
        Ok(std::mem::take(&mut self.values))
    }
}

impl CheckedArtifact {
    /// The digest by which stored bytes can be found.
    pub(super) fn sha256(&self) -> Option<[u8; 32]> {
        if let CheckedSource::Held(held) = &self.source {
            return Some(held.sha256);
        }
        let found = self
            .expected
            .digests
            .iter()
            .find(|digest| digest.algorithm() == Algorithm::Sha256)?;
        found.as_bytes().try_into().ok()
    }
}

/// More artifacts than any format has in one unit.
const MAX_ARTIFACTS: usize = 10_000;

/// More mirrors than are worth trying.
const MAX_URLS: usize = 20;

pub(super) fn check(context: &Context, draft: UnitDraft) -> Result<Checked> {
    let kind = context.checked(&draft.content_type)?;
    let Fields {
        natural_key,
        repository_key,
        values,
    } = Fields::read(&kind, &draft.fields)?;
    if draft.artifacts.len() > MAX_ARTIFACTS {
        return Err(Error::limit(format!(
            "a draft of {} has {} artifacts; at most {MAX_ARTIFACTS} are taken",
            kind.table.full_name,
            draft.artifacts.len()
        )));
    }
    fragment::check(&draft.fragments)?;
    let artifacts = draft
        .artifacts
        .into_iter()
        .map(|artifact| check_artifact(context, artifact))
        .collect::<Result<Vec<_>>>()?;
    Ok(Checked {
        reference: 0,
        natural_key,
        repository_key,
        fields: draft.fields,
        values,
        artifacts,
        fragments: draft.fragments,
        packed: None,
        terms: term::check(&context.plugin, &draft.terms)?,
        kind,
    })
}

pub(super) fn check_artifact(context: &Context, draft: ArtifactDraft) -> Result<CheckedArtifact> {
    if let Some(problem) = path::problem(&draft.path) {
        return Err(Error::invalid(format!(
            "the path {:?} {problem}",
            draft.path
        )));
    }
    let digests = draft
        .digests
        .iter()
        .map(|text| {
            text.parse::<Digest>()
                .map_err(|error| Error::invalid(error.to_string()))
        })
        .collect::<Result<Vec<_>>>()?;
    let expected = Expected {
        digests,
        size: draft.size,
    };
    let source = match draft.source {
        Source::Held(reference) => {
            let held = context.references.artifact(reference)?;
            check_held(&draft.path, &expected, &held)?;
            CheckedSource::Held(held)
        }
        Source::Urls(urls) => {
            let origin = context.origin.as_ref().ok_or_else(|| {
                Error::invalid("a draft names a URL, but this task has no remote")
            })?;
            if urls.is_empty() || urls.len() > MAX_URLS {
                return Err(Error::invalid(format!(
                    "the artifact {:?} has {} URLs; 1 to {MAX_URLS} were expected",
                    draft.path,
                    urls.len()
                )));
            }
            let urls = urls
                .iter()
                .map(|url| origin.remote.resolve(url))
                .collect::<Result<Vec<_>>>()?;
            CheckedSource::Urls(urls)
        }
    };
    Ok(CheckedArtifact {
        path: draft.path,
        expected,
        source,
    })
}

/// What a draft says of bytes that are here must be so.
fn check_held(path: &str, expected: &Expected, held: &HeldArtifact) -> Result<()> {
    let digest_fits = expected
        .digests
        .iter()
        .filter(|digest| digest.algorithm() == Algorithm::Sha256)
        .all(|digest| digest.as_bytes() == held.sha256);
    if !digest_fits || expected.size.is_some_and(|size| size != held.size) {
        return Err(Error::invalid(format!(
            "the draft of {path:?} says another digest or size than its bytes have"
        )));
    }
    Ok(())
}

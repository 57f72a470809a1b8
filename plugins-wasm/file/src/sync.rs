//! Stages what an upstream's manifest lists.

use std::io::BufRead;

use pith_plugin_sdk::{
    ArtifactDraft, Batcher, BodyReader, Changes, Error, ErrorCode, Remote, Request, Result, Sink,
    Source, Staging, Syncer, Task, UnitDraft, View, relative_path,
};
use serde::{Deserialize, Serialize};

use crate::manifest::{Entry, Manifest};
use crate::{DEFAULT_MANIFEST, FILE, Fields, FilePlugin};

/// Forty million files with paths of ordinary length.
const MAX_MANIFEST: u64 = 4 << 30;

/// How many lines are read between two reports.
const REPORT_EVERY: u64 = 1_000;

/// The words for progress that Pulp's clients know.
const PARSING: (&str, &str) = ("sync.parsing.metadata", "Parsing Metadata Lines");
const SKIPPED: (&str, &str) = (
    "sync.was_skipped",
    "Nothing changed upstream since the last sync",
);

#[derive(Debug, Deserialize)]
struct Params {
    mirror: bool,
    optimize: bool,
}

#[derive(Debug, Deserialize)]
struct Config {
    url: String,
}

/// What this run did, for the next one.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Checkpoint {
    url: String,
    mirror: bool,
}

impl Checkpoint {
    /// Whether doing `wanted` after this with the same manifest would change nothing.
    /// An additive sync leaves files behind that a mirroring one would remove.
    fn covers(&self, wanted: &Self) -> bool {
        self.url == wanted.url && (self.mirror || !wanted.mirror)
    }
}

impl Syncer for FilePlugin {
    fn sync(
        task: &Task,
        remote: &Remote,
        _current: &View,
        staging: &Staging,
        next: &Changes,
    ) -> Result<()> {
        let params: Params = task.params_as()?;
        let config: Config = remote.config_as()?;
        let wanted = Checkpoint {
            url: manifest_url(config.url),
            mirror: params.mirror,
        };
        let conditional = params.optimize
            && task
                .checkpoint_as()
                .is_some_and(|last: Checkpoint| last.covers(&wanted));
        let body = remote.open(&Request {
            url: wanted.url.clone(),
            conditional,
            max_size: MAX_MANIFEST,
            digest: None,
        })?;
        if body.unchanged() {
            task.progress(SKIPPED.0, SKIPPED.1, 0, Some(0));
            return Ok(());
        }
        if params.mirror {
            next.clear();
        }
        let manifest = Manifest::new(BodyReader::new(&body))?;
        stage(task, manifest, Batcher::new(staging, next), &wanted.url)?;
        task.set_checkpoint_to(&wanted)
    }
}

/// A remote may point at its manifest, or at the folder that has one of the usual name.
fn manifest_url(mut remote: String) -> String {
    if remote.ends_with('/') {
        remote.push_str(DEFAULT_MANIFEST);
    }
    remote
}

fn stage<R: BufRead, S: Sink>(
    task: &Task,
    mut manifest: Manifest<R>,
    mut batcher: Batcher<S>,
    url: &str,
) -> Result<()> {
    let report = |done, total| task.progress(PARSING.0, PARSING.1, done, total);
    report(0, None);
    while let Some(entry) = manifest
        .next_entry()
        .map_err(|error| blame_manifest(error, url))?
    {
        batcher.push(draft(entry)?)?;
        if manifest.entries().is_multiple_of(REPORT_EVERY) {
            report(manifest.entries(), None);
        }
    }
    let done = batcher.finish()?;
    report(done, Some(done));
    Ok(())
}

/// Errors of the host name what they are about themselves; only the parser's do not.
fn blame_manifest(error: Error, url: &str) -> Error {
    if error.code() != ErrorCode::Invalid {
        return error;
    }
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let name = path.rsplit('/').next().unwrap_or(path);
    error.context(format!("{name} at {url}"))
}

fn draft(entry: Entry) -> Result<UnitDraft> {
    let artifact = ArtifactDraft {
        path: entry.path.clone(),
        digests: vec![format!("sha256:{}", entry.sha256)],
        size: Some(entry.size),
        // Relative URLs start from the remote's own, which is in the manifest's folder.
        source: Source::Urls(vec![relative_path::to_url(&entry.path)]),
    };
    let fields = Fields {
        relative_path: entry.path,
        sha256: entry.sha256,
    };
    Ok(UnitDraft {
        content_type: FILE.into(),
        fields: fields.to_json()?,
        artifacts: vec![artifact],
        fragments: Vec::new(),
        terms: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(url: &str, mirror: bool) -> Checkpoint {
        Checkpoint {
            url: url.into(),
            mirror,
        }
    }

    #[test]
    fn a_folder_gets_the_usual_manifest() {
        assert_eq!(
            manifest_url("http://u/f/".into()),
            "http://u/f/PULP_MANIFEST"
        );
        assert_eq!(manifest_url("http://u/f/list".into()), "http://u/f/list");
        assert_eq!(manifest_url("http://u/?t=/x".into()), "http://u/?t=/x");
    }

    #[test]
    fn a_checkpoint_covers_what_would_change_nothing() {
        let mirrored = checkpoint("http://u/a", true);
        let added = checkpoint("http://u/a", false);
        assert!(mirrored.covers(&mirrored));
        assert!(mirrored.covers(&added));
        assert!(added.covers(&added));
        assert!(!added.covers(&mirrored));
        assert!(!mirrored.covers(&checkpoint("http://u/b", true)));
    }

    #[test]
    fn only_mistakes_in_the_manifest_are_said_of_the_manifest() {
        let error = blame_manifest(
            Error::invalid("line 3: the path is empty"),
            "http://u/a/PULP_MANIFEST?x=/y",
        );
        assert_eq!(
            error.to_string(),
            "PULP_MANIFEST at http://u/a/PULP_MANIFEST?x=/y: line 3: the path is empty"
        );
        let error = Error::unavailable("http://u/a/PULP_MANIFEST did not answer");
        assert_eq!(blame_manifest(error.clone(), "http://u/a"), error);
    }

    #[test]
    fn a_draft_has_the_key_the_digest_and_an_encoded_address() {
        let sha256 = "ab".repeat(32);
        let draft = draft(Entry {
            path: "a b/c:d".into(),
            sha256: sha256.clone(),
            size: 5,
        })
        .expect("the fields are JSON");
        assert_eq!(draft.content_type, "file");
        assert_eq!(
            draft.fields,
            format!(r#"{{"relative_path":"a b/c:d","sha256":"{sha256}"}}"#)
        );
        assert_eq!(
            draft.artifacts,
            [ArtifactDraft {
                path: "a b/c:d".into(),
                digests: vec![format!("sha256:{sha256}")],
                size: Some(5),
                source: Source::Urls(vec!["a%20b/c%3Ad".into()]),
            }]
        );
    }
}

//! Mirrors an upstream: its list of indexes, and then index by index.

mod beside;
mod complete;
mod extra;
mod lists;
mod mirrors;
mod packages;
mod recall;
pub(crate) mod retention;
mod start;
mod trees;
mod upstream;

use std::collections::HashSet;

use pith_plugin_sdk::{
    Changes, Error, ErrorCode, Remote, Result, Staging, Syncer, Task, View, log,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use complete::Complete;
use retention::Retention;
use start::Start;
use upstream::{Places, Upstream};

use crate::RpmPlugin;
use crate::repomd::{self, Data, Repomd};

const SKIPPED: (&str, &str) = (
    "sync.was_skipped",
    "Nothing changed upstream since the last sync",
);

#[derive(Debug, Deserialize)]
struct Params {
    sync_policy: Option<String>,
    mirror: Option<bool>,
    skip_types: Vec<String>,
    retain_package_versions: Option<usize>,
    optimize: bool,
    #[serde(default)]
    repo_config: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Config {
    url: String,
    #[serde(default)]
    sles_auth_token: Option<String>,
}

/// What this run did, for the next one.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Checkpoint {
    url: String,
    mirror: bool,
    skip_types: Vec<String>,
    retain_package_versions: usize,
    /// SHA-256 of the list of indexes.
    repomd: String,
    /// With which settings the upstream's own indexes were published.
    #[serde(default)]
    complete: Option<Map<String, Value>>,
    /// What the tree was read from; nothing where an older build did not keep it.
    #[serde(default)]
    tree: Option<trees::Sources>,
}

impl Checkpoint {
    /// Whether doing `wanted` after this with the same indexes would change nothing.
    fn covers(&self, wanted: &Self) -> bool {
        self.url == wanted.url
            && self.skip_types == wanted.skip_types
            && self.retain_package_versions == wanted.retain_package_versions
            && (self.mirror || !wanted.mirror)
            && (wanted.complete.is_none() || self.complete == wanted.complete)
    }

    /// Whether the upstream is as it was; its list of indexes is none if it did not change.
    fn still_describes(&self, places: &Places<'_>, start: Option<&Start>) -> Result<bool> {
        // Not every server knows validators.
        if start.is_some_and(|start| start.sha256 != self.repomd) {
            return Ok(false);
        }
        // No index lists what a tree has.
        let tree = self.tree.as_ref();
        tree.map_or(Ok(false), |tree| tree.are_unchanged(places))
    }
}

impl Syncer for RpmPlugin {
    fn sync(
        task: &Task,
        remote: &Remote,
        current: &View,
        staging: &Staging,
        next: &Changes,
    ) -> Result<()> {
        let params: Params = task.params_as()?;
        let config: Config = remote.config_as()?;
        let policy = Policy::of(&params);
        policy.check(&params)?;
        let complete = policy == Policy::Complete;
        let mut wanted = Checkpoint {
            url: config.url.clone(),
            mirror: policy != Policy::Additive,
            skip_types: params.skip_types,
            retain_package_versions: params.retain_package_versions.unwrap_or(0),
            repomd: String::new(),
            complete: complete.then(|| params.repo_config.clone()),
            tree: None,
        };
        let last: Option<Checkpoint> = task.checkpoint_as();
        let last = last.filter(|last| params.optimize && last.covers(&wanted));
        let (places, start) = start::find_changed(remote, &config, last.is_some())?;
        if let Some(last) = last
            && last.still_describes(&places, start.as_ref())?
        {
            task.progress(SKIPPED.0, SKIPPED.1, 0, Some(0));
            return Ok(());
        }
        let (places, start) = match start {
            Some(start) => (places, start),
            // Only the tree changed.
            None => start::find(remote, &config)?,
        };
        wanted.repomd.clone_from(&start.sha256);
        let repomd = repomd::read(&start.text).map_err(|error| error.context(&start.url))?;
        check_indexes(&repomd).map_err(|error| error.context(&start.url))?;
        if wanted.mirror {
            next.clear();
        }
        let complete = if complete {
            let config = &params.repo_config;
            Some(Complete::begin(next, &start, &repomd, config)?)
        } else {
            None
        };
        let upstream = Upstream {
            task,
            places,
            staging,
            next,
            repomd,
            skips_sources: wanted.skip_types.iter().any(|one| one == "srpm"),
            complete,
        };
        let modular = lists::sync_modules(&upstream)?;
        let stays = Some(current).filter(|_| !wanted.mirror);
        let retention = match wanted.retain_package_versions {
            0 => None,
            count => Some(Retention::read(&upstream, &modular, stays, count)?),
        };
        packages::sync(&upstream, &modular, retention.as_ref())?;
        if let (Some(retention), Some(current)) = (retention, stays) {
            retention.prune(current, next)?;
        }
        lists::sync_advisories(&upstream)?;
        lists::sync_comps(&upstream)?;
        extra::sync(&upstream)?;
        wanted.tree = Some(if wanted.skip_types.iter().any(|one| one == "treeinfo") {
            trees::Sources::default()
        } else {
            trees::sync(&upstream)?
        });
        if let Some(complete) = &upstream.complete {
            complete.finish(&upstream)?;
        }
        task.set_checkpoint_to(&wanted)
    }
}

/// What becomes of what the upstream does not have, and of how it describes what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    Additive,
    Content,
    Complete,
}

impl Policy {
    fn of(params: &Params) -> Self {
        match (params.sync_policy.as_deref(), params.mirror) {
            (Some("mirror_complete"), _) | (None, Some(true)) => Self::Complete,
            (Some("mirror_content_only"), _) => Self::Content,
            _ => Self::Additive,
        }
    }

    /// The upstream's own indexes list everything that it has.
    fn check(self, params: &Params) -> Result<()> {
        let left_out = if !params.skip_types.is_empty() {
            "skip_types"
        } else if params.retain_package_versions.unwrap_or(0) > 0 {
            "retain_package_versions"
        } else {
            return Ok(());
        };
        if self == Self::Complete {
            return Err(Error::invalid(format!(
                "`{left_out}` leaves out what the upstream's indexes list, and \
                 `mirror_complete` publishes these; choose `mirror_content_only`"
            )));
        }
        Ok(())
    }
}

/// Refuses what cannot be mirrored, in words.
fn check_indexes(repomd: &Repomd) -> Result<()> {
    let has = |kind| repomd.find(kind).is_some();
    if has("primary") && has("filelists") && has("other") {
        return Ok(());
    }
    if has("primary_db") {
        return Err(Error::invalid(
            "the repository has its indexes as SQLite databases only; make them anew with \
             `createrepo_c --no-database`, or ask its owner to",
        ));
    }
    let missing = ["primary", "filelists", "other"]
        .into_iter()
        .find(|kind| !has(kind))
        .unwrap_or_default();
    Err(Error::invalid(format!(
        "the repository has no index of the kind {missing:?}"
    )))
}

/// Errors of the host name what they are about themselves; only the parsers' do not.
fn blame(error: Error, data: &Data) -> Error {
    match error.code() {
        ErrorCode::Invalid => error.context(&data.href),
        _ => error,
    }
}

/// Names what an upstream says wrongly and what is left out for it.
fn skip(what: &str, error: &Error, skipped: &mut u64) {
    *skipped += 1;
    log::warn(&format!("{what} is skipped: {error}"));
}

/// The packages that modules list, as name-epoch:version-release.arch.
type Modular = HashSet<String>;

#[cfg(test)]
mod tests {
    use super::*;

    fn repomd(kinds: &[&str]) -> Repomd {
        let data = kinds.iter().map(|kind| Data {
            kind: (*kind).into(),
            ..Data::default()
        });
        Repomd {
            data: data.collect(),
            ..Repomd::default()
        }
    }

    #[test]
    fn what_cannot_be_mirrored_is_refused_in_words() {
        assert!(check_indexes(&repomd(&["primary", "filelists", "other"])).is_ok());
        let error = check_indexes(&repomd(&["primary_db", "filelists_db"])).expect_err("refused");
        assert!(
            error.to_string().contains("SQLite databases only"),
            "{error}"
        );
        let error = check_indexes(&repomd(&["primary"])).expect_err("refused");
        assert!(error.to_string().contains("\"filelists\""), "{error}");
    }

    fn params(policy: Option<&str>, mirror: Option<bool>) -> Params {
        Params {
            sync_policy: policy.map(Into::into),
            mirror,
            skip_types: Vec::new(),
            retain_package_versions: None,
            optimize: true,
            repo_config: Map::new(),
        }
    }

    #[test]
    fn the_old_word_counts_where_the_new_one_is_missing() {
        let of = |policy, mirror| Policy::of(&params(policy, mirror));
        assert_eq!(of(Some("mirror_content_only"), None), Policy::Content);
        assert_eq!(of(None, Some(true)), Policy::Complete);
        assert_eq!(of(Some("additive"), Some(true)), Policy::Additive);
        assert_eq!(of(None, None), Policy::Additive);
    }

    #[test]
    fn nothing_is_left_out_of_a_complete_mirror() {
        let mut some = params(Some("mirror_complete"), None);
        assert!(Policy::Complete.check(&some).is_ok());
        some.retain_package_versions = Some(1);
        assert!(Policy::Complete.check(&some).is_err());
        assert!(Policy::Content.check(&some).is_ok());
        some.skip_types = vec!["srpm".into()];
        let error = Policy::Complete.check(&some).expect_err("refused");
        assert!(error.to_string().starts_with("`skip_types`"), "{error}");
    }
}

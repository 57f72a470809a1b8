//! Mirrors an upstream: its list of indexes, and then index by index.

mod extra;
mod lists;
mod packages;
mod retention;

use std::collections::HashSet;

use pith_plugin_sdk::{
    Body, Changes, Error, ErrorCode, Remote, Request, Result, Staging, Syncer, Task, View, log,
    relative_path,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use retention::Retention;

use crate::RpmPlugin;
use crate::package::Package;
use crate::repomd::{self, Data, Repomd};
use crate::xml::utf8;

/// A list of some dozen indexes.
const MAX_REPOMD: u64 = 16 << 20;

/// An index, encoded, where the list does not say how large it is.
const MAX_INDEX: u64 = 4 << 30;

/// An index, decoded, where the list does not say how large it is.
const MAX_OPEN_INDEX: u64 = 16 << 30;

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
    skip_types: Vec<String>,
    retain_package_versions: usize,
    /// SHA-256 of the list of indexes.
    repomd: String,
}

impl Checkpoint {
    /// Whether doing `wanted` after this with the same indexes would change nothing.
    fn covers(&self, wanted: &Self) -> bool {
        self.url == wanted.url
            && self.skip_types == wanted.skip_types
            && self.retain_package_versions == wanted.retain_package_versions
            && (self.mirror || !wanted.mirror)
    }
}

/// What every index is read with.
struct Upstream<'a> {
    task: &'a Task,
    remote: &'a Remote,
    staging: &'a Staging,
    next: &'a Changes,
    /// Ends with a slash.
    base: String,
    repomd: Repomd,
    skips_sources: bool,
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
        let base = base_url(config.url);
        let mut wanted = Checkpoint {
            url: base.clone(),
            mirror: is_mirror(&params),
            skip_types: params.skip_types,
            retain_package_versions: params.retain_package_versions.unwrap_or(0),
            repomd: String::new(),
        };
        let last: Option<Checkpoint> = task.checkpoint_as();
        let last = last.filter(|last| params.optimize && last.covers(&wanted));
        let url = format!("{base}repodata/repomd.xml");
        let body = remote.open(&Request {
            url: url.clone(),
            conditional: last.is_some(),
            max_size: MAX_REPOMD,
            digest: None,
        })?;
        if body.unchanged() {
            task.progress(SKIPPED.0, SKIPPED.1, 0, Some(0));
            return Ok(());
        }
        let text = read_all(&body)?;
        wanted.repomd = hex::encode(Sha256::digest(text.as_bytes()));
        // Not every server knows validators.
        if last.is_some_and(|last| last.repomd == wanted.repomd) {
            task.progress(SKIPPED.0, SKIPPED.1, 0, Some(0));
            return Ok(());
        }
        let repomd = repomd::read(&text).map_err(|error| error.context(&url))?;
        check_indexes(&repomd).map_err(|error| error.context(&url))?;
        if wanted.mirror {
            next.clear();
        }
        let upstream = Upstream {
            task,
            remote,
            staging,
            next,
            base,
            repomd,
            skips_sources: wanted.skip_types.iter().any(|one| one == "srpm"),
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
        task.set_checkpoint_to(&wanted)
    }
}

fn is_mirror(params: &Params) -> bool {
    match params.sync_policy.as_deref() {
        Some(policy) => policy == "mirror_content_only",
        None => params.mirror == Some(true),
    }
}

/// Addresses of packages and indexes are relative to the folder.
fn base_url(mut url: String) -> String {
    if !url.ends_with('/') {
        url.push('/');
    }
    url
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

fn read_all(body: &Body) -> Result<String> {
    let mut bytes = Vec::new();
    loop {
        let part = body.read(256 << 10)?;
        if part.is_empty() {
            break;
        }
        bytes.extend_from_slice(&part);
    }
    Ok(utf8(bytes.into()).into_owned())
}

impl Upstream<'_> {
    /// Opens an index; its bytes have the checksum that the list says before one is read.
    fn open(&self, data: &Data) -> Result<Body> {
        let body = self.fetch(data)?;
        body.decode(data.open_size.unwrap_or(MAX_OPEN_INDEX))?;
        Ok(body)
    }

    /// Fetches an index as it is.
    fn fetch(&self, data: &Data) -> Result<Body> {
        let body = self.remote.open(&Request {
            url: self.url(&data.href),
            conditional: false,
            max_size: data.size.unwrap_or(MAX_INDEX),
            digest: data.digest(),
        })?;
        body.spool()?;
        Ok(body)
    }

    /// Whether a package is of a kind that is not wanted.
    fn skips(&self, package: &Package) -> bool {
        self.skips_sources && package.arch == "src"
    }

    fn url(&self, href: &str) -> String {
        format!("{}{}", self.base, relative_path::to_url(href))
    }
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

    #[test]
    fn the_old_word_counts_where_the_new_one_is_missing() {
        let params = |policy: Option<&str>, mirror| Params {
            sync_policy: policy.map(Into::into),
            mirror,
            skip_types: Vec::new(),
            retain_package_versions: None,
            optimize: true,
        };
        assert!(is_mirror(&params(Some("mirror_content_only"), None)));
        assert!(is_mirror(&params(None, Some(true))));
        assert!(!is_mirror(&params(Some("additive"), Some(true))));
        assert!(!is_mirror(&params(None, None)));
    }
}

//! An installable tree: its `.treeinfo`, its images, and the repositories below it, which are
//! mirrored as they are. All of that is one unit, whose files are served at their own paths.

use std::collections::{BTreeMap, HashSet};
use std::io::Read as _;

use pith_plugin_sdk::{
    ArtifactDraft, Batcher, Body, BodyReader, Error, Result, Source, UnitDraft, log, relative_path,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::packages::snippets;
use super::upstream::{MAX_OPEN_INDEX, Places, Upstream};
use crate::DISTRIBUTION_TREE;
use crate::primary;
use crate::repomd::{self, Data};
use crate::tree::{self, Tree};
use crate::xml::utf8;

/// What a tree is described by; the first that is there counts.
const NAMES: [&str; 2] = [".treeinfo", "treeinfo"];

/// A description, a list of indexes, or what vouches for one: all have some kilobytes.
const MAX_LIST: u64 = 1 << 20;

/// A list names some dozen.
const MAX_INDEXES: usize = 100;

/// An index of a repository below, where its list does not say how large it is.
const MAX_INDEX: u64 = 1 << 30;

/// As many files as the host takes of one unit.
const MAX_FILES: usize = 10_000;

/// Ends of what vouches for a list of indexes.
const VOUCHERS: [&str; 2] = ["asc", "key"];

/// The files that decide what a tree has, each with its SHA-256 if it is there.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sources(BTreeMap<String, Option<String>>);

impl Sources {
    /// Whether the upstream has the same files still.
    pub(super) fn are_unchanged(&self, places: &Places<'_>) -> Result<bool> {
        for (path, known) in &self.0 {
            let found = match places.fetch_optional(path, MAX_LIST, true)? {
                Some(body) if body.unchanged() => continue,
                Some(body) => Some(sha256(&read_all(&body)?)),
                None => None,
            };
            if found != *known {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Fetches a file that need not be there, with its bytes.
    fn fetch(&mut self, places: &Places<'_>, path: &str) -> Result<Option<(Body, Vec<u8>)>> {
        let Some(body) = places.fetch_optional(path, MAX_LIST, false)? else {
            self.0.insert(path.to_owned(), None);
            return Ok(None);
        };
        let bytes = read_all(&body)?;
        self.0.insert(path.to_owned(), Some(sha256(&bytes)));
        Ok(Some((body, bytes)))
    }

    /// A digest of those that are there.
    fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for (path, known) in &self.0 {
            if let Some(known) = known {
                digest.update(format!("{path}\0{known}\n"));
            }
        }
        hex::encode(digest.finalize())
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn read_all(body: &Body) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    BodyReader::new(body).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Stages the tree, if the upstream is one; what it was read from.
pub(super) fn sync(upstream: &Upstream<'_>) -> Result<Sources> {
    let mut sources = Sources::default();
    let Some((name, body, bytes)) = find(upstream, &mut sources)? else {
        // Each costs a request whenever it is asked whether anything changed, and a tree that
        // appears is one of today.
        sources.0.retain(|path, _| path == NAMES[0]);
        return Ok(sources);
    };
    let named = |error: Error| error.context(name);
    let mut tree = tree::read(&utf8(bytes.into())).map_err(named)?;
    let mut files = Files::default();
    files.push(name, Vec::new(), None, Source::Held(body.keep()?))?;
    for (path, digest) in tree.files().map_err(named)? {
        let digests = digest.into_iter().collect();
        files.push(&path, digests, None, upstream.source(&path))?;
    }
    for warning in &tree.warnings {
        log::warn(&format!("{name}: {warning}; it is left out"));
    }
    for path in std::mem::take(&mut tree.repositories) {
        if mirror(upstream, &path, &mut files, &mut sources)? {
            tree.repositories.push(path);
        } else {
            log::warn(&format!("{name}: there is no repository at {path}"));
        }
    }
    tree.digest = sources.digest();
    let mut batcher = Batcher::new(upstream.staging, upstream.next);
    batcher.push(draft(&tree, files)?)?;
    batcher.finish()?;
    Ok(sources)
}

fn find(
    upstream: &Upstream<'_>,
    sources: &mut Sources,
) -> Result<Option<(&'static str, Body, Vec<u8>)>> {
    for name in NAMES {
        if let Some((body, bytes)) = sources.fetch(&upstream.places, name)? {
            return Ok(Some((name, body, bytes)));
        }
    }
    Ok(None)
}

/// Adds all files of a repository below; whether there is one.
fn mirror(
    upstream: &Upstream<'_>,
    root: &str,
    files: &mut Files,
    sources: &mut Sources,
) -> Result<bool> {
    let list = format!("{root}/repodata/repomd.xml");
    let Some((body, bytes)) = sources.fetch(&upstream.places, &list)? else {
        return Ok(false);
    };
    let repomd = repomd::read(&utf8(bytes.into())).map_err(|error| error.context(&list))?;
    if repomd.data.len() > MAX_INDEXES {
        let error = Error::limit(format!("it lists more than {MAX_INDEXES} indexes"));
        return Err(error.context(&list));
    }
    files.push(&list, Vec::new(), None, Source::Held(body.keep()?))?;
    for data in &repomd.data {
        let path = format!("{root}/{}", data.href);
        if data.base.is_some() || relative_path::check(&path).is_err() {
            log::warn(&format!("the index {path} is elsewhere and is skipped"));
            continue;
        }
        let max_size = data.size.unwrap_or(MAX_INDEX);
        let body = upstream.fetch_file(&path, max_size, data.digest().as_deref())?;
        files.push(&path, Vec::new(), None, Source::Held(body.keep()?))?;
        if data.kind == "primary" {
            add_packages(upstream, root, (data, &body), files)?;
        }
    }
    for end in VOUCHERS {
        let path = format!("{list}.{end}");
        if let Some((body, _)) = sources.fetch(&upstream.places, &path)? {
            files.push(&path, Vec::new(), None, Source::Held(body.keep()?))?;
        }
    }
    Ok(true)
}

/// Adds the packages that an index lists, whose bytes may stay upstream.
fn add_packages(
    upstream: &Upstream<'_>,
    root: &str,
    (data, body): (&Data, &Body),
    files: &mut Files,
) -> Result<()> {
    body.decode(data.open_size.unwrap_or(MAX_OPEN_INDEX))?;
    let mut elements = snippets(BodyReader::new(body));
    let blamed = |error: Error| error.context(&data.href);
    while let Some(text) = elements.next_element().map_err(blamed)? {
        let read = primary::glance(&text).map_err(blamed)?;
        let package = read.package;
        let path = format!("{root}/{}", package.location_href);
        if read.base.is_some() || relative_path::check(&path).is_err() {
            log::warn(&format!("the package {path} is elsewhere and is skipped"));
            continue;
        }
        let size = package
            .size_package
            .and_then(|size| u64::try_from(size).ok());
        files.push(&path, package.digests(), size, upstream.source(&path))?;
    }
    Ok(())
}

/// The files of a tree, each path once.
#[derive(Default)]
struct Files {
    drafts: Vec<ArtifactDraft>,
    paths: HashSet<String>,
}

impl Files {
    fn push(
        &mut self,
        path: &str,
        digests: Vec<String>,
        size: Option<u64>,
        source: Source,
    ) -> Result<()> {
        // A repository below whose folder is called so could come into the way of the indexes.
        if path.starts_with("repodata/repomd.xml") || !self.paths.insert(path.to_owned()) {
            return Ok(());
        }
        if self.drafts.len() == MAX_FILES {
            return Err(Error::invalid(format!(
                "the tree and the repositories below it have more than {MAX_FILES} files; \
                 leave the tree out with `skip_types: [\"treeinfo\"]`"
            )));
        }
        self.drafts.push(ArtifactDraft {
            path: path.to_owned(),
            digests,
            size,
            source,
        });
        Ok(())
    }
}

fn draft(tree: &Tree, files: Files) -> Result<UnitDraft> {
    let fields = serde_json::to_string(tree)
        .map_err(|error| Error::internal(format!("a tree is no JSON: {error}")))?;
    Ok(UnitDraft {
        content_type: DISTRIBUTION_TREE.into(),
        fields,
        artifacts: files.drafts,
        fragments: Vec::new(),
        terms: Vec::new(),
    })
}

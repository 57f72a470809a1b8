//! An installable tree: its `.treeinfo`, its images, and the repositories below it, which are
//! mirrored as they are. All of that is one unit, whose files are served at their own paths.

use std::collections::HashSet;
use std::io::Read as _;

use pith_plugin_sdk::{
    ArtifactDraft, Batcher, Body, BodyReader, Error, ErrorCode, Result, Source, UnitDraft, log,
    relative_path,
};
use sha2::{Digest as _, Sha256};

use super::packages::snippets;
use super::upstream::{MAX_OPEN_INDEX, Upstream};
use crate::DISTRIBUTION_TREE;
use crate::primary;
use crate::repomd::{self, Data};
use crate::tree::{self, Tree};
use crate::xml::utf8;

/// What a tree is described by; the first that is there counts.
const NAMES: [&str; 2] = [".treeinfo", "treeinfo"];

/// A description, or a list of indexes.
const MAX_SMALL: u64 = 16 << 20;

/// An index of a repository below, where its list does not say how large it is.
const MAX_INDEX: u64 = 1 << 30;

/// As many files as the host takes of one unit.
const MAX_FILES: usize = 10_000;

/// Algorithms of checksums that the host can check.
const ALGORITHMS: [&str; 6] = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"];

/// Stages the tree, if the upstream is one.
pub(super) fn sync(upstream: &Upstream<'_>) -> Result<()> {
    let Some((name, body)) = find(upstream)? else {
        return Ok(());
    };
    let text = text_of(&body)?;
    let mut tree = tree::read(&text).map_err(|error| error.context(name))?;
    let mut files = Files::default();
    files.push(name, Vec::new(), None, Source::Held(body.keep()?))?;
    for (path, digest) in tree.files() {
        if let Err(error) = relative_path::check(path) {
            log::warn(&format!("a file of the tree is skipped: {error}"));
            continue;
        }
        let digest = digest.filter(|digest| is_known(digest)).map(str::to_owned);
        let digests = digest.into_iter().collect();
        files.push(path, digests, None, upstream.source(path))?;
    }
    let mut digest = Sha256::new();
    digest.update(text.as_bytes());
    let repositories = std::mem::take(&mut tree.repositories);
    for path in repositories {
        match mirror(upstream, &path, &mut files)? {
            Some(list) => {
                digest.update(path.as_bytes());
                digest.update(list);
                tree.repositories.push(path);
            }
            None => log::warn(&format!("the tree has no repository at {path}, as it says")),
        }
    }
    tree.digest = hex::encode(digest.finalize());
    let mut batcher = Batcher::new(upstream.staging, upstream.next);
    batcher.push(draft(&tree, files)?)?;
    batcher.finish()?;
    Ok(())
}

fn find(upstream: &Upstream<'_>) -> Result<Option<(&'static str, Body)>> {
    for name in NAMES {
        if let Some(body) = fetch(upstream, name)? {
            return Ok(Some((name, body)));
        }
    }
    Ok(None)
}

/// A file that need not be there.
fn fetch(upstream: &Upstream<'_>, path: &str) -> Result<Option<Body>> {
    match upstream.fetch_file(path, MAX_SMALL, None) {
        Ok(body) => Ok(Some(body)),
        // Some stores of objects deny what they do not have.
        Err(error) if matches!(error.code(), ErrorCode::NotFound | ErrorCode::Denied) => Ok(None),
        Err(error) => Err(error),
    }
}

fn text_of(body: &Body) -> Result<String> {
    let mut bytes = Vec::new();
    BodyReader::new(body).read_to_end(&mut bytes)?;
    Ok(utf8(bytes.into()).into_owned())
}

/// Adds all files of a repository below; the SHA-256 of its list of indexes, if there is one.
fn mirror(upstream: &Upstream<'_>, root: &str, files: &mut Files) -> Result<Option<Vec<u8>>> {
    let list = format!("{root}/repodata/repomd.xml");
    let Some(body) = fetch(upstream, &list)? else {
        return Ok(None);
    };
    let text = text_of(&body)?;
    let repomd = repomd::read(&text).map_err(|error| error.context(&list))?;
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
    for end in ["asc", "key"] {
        let path = format!("{list}.{end}");
        if let Some(body) = fetch(upstream, &path)? {
            files.push(&path, Vec::new(), None, Source::Held(body.keep()?))?;
        }
    }
    Ok(Some(Sha256::digest(text.as_bytes()).to_vec()))
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
        let read = primary::read(&text).map_err(blamed)?;
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
        if !self.paths.insert(path.to_owned()) {
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

fn is_known(digest: &str) -> bool {
    digest.split_once(':').is_some_and(|(algorithm, hex)| {
        ALGORITHMS.contains(&algorithm) && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
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

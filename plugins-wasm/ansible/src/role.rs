//! Roles of Galaxy's first API: an archive each version, with what `meta/main.yml` says of it.

use pith_plugin_sdk::{
    ArtifactDraft, Error, Inputs, Result, Source, Staging, StoredReader, Task, UnitDraft, UnitRef,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::archive::{self, Gatherer};
use crate::contents::value_of;
use crate::{COLLECTION_DEPRECATION, ROLE, version, words};

/// What a role says of itself, below its own folder.
const META: [&str; 2] = ["meta/main.yml", "meta/main.yaml"];

/// What that may have: a page of text.
const MAX_META: u64 = 1 << 20;

/// Tags that are taken of a role.
const MOST_TAGS: usize = 100;

/// The words for progress.
const CHECKING: (&str, &str) = ("import.members", "Checking the Members of the Archive");

/// The fields of a unit.
#[derive(Debug, Serialize)]
struct Role {
    namespace: String,
    name: String,
    version: String,
    /// Sorts as versions do.
    precedence: String,
    sha256: String,
    size: u64,
    description: String,
    tags: Vec<Tag>,
}

#[derive(Debug, Serialize)]
struct Tag {
    name: String,
}

/// What the client says of the role: its archive does not.
#[derive(Debug, Deserialize)]
struct Params {
    namespace: String,
    name: String,
    version: String,
}

/// The parameters of an upload of one; deprecations name their collections by the same.
pub(crate) fn params() -> Value {
    let named = |types: &[&str], pattern: &str, description: &str| {
        json!({
            "type": "string",
            "pattern": pattern,
            "x-for": types,
            "description": description,
        })
    };
    let both = [ROLE, COLLECTION_DEPRECATION];
    let mut namespace = named(&both, NAMESPACE, "Who publishes it.");
    namespace["x-entity"] = crate::namespace::UPLOAD.into();
    json!({
        "namespace": namespace,
        "name": named(&both, NAME, "What it is called within its namespace."),
        "version": named(
            &[ROLE],
            VERSION,
            "The role's version; any word that its author has for it.",
        ),
    })
}

// They are parts of paths, and a client splits `namespace.name` at its last dot.
const NAMESPACE: &str = "^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,254}$";
const NAME: &str = "^[A-Za-z0-9_-]{1,255}$";
const VERSION: &str = "^[A-Za-z0-9_][A-Za-z0-9_.+~-]{0,127}$";

/// Makes an uploaded archive a role.
pub(crate) fn parse(task: &Task, files: &Inputs, staging: &Staging) -> Result<Vec<UnitRef>> {
    let params: Params = task.params_as()?;
    let reader = files.open(0)?;
    let size = reader.size();
    let digest = reader.digest("sha256")?;
    let sha256 = digest.trim_start_matches("sha256:").to_owned();
    let mut import = Import {
        meta: None,
        members: 0,
    };
    archive::read(StoredReader::new(&reader), size, &mut import)?;
    let members = import.members as u64;
    task.progress(CHECKING.0, CHECKING.1, members, Some(members));
    let (_, meta) = import.meta.ok_or_else(|| {
        Error::invalid("the archive has no meta/main.yml, without which nobody can install it")
    })?;
    let role = Role::new(params, &meta, sha256, size);
    Ok(staging.put(&[role.draft(Source::Held(reader.artifact()))?])?)
}

impl Role {
    fn new(params: Params, meta: &str, sha256: String, size: u64) -> Self {
        let Params {
            namespace,
            name,
            version,
        } = params;
        let tags = tags(meta).into_iter().map(|name| Tag { name });
        Self {
            precedence: precedence(&version),
            namespace,
            name,
            version,
            sha256,
            size,
            description: value_of(meta, "description").unwrap_or_default(),
            tags: tags.collect(),
        }
    }

    fn draft(&self, source: Source) -> Result<UnitDraft> {
        let fields = serde_json::to_string(self)
            .map_err(|error| Error::internal(format!("a role's fields are no JSON: {error}")))?;
        let tags = self.tags.iter().map(|tag| tag.name.as_str());
        let texts = [&*self.namespace, &self.name, &self.description];
        let mut terms: Vec<String> = texts.into_iter().chain(tags).flat_map(words::of).collect();
        terms.sort_unstable();
        terms.dedup();
        Ok(UnitDraft {
            content_type: ROLE.into(),
            fields,
            artifacts: vec![ArtifactDraft {
                path: path(&self.namespace, &self.name, &self.version),
                digests: vec![format!("sha256:{}", self.sha256)],
                size: Some(self.size),
                source,
            }],
            fragments: Vec::new(),
            terms,
        })
    }
}

/// Where the archive of a role is served, as Pulp has it.
pub(crate) fn path(namespace: &str, name: &str, version: &str) -> String {
    format!("{namespace}/{name}/{version}.tar.gz")
}

/// A text that sorts as the client sorts versions: numbers by their value, words by their
/// letters. A `v` before the first number counts for nothing.
fn precedence(version: &str) -> String {
    let shown = match version.strip_prefix(['v', 'V']) {
        Some(rest) if rest.starts_with(|first: char| first.is_ascii_digit()) => rest,
        _ => version,
    };
    let mut order = String::new();
    let mut rest = shown;
    while let Some(first) = rest.chars().next() {
        let is_number = first.is_ascii_digit();
        let end = rest.find(|letter: char| letter.is_ascii_digit() != is_number);
        let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
        if is_number {
            let digits = part.trim_start_matches('0');
            version::write_number(&mut order, digits);
        } else {
            order.push_str(part);
        }
        rest = after;
    }
    order
}

/// The words that `meta/main.yml` has in the list `galaxy_tags`, on its line or on the next ones.
fn tags(meta: &str) -> Vec<String> {
    let mut lines = meta.lines().map(str::trim);
    let Some(first) = lines.find_map(|line| line.strip_prefix("galaxy_tags:")) else {
        return Vec::new();
    };
    let plain = |word: &str| {
        let word = word.split(" #").next().unwrap_or_default();
        let word = word.trim().trim_matches(['\'', '"']);
        (!word.is_empty() && word.len() <= 64).then(|| word.to_owned())
    };
    let first = first.trim();
    if let Some(inline) = first.strip_prefix('[') {
        let inline = inline.split(']').next().unwrap_or_default();
        return inline
            .split(',')
            .filter_map(plain)
            .take(MOST_TAGS)
            .collect();
    }
    lines
        .skip_while(|line| line.is_empty() || line.starts_with('#'))
        .map_while(|line| line.strip_prefix("- "))
        .filter_map(plain)
        .take(MOST_TAGS)
        .collect()
}

/// What is gathered while an archive is read: the `meta/main.yml` that is the least deep, for
/// a role may have others within.
struct Import {
    meta: Option<(usize, String)>,
    members: usize,
}

/// How deep a role's own description is, if a file is one.
fn depth(path: &str) -> Option<usize> {
    let mut metas = META.iter();
    metas
        .any(|meta| path == *meta || path.ends_with(&format!("/{meta}")))
        .then(|| path.matches('/').count())
}

impl Gatherer for Import {
    fn wanted(&mut self, path: &str, size: u64) -> Result<usize> {
        let Some(found) = depth(path) else {
            return Ok(0);
        };
        if self.meta.as_ref().is_some_and(|(known, _)| *known <= found) {
            return Ok(0);
        }
        if size > MAX_META {
            return Err(Error::limit(format!(
                "{path} in the archive has {size} bytes; at most {MAX_META} are taken"
            )));
        }
        Ok(usize::try_from(size).unwrap_or(usize::MAX).max(1))
    }

    fn take(&mut self, path: &str, bytes: Vec<u8>) -> Result<()> {
        if let Some(found) = depth(path) {
            self.meta = Some((found, String::from_utf8_lossy(&bytes).into_owned()));
        }
        Ok(())
    }

    fn passed(&mut self, members: usize) {
        self.members = members;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_sort_as_the_client_sorts_them() {
        let sorted = ["0.9", "1.0", "v1.2.0", "1.9.9", "1.10.0", "2", "10.0.1"];
        let keys: Vec<String> = sorted.iter().map(|text| precedence(text)).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
        assert_eq!(precedence("v1.02"), precedence("1.2"));
    }

    #[test]
    fn tags_stand_in_one_line_or_several() {
        for meta in [
            "galaxy_info:\n  galaxy_tags: [web, 'big site']\n",
            "galaxy_info:\n  galaxy_tags:\n\n    # words\n    - web # of the\n    - \"big site\"\n  x: []\n",
        ] {
            assert_eq!(tags(meta), ["web", "big site"], "{meta}");
        }
        assert!(tags("galaxy_info:\n  galaxy_tags: []\n").is_empty());
        assert!(tags("galaxy_info: {}").is_empty());
    }

    #[test]
    fn the_description_of_a_role_is_the_least_deep() {
        assert_eq!(depth("meta/main.yml"), Some(1));
        assert_eq!(depth("web-1.0/meta/main.yaml"), Some(2));
        assert_eq!(depth("web/roles/x/meta/main.yml"), Some(4));
        assert_eq!(depth("web/xmeta/main.yml"), None);
    }
}

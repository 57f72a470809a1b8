//! Mirrors collections of a Galaxy server.

mod answers;
mod draft;
mod plan;
mod upstream;

use std::collections::{BTreeMap, BTreeSet};

use pith_plugin_sdk::{
    Batcher, Changes, Error, ErrorCode, Remote, Result, Sink, Staging, Syncer, Task, UnitRef, View,
    log,
};
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::requirements::{self, Requirement};
use crate::{AnsiblePlugin, COLLECTION, COLLECTION_DEPRECATION, version};
use answers::{CollectionItem, Detail};
use plan::Plan;
use upstream::{Documents, Server};

/// Collections of a server; Galaxy has some thousands.
const MAX_COLLECTIONS: usize = 200_000;

/// Versions of a collection; the busiest have some hundreds.
const MAX_VERSIONS: usize = 100_000;

/// What the checkpoint may take of the host's limit.
const MAX_MARKS: usize = 900 << 10;

/// The words for progress that Pulp's clients know.
const PARSING: (&str, &str) = (
    "sync.parsing.metadata",
    "Parsing CollectionVersion Metadata",
);
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
    name: String,
    type_name: String,
    url: String,
    #[serde(default)]
    requirements_file: Option<String>,
    #[serde(default = "yes")]
    sync_dependencies: bool,
    #[serde(default)]
    signed_only: bool,
    /// Of each collection; null means all.
    #[serde(default)]
    sync_highest_versions: Option<usize>,
}

fn yes() -> bool {
    true
}

/// What this run saw, for the next one. A remote with other settings has none.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Checkpoint {
    mirror: bool,
    /// When the upstream's content last changed.
    published: Option<String>,
    /// What each collection looked like; empty where only some were wanted.
    marks: BTreeMap<String, String>,
}

impl Syncer for AnsiblePlugin {
    fn sync(
        task: &Task,
        remote: &Remote,
        current: &View,
        staging: &Staging,
        next: &Changes,
    ) -> Result<()> {
        let params: Params = task.params_as()?;
        let config: Config = remote.config_as()?;
        if config.type_name != COLLECTION {
            return Err(Error::invalid(format!(
                "{:?} is a {} remote; only collection remotes can be synced from",
                config.name, config.type_name
            )));
        }
        let wanted = match config.requirements_file.as_deref().map(str::trim) {
            None | Some("") => None,
            Some(text) => Some(requirements::parse(text)?),
        };
        let server = Server::find(remote, &config.url)?;
        let last: Checkpoint = task
            .checkpoint_as()
            .filter(|_| params.optimize)
            .unwrap_or_default();
        let published = server.published();
        let is_elsewhere = |one: &Requirement| one.source.is_some();
        let is_one_server = !wanted.iter().flatten().any(is_elsewhere);
        // What an additive sync left behind a mirroring one would remove.
        let covers = last.mirror || !params.mirror;
        if published.is_some() && published == last.published && is_one_server && covers {
            task.progress(SKIPPED.0, SKIPPED.1, 0, Some(0));
            return Ok(());
        }
        let deprecated = deprecations(current)?;
        if params.mirror {
            next.clear();
        }
        let mut walk = Walk {
            batcher: Batcher::new(staging, next),
            plan: Plan::new(config.sync_dependencies && wanted.is_some()),
            signed_only: config.signed_only,
            highest: config.sync_highest_versions,
            namespaces: BTreeSet::new(),
            undeprecated: Vec::new(),
            deprecated,
            done: 0,
            report: |done, total| task.progress(PARSING.0, PARSING.1, done, total),
        };
        let marks = match wanted {
            // Nothing of what was removed may be left out.
            None if params.mirror => walk.everything(&server, &BTreeMap::new())?,
            None => walk.everything(&server, &last.marks)?,
            Some(wanted) => {
                walk.required(&server, remote, wanted)?;
                BTreeMap::new()
            }
        };
        let undeprecated = walk.finish()?;
        next.remove(&undeprecated)?;
        log::debug(&format!(
            "{} documents of the upstream were read",
            server.asked()
        ));
        task.set_checkpoint_to(&Checkpoint {
            mirror: params.mirror,
            published,
            marks,
        })
    }
}

/// The deprecations of a version by the names of their collections.
fn deprecations(view: &View) -> Result<BTreeMap<(String, String), UnitRef>> {
    #[derive(Deserialize)]
    struct Fields {
        namespace: String,
        name: String,
    }
    let mut found = BTreeMap::new();
    for unit in view.units(COLLECTION_DEPRECATION, &[])? {
        let unit = unit?;
        let fields: Fields = unit.fields_as()?;
        found.insert((fields.namespace, fields.name), unit.handle);
    }
    Ok(found)
}

/// A way through a server's collections.
struct Walk<S, F> {
    batcher: Batcher<S>,
    plan: Plan,
    signed_only: bool,
    /// How many versions of a collection are wanted, the highest.
    highest: Option<usize>,
    /// Namespaces that were looked at.
    namespaces: BTreeSet<String>,
    /// Of the version before.
    deprecated: BTreeMap<(String, String), UnitRef>,
    /// Those of them that hold no longer.
    undeprecated: Vec<UnitRef>,
    done: u64,
    report: F,
}

impl<S: Sink, F: Fn(u64, Option<u64>)> Walk<S, F> {
    /// All collections but those that look as they did; how each looks now.
    fn everything<D: Documents>(
        &mut self,
        server: &Server<D>,
        known: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>> {
        let mut items: Vec<CollectionItem> = Vec::new();
        server.collections(|item| {
            if items.len() == MAX_COLLECTIONS {
                return Err(Error::limit(format!(
                    "the upstream lists more than {MAX_COLLECTIONS} collections"
                )));
            }
            items.push(item);
            Ok(())
        })?;
        let mut marks = BTreeMap::new();
        let mut size = 0;
        for item in items {
            let full_name = format!("{}.{}", item.namespace, item.name);
            let mark = mark(&item);
            let is_same = mark.is_some() && known.get(&full_name) == mark.as_ref();
            if !is_same {
                match Requirement::new(&full_name, "*", None) {
                    Ok(wanted) => self.collection(server, &item, &wanted)?,
                    Err(problem) => {
                        log::warn(&format!("A collection is left out: {problem}"));
                        continue;
                    }
                }
            }
            if let Some(mark) = mark {
                size += full_name.len() + mark.len() + 8;
                marks.insert(full_name, mark);
            }
        }
        if size > MAX_MARKS {
            marks.clear();
        }
        Ok(marks)
    }

    /// What is required, and what that needs.
    fn required<'a>(
        &mut self,
        server: &Server<&'a Remote>,
        remote: &'a Remote,
        wanted: Vec<Requirement>,
    ) -> Result<()> {
        for requirement in wanted {
            self.plan.require(requirement)?;
        }
        let mut others: BTreeMap<String, Server<&'a Remote>> = BTreeMap::new();
        while let Some((wanted, needed_by)) = self.plan.next() {
            let server = match &wanted.source {
                None => server,
                Some(url) => {
                    if !others.contains_key(url) {
                        others.insert(url.clone(), Server::find(remote, url)?);
                    }
                    &others[url]
                }
            };
            self.requirement(server, &wanted).map_err(|error| {
                let Some(by) = needed_by else { return error };
                let (namespace, name) = (&wanted.namespace, &wanted.name);
                error.context(format!("{namespace}.{name}, which {by} needs"))
            })?;
        }
        Ok(())
    }

    fn requirement<D: Documents>(
        &mut self,
        server: &Server<D>,
        wanted: &Requirement,
    ) -> Result<()> {
        let item = server.collection(&wanted.namespace, &wanted.name)?;
        self.collection(server, &item, wanted)
    }

    /// The versions of a collection that are wanted.
    fn collection<D: Documents>(
        &mut self,
        server: &Server<D>,
        item: &CollectionItem,
        wanted: &Requirement,
    ) -> Result<()> {
        let (namespace, name) = (&wanted.namespace, &wanted.name);
        let mut versions: Vec<Version> = Vec::new();
        server.versions(namespace, name, |item| {
            match version::parse(&item.version) {
                Ok(version) if wanted.range.contains(&version) => versions.push(version),
                Ok(_) => {}
                Err(problem) => {
                    log::warn(&format!(
                        "A version of {namespace}.{name} is left out: {problem}"
                    ));
                }
            }
            if versions.len() > MAX_VERSIONS {
                return Err(Error::limit(format!(
                    "the upstream lists more than {MAX_VERSIONS} versions of {namespace}.{name}"
                )));
            }
            Ok(())
        })?;
        if versions.is_empty() {
            log::warn(&format!(
                "No version of {namespace}.{name} is in the range wanted"
            ));
            return Ok(());
        }
        if let Some(highest) = self.highest {
            versions.sort_unstable_by(|one, other| other.cmp(one));
            versions.truncate(highest);
        }
        for version in &versions {
            if self.plan.begin(namespace, name, version) {
                self.version(server, wanted, &version.to_string())?;
            }
        }
        self.deprecation(namespace, name, item.deprecated)
    }

    fn deprecation(&mut self, namespace: &str, name: &str, holds: bool) -> Result<()> {
        if holds {
            return self.batcher.push(draft::of_deprecation(namespace, name));
        }
        let key = (namespace.to_owned(), name.to_owned());
        self.undeprecated.extend(self.deprecated.remove(&key));
        Ok(())
    }

    fn version<D: Documents>(
        &mut self,
        server: &Server<D>,
        wanted: &Requirement,
        version: &str,
    ) -> Result<()> {
        let (namespace, name) = (&wanted.namespace, &wanted.name);
        let (url, detail) = server.version(namespace, name, version)?;
        check(&url, &detail, [namespace, name, version])?;
        self.done += 1;
        (self.report)(self.done, None);
        if self.signed_only && detail.signatures.is_empty() {
            log::debug(&format!(
                "{namespace}.{name} {version} is not signed, and left out"
            ));
            return Ok(());
        }
        if let Some(digest) = &detail.namespace.metadata_sha256 {
            self.namespace(server, namespace, digest)?;
        }
        let dependencies = detail.metadata.dependencies.iter().flatten();
        for (needed, range) in dependencies {
            let by = format!("{namespace}.{name} {version}");
            self.plan
                .need(needed, range, wanted.source.as_deref(), by)?;
        }
        // A server without documentation still has collections.
        let docs = match server.docs_blob(namespace, name, version) {
            Ok(docs) => docs.docs_blob,
            Err(error) if error.code() != ErrorCode::Upstream => return Err(error),
            Err(error) => {
                log::warn(&format!("The documentation is left out: {error}"));
                None
            }
        };
        for draft in draft::of_version(detail, docs)
            .map_err(|error| Error::upstream(format!("GET {url}: {error}")))?
        {
            self.batcher.push(draft)?;
        }
        Ok(())
    }

    /// What a namespace says of itself, once; without it there are collections all the same.
    fn namespace<D: Documents>(
        &mut self,
        server: &Server<D>,
        name: &str,
        digest: &str,
    ) -> Result<()> {
        if !self.namespaces.insert(name.to_owned()) {
            return Ok(());
        }
        let found = server
            .namespace(name)
            .and_then(|found| found.check(name, digest).map(|()| found));
        match found {
            Ok(found) => self.batcher.push(found.draft(server.origin())?),
            Err(error) if error.code() != ErrorCode::Upstream => Err(error),
            Err(error) => {
                log::warn(&format!("The namespace {name} is left out: {error}"));
                Ok(())
            }
        }
    }

    /// Sends what is left; the deprecations that hold no longer.
    fn finish(self) -> Result<Vec<UnitRef>> {
        self.batcher.finish()?;
        (self.report)(self.done, Some(self.done));
        Ok(self.undeprecated)
    }
}

/// How a collection looks in a list; none if that says too little.
fn mark(item: &CollectionItem) -> Option<String> {
    let updated = item.updated_at.as_ref()?;
    let highest = item.highest_version.as_ref().map(|item| &item.version);
    let highest = highest.map_or("", String::as_str);
    Some(format!("{updated} {highest} {}", item.deprecated))
}

/// Refuses an answer that is about another version than was asked for.
fn check(url: &str, detail: &Detail, [namespace, name, version]: [&str; 3]) -> Result<()> {
    let found = [
        detail.namespace.name.as_str(),
        &detail.collection.name,
        &detail.version,
    ];
    if found == [namespace, name, version] {
        return Ok(());
    }
    Err(Error::upstream(format!(
        "GET {url}: the answer is about {}.{} {}",
        found[0], found[1], found[2]
    )))
}

#[cfg(test)]
mod tests;

//! What is not packages and yet units: modules, advisories, groups.

use std::collections::{HashMap, HashSet};
use std::io::Read as _;

use pith_plugin_sdk::{Batcher, BodyReader, Result, log};

use super::{Modular, Upstream, blame, skip};
use crate::repomd::Data;
use crate::snippets::Snippets;
use crate::xml::utf8;
use crate::{advisory, comps, modules};

const MODULES: (&str, &str) = ("sync.parsing.modulemds", "Parsed Modulemds");
const ADVISORIES: (&str, &str) = ("sync.parsing.advisories", "Parsed Advisories");
const COMPS: (&str, &str) = ("sync.parsing.comps", "Parsed Comps");

/// These are read whole; the largest known has a tenth.
const MAX_WHOLE: u64 = 48 << 20;

fn read_whole(upstream: &Upstream<'_>, data: &Data) -> Result<String> {
    let body = upstream.fetch(data)?;
    body.decode(data.open_size.map_or(MAX_WHOLE, |size| size.min(MAX_WHOLE)))?;
    let mut bytes = Vec::new();
    BodyReader::new(&body).read_to_end(&mut bytes)?;
    Ok(utf8(bytes.into()).into_owned())
}

/// Stages modules; the packages that they list.
pub(super) fn sync_modules(upstream: &Upstream<'_>) -> Result<Modular> {
    let mut modular = Modular::new();
    let Some(index) = upstream.repomd.find("modules") else {
        return Ok(modular);
    };
    let text = read_whole(upstream, index)?;
    let mut batcher = Batcher::new(upstream.staging, upstream.next);
    let mut seen = HashSet::new();
    let mut skipped = 0;
    for document in modules::documents(&text) {
        match modules::draft(&document) {
            Ok(Some((draft, artifacts))) => {
                modular.extend(artifacts);
                // The same document twice is one document.
                if seen.insert(document) {
                    batcher.push(draft)?;
                }
            }
            Ok(None) => {}
            Err(error) => {
                let first: String = document.chars().take(200).collect();
                skip(
                    &format!("a document of {} ({first:?})", index.href),
                    &error,
                    &mut skipped,
                );
            }
        }
    }
    let done = batcher.finish()?;
    upstream
        .task
        .progress(MODULES.0, MODULES.1, done, Some(done));
    Ok(modular)
}

/// Stages advisories. The index is read twice, so that only those which it has twice are in
/// memory until the end.
pub(super) fn sync_advisories(upstream: &Upstream<'_>) -> Result<()> {
    let Some(index) = upstream.repomd.find("updateinfo") else {
        return Ok(());
    };
    let body = upstream.open(index)?;
    let mut count: HashMap<String, bool> = HashMap::new();
    {
        let mut elements = Snippets::new(BodyReader::new(&body), "<update", "</update>");
        while let Some(text) = elements
            .next_element()
            .map_err(|error| blame(error, index))?
        {
            if let Some(id) = id_of(&text) {
                count
                    .entry(id)
                    .and_modify(|twice| *twice = true)
                    .or_insert(false);
            }
        }
    }
    count.retain(|_, twice| *twice);
    let mut twice: HashMap<String, Option<String>> =
        count.into_keys().map(|id| (id, None)).collect();

    body.decode(index.open_size.unwrap_or(super::upstream::MAX_OPEN_INDEX))?;
    let mut elements = Snippets::new(BodyReader::new(&body), "<update", "</update>");
    let mut batcher = Batcher::new(upstream.staging, upstream.next);
    let mut skipped = 0;
    while let Some(text) = elements
        .next_element()
        .map_err(|error| blame(error, index))?
    {
        let read = match advisory::read(&text) {
            Ok(read) => read,
            Err(error) => {
                let id = id_of(&text).unwrap_or_default();
                skip(
                    &format!("the advisory {id:?} in {}", index.href),
                    &error,
                    &mut skipped,
                );
                continue;
            }
        };
        match twice.get_mut(&read.id) {
            None => batcher.push(advisory::draft(&read, &text)?)?,
            Some(kept) => {
                let merged = match kept.take() {
                    Some(before) => advisory::merge(&before, &text)?.into_owned(),
                    None => text.into_owned(),
                };
                *kept = Some(merged);
            }
        }
    }
    let mut merged: Vec<String> = twice.into_values().flatten().collect();
    merged.sort_unstable();
    for text in merged {
        log::info("an advisory that is listed twice was merged");
        let read = advisory::read(&text)?;
        batcher.push(advisory::draft(&read, &text)?)?;
    }
    let done = batcher.finish()?;
    upstream
        .task
        .progress(ADVISORIES.0, ADVISORIES.1, done, Some(done));
    Ok(())
}

fn id_of(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("<id>")?;
    Some(rest.split('<').next()?.trim().to_owned())
}

/// Stages groups and what goes with them.
pub(super) fn sync_comps(upstream: &Upstream<'_>) -> Result<()> {
    let kinds = ["group", "group_gz", "group_xz", "group_zst", "group_bz2"];
    let found = kinds.iter().find_map(|kind| upstream.repomd.find(kind));
    let Some(index) = found else {
        return Ok(());
    };
    let text = read_whole(upstream, index)?;
    let drafts = comps::drafts(&text).map_err(|error| blame(error, index))?;
    let mut batcher = Batcher::new(upstream.staging, upstream.next);
    let mut seen = HashSet::new();
    for (id, draft) in drafts {
        if seen.insert(id.clone()) {
            batcher.push(draft)?;
        } else {
            log::warn(&format!("{} has {id} twice; the first counts", index.href));
        }
    }
    let done = batcher.finish()?;
    upstream.task.progress(COMPS.0, COMPS.1, done, Some(done));
    Ok(())
}

//! Packages: `primary`, `filelists` and `other` are read in step, so that what is in memory is
//! one package and not the repository.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hasher as _};

use pith_plugin_sdk::{Batcher, BodyReader, Error, Result, Source, log};

use super::complete::{Placing, incompatible};
use super::retention::Retention;
use super::{Modular, Upstream, blame, skip};
use crate::package::Pieces;
use crate::primary::{self, Primary};
use crate::repomd::Data;
use crate::snippets::Snippets;

/// The words for progress that Pulp's clients know.
const PARSING: (&str, &str) = ("sync.parsing.packages", "Parsed Packages");
const LEFT_OUT: (&str, &str) = ("sync.skipped.packages", "Skipped Packages");

/// How many packages are read between two reports.
const REPORT_EVERY: u64 = 1_000;

/// Elements of `filelists` and `other` that came before their package: the indexes are
/// written in one order, so this is for the few that are not.
const MAX_WAITING: usize = 48 << 20;

/// Stages all packages.
pub(super) fn sync(
    upstream: &Upstream<'_>,
    modular: &Modular,
    retention: Option<&Retention>,
) -> Result<()> {
    let index = |kind: &str| {
        upstream
            .repomd
            .find(kind)
            .ok_or_else(|| Error::invalid(format!("there is no index {kind:?}")))
    };
    let (primary, filelists, other) = (index("primary")?, index("filelists")?, index("other")?);
    let bodies = (
        upstream.open(primary)?,
        upstream.open(filelists)?,
        upstream.open(other)?,
    );
    let mut reading = Reading {
        primary: snippets(BodyReader::new(&bodies.0)),
        filelists: Beside::new(snippets(BodyReader::new(&bodies.1)), filelists),
        other: Beside::new(snippets(BodyReader::new(&bodies.2)), other),
        seen: HashSet::new(),
        retention,
    };
    let announced = announced(&mut reading.primary).map_err(|error| blame(error, primary))?;
    let mut batcher = Batcher::into_sink(Placing {
        staging: upstream.staging,
        next: upstream.next,
        complete: upstream.complete.as_ref(),
    });
    let (mut listed, mut left_out) = (0, 0);
    let report = |done, total| upstream.task.progress(PARSING.0, PARSING.1, done, total);
    report(0, announced);
    while let Some(next) = reading.next(upstream, modular, primary)? {
        listed += 1;
        match next {
            Ok(draft) => batcher.push(*draft)?,
            Err(Skipped::Silently) => {}
            Err(Skipped::Because(what, error)) if upstream.complete.is_some() => {
                return Err(incompatible(&format!("{what}: {error}")));
            }
            Err(Skipped::Because(what, error)) => skip(&what, &error, &mut left_out),
        }
        if listed % REPORT_EVERY == 0 {
            report(listed, announced);
        }
    }
    batcher.finish()?;
    report(listed, Some(listed));
    if let Some(announced) = announced.filter(|announced| *announced != listed) {
        log::warn(&format!(
            "{} announces {announced} packages and has {listed}",
            primary.href
        ));
    }
    if left_out > 0 {
        let progress = &upstream.task;
        progress.progress(LEFT_OUT.0, LEFT_OUT.1, left_out, Some(left_out));
    }
    Ok(())
}

pub(super) type Elements<'a> = Snippets<BodyReader<'a>>;

pub(super) fn snippets(reader: BodyReader<'_>) -> Elements<'_> {
    Snippets::new(reader, "<package", "</package>")
}

/// How many packages the index says it has.
fn announced(primary: &mut Elements<'_>) -> Result<Option<u64>> {
    let prologue = primary.prologue()?;
    let count = prologue
        .split_once("packages=")
        .and_then(|(_, rest)| rest.get(1..)?.split(['"', '\'']).next()?.parse().ok());
    Ok(count)
}

/// Why a package is not taken.
enum Skipped {
    /// It was listed already, with the same checksum.
    Silently,
    Because(String, Error),
}

struct Reading<'a> {
    primary: Elements<'a>,
    filelists: Beside<'a>,
    other: Beside<'a>,
    /// Hashes of names, and of names with checksums: what was listed already.
    seen: HashSet<u64>,
    retention: Option<&'a Retention>,
}

impl Reading<'_> {
    fn next(
        &mut self,
        upstream: &Upstream<'_>,
        modular: &Modular,
        index: &Data,
    ) -> Result<Option<Result<Box<pith_plugin_sdk::UnitDraft>, Skipped>>> {
        let element = self.primary.next_element();
        let Some(text) = element.map_err(|error| blame(error, index))? else {
            return Ok(None);
        };
        let Primary {
            mut package,
            base,
            head,
            tail,
        } = match primary::read(&text) {
            Ok(primary) => primary,
            Err(error) => {
                let what = format!("a package in {} ({})", index.href, named(&text));
                return Ok(Some(Err(Skipped::Because(what, error))));
            }
        };
        let mut pieces = Pieces {
            head: head.to_owned(),
            tail: format!("{tail}\n"),
            filelists: self.filelists.take(&package.pkg_id)?,
            other: self.other.take(&package.pkg_id)?,
        };
        let nevra = package.nevra();
        let is_new = self.seen.insert(hash(&nevra));
        let is_other = self.seen.insert(hash(&(&nevra, &package.pkg_id)));
        if !is_new {
            return Ok(Some(Err(if is_other {
                Skipped::Because(
                    format!("{nevra} ({})", package.location_href),
                    Error::invalid("the same package is listed before with another checksum"),
                )
            } else {
                Skipped::Silently
            })));
        }
        package.is_modular = modular.contains(&nevra);
        let is_old = |retention: &Retention| !retention.keeps(&package);
        if upstream.skips(&package) || self.retention.is_some_and(is_old) {
            return Ok(Some(Err(Skipped::Silently)));
        }
        let parsed = [
            primary::read_files(&pieces.filelists).map(|files| package.files = files),
            primary::read_changes(&pieces.other).map(|changes| package.changelogs = changes),
        ];
        for (result, piece) in parsed
            .into_iter()
            .zip([&mut pieces.filelists, &mut pieces.other])
        {
            if let Err(error) = result {
                // The package itself is whole: it is published without the broken element.
                log::warn(&format!("{nevra} has a broken entry beside it: {error}"));
                piece.clear();
            }
        }
        if let Some(complete) = &upstream.complete {
            if base.is_some() {
                let what = format!("{nevra} is elsewhere");
                return Err(incompatible(&what));
            }
            complete.expect(&package.location_href, &package.path())?;
        }
        let source = match base {
            Some(base) => {
                let base = if base.ends_with('/') {
                    base
                } else {
                    base + "/"
                };
                let href = pith_plugin_sdk::relative_path::to_url(&package.location_href);
                Source::Urls(vec![format!("{base}{href}")])
            }
            None => upstream.source(&package.location_href),
        };
        let draft = package.draft(pieces, source)?;
        Ok(Some(Ok(Box::new(draft))))
    }
}

/// What a broken package may be recognized by.
fn named(text: &str) -> String {
    let name = text
        .split_once("<name>")
        .and_then(|(_, rest)| rest.split('<').next());
    match name {
        Some(name) => name.chars().take(100).collect(),
        None => text.chars().take(100).collect(),
    }
}

fn hash(value: &impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// An index with one element a package, in the order of `primary` or nearly so.
struct Beside<'a> {
    elements: Elements<'a>,
    index: &'a Data,
    waiting: HashMap<String, String>,
    waiting_bytes: usize,
}

impl<'a> Beside<'a> {
    fn new(elements: Elements<'a>, index: &'a Data) -> Self {
        Self {
            elements,
            index,
            waiting: HashMap::new(),
            waiting_bytes: 0,
        }
    }

    /// The element of a package, with a line feed; empty if there is none.
    fn take(&mut self, package: &str) -> Result<String> {
        if let Some(element) = self.waiting.remove(package) {
            self.waiting_bytes -= element.len();
            return Ok(element);
        }
        loop {
            let next = self.elements.next_element();
            let Some(text) = next.map_err(|error| blame(error, self.index))? else {
                log::warn(&format!(
                    "{} has no entry of the package {package}",
                    self.index.href
                ));
                return Ok(String::new());
            };
            let Some(id) = primary::package_id(&text) else {
                continue;
            };
            let element = format!("{text}\n");
            if id == package {
                return Ok(element);
            }
            self.waiting_bytes += element.len();
            if self.waiting_bytes > MAX_WAITING {
                return Err(Error::invalid(format!(
                    "{} is in another order than the packages, by more than {MAX_WAITING} bytes",
                    self.index.href
                )));
            }
            if let Some(before) = self.waiting.insert(id, element) {
                self.waiting_bytes -= before.len();
            }
        }
    }
}

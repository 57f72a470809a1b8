//! Packages: `primary`, `filelists` and `other` are read in step, so that what is in memory is
//! one package and not the repository.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hasher as _};

use pith_plugin_sdk::{Batcher, BodyReader, Error, Result, Source, UnitDraft, UnitRef, log};

use super::beside::Beside;
use super::complete::{Placing, check_place, incompatible};
use super::recall::{Recall, Seen};
use super::retention::Retention;
use super::{Modular, Upstream, blame, skip};
use crate::package::{Package, Pieces};
use crate::primary::{self, Primary};
use crate::repomd::Data;
use crate::snippets::Snippets;
use crate::terms::is_singled_out;

/// The words for progress that Pulp's clients know.
const PARSING: (&str, &str) = ("sync.parsing.packages", "Parsed Packages");
const LEFT_OUT: (&str, &str) = ("sync.skipped.packages", "Skipped Packages");

/// How many packages are read between two reports.
const REPORT_EVERY: u64 = 1_000;

/// How many packages are looked at together.
const TOGETHER: usize = 500;

/// Unless they are so large.
const TOGETHER_BYTES: usize = 2 << 20;

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
    let mut recall = Recall::default();
    let (mut listed, mut left_out, mut reported) = (0, 0, 0);
    let report = |done, total| upstream.task.progress(PARSING.0, PARSING.1, done, total);
    report(0, announced);
    loop {
        let texts = reading.texts(primary)?;
        if texts.is_empty() {
            break;
        }
        let known = recall.ask(upstream, &texts)?;
        let mut present = Vec::new();
        for (text, known) in texts.iter().zip(known) {
            listed += 1;
            let taken = match known {
                None => reading.draft(upstream, modular, primary, text)?.map(Some),
                Some((unit, seen)) => reading.keep(upstream, modular, seen)?.map(|place| {
                    present.push((unit, place));
                    None
                }),
            };
            match taken {
                Ok(Some(draft)) => batcher.push(*draft)?,
                Ok(None) | Err(Skipped::Silently) => {}
                Err(Skipped::Because(what, error)) if upstream.complete.is_some() => {
                    return Err(incompatible(&format!("{what}: {error}")));
                }
                Err(Skipped::Because(what, error)) => skip(&what, &error, &mut left_out),
            }
        }
        let units: Vec<UnitRef> = present.iter().map(|(unit, _)| *unit).collect();
        upstream.next.add(&units)?;
        if let Some(complete) = &upstream.complete {
            let places = present.into_iter();
            complete.place(places.filter_map(|(unit, place)| Some((unit, place?))))?;
        }
        if listed - reported >= REPORT_EVERY {
            reported = listed;
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

/// Where a package is upstream, and here.
type Place = (String, String);

impl Reading<'_> {
    /// The next elements; none at the end.
    fn texts(&mut self, index: &Data) -> Result<Vec<String>> {
        let (mut texts, mut bytes) = (Vec::new(), 0);
        while texts.len() < TOGETHER && bytes < TOGETHER_BYTES {
            let element = self.primary.next_element();
            let Some(text) = element.map_err(|error| blame(error, index))? else {
                break;
            };
            bytes += text.len();
            texts.push(text.into_owned());
        }
        Ok(texts)
    }

    /// The draft of a package.
    fn draft(
        &mut self,
        upstream: &Upstream<'_>,
        modular: &Modular,
        index: &Data,
        text: &str,
    ) -> Result<Result<Box<UnitDraft>, Skipped>> {
        let Primary {
            mut package,
            base,
            head,
            tail,
        } = match primary::read(text) {
            Ok(primary) => primary,
            Err(error) => {
                let what = format!("a package in {} ({})", index.href, named(text));
                return Ok(Err(Skipped::Because(what, error)));
            }
        };
        let mut pieces = Pieces {
            head: head.to_owned(),
            tail: format!("{tail}\n"),
            filelists: self.filelists.take(&package.pkg_id)?,
            other: self.other.take(&package.pkg_id)?,
            singled_out: Vec::new(),
        };
        if let Err(skipped) = self.admit(upstream, modular, &mut package) {
            return Ok(Err(skipped));
        }
        // The package itself is whole: it is published without a broken element.
        let broken = |error: &Error| {
            let nevra = package.nevra();
            log::warn(&format!("{nevra} has a broken entry beside it: {error}"));
        };
        match primary::read_paths(&pieces.filelists, is_singled_out) {
            Ok(paths) => pieces.singled_out = paths,
            Err(error) => {
                broken(&error);
                pieces.filelists.clear();
            }
        }
        if let Err(error) = primary::check_changes(&pieces.other) {
            broken(&error);
            pieces.other.clear();
        }
        let place = place(upstream, &package, base.as_deref())?;
        if let (Some(complete), Some(place)) = (&upstream.complete, place) {
            complete.expect(place);
        }
        let source = source(upstream, &package, base);
        // As Pulp shows it: where the upstream has the file says nothing of where it is here.
        if let Some((_, name)) = package.location_href.rsplit_once('/') {
            package.location_href = name.to_owned();
        }
        Ok(Ok(Box::new(package.draft(pieces, source)?)))
    }

    /// Takes a package that is there already; where it is upstream, if that matters.
    fn keep(
        &mut self,
        upstream: &Upstream<'_>,
        modular: &Modular,
        seen: Seen,
    ) -> Result<Result<Option<Place>, Skipped>> {
        let Seen { mut package, base } = seen;
        self.filelists.take(&package.pkg_id)?;
        self.other.take(&package.pkg_id)?;
        if let Err(skipped) = self.admit(upstream, modular, &mut package) {
            return Ok(Err(skipped));
        }
        place(upstream, &package, base.as_deref()).map(Ok)
    }

    /// Whether a package is wanted, and listed for the first time.
    fn admit(
        &mut self,
        upstream: &Upstream<'_>,
        modular: &Modular,
        package: &mut Package,
    ) -> Result<(), Skipped> {
        let nevra = package.nevra();
        let is_new = self.seen.insert(hash(&nevra));
        let is_other = self.seen.insert(hash(&(&nevra, &package.pkg_id)));
        if !is_new {
            return Err(if is_other {
                Skipped::Because(
                    format!("{nevra} ({})", package.location_href),
                    Error::invalid("the same package is listed before with another checksum"),
                )
            } else {
                Skipped::Silently
            });
        }
        package.is_modular = modular.contains(&nevra);
        let is_old = |retention: &Retention| !retention.keeps(package);
        if upstream.skips(package) || self.retention.is_some_and(is_old) {
            return Err(Skipped::Silently);
        }
        Ok(())
    }
}

/// Where a package is, for a complete mirror.
fn place(upstream: &Upstream<'_>, package: &Package, base: Option<&str>) -> Result<Option<Place>> {
    if upstream.complete.is_none() {
        return Ok(None);
    }
    if base.is_some() {
        let what = format!("{} is elsewhere", package.nevra());
        return Err(incompatible(&what));
    }
    check_place(&package.location_href)?;
    Ok(Some((package.location_href.clone(), package.path())))
}

/// Where the bytes of a package are.
pub(super) fn source(upstream: &Upstream<'_>, package: &Package, base: Option<String>) -> Source {
    let Some(base) = base else {
        return upstream.source(&package.location_href);
    };
    let base = if base.ends_with('/') {
        base
    } else {
        base + "/"
    };
    let href = pith_plugin_sdk::relative_path::to_url(&package.location_href);
    Source::Urls(vec![format!("{base}{href}")])
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

//! Makes an uploaded file a package, as its own header describes it, or an advisory, and a
//! document of a module what it says.

use pith_plugin_sdk::{
    Error, Inputs, Reader, Result, Source, Staging, Task, UnitRef, Uploader, relative_path,
};
use serde::Deserialize;

use crate::header::{self, Header, Headers};
use crate::package::{Change, Entry, File, Package};
use crate::xml::utf8;
use crate::{RpmPlugin, advisory, document, render, signing};

#[derive(Debug, Deserialize)]
struct Params {
    relative_path: Option<String>,
    /// The settings of the one that gets the package.
    #[serde(default)]
    repository: signing::Settings,
}

/// Tags of the header.
mod tag {
    pub(super) const NAME: u32 = 1000;
    pub(super) const VERSION: u32 = 1001;
    pub(super) const RELEASE: u32 = 1002;
    pub(super) const EPOCH: u32 = 1003;
    pub(super) const SUMMARY: u32 = 1004;
    pub(super) const DESCRIPTION: u32 = 1005;
    pub(super) const BUILD_TIME: u32 = 1006;
    /// In the signature: the size of the payload before it was compressed.
    pub(super) const PAYLOAD_SIZE: u32 = 1007;
    pub(super) const BUILD_HOST: u32 = 1007;
    pub(super) const SIZE: u32 = 1009;
    pub(super) const VENDOR: u32 = 1011;
    pub(super) const LICENSE: u32 = 1014;
    pub(super) const PACKAGER: u32 = 1015;
    pub(super) const GROUP: u32 = 1016;
    pub(super) const URL: u32 = 1020;
    pub(super) const ARCH: u32 = 1022;
    pub(super) const FILE_MODES: u32 = 1030;
    pub(super) const FILE_FLAGS: u32 = 1037;
    pub(super) const SOURCE_RPM: u32 = 1044;
    pub(super) const ARCHIVE_SIZE: u32 = 1046;
    pub(super) const CHANGELOG_TIME: u32 = 1080;
    pub(super) const CHANGELOG_NAME: u32 = 1081;
    pub(super) const CHANGELOG_TEXT: u32 = 1082;
    pub(super) const OLD_FILE_NAMES: u32 = 1027;
    pub(super) const DIR_INDEXES: u32 = 1116;
    pub(super) const BASE_NAMES: u32 = 1117;
    pub(super) const DIR_NAMES: u32 = 1118;
    pub(super) const LONG_ARCHIVE_SIZE: u32 = 271;
    pub(super) const LONG_SIZE: u32 = 5009;
    /// Names, versions and flags of the kinds of dependencies.
    pub(super) const PROVIDES: [u32; 3] = [1047, 1113, 1112];
    pub(super) const REQUIRES: [u32; 3] = [1049, 1050, 1048];
    pub(super) const CONFLICTS: [u32; 3] = [1054, 1055, 1053];
    pub(super) const OBSOLETES: [u32; 3] = [1090, 1115, 1114];
    pub(super) const RECOMMENDS: [u32; 3] = [5046, 5047, 5048];
    pub(super) const SUGGESTS: [u32; 3] = [5049, 5050, 5051];
    pub(super) const SUPPLEMENTS: [u32; 3] = [5052, 5053, 5054];
    pub(super) const ENHANCES: [u32; 3] = [5055, 5056, 5057];
}

/// Flags of a dependency.
const LESS: i64 = 2;
const GREATER: i64 = 4;
const EQUAL: i64 = 8;
/// Needed before the installation, or by its scripts.
const BEFORE: i64 = 64 | 512 | 1024;
/// What `rpm` itself must be able to do; no package provides it.
const RPMLIB: i64 = 1 << 24;

/// Of a file that the package owns without bringing it.
const GHOST: i64 = 64;
const FOLDER: i64 = 0o040_000;
const KIND: i64 = 0o170_000;

/// The largest known has a tenth.
const MAX_ADVISORY: u64 = 16 << 20;

impl Uploader for RpmPlugin {
    fn parse(task: &Task, files: &Inputs, staging: &Staging) -> Result<Vec<UnitRef>> {
        if let Some(draft) = document::draft(&task.params_as()?)? {
            return Ok(staging.put(&[draft])?);
        }
        let params: Params = task.params_as()?;
        let count = files.count();
        if count != 1 {
            return Err(Error::invalid(format!(
                "an upload takes one file, but {count} were given"
            )));
        }
        if let Some(path) = &params.relative_path {
            relative_path::check(path).map_err(|error| error.context("relative_path"))?;
        }
        let reader = files.open(0)?;
        if let Some(text) = json(&reader)? {
            return Ok(staging.put(&[advisory::upload(&text)?])?);
        }
        let reader = signing::sign(task, files, reader, &params.repository)?;
        let mut package = read(&reader)?;
        // Where the client says it is is what Pulp shows; it is published at its own path.
        package.location_href = params.relative_path.unwrap_or_else(|| package.file_name());
        let pieces = render::pieces(&package);
        let draft = package.draft(pieces, Source::Held(reader.artifact()))?;
        Ok(staging.put(&[draft])?)
    }
}

/// The text of a file that begins as a JSON object does: an advisory, and no package.
fn json(reader: &Reader) -> Result<Option<String>> {
    let size = reader.size();
    if size > MAX_ADVISORY || !reader.read_at(0, 256)?.trim_ascii_start().starts_with(b"{") {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < size {
        let part = reader.read_at(bytes.len() as u64, 1 << 20)?;
        if part.is_empty() {
            break;
        }
        bytes.extend_from_slice(&part);
    }
    Ok(Some(utf8(bytes.into()).into_owned()))
}

fn read(reader: &Reader) -> Result<Package> {
    let headers = header::read(reader)?;
    let digest = reader.digest("sha256")?;
    let mut package = describe(&headers);
    package.pkg_id = digest.trim_start_matches("sha256:").into();
    package.size_package = i64::try_from(reader.size()).ok();
    package
        .check()
        .map_err(|error| error.context("the package"))?;
    Ok(package)
}

fn describe(headers: &Headers) -> Package {
    let main = &headers.main;
    let text = |tag| main.text(tag).unwrap_or_default();
    let is_source = !main.has(tag::SOURCE_RPM);
    let signature = &headers.signature;
    let archive = signature
        .number(tag::LONG_ARCHIVE_SIZE)
        .or_else(|| signature.number(tag::PAYLOAD_SIZE))
        .or_else(|| main.number(tag::ARCHIVE_SIZE));
    Package {
        name: text(tag::NAME),
        epoch: main.number(tag::EPOCH).unwrap_or(0).to_string(),
        version: text(tag::VERSION),
        release: text(tag::RELEASE),
        arch: if is_source {
            "src".into()
        } else {
            text(tag::ARCH)
        },
        checksum_type: "sha256".into(),
        summary: text(tag::SUMMARY),
        description: text(tag::DESCRIPTION),
        url: text(tag::URL),
        changelogs: changes(main),
        files: files(main),
        requires: required(dependencies(main, tag::REQUIRES)),
        provides: unique(dependencies(main, tag::PROVIDES)),
        conflicts: unique(dependencies(main, tag::CONFLICTS)),
        obsoletes: unique(dependencies(main, tag::OBSOLETES)),
        suggests: unique(dependencies(main, tag::SUGGESTS)),
        enhances: unique(dependencies(main, tag::ENHANCES)),
        recommends: unique(dependencies(main, tag::RECOMMENDS)),
        supplements: unique(dependencies(main, tag::SUPPLEMENTS)),
        rpm_buildhost: text(tag::BUILD_HOST),
        rpm_group: text(tag::GROUP),
        rpm_license: text(tag::LICENSE),
        rpm_packager: text(tag::PACKAGER),
        rpm_sourcerpm: text(tag::SOURCE_RPM),
        rpm_vendor: text(tag::VENDOR),
        rpm_header_start: i64::try_from(headers.start).ok(),
        rpm_header_end: i64::try_from(headers.end).ok(),
        size_archive: archive,
        size_installed: main
            .number(tag::LONG_SIZE)
            .or_else(|| main.number(tag::SIZE)),
        time_build: main.number(tag::BUILD_TIME),
        signing_keys: Some(signing::keys(headers)),
        // When it came is not known here; when it was made is the same on every server.
        time_file: main.number(tag::BUILD_TIME),
        ..Package::default()
    }
}

fn changes(header: &Header) -> Vec<Change> {
    let times = header.numbers(tag::CHANGELOG_TIME);
    let names = header.texts(tag::CHANGELOG_NAME);
    let texts = header.texts(tag::CHANGELOG_TEXT);
    let newest_first = times.into_iter().zip(names).zip(texts);
    let mut changes: Vec<Change> = newest_first
        .map(|((time, name), text)| Change(name, time, text))
        .collect();
    // As indexes have them: the oldest first, and no more than ten.
    changes.truncate(10);
    changes.reverse();
    changes
}

fn files(header: &Header) -> Vec<File> {
    let modes = header.numbers(tag::FILE_MODES);
    let flags = header.numbers(tag::FILE_FLAGS);
    let kind = |at: usize| {
        let is = |list: &[i64], mask: i64, value: i64| {
            list.get(at).is_some_and(|number| number & mask == value)
        };
        if is(&flags, GHOST, GHOST) {
            Some("ghost".to_owned())
        } else if is(&modes, KIND, FOLDER) {
            Some("dir".to_owned())
        } else {
            None
        }
    };
    let names = header.texts(tag::BASE_NAMES);
    if names.is_empty() {
        let paths = header.texts(tag::OLD_FILE_NAMES).into_iter().enumerate();
        return paths.map(|(at, path)| File::new(kind(at), &path)).collect();
    }
    let folders = header.texts(tag::DIR_NAMES);
    let indexes = header.numbers(tag::DIR_INDEXES);
    names
        .into_iter()
        .zip(indexes)
        .enumerate()
        .map(|(at, (name, index))| {
            let folder = usize::try_from(index).ok().and_then(|at| folders.get(at));
            File(kind(at), folder.cloned().unwrap_or_default(), name)
        })
        .collect()
}

fn dependencies(header: &Header, [names, versions, flags]: [u32; 3]) -> Vec<(Entry, i64)> {
    let names = header.texts(names);
    let versions = header.texts(versions);
    let flags = header.numbers(flags);
    names
        .into_iter()
        .enumerate()
        .map(|(at, name)| {
            let flags = flags.get(at).copied().unwrap_or(0);
            let version = versions.get(at).map_or("", String::as_str);
            (entry(name, flags, version), flags)
        })
        .collect()
}

fn entry(name: String, flags: i64, version: &str) -> Entry {
    let comparison = match flags & (LESS | GREATER | EQUAL) {
        2 => "LT",
        4 => "GT",
        8 => "EQ",
        10 => "LE",
        12 => "GE",
        _ => return Entry(name, None, None, None, None, flags & BEFORE != 0),
    };
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    let (version, release) = match rest.rsplit_once('-') {
        Some((version, release)) => (version, Some(release.to_owned())),
        None => (rest, None),
    };
    Entry(
        name,
        Some(comparison.into()),
        Some(epoch.into()),
        Some(version.into()),
        release,
        flags & BEFORE != 0,
    )
}

/// What is said once counts once.
fn unique(entries: Vec<(Entry, i64)>) -> Vec<Entry> {
    let mut unique: Vec<Entry> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (mut entry, _) in entries {
        entry.5 = false;
        if seen.insert(entry.clone()) {
            unique.push(entry);
        }
    }
    unique
}

/// Without what `rpm` itself provides; what is needed before is said so once.
fn required(entries: Vec<(Entry, i64)>) -> Vec<Entry> {
    let mut required: Vec<Entry> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for (entry, flags) in entries {
        if flags & RPMLIB != 0 || entry.0.starts_with("rpmlib(") {
            continue;
        }
        let mut key = entry.clone();
        key.5 = false;
        if let Some(&at) = places.get(&key) {
            let known: &mut Entry = &mut required[at];
            known.5 |= entry.5;
        } else {
            places.insert(key, required.len());
            required.push(entry);
        }
    }
    required
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_cut_and_compared_as_said() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            entry("a".into(), LESS | EQUAL, "2:1.0-3"),
            Entry(
                "a".into(),
                text("LE"),
                text("2"),
                text("1.0"),
                text("3"),
                false
            )
        );
        assert_eq!(
            entry("a".into(), GREATER | 512, "1.0"),
            Entry("a".into(), text("GT"), text("0"), text("1.0"), None, true)
        );
        assert_eq!(
            entry("a".into(), 0, ""),
            Entry("a".into(), None, None, None, None, false)
        );
    }

    #[test]
    fn what_rpm_provides_is_not_required_and_twice_is_once() {
        let of = |name: &str, flags: i64| (entry(name.into(), flags, ""), flags);
        let required = required(vec![
            of("rpmlib(X)", RPMLIB | 8),
            of("/bin/sh", 0),
            of("/bin/sh", 512),
        ]);
        assert_eq!(required.len(), 1);
        assert!(required[0].5);
        assert_eq!(unique(vec![of("a", 0), of("a", 0), of("b", 0)]).len(), 2);
    }
}

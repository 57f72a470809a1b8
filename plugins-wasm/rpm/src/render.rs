//! Writes the elements of indexes for a package that no upstream has described.

use std::fmt::Write as _;

use crate::package::{Entry, File, Package, Pieces};
use crate::terms::is_singled_out;
use crate::xml::escape;

/// The elements as `createrepo_c` writes them.
pub(crate) fn pieces(package: &Package) -> Pieces {
    Pieces {
        head: head(package),
        tail: tail(package),
        filelists: filelists(package),
        other: other(package),
        singled_out: paths(package).filter(|path| is_singled_out(path)).collect(),
    }
}

fn element(text: &mut String, indent: &str, name: &str, value: &str) {
    let value = value.trim_matches(|c: char| c == '\n');
    if value.is_empty() {
        let _ = writeln!(text, "{indent}<{name}/>");
    } else {
        let _ = writeln!(text, "{indent}<{name}>{}</{name}>", escape(&legal(value)));
    }
}

/// XML has no way to write most control characters.
fn legal(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t' | '\r'))
        .collect()
}

fn attribute(text: &str) -> String {
    escape(&legal(text)).into_owned()
}

fn version(package: &Package) -> String {
    format!(
        "  <version epoch=\"{}\" ver=\"{}\" rel=\"{}\"/>\n",
        attribute(&package.epoch),
        attribute(&package.version),
        attribute(&package.release)
    )
}

fn head(package: &Package) -> String {
    let mut text = String::from("<package type=\"rpm\">\n");
    element(&mut text, "  ", "name", &package.name);
    element(&mut text, "  ", "arch", &package.arch);
    text.push_str(&version(package));
    let _ = writeln!(
        text,
        "  <checksum type=\"{}\" pkgid=\"YES\">{}</checksum>",
        package.checksum_type, package.pkg_id
    );
    element(&mut text, "  ", "summary", &package.summary);
    element(&mut text, "  ", "description", &package.description);
    element(&mut text, "  ", "packager", &package.rpm_packager);
    element(&mut text, "  ", "url", &package.url);
    let _ = writeln!(
        text,
        "  <time file=\"{}\" build=\"{}\"/>",
        package.time_file.unwrap_or(0),
        package.time_build.unwrap_or(0)
    );
    let _ = writeln!(
        text,
        "  <size package=\"{}\" installed=\"{}\" archive=\"{}\"/>",
        package.size_package.unwrap_or(0),
        package.size_installed.unwrap_or(0),
        package.size_archive.unwrap_or(0)
    );
    text.push_str("  ");
    text
}

fn tail(package: &Package) -> String {
    let mut text = String::from("\n  <format>\n");
    element(&mut text, "    ", "rpm:license", &package.rpm_license);
    element(&mut text, "    ", "rpm:vendor", &package.rpm_vendor);
    element(&mut text, "    ", "rpm:group", &package.rpm_group);
    element(&mut text, "    ", "rpm:buildhost", &package.rpm_buildhost);
    element(&mut text, "    ", "rpm:sourcerpm", &package.rpm_sourcerpm);
    let _ = writeln!(
        text,
        "    <rpm:header-range start=\"{}\" end=\"{}\"/>",
        package.rpm_header_start.unwrap_or(0),
        package.rpm_header_end.unwrap_or(0)
    );
    for (name, entries) in [
        ("rpm:provides", &package.provides),
        ("rpm:requires", &package.requires),
        ("rpm:conflicts", &package.conflicts),
        ("rpm:obsoletes", &package.obsoletes),
        ("rpm:suggests", &package.suggests),
        ("rpm:enhances", &package.enhances),
        ("rpm:recommends", &package.recommends),
        ("rpm:supplements", &package.supplements),
    ] {
        list(&mut text, name, entries);
    }
    for (file, path) in package.files.iter().zip(paths(package)) {
        if is_singled_out(&path) {
            file_element(&mut text, "    ", file.0.as_deref(), &path);
        }
    }
    text.push_str("  </format>\n</package>\n");
    text
}

fn list(text: &mut String, name: &str, entries: &[Entry]) {
    if entries.is_empty() {
        return;
    }
    let _ = writeln!(text, "    <{name}>");
    for Entry(entry, flags, epoch, version, release, before) in entries {
        let _ = write!(text, "      <rpm:entry name=\"{}\"", attribute(entry));
        let attributes = [
            ("flags", flags),
            ("epoch", epoch),
            ("ver", version),
            ("rel", release),
        ];
        for (name, value) in attributes {
            if let Some(value) = value {
                let _ = write!(text, " {name}=\"{}\"", attribute(value));
            }
        }
        if *before {
            text.push_str(" pre=\"1\"");
        }
        text.push_str("/>\n");
    }
    let _ = writeln!(text, "    </{name}>");
}

fn paths(package: &Package) -> impl Iterator<Item = String> {
    package
        .files
        .iter()
        .map(|File(_, folder, name)| format!("{folder}{name}"))
}

fn file_element(text: &mut String, indent: &str, kind: Option<&str>, path: &str) {
    let path = escape(path);
    let _ = match kind {
        Some(kind) => writeln!(text, "{indent}<file type=\"{kind}\">{path}</file>"),
        None => writeln!(text, "{indent}<file>{path}</file>"),
    };
}

fn beside(package: &Package) -> String {
    format!(
        "<package pkgid=\"{}\" name=\"{}\" arch=\"{}\">\n{}",
        package.pkg_id,
        attribute(&package.name),
        attribute(&package.arch),
        version(package)
    )
}

fn filelists(package: &Package) -> String {
    let mut text = beside(package);
    for (file, path) in package.files.iter().zip(paths(package)) {
        file_element(&mut text, "  ", file.0.as_deref(), &legal(&path));
    }
    text.push_str("</package>\n");
    text
}

fn other(package: &Package) -> String {
    let mut text = beside(package);
    for change in &package.changelogs {
        let _ = writeln!(
            text,
            "  <changelog author=\"{}\" date=\"{}\">{}</changelog>",
            attribute(&change.0),
            change.1,
            escape(&legal(&change.2))
        );
    }
    text.push_str("</package>\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::{Change, File};
    use crate::primary;

    #[test]
    fn what_is_written_is_read_again() {
        let package = Package {
            name: "bear".into(),
            epoch: "0".into(),
            version: "1".into(),
            release: "2".into(),
            arch: "noarch".into(),
            pkg_id: "ab".repeat(32),
            checksum_type: "sha256".into(),
            summary: "a <bear>\u{1}".into(),
            description: "one\ntwo & three".into(),
            provides: vec![Entry(
                "bear".into(),
                Some("EQ".into()),
                Some("0".into()),
                Some("1".into()),
                Some("2".into()),
                false,
            )],
            requires: vec![Entry("/bin/sh".into(), None, None, None, None, true)],
            files: vec![
                File::new(None, "/usr/bin/bear & co"),
                File::new(Some("dir".into()), "/usr/share/bear"),
            ],
            changelogs: vec![Change("A <a@b>".into(), 7, "- fed".into())],
            rpm_header_start: Some(1),
            rpm_header_end: Some(2),
            size_archive: Some(3),
            size_installed: Some(4),
            size_package: Some(5),
            time_build: Some(6),
            time_file: Some(7),
            location_href: "x.rpm".into(),
            ..Package::default()
        };
        let pieces = pieces(&package);
        let whole = format!("{}<location href=\"x.rpm\"/>{}", pieces.head, pieces.tail);
        let mut read = primary::read(whole.trim_end()).expect("read").package;
        read.files = primary::read_files(&pieces.filelists).expect("files");
        read.changelogs = primary::read_changes(&pieces.other).expect("changes");
        let expected = Package {
            summary: "a <bear>".into(),
            ..package
        };
        assert_eq!(read, expected);
        assert!(pieces.tail.contains("<file>/usr/bin/bear &amp; co</file>"));
        assert!(!pieces.tail.contains("/usr/share/bear"));
    }
}

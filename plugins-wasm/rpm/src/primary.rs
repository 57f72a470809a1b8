//! Reads a package's element of `primary`, and of the two indexes that go beside it.

use pith_plugin_sdk::{Error, Result};

use crate::package::{Change, Entry, File, Package};
use crate::xml::{Element, Step, Walk};

/// A package as `primary` has it.
#[derive(Debug)]
pub(crate) struct Primary<'a> {
    pub(crate) package: Package,
    /// `xml:base`, where the file is elsewhere.
    pub(crate) base: Option<String>,
    /// The element before its location.
    pub(crate) head: &'a str,
    /// The element after its location.
    pub(crate) tail: &'a str,
}

/// Reads `<package type="rpm">…</package>`.
pub(crate) fn read(text: &str) -> Result<Primary<'_>> {
    read_as_far(text, true)
}

/// Reads what a package is known by and where it is; `format` is left out, in which most is.
pub(crate) fn glance(text: &str) -> Result<Primary<'_>> {
    read_as_far(text, false)
}

fn read_as_far(text: &str, to_the_end: bool) -> Result<Primary<'_>> {
    let mut walk = Walk::new(text);
    let mut package = Package::default();
    let mut location = None;
    let mut base = None;
    expect_root(&mut walk)?;
    loop {
        let begin = walk.position();
        let Some(step) = walk.next_step()? else { break };
        let Step::Open(element) = step else { continue };
        match element.name() {
            b"name" => package.name = walk.text(&element)?.into_owned(),
            b"arch" => package.arch = walk.text(&element)?.into_owned(),
            b"version" => {
                let [epoch, version, release] = element.attributes([b"epoch", b"ver", b"rel"]);
                package.epoch = epoch
                    .filter(|epoch| !epoch.is_empty())
                    .unwrap_or("0".into());
                package.version = version.unwrap_or_default();
                package.release = release.unwrap_or_default();
                walk.skip(&element)?;
            }
            b"checksum" => {
                let kind = element.attribute("type").unwrap_or_default();
                // The old name.
                package.checksum_type = if kind == "sha" { "sha1".into() } else { kind };
                package.pkg_id = walk.text(&element)?.trim().to_ascii_lowercase();
            }
            b"summary" => package.summary = walk.text(&element)?.into_owned(),
            b"description" => package.description = walk.text(&element)?.into_owned(),
            b"packager" => package.rpm_packager = walk.text(&element)?.into_owned(),
            b"url" => package.url = walk.text(&element)?.into_owned(),
            b"time" => {
                let [file, build] = element.attributes([b"file", b"build"]);
                package.time_file = number(file);
                package.time_build = number(build);
                walk.skip(&element)?;
            }
            b"size" => {
                let [package_size, installed, archive] =
                    element.attributes([b"package", b"installed", b"archive"]);
                package.size_package = number(package_size);
                package.size_installed = number(installed);
                package.size_archive = number(archive);
                walk.skip(&element)?;
            }
            b"location" => {
                let [href, xml_base] = element.attributes([b"href", b"xml:base"]);
                package.location_href = href.unwrap_or_default();
                base = xml_base.filter(|base| !base.is_empty());
                walk.skip(&element)?;
                location = Some((begin, walk.position()));
            }
            // It comes last.
            b"format" if !to_the_end && location.is_some() => break,
            b"format" if !element.is_empty => read_format(&mut walk, &mut package)?,
            _ => walk.skip(&element)?,
        }
    }
    package.check()?;
    if package.location_href.is_empty() {
        return Err(Error::invalid("it has no location"));
    }
    let (begin, end) = location.ok_or_else(|| Error::invalid("it has no location"))?;
    // The reader may stand on white space before the element.
    let begin = text[begin..end].find('<').map_or(begin, |at| begin + at);
    Ok(Primary {
        package,
        base,
        head: &text[..begin],
        tail: &text[end..],
    })
}

fn read_format(walk: &mut Walk<'_>, package: &mut Package) -> Result<()> {
    let depth = walk.depth();
    while walk.depth() >= depth {
        let Some(step) = walk.next_step()? else { break };
        let Step::Open(element) = step else { continue };
        match element.name() {
            b"rpm:license" => package.rpm_license = walk.text(&element)?.into_owned(),
            b"rpm:vendor" => package.rpm_vendor = walk.text(&element)?.into_owned(),
            b"rpm:group" => package.rpm_group = walk.text(&element)?.into_owned(),
            b"rpm:buildhost" => package.rpm_buildhost = walk.text(&element)?.into_owned(),
            b"rpm:sourcerpm" => package.rpm_sourcerpm = walk.text(&element)?.into_owned(),
            b"rpm:header-range" => {
                let [start, end] = element.attributes([b"start", b"end"]);
                package.rpm_header_start = number(start);
                package.rpm_header_end = number(end);
                walk.skip(&element)?;
            }
            b"rpm:provides" => package.provides = entries(walk, &element)?,
            b"rpm:requires" => package.requires = entries(walk, &element)?,
            b"rpm:conflicts" => package.conflicts = entries(walk, &element)?,
            b"rpm:obsoletes" => package.obsoletes = entries(walk, &element)?,
            b"rpm:suggests" => package.suggests = entries(walk, &element)?,
            b"rpm:enhances" => package.enhances = entries(walk, &element)?,
            b"rpm:recommends" => package.recommends = entries(walk, &element)?,
            b"rpm:supplements" => package.supplements = entries(walk, &element)?,
            // Files are read from `filelists`, which has them all.
            _ => walk.skip(&element)?,
        }
    }
    Ok(())
}

fn entries(walk: &mut Walk<'_>, list: &Element<'_>) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    if list.is_empty {
        return Ok(entries);
    }
    let depth = walk.depth();
    while walk.depth() >= depth {
        let Some(step) = walk.next_step()? else { break };
        let Step::Open(element) = step else { continue };
        if element.name() == b"rpm:entry" {
            let [name, flags, epoch, version, release, before] =
                element.attributes([b"name", b"flags", b"epoch", b"ver", b"rel", b"pre"]);
            let before = before.is_some_and(|before| before == "1" || before == "true");
            let name = name.unwrap_or_default();
            entries.push(Entry(name, flags, epoch, version, release, before));
        }
        walk.skip(&element)?;
    }
    Ok(entries)
}

fn number(text: Option<String>) -> Option<i64> {
    text?.trim().parse().ok().filter(|number| *number >= 0)
}

fn expect_root(walk: &mut Walk<'_>) -> Result<()> {
    match walk.next_step()? {
        Some(Step::Open(root)) if !root.is_empty => Ok(()),
        _ => Err(Error::invalid("it is empty")),
    }
}

/// The `pkgid` of an element of `filelists` or `other`, found without reading the rest.
pub(crate) fn package_id(text: &str) -> Option<String> {
    let end = text.find('>')?;
    let mut walk = Walk::new(&text[..=end]);
    match walk.next_step().ok()?? {
        Step::Open(root) => root.attribute("pkgid").map(|id| id.to_ascii_lowercase()),
        Step::Close => None,
    }
}

/// Reads the description of an element of `primary`.
pub(crate) fn read_description(text: &str) -> Result<String> {
    let mut walk = Walk::new(text);
    expect_root(&mut walk)?;
    while let Some(step) = walk.next_step()? {
        let Step::Open(element) = step else { continue };
        if element.name() == b"description" {
            return Ok(walk.text(&element)?.into_owned());
        }
        walk.skip(&element)?;
    }
    Ok(String::new())
}

/// Reads the files of an element of `filelists`.
pub(crate) fn read_files(text: &str) -> Result<Vec<File>> {
    let mut files = Vec::new();
    each_file(text, |element, path| {
        let kind = element.attribute("type").filter(|kind| kind != "file");
        files.push(File::new(kind, path));
    })?;
    Ok(files)
}

/// Reads an element of `filelists` to its end, and of its files those that pass a test.
pub(crate) fn read_paths(text: &str, fits: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    each_file(text, |_, path| {
        if fits(path) {
            paths.push(path.to_owned());
        }
    })?;
    Ok(paths)
}

fn each_file(text: &str, mut take: impl FnMut(&Element<'_>, &str)) -> Result<()> {
    let mut walk = Walk::new(text);
    expect_root(&mut walk)?;
    while let Some(step) = walk.next_step()? {
        let Step::Open(element) = step else { continue };
        if element.name() == b"file" {
            let path = walk.text(&element)?;
            take(&element, &path);
        } else {
            walk.skip(&element)?;
        }
    }
    Ok(())
}

/// Reads the changelog of an element of `other`.
pub(crate) fn read_changes(text: &str) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    each_change(text, |element, text| {
        let [author, date] = element.attributes([b"author", b"date"]);
        let date = number(date).unwrap_or(0);
        changes.push(Change(author.unwrap_or_default(), date, text.to_owned()));
    })?;
    Ok(changes)
}

/// Reads an element of `other` to its end.
pub(crate) fn check_changes(text: &str) -> Result<()> {
    each_change(text, |_, _| ())
}

fn each_change(text: &str, mut take: impl FnMut(&Element<'_>, &str)) -> Result<()> {
    let mut walk = Walk::new(text);
    expect_root(&mut walk)?;
    while let Some(step) = walk.next_step()? {
        let Step::Open(element) = step else { continue };
        if element.name() == b"changelog" {
            let text = walk.text(&element)?;
            take(&element, &text);
        } else {
            walk.skip(&element)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEAR: &str = r#"<package type="rpm">
  <name>bear</name>
  <arch>noarch</arch>
  <version epoch="0" ver="4.1" rel="1"/>
  <checksum type="sha256" pkgid="YES">7A831F9F</checksum>
  <summary>A &lt;bear&gt;</summary>
  <description>Bears &amp; more</description>
  <packager/>
  <url>http://example.com</url>
  <time file="1615451135" build="1331831374"/>
  <size package="1846" installed="42" archive=""/>
  <location href="b/bear.rpm"/>
  <format>
    <rpm:license>GPLv2</rpm:license>
    <rpm:header-range start="280" end="1697"/>
    <rpm:provides>
      <rpm:entry name="bear" flags="EQ" epoch="0" ver="4.1" rel="1"/>
    </rpm:provides>
    <rpm:requires><rpm:entry name="/bin/sh" pre="1"/></rpm:requires>
    <file>/tmp/bear.txt</file>
  </format>
</package>"#;

    #[test]
    fn a_package_is_read_and_cut_at_its_location() {
        let primary = read(BEAR).expect("a package");
        let package = primary.package;
        assert_eq!(package.nevra(), "bear-0:4.1-1.noarch");
        assert_eq!(package.pkg_id, "7a831f9f");
        assert_eq!(package.summary, "A <bear>");
        assert_eq!(package.description, "Bears & more");
        assert_eq!(package.size_package, Some(1846));
        assert_eq!(package.size_archive, None);
        assert_eq!(package.rpm_header_end, Some(1697));
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            package.provides,
            [Entry(
                "bear".into(),
                text("EQ"),
                text("0"),
                text("4.1"),
                text("1"),
                false
            )]
        );
        assert_eq!(package.requires[0].0, "/bin/sh");
        assert!(package.requires[0].5);
        assert!(
            primary.head.ends_with("archive=\"\"/>\n  "),
            "{}",
            primary.head
        );
        assert!(primary.tail.starts_with("\n  <format>"), "{}", primary.tail);
        assert!(primary.tail.ends_with("</package>"));
    }

    #[test]
    fn what_a_package_lacks_is_named() {
        let refusal = |from: &str, to: &str| {
            let error = read(&BEAR.replace(from, to)).expect_err("refused");
            error.to_string()
        };
        assert_eq!(refusal("<name>bear</name>", ""), "its name is \"\"");
        assert_eq!(
            refusal("<arch>noarch</arch>", "<arch>a/b</arch>"),
            "its arch is \"a/b\""
        );
        assert_eq!(refusal("7A831F9F", "xyz"), "its checksum is \"xyz\"");
        assert_eq!(
            refusal("<location href=\"b/bear.rpm\"/>", ""),
            "it has no location"
        );
        assert!(refusal("</format>", "").starts_with("not well-formed XML"));
    }

    #[test]
    fn files_and_changes_are_read() {
        let text = r#"<package pkgid="AB" name="bear" arch="noarch"><version epoch="0" ver="1" rel="1"/>
            <file type="dir">/a</file><file>/a/b &amp; c</file></package>"#;
        assert_eq!(package_id(text).as_deref(), Some("ab"));
        assert_eq!(
            read_files(text).expect("files"),
            [
                File::new(Some("dir".into()), "/a"),
                File::new(None, "/a/b & c")
            ]
        );
        let paths = read_paths(text, |path| path.ends_with('c')).expect("paths");
        assert_eq!(paths, ["/a/b & c"]);
        let text = r#"<package pkgid="ab"><changelog author="A &lt;a@b&gt;" date="5">- x</changelog></package>"#;
        assert_eq!(
            read_changes(text).expect("changes"),
            [Change("A <a@b>".into(), 5, "- x".into())]
        );
        assert!(check_changes(text).is_ok());
        assert!(check_changes(&text.replace("</changelog>", "")).is_err());
    }
}

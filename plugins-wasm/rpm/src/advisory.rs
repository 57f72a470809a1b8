//! Advisories: elements of `updateinfo`, read, and joined where an upstream lists one twice.

mod json;

use std::borrow::Cow;

use pith_plugin_sdk::{Error, Fragment, Result, UnitDraft};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::xml::{Element, Step, Walk};
use crate::{ADVISORY, fragments};

pub(crate) use json::upload;

/// An advisory with the names that the API has.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Advisory {
    pub(crate) id: String,
    #[serde(alias = "updated")]
    pub(crate) updated_date: Option<String>,
    description: String,
    #[serde(alias = "issued")]
    issued_date: String,
    #[serde(alias = "from")]
    fromstr: String,
    status: String,
    title: String,
    summary: String,
    version: String,
    #[serde(rename = "type")]
    kind: String,
    severity: String,
    solution: String,
    release: String,
    rights: String,
    pushcount: String,
    pkglist: Vec<Collection>,
    references: Vec<Reference>,
    reboot_suggested: bool,
    digest: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Collection {
    name: Option<String>,
    #[serde(alias = "short")]
    shortname: Option<String>,
    module: Option<Map<String, Value>>,
    packages: Vec<Package>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Package {
    name: String,
    epoch: String,
    version: String,
    release: String,
    arch: String,
    src: String,
    filename: String,
    reboot_suggested: bool,
    restart_suggested: bool,
    relogin_suggested: bool,
    sum: String,
    sum_type: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Reference {
    href: String,
    id: Option<String>,
    title: Option<String>,
    #[serde(rename = "type")]
    kind: String,
}

/// Reads `<update>…</update>`.
pub(crate) fn read(text: &str) -> Result<Advisory> {
    let mut walk = Walk::new(text);
    let mut advisory = match walk.next_step()? {
        Some(Step::Open(root)) if !root.is_empty => {
            let [from, status, kind, version] =
                root.attributes([b"from", b"status", b"type", b"version"]);
            Advisory {
                fromstr: from.unwrap_or_default(),
                status: status.unwrap_or_default(),
                kind: kind.unwrap_or_default(),
                version: version.unwrap_or_default(),
                digest: hex::encode(Sha256::digest(text.as_bytes())),
                ..Advisory::default()
            }
        }
        _ => return Err(Error::invalid("it is empty")),
    };
    while let Some(step) = walk.next_step()? {
        let Step::Open(element) = step else { continue };
        match element.name() {
            b"id" => advisory.id = walk.text(&element)?.trim().into(),
            b"title" => advisory.title = walk.text(&element)?.into_owned(),
            b"summary" => advisory.summary = walk.text(&element)?.into_owned(),
            b"description" => advisory.description = walk.text(&element)?.into_owned(),
            b"solution" => advisory.solution = walk.text(&element)?.into_owned(),
            b"severity" => advisory.severity = walk.text(&element)?.into_owned(),
            b"release" => advisory.release = walk.text(&element)?.into_owned(),
            b"rights" => advisory.rights = walk.text(&element)?.into_owned(),
            b"pushcount" => advisory.pushcount = walk.text(&element)?.into_owned(),
            b"issued" => advisory.issued_date = date(&mut walk, &element)?,
            b"updated" => {
                let date = date(&mut walk, &element)?;
                advisory.updated_date = Some(date).filter(|date| !date.is_empty());
            }
            b"reboot_suggested" => advisory.reboot_suggested = suggested(&mut walk, &element)?,
            b"references" if !element.is_empty => {
                advisory.references = references(&mut walk)?;
            }
            // Their collections are found below.
            b"pkglist" => {}
            b"collection" => advisory.pkglist.push(collection(&mut walk, &element)?),
            _ => walk.skip(&element)?,
        }
    }
    if advisory.id.is_empty() {
        return Err(Error::invalid("it has no id"));
    }
    Ok(advisory)
}

fn date(walk: &mut Walk<'_>, element: &Element<'_>) -> Result<String> {
    let date = element.attribute("date");
    let text = walk.text(element)?;
    Ok(date.unwrap_or_else(|| text.trim().to_owned()))
}

/// `<reboot_suggested>True</…>`, or the element alone.
fn suggested(walk: &mut Walk<'_>, element: &Element<'_>) -> Result<bool> {
    let text = walk.text(element)?;
    let text = text.trim();
    Ok(text.is_empty() || text.eq_ignore_ascii_case("true") || text == "1")
}

fn references(walk: &mut Walk<'_>) -> Result<Vec<Reference>> {
    let mut references = Vec::new();
    let depth = walk.depth();
    while walk.depth() >= depth {
        let Some(step) = walk.next_step()? else { break };
        let Step::Open(element) = step else { continue };
        if element.name() == b"reference" {
            let [href, id, title, kind] = element.attributes([b"href", b"id", b"title", b"type"]);
            references.push(Reference {
                href: href.unwrap_or_default(),
                id,
                title,
                kind: kind.unwrap_or_default(),
            });
        }
        walk.skip(&element)?;
    }
    Ok(references)
}

fn collection(walk: &mut Walk<'_>, root: &Element<'_>) -> Result<Collection> {
    let mut collection = Collection {
        shortname: root.attribute("short"),
        ..Collection::default()
    };
    if root.is_empty {
        return Ok(collection);
    }
    let depth = walk.depth();
    while walk.depth() >= depth {
        let Some(step) = walk.next_step()? else { break };
        let Step::Open(element) = step else { continue };
        match element.name() {
            b"name" => collection.name = Some(walk.text(&element)?.into_owned()),
            b"module" => {
                let names = ["name", "stream", "version", "context", "arch"];
                let module = names.iter().map(|name| {
                    let value = element.attribute(name).unwrap_or_default();
                    ((*name).to_owned(), value.into())
                });
                collection.module = Some(module.collect());
                walk.skip(&element)?;
            }
            b"package" => collection.packages.push(package(walk, &element)?),
            _ => walk.skip(&element)?,
        }
    }
    Ok(collection)
}

fn package(walk: &mut Walk<'_>, root: &Element<'_>) -> Result<Package> {
    let [name, epoch, version, release, arch, src] =
        root.attributes([b"name", b"epoch", b"version", b"release", b"arch", b"src"]);
    let mut package = Package {
        name: name.unwrap_or_default(),
        epoch: epoch.unwrap_or("0".into()),
        version: version.unwrap_or_default(),
        release: release.unwrap_or_default(),
        arch: arch.unwrap_or_default(),
        src: src.unwrap_or_default(),
        // What Pulp says where there is none.
        sum_type: "unknown".into(),
        ..Package::default()
    };
    if root.is_empty {
        return Ok(package);
    }
    let depth = walk.depth();
    while walk.depth() >= depth {
        let Some(step) = walk.next_step()? else { break };
        let Step::Open(element) = step else { continue };
        match element.name() {
            b"filename" => package.filename = walk.text(&element)?.into_owned(),
            b"sum" => {
                package.sum_type = element.attribute("type").unwrap_or_default();
                package.sum = walk.text(&element)?.into_owned();
            }
            b"reboot_suggested" => package.reboot_suggested = suggested(walk, &element)?,
            b"restart_suggested" => package.restart_suggested = suggested(walk, &element)?,
            b"relogin_suggested" => package.relogin_suggested = suggested(walk, &element)?,
            _ => walk.skip(&element)?,
        }
    }
    Ok(package)
}

/// One advisory of two with the same id, as an upstream that is stitched together lists it:
/// the one that was updated later; if they are of one date, the first with the packages of
/// both.
pub(crate) fn merge<'a>(first: &'a str, second: &'a str) -> Result<Cow<'a, str>> {
    let (one, two) = (read(first)?, read(second)?);
    if one.updated_date != two.updated_date {
        let is_newer = two.updated_date > one.updated_date;
        return Ok(Cow::Borrowed(if is_newer { second } else { first }));
    }
    let inside = |text: &'a str| {
        let (_, rest) = text.split_once("<pkglist>")?;
        let (inside, _) = rest.rsplit_once("</pkglist>")?;
        Some(inside)
    };
    let Some(more) = inside(second) else {
        return Ok(Cow::Borrowed(first));
    };
    if inside(first).is_some_and(|inside| inside.trim() == more.trim()) {
        return Ok(Cow::Borrowed(first));
    }
    Ok(Cow::Owned(match first.rsplit_once("</pkglist>") {
        Some((head, tail)) => format!("{head}{}\n</pkglist>{tail}", more.trim_end()),
        None => first.replacen(
            "</update>",
            &format!("<pkglist>{more}</pkglist></update>"),
            1,
        ),
    }))
}

/// The draft of an advisory; its element is published as it is.
pub(crate) fn draft(advisory: &Advisory, text: &str) -> Result<UnitDraft> {
    let fields = serde_json::to_string(advisory)
        .map_err(|error| Error::internal(format!("an advisory is no JSON: {error}")))?;
    Ok(UnitDraft {
        content_type: ADVISORY.into(),
        fields,
        artifacts: Vec::new(),
        terms: Vec::new(),
        fragments: vec![Fragment {
            name: fragments::WHOLE.into(),
            bytes: format!("{text}\n").into_bytes(),
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(date: &str, package: &str) -> String {
        format!(
            "<update from=\"a@b\" status=\"final\" type=\"security\" version=\"1\"><id>A-1</id>\
             <title>t</title><issued date=\"2024-01-01\"/><updated date=\"{date}\"/>\
             <references><reference href=\"http://u\" id=\"CVE-1\" type=\"cve\"/></references>\
             <pkglist><collection short=\"c\"><name>C</name>\
             <module name=\"m\" stream=\"1\" version=\"2\" context=\"x\" arch=\"noarch\"/>\
             <package name=\"{package}\" version=\"1\" release=\"2\" epoch=\"0\" arch=\"noarch\" src=\"s\">\
             <filename>f.rpm</filename><reboot_suggested>True</reboot_suggested></package>\
             </collection></pkglist></update>"
        )
    }

    #[test]
    fn an_advisory_is_read() {
        let value =
            serde_json::to_value(read(&update("2024-01-02", "p")).expect("read")).expect("JSON");
        assert_eq!(value["id"], "A-1");
        assert_eq!(value["fromstr"], "a@b");
        assert_eq!(value["updated_date"], "2024-01-02");
        assert_eq!(value["references"][0]["id"], "CVE-1");
        let collection = &value["pkglist"][0];
        assert_eq!(collection["module"]["stream"], "1");
        assert_eq!(collection["packages"][0]["filename"], "f.rpm");
        assert_eq!(collection["packages"][0]["reboot_suggested"], true);
        assert!(read("<update><title>t</title></update>").is_err());
    }

    #[test]
    fn of_two_the_newer_counts_and_of_one_date_both() {
        let (old, new) = (update("2024-01-02", "p"), update("2024-01-03", "q"));
        assert_eq!(merge(&old, &new).expect("merged"), new);
        assert_eq!(merge(&new, &old).expect("merged"), new);
        assert_eq!(merge(&old, &old).expect("merged"), old);
        let both = merge(&old, &update("2024-01-02", "q"))
            .expect("merged")
            .into_owned();
        let both = read(&both).expect("read");
        let names: Vec<&str> = both
            .pkglist
            .iter()
            .flat_map(|collection| collection.packages.iter().map(|one| one.name.as_str()))
            .collect();
        assert_eq!(names, ["p", "q"]);
    }
}

//! Advisories that are uploaded as JSON, with the names of the API or of Pulp's uploads.

use std::fmt::Write as _;

use pith_plugin_sdk::{Error, Result, UnitDraft};
use serde_json::Value;

use super::{Advisory, Collection, Package, Reference, draft, read};
use crate::xml::escape;

/// The draft of an uploaded advisory; its element is what it would be in an index.
pub(crate) fn upload(text: &str) -> Result<UnitDraft> {
    let wrong = |error| Error::invalid(format!("the file is no advisory in JSON: {error}"));
    let mut value: Value = serde_json::from_str(text).map_err(wrong)?;
    tidy(&mut value);
    let advisory: Advisory = serde_json::from_value(value).map_err(wrong)?;
    let element = write(&advisory);
    let advisory = read(&element).map_err(|error| error.context("the advisory"))?;
    draft(&advisory, &element)
}

/// What is null is not there, and numbers are texts, as they are in XML.
fn tidy(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(tidy);
        }
        Value::Array(list) => list.iter_mut().for_each(tidy),
        Value::Number(number) => *value = number.to_string().into(),
        _ => {}
    }
}

fn write(advisory: &Advisory) -> String {
    let mut text = format!(
        "<update from=\"{}\" status=\"{}\" type=\"{}\" version=\"{}\">\n",
        escape(&advisory.fromstr),
        escape(&advisory.status),
        escape(&advisory.kind),
        escape(&advisory.version)
    );
    let elements = [
        ("id", &advisory.id),
        ("title", &advisory.title),
        ("release", &advisory.release),
        ("rights", &advisory.rights),
        ("pushcount", &advisory.pushcount),
        ("severity", &advisory.severity),
        ("summary", &advisory.summary),
        ("description", &advisory.description),
        ("solution", &advisory.solution),
    ];
    for (name, value) in elements.into_iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(text, "  <{name}>{}</{name}>", escape(value));
    }
    for (name, date) in [
        ("issued", advisory.issued_date.as_str()),
        (
            "updated",
            advisory.updated_date.as_deref().unwrap_or_default(),
        ),
    ] {
        if !date.is_empty() {
            let _ = writeln!(text, "  <{name} date=\"{}\"/>", escape(date));
        }
    }
    if advisory.reboot_suggested {
        text.push_str("  <reboot_suggested>True</reboot_suggested>\n");
    }
    text.push_str("  <references>\n");
    advisory
        .references
        .iter()
        .for_each(|one| reference(&mut text, one));
    text.push_str("  </references>\n  <pkglist>\n");
    advisory
        .pkglist
        .iter()
        .for_each(|one| collection(&mut text, one));
    text.push_str("  </pkglist>\n</update>");
    text
}

fn reference(text: &mut String, reference: &Reference) {
    let _ = write!(text, "    <reference href=\"{}\"", escape(&reference.href));
    for (name, value) in [("id", &reference.id), ("title", &reference.title)] {
        if let Some(value) = value {
            let _ = write!(text, " {name}=\"{}\"", escape(value));
        }
    }
    let _ = writeln!(text, " type=\"{}\"/>", escape(&reference.kind));
}

fn collection(text: &mut String, collection: &Collection) {
    text.push_str("    <collection");
    if let Some(short) = &collection.shortname {
        let _ = write!(text, " short=\"{}\"", escape(short));
    }
    text.push_str(">\n");
    if let Some(name) = &collection.name {
        let _ = writeln!(text, "      <name>{}</name>", escape(name));
    }
    if let Some(module) = &collection.module {
        text.push_str("      <module");
        for name in ["name", "stream", "version", "context", "arch"] {
            let value = module.get(name).and_then(Value::as_str).unwrap_or_default();
            let _ = write!(text, " {name}=\"{}\"", escape(value));
        }
        text.push_str("/>\n");
    }
    collection
        .packages
        .iter()
        .for_each(|one| package(text, one));
    text.push_str("    </collection>\n");
}

fn package(text: &mut String, package: &Package) {
    text.push_str("      <package");
    for (name, value) in [
        ("name", &package.name),
        ("version", &package.version),
        ("release", &package.release),
        ("epoch", &package.epoch),
        ("arch", &package.arch),
        ("src", &package.src),
    ] {
        let _ = write!(text, " {name}=\"{}\"", escape(value));
    }
    let _ = writeln!(
        text,
        ">\n        <filename>{}</filename>",
        escape(&package.filename)
    );
    if !package.sum.is_empty() {
        let (kind, sum) = (escape(&package.sum_type), escape(&package.sum));
        let _ = writeln!(text, "        <sum type=\"{kind}\">{sum}</sum>");
    }
    for (name, flag) in [
        ("reboot_suggested", package.reboot_suggested),
        ("restart_suggested", package.restart_suggested),
        ("relogin_suggested", package.relogin_suggested),
    ] {
        if flag {
            let _ = writeln!(text, "        <{name}>True</{name}>");
        }
    }
    text.push_str("      </package>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_uploaded_advisory_is_one_of_an_index() {
        let text = r#"{"id": "A<1>", "issued": "2024-01-01", "updated": "2024-01-02", "title": null,
            "fromstr": "a@b", "severity": "Low", "version": 2, "reboot_suggested": true,
            "references": [{"href": "http://u", "id": "CVE-1", "type": "cve"}],
            "pkglist": [{"short": "c", "name": "C", "packages": [
                {"name": "bear", "epoch": 0, "version": "1", "release": "2", "arch": "noarch",
                 "filename": "f.rpm", "sum": "ab", "sum_type": "sha256"}]}]}"#;
        let draft = upload(text).expect("an advisory");
        let fields: Value = serde_json::from_str(&draft.fields).expect("JSON");
        assert_eq!(fields["id"], "A<1>");
        assert_eq!(fields["updated_date"], "2024-01-02");
        assert_eq!(fields["version"], "2");
        assert_eq!(fields["reboot_suggested"], true);
        assert_eq!(fields["references"][0]["id"], "CVE-1");
        let collection = &fields["pkglist"][0];
        assert_eq!(collection["shortname"], "c");
        assert_eq!(collection["packages"][0]["epoch"], "0");
        assert_eq!(collection["packages"][0]["sum_type"], "sha256");
        for wrong in ["{", "{}", r#"{"id": "a", "pkglist": 1}"#] {
            assert!(upload(wrong).is_err(), "{wrong}");
        }
    }
}

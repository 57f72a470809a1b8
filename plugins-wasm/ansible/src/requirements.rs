//! Requirements, as `ansible-galaxy` reads them: which collections, and which versions.

use pith_plugin_sdk::{Error, Result};
use yaml_rust2::parser::{Event, Parser};
use yaml_rust2::{Yaml, YamlLoader};

use crate::name;
use crate::range::Range;

/// Some thousands of collections.
const MAX_LENGTH: usize = 1 << 20;

/// A collection that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Requirement {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) range: Range,
    /// Where it is, if not at the remote's own address.
    pub(crate) source: Option<String>,
}

impl Requirement {
    /// A collection by its full name.
    pub(crate) fn new(
        full_name: &str,
        range: &str,
        source: Option<String>,
    ) -> Result<Self, String> {
        let (namespace, name) = name::split(full_name)?;
        let range = Range::parse(range).map_err(|problem| format!("{full_name}: {problem}"))?;
        Ok(Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            range,
            source,
        })
    }
}

/// Reads a list of requirements.
pub(crate) fn parse(text: &str) -> Result<Vec<Requirement>> {
    read(text)
        .map_err(|problem| Error::invalid(format!("the remote's requirements_file: {problem}")))
}

fn read(text: &str) -> Result<Vec<Requirement>, String> {
    if text.len() > MAX_LENGTH {
        return Err(format!("it has more than {MAX_LENGTH} bytes"));
    }
    check_aliases(text)?;
    let documents = YamlLoader::load_from_str(text).map_err(no_yaml)?;
    let list = documents
        .first()
        .and_then(|document| document["collections"].as_vec())
        .ok_or("an object with a list `collections` was expected")?;
    list.iter().map(requirement).collect()
}

/// A few lines of aliases can stand for more than any memory holds.
fn check_aliases(text: &str) -> Result<(), String> {
    let mut parser = Parser::new_from_str(text);
    loop {
        match parser.next_token().map_err(no_yaml)? {
            (Event::Alias(_), at) => {
                let line = at.line();
                return Err(format!("line {line} has an alias, which is not allowed"));
            }
            (Event::StreamEnd, _) => return Ok(()),
            _ => {}
        }
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that `map_err` wants"
)]
fn no_yaml(error: yaml_rust2::ScanError) -> String {
    format!("it is no YAML: {error}")
}

fn requirement(entry: &Yaml) -> Result<Requirement, String> {
    if let Some(full_name) = entry.as_str() {
        return Requirement::new(full_name, "*", None);
    }
    let full_name = entry["name"]
        .as_str()
        .ok_or("each collection must be a name, or an object with a `name`")?;
    if let Some(kind) = entry["type"].as_str().filter(|kind| *kind != "galaxy") {
        return Err(format!(
            "{full_name}: the type {kind:?} is not supported; \"galaxy\" was expected"
        ));
    }
    let range = match &entry["version"] {
        Yaml::BadValue | Yaml::Null => "*".to_owned(),
        Yaml::String(text) | Yaml::Real(text) => text.clone(),
        Yaml::Integer(number) => number.to_string(),
        _ => return Err(format!("{full_name}: the version is no text")),
    };
    let source = match &entry["source"] {
        Yaml::BadValue | Yaml::Null => None,
        Yaml::String(url) if url.starts_with("http://") || url.starts_with("https://") => {
            Some(url.clone())
        }
        _ => {
            return Err(format!(
                "{full_name}: the source must be an http:// or https:// URL"
            ));
        }
    };
    Requirement::new(full_name, &range, source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collections_are_names_or_objects() {
        let text = "---\ncollections:\n  - zoo.owls\n  - name: zoo.bears\n    version: '>=1.0.0,<2'\n\
            \x20   source: https://example.org/api/\n  - name: zoo.apes\n    version: 1.0\n";
        let of = |name, range, source: Option<&str>| {
            Requirement::new(name, range, source.map(str::to_owned)).expect(name)
        };
        assert_eq!(
            parse(text).expect("requirements"),
            [
                of("zoo.owls", "*", None),
                of("zoo.bears", ">=1.0.0,<2", Some("https://example.org/api/")),
                of("zoo.apes", "1.0.0", None),
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, said) in [
            ("", "a list `collections`"),
            ("- zoo.owls", "a list `collections`"),
            ("collections: zoo.owls", "a list `collections`"),
            ("collections: [", "no YAML"),
            ("collections: [owls]", "namespace.name"),
            ("collections: [{version: '1'}]", "with a `name`"),
            ("collections: [{name: zoo.owls, version: '~1'}]", "zoo.owls"),
            (
                "collections: [{name: zoo.owls, type: git}]",
                "\"git\" is not supported",
            ),
            ("collections: [{name: zoo.owls, source: hub}]", "URL"),
            ("collections: [{name: zoo.owls, version: [1]}]", "no text"),
            (
                "a: &a [x]\nb: [*a, *a]\ncollections: []",
                "line 2 has an alias",
            ),
        ] {
            let error = parse(text).expect_err(said).to_string();
            assert!(
                error.starts_with("the remote's requirements_file: "),
                "{error}"
            );
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}

//! What a collection brings: roles, modules, other plugins and playbooks, found by where
//! their files are.

use std::collections::BTreeMap;

use serde::Serialize;
use yaml_rust2::parser::{Event, Parser};

/// Something that a playbook can name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Content {
    /// Folders below that of its type are parts of its name, with dots between.
    pub(crate) name: String,
    /// `module`, `role`, `lookup`…
    #[serde(rename = "content_type")]
    pub(crate) kind: String,
    /// One line, where it says one.
    pub(crate) description: Option<String>,
}

/// What is found, in the order of type and name.
#[derive(Debug, Default)]
pub(crate) struct Contents(BTreeMap<(String, String), Option<String>>);

/// Folders of a role that make it one.
const ROLE_FOLDERS: &[&str] = &[
    "defaults",
    "files",
    "handlers",
    "library",
    "meta",
    "tasks",
    "templates",
    "tests",
    "vars",
];

/// A description is no longer than that.
const MAX_DESCRIPTION: usize = 1_000;

impl Contents {
    /// Looks at a path; whether the beginning of that file may have a description.
    pub(crate) fn see(&mut self, path: &str) -> bool {
        let Some((kind, name, is_describing)) = of_path(path) else {
            return false;
        };
        self.0.entry((kind.to_owned(), name)).or_default();
        is_describing
    }

    /// Takes the description from the beginning of a file.
    pub(crate) fn describe(&mut self, path: &str, beginning: &[u8]) {
        let Some((kind, name, true)) = of_path(path) else {
            return;
        };
        let key = if kind == "role" {
            "description"
        } else {
            "short_description"
        };
        let text = String::from_utf8_lossy(beginning);
        let description = value_of(&text, key);
        let known = self.0.entry((kind.to_owned(), name)).or_default();
        if known.is_none() {
            *known = description;
        }
    }

    /// All of it.
    pub(crate) fn list(&self) -> Vec<Content> {
        let list = self.0.iter();
        list.map(|((kind, name), description)| Content {
            name: name.clone(),
            kind: kind.clone(),
            description: description.clone(),
        })
        .collect()
    }
}

/// The type and name of what a file belongs to, and whether it may describe it.
fn of_path(path: &str) -> Option<(&str, String, bool)> {
    let segments: Vec<&str> = path.split('/').collect();
    match segments.as_slice() {
        ["roles", name, folder, rest @ ..] if ROLE_FOLDERS.contains(folder) => {
            let is_meta = *folder == "meta" && matches!(rest, ["main.yml" | "main.yaml"]);
            Some(("role", (*name).to_owned(), is_meta))
        }
        ["playbooks", file] => {
            let name = strip(file, &[".yml", ".yaml"])?;
            Some(("playbook", name.to_owned(), false))
        }
        ["plugins", folder, parents @ .., file] => {
            let kind = match *folder {
                "modules" => "module",
                other => other,
            };
            let endings: &[&str] = match kind {
                "module" => &[".py", ".ps1"],
                "module_utils" => &[".py", ".psm1", ".cs"],
                // Filters and tests are described beside the file that has many of them.
                "filter" | "test" => &[".py", ".yml", ".yaml"],
                _ => &[".py"],
            };
            let file = strip(file, endings).filter(|name| *name != "__init__")?;
            let name: Vec<&str> = parents.iter().copied().chain([file]).collect();
            let is_describing = !matches!(kind, "module_utils" | "doc_fragments");
            Some((kind, name.join("."), is_describing))
        }
        _ => None,
    }
}

fn strip<'a>(file: &'a str, endings: &[&str]) -> Option<&'a str> {
    let name = endings
        .iter()
        .find_map(|ending| file.strip_suffix(ending))?;
    (!name.is_empty()).then_some(name)
}

/// The text of the first line `key: text`, however far it is indented. Documentation stands
/// as YAML inside of Python, and a line of it is enough here.
pub(crate) fn value_of(text: &str, key: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("- ").unwrap_or(line);
        let rest = line.strip_prefix(key)?.strip_prefix(':')?;
        scalar(rest)
    })
}

/// The text of a scalar on one line.
fn scalar(text: &str) -> Option<String> {
    if text.len() > MAX_DESCRIPTION {
        return None;
    }
    let mut parser = Parser::new_from_str(text);
    // Not the whole tree: aliases could make it endless.
    for _ in 0..3 {
        if let (Event::Scalar(value, ..), _) = parser.next_token().ok()? {
            let value = value.trim();
            let is_text = !value.is_empty() && value != "~" && value != "null";
            return is_text.then(|| value.replace('\0', "\u{fffd}"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(path: &str) -> Option<(String, String)> {
        of_path(path).map(|(kind, name, _)| (kind.to_owned(), name))
    }

    #[test]
    fn contents_are_told_by_their_places() {
        for (path, kind, name) in [
            ("plugins/modules/ping.py", "module", "ping"),
            ("plugins/modules/net/ping.py", "module", "net.ping"),
            ("plugins/modules/win.ps1", "module", "win"),
            ("plugins/lookup/env.py", "lookup", "env"),
            ("plugins/filter/sum.yml", "filter", "sum"),
            (
                "plugins/module_utils/net/base.py",
                "module_utils",
                "net.base",
            ),
            ("roles/web/tasks/main.yml", "role", "web"),
            ("playbooks/site.yml", "playbook", "site"),
        ] {
            assert_eq!(
                seen(path),
                Some((kind.to_owned(), name.to_owned())),
                "{path}"
            );
        }
        for path in [
            "README.md",
            "plugins/README.md",
            "plugins/modules/__init__.py",
            "plugins/modules/.py",
            "plugins/lookup/env.yml",
            "roles/web/README.md",
            "playbooks/vars/site.yml",
            "tests/roles/x/tasks/main.yml",
        ] {
            assert_eq!(seen(path), None, "{path}");
        }
    }

    #[test]
    fn descriptions_are_the_first_line_of_their_name() {
        let mut contents = Contents::default();
        let python = b"#!/usr/bin/python\nDOCUMENTATION = r'''\nmodule: ping\n\
            short_description: \"Says: pong\" # yes\n'''\n";
        assert!(contents.see("plugins/modules/ping.py"));
        contents.describe("plugins/modules/ping.py", python);
        contents.see("roles/web/tasks/main.yml");
        contents.see("roles/web/meta/main.yml");
        contents.describe(
            "roles/web/meta/main.yml",
            b"galaxy_info:\n  author: me\n  description: Serves\n",
        );
        contents.see("plugins/lookup/none.py");
        contents.describe("plugins/lookup/none.py", b"\xff\xfe");
        let list = contents.list();
        let of = |at: usize| {
            let one: &Content = &list[at];
            (
                one.kind.as_str(),
                one.name.as_str(),
                one.description.as_deref(),
            )
        };
        assert_eq!(of(0), ("lookup", "none", None));
        assert_eq!(of(1), ("module", "ping", Some("Says: pong")));
        assert_eq!(of(2), ("role", "web", Some("Serves")));
        assert_eq!(list.len(), 3);
    }

    #[test]
    fn only_scalars_on_one_line_are_taken() {
        assert_eq!(
            value_of("requires_ansible: '>=2.15'", "requires_ansible").as_deref(),
            Some(">=2.15")
        );
        assert_eq!(
            value_of("requires_ansible: >=2.15", "requires_ansible").as_deref(),
            None
        );
        for text in [
            "description: &a [*a]",
            "description:",
            "description: |",
            "description: 'x",
        ] {
            assert_eq!(value_of(text, "description"), None, "{text}");
        }
    }
}

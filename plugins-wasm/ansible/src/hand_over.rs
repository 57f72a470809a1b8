//! Copying and moving collection versions to other repositories, with all that is about them.

use std::collections::HashSet;

use pith_plugin_sdk::{Changes, Error, Result, Staging, Task, TaskType, Unit, View};
use serde::Deserialize;
use serde_json::json;

use crate::chosen::{self, Fields, fields_of};
use crate::{COLLECTION_DEPRECATION, COLLECTION_MARK, COLLECTION_SIGNATURE, NAMESPACE, sign};

/// `repositories/ansible/ansible/<id>/copy_collection_version/`
pub(crate) const COPIES: &str = "version_copies";

/// `repositories/ansible/ansible/<id>/move_collection_version/`
pub(crate) const MOVES: &str = "version_moves";

/// What copying and moving take, as Pulp calls it.
pub(crate) fn task_types() -> [TaskType; 2] {
    [
        task_type(
            COPIES,
            "copy_collection_version",
            "Copy collection versions",
        ),
        task_type(MOVES, "move_collection_version", "Move collection versions"),
    ]
}

fn task_type(name: &str, action: &str, title: &str) -> TaskType {
    let params = json!({
        "x-moves": name == MOVES,
        "required": ["repository", "collection_versions", "destination_repositories"],
        "properties": {
            "repository": chosen::repository(),
            "collection_versions": chosen::versions(),
            "destination_repositories": {
                "type": "array",
                "items": { "type": "string" },
                "format": "repositories",
                "description": "Where they are to be.",
            },
            "signing_service": {
                "type": ["string", "null"],
                "format": "signing-service",
                "default": null,
                "description": "Who signs them on the way.",
            },
        },
    });
    chosen::action(name, action, title, params)
}

#[derive(Debug, Deserialize)]
struct Params {
    destination_repositories: Vec<String>,
    signing_service: Option<String>,
}

/// What a unit says of the collection that it is about; not all say all of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct About {
    namespace: String,
    name: String,
    sha256: String,
}

/// The collection versions that were chosen.
#[derive(Default)]
struct Chosen {
    archives: HashSet<String>,
    collections: HashSet<(String, String)>,
    namespaces: HashSet<String>,
}

impl Chosen {
    fn note(&mut self, fields: Fields) {
        self.archives.insert(fields.sha256);
        self.namespaces.insert(fields.namespace.clone());
        self.collections.insert((fields.namespace, fields.name));
    }

    /// Whether a unit of a type is about one of them.
    fn concerns(&self, content_type: &str, about: About) -> bool {
        match content_type {
            COLLECTION_DEPRECATION => self.collections.contains(&(about.namespace, about.name)),
            NAMESPACE => self.namespaces.contains(&about.name),
            _ => self.archives.contains(&about.sha256),
        }
    }
}

/// Brings what was chosen into another repository, or takes it out of the one that had it.
pub(crate) fn hand_over(
    task: &Task,
    source: &View,
    staging: &Staging,
    next: &Changes,
) -> Result<()> {
    let params: Params = task.params_as()?;
    let is_taken_out = params.destination_repositories.is_empty();
    let change = |units: &[Unit]| -> Result<()> {
        let handles: Vec<_> = units.iter().map(|unit| unit.handle).collect();
        if is_taken_out {
            next.remove(&handles)?;
        } else {
            next.add(&handles)?;
        }
        Ok(())
    };
    let mut chosen = Chosen::default();
    chosen::each(source, |units| {
        for unit in units {
            chosen.note(fields_of(unit)?);
        }
        change(units)
    })?;
    if chosen.archives.is_empty() {
        return Err(Error::invalid(
            "collection_versions: the repository has none of these",
        ));
    }
    // What is said of a whole collection or namespace stays with the versions that stay.
    let about: &[&str] = if is_taken_out {
        &[COLLECTION_SIGNATURE, COLLECTION_MARK]
    } else {
        &[
            COLLECTION_SIGNATURE,
            COLLECTION_MARK,
            COLLECTION_DEPRECATION,
            NAMESPACE,
        ]
    };
    for content_type in about {
        for unit in source.units(content_type, &[])? {
            let unit = unit?;
            if chosen.concerns(content_type, fields_of(&unit)?) {
                change(&[unit])?;
            }
        }
    }
    if params.signing_service.is_some() && !is_taken_out {
        sign::sign(task, source, staging, next)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_about_a_chosen_version_goes_along() {
        let mut chosen = Chosen::default();
        chosen.note(Fields {
            namespace: "zoo".into(),
            name: "owls".into(),
            version: "1.0.0".into(),
            sha256: "abc".into(),
        });
        let about = |namespace: &str, name: &str, sha256: &str| About {
            namespace: namespace.into(),
            name: name.into(),
            sha256: sha256.into(),
        };
        assert!(chosen.concerns(COLLECTION_SIGNATURE, about("zoo", "owls", "abc")));
        assert!(!chosen.concerns(COLLECTION_MARK, about("zoo", "owls", "def")));
        assert!(chosen.concerns(COLLECTION_DEPRECATION, about("zoo", "owls", "")));
        assert!(!chosen.concerns(COLLECTION_DEPRECATION, about("zoo", "bats", "")));
        assert!(chosen.concerns(NAMESPACE, about("", "zoo", "")));
        assert!(!chosen.concerns(NAMESPACE, about("", "owls", "")));
    }
}

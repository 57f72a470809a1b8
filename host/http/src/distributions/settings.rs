//! What a client can set of a distribution.

use pith_db::Connection;
use pith_db::access::Access;
use pith_db::distribution::{self, Settings};
use pith_model::{DistributionId, path};
use serde_json::{Map, Value};

use crate::config;
use crate::declared::Declared;
use crate::error::Result;
use crate::form::Form;
use crate::label;
use crate::lookup;

/// What clients send back as they got it.
const READ_ONLY: &[&str] = &[
    "pulp_href",
    "prn",
    "pulp_created",
    "pulp_last_updated",
    "base_url",
    "content_guard_prn",
    "no_content_change_since",
];

/// Settings before a client has said anything.
pub(super) fn defaults() -> Settings {
    Settings {
        name: String::new(),
        base_path: String::new(),
        pulp_labels: Value::Object(Map::new()),
        hidden: false,
        repository: None,
        version: None,
        publication: None,
        config: Value::Object(Map::new()),
    }
}

/// Takes what a form says over into the settings of a distribution (`of`, where it is
/// there already), and ends the form.
pub(super) async fn take(
    connection: &mut Connection,
    access: &Access,
    declared: &Declared,
    mut form: Form,
    settings: &mut Settings,
    of: Option<DistributionId>,
) -> Result<()> {
    form.ignore(READ_ONLY);
    if let Some(name) = form.text("name") {
        settings.name = name;
    }
    let names_others = access.is_everything();
    take_base_path(connection, &mut form, settings, of, names_others).await?;
    if let Some(labels) = label::take(&mut form) {
        settings.pulp_labels = Value::Object(labels);
    }
    if let Some(hidden) = form.boolean("hidden") {
        settings.hidden = hidden;
    }
    form.refuse("content_guard", &Value::Null);
    form.refuse("checkpoint", &Value::Bool(false));
    take_served(connection, access, &mut form, declared.plugin(), settings).await?;
    let mut config = settings.config.as_object().cloned().unwrap_or_default();
    config::take(&mut form, declared.schema(), &mut config);
    settings.config = Value::Object(config);
    form.finish()
}

async fn take_base_path(
    connection: &mut Connection,
    form: &mut Form,
    settings: &mut Settings,
    of: Option<DistributionId>,
    names_others: bool,
) -> Result<()> {
    let Some(base_path) = form.text("base_path") else {
        return Ok(());
    };
    if let Some(problem) = path::base_path_problem(&base_path) {
        form.wrong("base_path", format!("The path {base_path:?} {problem}."));
        return Ok(());
    }
    match distribution::overlapping(connection, &base_path, of).await? {
        Some(other) if other == base_path => {
            form.wrong("base_path", "This field must be unique.");
        }
        // It may be somebody else's, and longer than what was guessed.
        Some(_) if !names_others => {
            form.wrong(
                "base_path",
                "Overlaps with the base path of another distribution.",
            );
        }
        Some(other) => {
            form.wrong(
                "base_path",
                format!("Overlaps with the base path {other:?} of another distribution."),
            );
        }
        None => settings.base_path = base_path,
    }
    Ok(())
}

/// Takes what is served: at most one of three.
async fn take_served(
    connection: &mut Connection,
    access: &Access,
    form: &mut Form,
    plugin: &str,
    settings: &mut Settings,
) -> Result<()> {
    let repository = lookup::repository(connection, access, form, "repository", plugin).await?;
    repository.map(|row| row.id).set(&mut settings.repository);
    let version = lookup::version(connection, access, form, "repository_version", plugin).await?;
    version.map(|row| row.id).set(&mut settings.version);
    let publication = lookup::publication(connection, access, form, "publication", plugin).await?;
    publication.map(|row| row.id).set(&mut settings.publication);
    let served = [
        settings.repository.is_some(),
        settings.version.is_some(),
        settings.publication.is_some(),
    ];
    if served.into_iter().filter(|served| *served).count() > 1 {
        form.wrong_together(
            "The attributes 'repository', 'repository_version' and 'publication' must be used \
             exclusively.",
        );
    }
    Ok(())
}

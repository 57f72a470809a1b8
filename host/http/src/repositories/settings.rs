//! What a client can set of a repository.

use pith_db::Connection;
use pith_db::access::Access;
use pith_db::repository::Settings;
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
    "versions_href",
    "latest_version_href",
    "last_sync_details",
];

/// Settings before a client has said anything.
pub(super) fn defaults() -> Settings {
    Settings {
        name: String::new(),
        description: None,
        pulp_labels: Value::Object(Map::new()),
        retain_repo_versions: None,
        retain_checkpoints: None,
        autopublish: false,
        config: Value::Object(Map::new()),
        remote: None,
    }
}

/// Takes what a form says over into settings, and ends the form.
pub(super) async fn take(
    connection: &mut Connection,
    access: &Access,
    declared: &Declared,
    mut form: Form,
    settings: &mut Settings,
) -> Result<()> {
    form.ignore(READ_ONLY);
    if let Some(name) = form.text("name") {
        settings.name = name;
    }
    form.nullable_text("description")
        .set(&mut settings.description);
    if let Some(labels) = label::take(&mut form) {
        settings.pulp_labels = Value::Object(labels);
    }
    form.nullable_integer("retain_repo_versions", 1)
        .set(&mut settings.retain_repo_versions);
    form.nullable_integer("retain_checkpoints", 1)
        .set(&mut settings.retain_checkpoints);
    if let Some(autopublish) = form.boolean("autopublish") {
        settings.autopublish = autopublish;
    }
    let remote = lookup::remote(connection, access, &mut form, "remote", declared.plugin()).await?;
    remote.map(|remote| remote.id).set(&mut settings.remote);
    config::find_signing_services(connection, &mut form, declared.schema()).await?;
    let mut config = settings.config.as_object().cloned().unwrap_or_default();
    config::take(&mut form, declared.schema(), &mut config);
    settings.config = Value::Object(config);
    form.finish()
}

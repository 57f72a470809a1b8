//! `include_related=`: summaries of what a row refers to, under `related_fields`.

use pith_db::distribution::Distribution;
use pith_db::list::{Column, Kind};
use pith_db::repository::Repository;
use pith_db::version::{self, Latest};
use pith_db::{Connection, repository};
use pith_model::reference::{self, typed_path, version_path};
use pith_model::{RepositoryId, Root};

use crate::document::{Href, Object};
use crate::error::Result;

/// The summaries of repositories.
pub(crate) const OF_REPOSITORIES: &[&str] = &["my_permissions", "latest_version"];

/// The summaries of distributions.
pub(crate) const OF_DISTRIBUTIONS: &[&str] = &["my_permissions", "repository"];

/// The fields of summaries by which a list can be filtered when it includes them.
const COLUMNS: &[(&str, Column)] = &[
    (
        "latest_version",
        Column::new(
            "latest_version__number",
            "(SELECT MAX(v.number) FROM repository_version v WHERE v.repository_id = r.id)",
            Kind::Integer,
        ),
    ),
    (
        "latest_version",
        Column::new(
            "latest_version__pulp_created",
            "(SELECT MAX(v.pulp_created) FROM repository_version v WHERE v.repository_id = r.id)",
            Kind::Time,
        ),
    ),
    (
        "repository",
        Column::new("repository__name", "r.name", Kind::Text),
    ),
];

/// The columns of the summaries that a list includes.
pub(crate) fn columns(included: &[&str]) -> Vec<Column> {
    COLUMNS
        .iter()
        .filter(|(name, _)| included.contains(name))
        .map(|(_, column)| column.clone())
        .collect()
}

/// What the caller may do with a resource. Only administrators come here, and they may do
/// everything.
fn write_permissions(object: &mut Object<'_>, plugin: &str, model: &str, verbs: &[&str]) {
    let permissions: Vec<String> = verbs
        .iter()
        .map(|verb| format!("{plugin}.{verb}_{model}"))
        .collect();
    object.field("my_permissions", permissions);
}

/// Summaries for the repositories of a page.
#[derive(Debug, Default)]
pub(crate) struct OfRepositories {
    included: Vec<&'static str>,
    latest: Vec<Latest>,
}

impl OfRepositories {
    /// Reads what is included, for all rows at once.
    pub(crate) async fn read(
        connection: &mut Connection,
        included: Vec<&'static str>,
        rows: &[Repository],
    ) -> Result<Self> {
        let latest = if included.contains(&"latest_version") {
            let ids: Vec<RepositoryId> = rows.iter().map(|row| row.id).collect();
            version::latest_of(connection, &ids).await?
        } else {
            Vec::new()
        };
        Ok(Self { included, latest })
    }

    /// Writes the summaries of one of the rows.
    pub(crate) fn write(&self, object: &mut Object<'_>, row: &Repository, root: Root) {
        if self.included.is_empty() {
            return;
        }
        object.object("related_fields", |related| {
            if self.included.contains(&"my_permissions") {
                let model = format!("{}repository", row.type_name);
                let verbs = ["view", "change", "delete", "sync", "modify", "repair"];
                write_permissions(related, &row.plugin, &model, &verbs);
            }
            let latest = self.latest.iter().find(|one| one.repository == row.id);
            if let Some(latest) = latest {
                let (plugin, type_name) = (row.plugin.as_str(), row.type_name.as_str());
                related.object("latest_version", |version| {
                    let path = version_path(plugin, type_name, row.uuid, latest.number);
                    version
                        .field("pulp_href", Href(root, path))
                        .field("number", latest.number)
                        .field("pulp_created", latest.pulp_created)
                        .field("content_count", latest.present);
                });
            }
        });
    }
}

/// Summaries for the distributions of a page.
#[derive(Debug, Default)]
pub(crate) struct OfDistributions {
    included: Vec<&'static str>,
    names: Vec<(uuid::Uuid, String)>,
}

impl OfDistributions {
    /// Reads what is included, for all rows at once.
    pub(crate) async fn read(
        connection: &mut Connection,
        included: Vec<&'static str>,
        rows: &[Distribution],
    ) -> Result<Self> {
        let names = if included.contains(&"repository") {
            let references = rows
                .iter()
                .filter_map(|row| row.repository_reference.as_ref());
            let uuids = references.map(|(uuid, ..)| *uuid).collect();
            repository::names(connection, uuids).await?
        } else {
            Vec::new()
        };
        Ok(Self { included, names })
    }

    /// Writes the summaries of one of the rows.
    pub(crate) fn write(&self, object: &mut Object<'_>, row: &Distribution, root: Root) {
        if self.included.is_empty() {
            return;
        }
        object.object("related_fields", |related| {
            if self.included.contains(&"my_permissions") {
                let model = format!("{}distribution", row.type_name);
                write_permissions(related, &row.plugin, &model, &["view", "change", "delete"]);
            }
            if !self.included.contains(&"repository") {
                return;
            }
            let Some((uuid, plugin, type_name)) = &row.repository_reference else {
                related.field("repository", ());
                return;
            };
            let name = self.names.iter().find(|(known, _)| known == uuid);
            related.object("repository", |repository| {
                let path = typed_path(reference::Kind::Repository, plugin, type_name, *uuid);
                repository
                    .field("pulp_href", Href(root, path))
                    .field("name", name.map(|(_, name)| name));
            });
        });
    }
}

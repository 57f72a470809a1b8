//! `include_related=`: summaries of what a row refers to, under `related_fields`.

use pith_db::access::Access;
use pith_db::distribution::Distribution;
use pith_db::entity::Entity;
use pith_db::list::{Column, Kind};
use pith_db::repository::Repository;
use pith_db::version::{self, Latest};
use pith_db::{Connection, repository};
use pith_model::access::{Securable, is_of_model, permission, verbs_of};
use pith_model::reference::{self, typed_path, version_path};
use pith_model::{RepositoryId, ResourceType, Root};

use crate::document::{Href, Object};
use crate::error::Result;

/// The summaries of repositories.
pub(crate) const OF_REPOSITORIES: &[&str] = &["my_permissions", "latest_version"];

/// The summaries of entities.
pub(crate) const OF_ENTITIES: &[&str] = &["my_permissions"];

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

/// The columns of the summaries that a list includes. What the caller may not see has no
/// name that he could guess at.
pub(crate) fn columns(included: &[&str], access: &Access) -> Vec<Column> {
    let columns = COLUMNS.iter().filter(|(name, _)| included.contains(name));
    columns
        .map(|(name, column)| {
            let seen = access.seen_text(Securable::Repository, "r");
            let mut column = column.clone();
            if let ("repository", Some(seen)) = (*name, seen) {
                column.expression =
                    format!("CASE WHEN {seen} THEN {} END", column.expression).into();
            }
            column
        })
        .collect()
}

/// What the caller may do with the resources of a page.
#[derive(Debug, Default)]
struct Permissions {
    /// For all of them; none for an administrator, who may do everything.
    all: Option<Vec<String>>,
    own: Vec<(i64, String)>,
}

impl Permissions {
    async fn read(
        connection: &mut Connection,
        access: &Access,
        kind: Securable,
        ids: Vec<i64>,
    ) -> Result<Self> {
        Ok(Self {
            own: access.assigned_permissions(connection, kind, &ids).await?,
            all: match access {
                Access::Everything => None,
                Access::Roles(roles) => Some(roles.permissions.iter().cloned().collect()),
            },
        })
    }

    fn write(&self, object: &mut Object<'_>, kind: Securable, id: i64, resource: (&str, &str)) {
        let (plugin, type_name) = resource;
        let model = kind.model(plugin, type_name);
        self.write_of(object, id, &model, &kind.usual_permissions(&model));
    }

    fn write_of(&self, object: &mut Object<'_>, id: i64, model: &str, possible: &[String]) {
        let own = self.own.iter().filter(|(of, _)| *of == id);
        let own = own.map(|(_, permission)| permission);
        let mut permissions: Vec<&String> = match &self.all {
            None => possible.iter().collect(),
            Some(all) => all
                .iter()
                .chain(own)
                .filter(|permission| is_of_model(permission, model))
                .collect(),
        };
        permissions.sort();
        permissions.dedup();
        object.field("my_permissions", permissions);
    }
}

/// Summaries for the repositories of a page.
#[derive(Debug, Default)]
pub(crate) struct OfRepositories {
    included: Vec<&'static str>,
    latest: Vec<Latest>,
    permissions: Permissions,
}

impl OfRepositories {
    /// Reads what is included, for all rows at once.
    pub(crate) async fn read(
        connection: &mut Connection,
        access: &Access,
        included: Vec<&'static str>,
        rows: &[Repository],
    ) -> Result<Self> {
        let latest = if included.contains(&"latest_version") {
            let ids: Vec<RepositoryId> = rows.iter().map(|row| row.id).collect();
            version::latest_of(connection, &ids).await?
        } else {
            Vec::new()
        };
        let permissions = if included.contains(&"my_permissions") {
            let ids = rows.iter().map(|row| row.id.0).collect();
            Permissions::read(connection, access, Securable::Repository, ids).await?
        } else {
            Permissions::default()
        };
        Ok(Self {
            included,
            latest,
            permissions,
        })
    }

    /// Writes the summaries of one of the rows.
    pub(crate) fn write(&self, object: &mut Object<'_>, row: &Repository, root: Root) {
        if self.included.is_empty() {
            return;
        }
        object.object("related_fields", |related| {
            if self.included.contains(&"my_permissions") {
                let resource = (row.plugin.as_str(), row.type_name.as_str());
                let kind = Securable::Repository;
                self.permissions.write(related, kind, row.id.0, resource);
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

/// Summaries for the entities of a page.
#[derive(Debug, Default)]
pub(crate) struct OfEntities(Option<Permissions>);

impl OfEntities {
    /// Reads what is included, for all rows at once.
    pub(crate) async fn read(
        connection: &mut Connection,
        access: &Access,
        included: &[&str],
        rows: &[Entity],
    ) -> Result<Self> {
        if !included.contains(&"my_permissions") {
            return Ok(Self::default());
        }
        let ids = rows.iter().map(|row| row.id).collect();
        let read = Permissions::read(connection, access, Securable::Entity, ids).await?;
        Ok(Self(Some(read)))
    }

    /// Writes the summaries of one of the rows.
    pub(crate) fn write(&self, object: &mut Object<'_>, row: &Entity, declared: &ResourceType) {
        let Some(permissions) = &self.0 else {
            return;
        };
        let model = Securable::Entity.model(&row.plugin, &row.type_name);
        let verbs = verbs_of(Securable::Entity, declared);
        let possible: Vec<String> = verbs.iter().map(|verb| permission(&model, verb)).collect();
        object.object("related_fields", |related| {
            permissions.write_of(related, row.id, &model, &possible);
        });
    }
}

/// Summaries for the distributions of a page.
#[derive(Debug, Default)]
pub(crate) struct OfDistributions {
    included: Vec<&'static str>,
    names: Vec<(uuid::Uuid, String)>,
    permissions: Permissions,
}

impl OfDistributions {
    /// Reads what is included, for all rows at once.
    pub(crate) async fn read(
        connection: &mut Connection,
        access: &Access,
        included: Vec<&'static str>,
        rows: &[Distribution],
    ) -> Result<Self> {
        let names = if included.contains(&"repository") {
            let references = rows
                .iter()
                .filter_map(|row| row.repository_reference.as_ref());
            let uuids = references.map(|(uuid, ..)| *uuid).collect();
            let seen = access.seen(Securable::Repository, "r");
            repository::names(connection, uuids, seen).await?
        } else {
            Vec::new()
        };
        let permissions = if included.contains(&"my_permissions") {
            let ids = rows.iter().map(|row| row.id.0).collect();
            Permissions::read(connection, access, Securable::Distribution, ids).await?
        } else {
            Permissions::default()
        };
        Ok(Self {
            included,
            names,
            permissions,
        })
    }

    /// Writes the summaries of one of the rows.
    pub(crate) fn write(&self, object: &mut Object<'_>, row: &Distribution, root: Root) {
        if self.included.is_empty() {
            return;
        }
        object.object("related_fields", |related| {
            if self.included.contains(&"my_permissions") {
                let resource = (row.plugin.as_str(), row.type_name.as_str());
                let kind = Securable::Distribution;
                self.permissions.write(related, kind, row.id.0, resource);
            }
            if !self.included.contains(&"repository") {
                return;
            }
            let Some((uuid, plugin, type_name)) = &row.repository_reference else {
                related.field("repository", ());
                return;
            };
            let name = self.names.iter().find(|(known, _)| known == uuid);
            if name.is_none() {
                related.field("repository", ());
                return;
            }
            related.object("repository", |repository| {
                let path = typed_path(reference::Kind::Repository, plugin, type_name, *uuid);
                repository
                    .field("pulp_href", Href(root, path))
                    .field("name", name.map(|(_, name)| name));
            });
        });
    }
}

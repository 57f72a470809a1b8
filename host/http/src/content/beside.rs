//! What is shown of units beside their rows: paths of artifacts, derived fields, and links.

use std::collections::HashMap;

use pith_db::content_type::TypeTable;
use pith_db::{unit_link, unit_list};
use pith_model::UnitId;
use pith_model::descriptor::{ArtifactCount, Link};
use pith_plugin::derive::{self, Derived};
use uuid::Uuid;

use crate::context::Context;
use crate::declared;
use crate::document::Projection;
use crate::error::Result;

/// An artifact of a unit: whose, at which path, and the stored bytes' UUID.
pub(super) type ArtifactPath = (UnitId, String, Option<Uuid>);

/// What rows of some units do not have.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    /// Ordered by unit.
    pub(super) paths: Vec<ArtifactPath>,
    derived: HashMap<UnitId, Derived>,
    /// By their names.
    links: HashMap<String, Links>,
}

/// Where a link of units leads.
#[derive(Debug)]
struct Links {
    /// What stands before the UUIDs: `content/rpm/packages`.
    place: String,
    units: HashMap<UnitId, Vec<Uuid>>,
}

impl Beside {
    /// Of these units of a type, as far as it is wanted.
    pub(crate) async fn of(
        context: &Context,
        table: &TypeTable,
        units: impl Iterator<Item = UnitId>,
        projection: Option<&Projection>,
    ) -> Result<Self> {
        let content_type = &table.content_type;
        let shows = |name: &str| projection.is_none_or(|projection| projection.shows(name));
        let shows_files = shows("artifacts") || content_type.picture.as_deref().is_some_and(shows);
        let has_paths = content_type.artifacts == ArtifactCount::Many && shows_files;
        let mut fields = content_type.derived.clone();
        fields.retain(|field| shows(field));
        let links = content_type.links.iter();
        let links: Vec<&Link> = links.filter(|link| shows(&link.name)).collect();
        if !has_paths && fields.is_empty() && links.is_empty() {
            return Ok(Self::default());
        }
        let mut units: Vec<UnitId> = units.collect();
        units.sort_unstable();
        units.dedup();
        let database = &context.app.database;
        let paths = if has_paths {
            let mut connection = database.read().await?;
            unit_list::artifact_paths(&mut connection, &units).await?
        } else {
            Vec::new()
        };
        let links = follow(context, table, &links, &units).await?;
        let derived = if fields.is_empty() || units.is_empty() {
            HashMap::new()
        } else {
            let generation = declared::generation_of_row(&context.app, &table.plugin)?;
            derive::derive(&generation, database, table, &fields, units).await?
        };
        Ok(Self {
            paths,
            derived,
            links,
        })
    }

    /// Where a link of a unit leads: what stands before UUIDs below an API root, and those.
    pub(super) fn link(&self, unit: UnitId, name: &str) -> (&str, &[Uuid]) {
        let Some(links) = self.links.get(name) else {
            return ("", &[]);
        };
        let uuids = links.units.get(&unit).map_or(&[][..], Vec::as_slice);
        (&links.place, uuids)
    }

    /// A derived field of a unit, as JSON.
    pub(super) fn derived(
        &self,
        unit: UnitId,
        field: &str,
    ) -> Option<&serde_json::value::RawValue> {
        let fields = self.derived.get(&unit)?;
        fields.get(field).map(|value| &**value)
    }
}

/// Where links of units lead, as far as the caller may see that.
async fn follow(
    context: &Context,
    table: &TypeTable,
    links: &[&Link],
    units: &[UnitId],
) -> Result<HashMap<String, Links>> {
    let mut found = HashMap::new();
    if links.is_empty() || units.is_empty() {
        return Ok(found);
    }
    let mut connection = context.app.database.read().await?;
    let access = context.access()?;
    let seen = access
        .seen_units(&mut connection, unit_link::TARGET)
        .await?;
    for link in links {
        let target = table.content_type.linked(link).and_then(|reference| {
            let name = format!("{}.{}", table.plugin, reference.target);
            context.app.types.by_name(&name)
        });
        let Some(target) = target else { continue };
        let place = format!("content/{}/{}", target.plugin, target.content_type.plural);
        let tables = (table, &*target);
        let led = unit_link::targets(&mut connection, tables, link, units, seen.as_ref()).await?;
        let mut units: HashMap<UnitId, Vec<Uuid>> = HashMap::new();
        for (unit, uuid) in led {
            units.entry(unit).or_default().push(uuid);
        }
        found.insert(link.name.clone(), Links { place, units });
    }
    Ok(found)
}

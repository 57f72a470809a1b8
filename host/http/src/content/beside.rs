//! What is shown of units beside their rows: paths of artifacts, and derived fields.

use std::collections::HashMap;

use pith_db::content_type::TypeTable;
use pith_db::unit_list;
use pith_model::UnitId;
use pith_model::descriptor::ArtifactCount;
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
        let has_paths = content_type.artifacts == ArtifactCount::Many && shows("artifacts");
        let mut fields = content_type.derived.clone();
        fields.retain(|field| shows(field));
        if !has_paths && fields.is_empty() {
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
        let derived = if fields.is_empty() || units.is_empty() {
            HashMap::new()
        } else {
            let generation = declared::generation_of_row(&context.app, &table.plugin)?;
            derive::derive(&generation, database, table, &fields, units).await?
        };
        Ok(Self { paths, derived })
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

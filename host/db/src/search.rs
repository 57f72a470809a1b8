//! Units across repositories: which repository that is served holds which unit.

mod page;

use pith_model::{Expression, RepositoryId, Timestamp, UnitId};
use serde_json::Value as JsonValue;
use uuid::Uuid;

use crate::companion::Among;
use crate::content_type::TypeTable;
use crate::database::Connection;
use crate::distribution;
use crate::error::Result;
use crate::list::{Column, Condition, Kind, Selection, speaks_of};
use crate::membership::NEVER;
use crate::statement::sql;
use crate::unit_list::{self, ListedUnit};

pub use page::{again, page};

/// A version that is looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// Whose version it is.
    pub repository: RepositoryId,
    /// Its number.
    pub number: i64,
    /// How many units of the type it has.
    pub present: i64,
}

/// Which versions of the repositories are looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    /// What is served: the newest one, or what a distribution names.
    Served,
    /// All there are.
    All,
}

/// A unit in a repository.
#[derive(Clone, Debug)]
pub struct Found {
    /// The unit.
    pub unit: ListedUnit,
    /// Where it is.
    pub place: Place,
    /// What clients know the repository by.
    pub repository_uuid: Uuid,
    /// The repository's plugin.
    pub plugin: String,
    /// The repository's type.
    pub type_name: String,
    /// The repository's name.
    pub name: String,
    /// The repository's labels.
    pub pulp_labels: JsonValue,
}

/// Where a unit is, and what else is told of it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The unit.
    pub unit: UnitId,
    /// Which repository holds it.
    pub repository: RepositoryId,
    /// The version that was looked into.
    pub number: i64,
    /// The version that added the unit.
    pub added: i64,
    /// The version that removed it, later than all others if none did.
    removed: i64,
    /// The answers to the further questions, in their order.
    pub told: Vec<bool>,
}

impl Place {
    /// The version that removed the unit, if one did.
    pub fn removed(&self) -> Option<i64> {
        (self.removed != NEVER).then_some(self.removed)
    }
}

/// The version that is looked into, in conditions.
pub const LOOKED_INTO: Among = Among::Found("s.column1", "s.column2");

/// The same in further questions about a unit that was found.
pub const FOUND_IN: Among = Among::Found("m.repository_id", "m.number");

/// Takes out what is asked of repositories (`r`) alone: it says which versions are looked into,
/// and not which of their units.
pub fn of_repositories(selection: &mut Selection) -> Condition {
    let others = ["c", "u", "m", "s", "ua", "a"];
    let conditions = std::mem::take(&mut selection.conditions).into_iter();
    let (taken, left) = conditions.partition(|condition| {
        speaks_of(&condition.text, "r")
            && !others.iter().any(|other| speaks_of(&condition.text, other))
    });
    selection.conditions = left;
    let taken: Vec<Condition> = taken;
    if taken.is_empty() {
        return Condition::new("TRUE", []);
    }
    Condition::of(Expression::All(
        taken.into_iter().map(Expression::Term).collect(),
    ))
}

/// Whether nothing but a change of what is served changes what is found, and in which order.
pub fn is_lasting(selection: &Selection) -> bool {
    unit_list::is_lasting(selection) && !selection.speaks_of("r")
}

/// The versions (`v`) of repositories (`r`) that the distributions (`d`) serve, for which
/// conditions hold, with how many units of a type each has; of those that may be seen, or that a
/// distribution serves for which another condition holds, too.
pub async fn sites(
    connection: &mut Connection,
    table: &TypeTable,
    (distributions, repositories): (Condition, Condition),
    (seen, public): (Option<Condition>, Option<Condition>),
) -> Result<Vec<Site>> {
    let seen = seen.unwrap_or_else(|| Condition::new("TRUE", []));
    let public = public.unwrap_or_else(|| Condition::new("FALSE", []));
    let text = format!(
        "SELECT v.repository_id, v.number,
                COALESCE((SELECT n.present FROM version_count n
                          WHERE n.version_id = v.id AND n.content_type_id = ?), 0)
         FROM repository_version v
         JOIN repository r ON r.id = v.repository_id
         JOIN (SELECT COALESCE(d.version_id, p.version_id,
                        (SELECT x.id FROM repository_version x
                         WHERE x.repository_id = d.repository_id
                         ORDER BY x.number DESC LIMIT 1)) AS version_id,
                      MAX(CASE WHEN {} THEN 1 ELSE 0 END) AS is_public
               FROM distribution d LEFT JOIN publication p ON p.id = d.publication_id
               WHERE {} GROUP BY 1) served ON served.version_id = v.id
         WHERE ({}) AND (served.is_public = 1 OR ({}))
         ORDER BY v.repository_id, v.number",
        public.text, distributions.text, repositories.text, seen.text
    );
    let rows = sql(text)
        .bind(table.id)
        .bind_all(public.values)
        .bind_all(distributions.values)
        .bind_all(repositories.values)
        .bind_all(seen.values)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Site {
                repository: row.get(0)?,
                number: row.get(1)?,
                present: row.get(2)?,
            })
        })
        .collect()
}

/// The columns by which the answer can be filtered and ordered.
pub fn columns(table: &TypeTable) -> Vec<Column> {
    let mut columns = unit_list::columns(table);
    columns.push(Column::new("repository__name", "r.name", Kind::Text));
    columns.push(Column::new(
        "repository__pulp_labels",
        "r.pulp_labels",
        Kind::Json,
    ));
    columns
}

/// The column of the repository's UUID.
pub const REPOSITORY: &str = "r.uuid";

/// The distributions with these base paths, as a condition for [`sites`].
pub fn distributions_at(base_paths: Vec<String>) -> Condition {
    Condition::new("d.base_path IN (?*)", [base_paths.into()])
}

/// Distributions that serve a repository, in short.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub struct Serving {
    pub repository: RepositoryId,
    pub uuid: Uuid,
    pub plugin: String,
    pub type_name: String,
    pub name: String,
    pub base_path: String,
    pub pulp_labels: JsonValue,
    pub pulp_created: Timestamp,
}

/// The distributions (`d`) that serve these repositories and may be seen, ordered by repository and base path.
pub async fn distributions(
    connection: &mut Connection,
    repositories: &[RepositoryId],
    seen: Option<Condition>,
) -> Result<Vec<Serving>> {
    let Condition { text, values, .. } = seen.unwrap_or_else(|| Condition::new("TRUE", []));
    let ids: Vec<i64> = repositories.iter().map(|id| id.0).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sql(format!(
        "SELECT z.repository_id, d.uuid, d.plugin, d.type_name, d.name, d.base_path,
                d.pulp_labels, d.pulp_created
         FROM (SELECT d.id, COALESCE(d.repository_id, v.repository_id, pv.repository_id)
                      AS repository_id
               FROM distribution d
               LEFT JOIN repository_version v ON v.id = d.version_id
               LEFT JOIN publication p ON p.id = d.publication_id
               LEFT JOIN repository_version pv ON pv.id = p.version_id) z
         JOIN distribution d ON d.id = z.id
         WHERE z.repository_id IN (?*) AND ({text}) ORDER BY z.repository_id, d.base_path"
    ))
    .bind(ids)
    .bind_all(values)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Serving {
                repository: row.get(0)?,
                uuid: row.get(1)?,
                plugin: row.get(2)?,
                type_name: row.get(3)?,
                name: row.get(4)?,
                base_path: row.get(5)?,
                pulp_labels: row.get(6)?,
                pulp_created: row.get(7)?,
            })
        })
        .collect()
}

/// The column of a distribution's labels, for conditions given to [`sites`].
pub const DISTRIBUTION_LABELS: &str = distribution::LABELS;

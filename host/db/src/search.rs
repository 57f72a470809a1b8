//! Units across repositories: which repository that is served holds which unit.

use pith_model::{RepositoryId, Timestamp};
use serde_json::Value as JsonValue;
use uuid::Uuid;

use crate::content_type::TypeTable;
use crate::database::Connection;
use crate::distribution;
use crate::error::Result;
use crate::list::{self, Column, Condition, Kind, Selection, Source};
use crate::membership::NEVER;
use crate::statement::sql;
use crate::term;
use crate::unit_list::{self, HAS_COMMON_TERM, HAS_TERM, ListedUnit};
use crate::unit_table;

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
    /// Which repository holds it.
    pub repository: RepositoryId,
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
    /// The version that was looked into.
    pub number: i64,
    /// The version that added the unit.
    pub added: i64,
    /// The version that removed it, if one did.
    pub removed: Option<i64>,
}

/// Below this many units it is quicker to look at those that are served and to sort them;
/// above, to walk along all units and to leave out what is not.
const FEW: i64 = 20_000;

/// The versions (`v`) that the distributions serve for which a condition holds (`d`), with how
/// many units of a type each has; of those that may be seen, or that a distribution serves for
/// which another condition holds, too.
pub async fn sites(
    connection: &mut Connection,
    table: &TypeTable,
    distributions: Condition,
    (seen, public): (Option<Condition>, Option<Condition>),
) -> Result<Vec<Site>> {
    let seen = seen.unwrap_or_else(|| Condition::new("TRUE", []));
    let public = public.unwrap_or_else(|| Condition::new("FALSE", []));
    let text = format!(
        "SELECT v.repository_id, v.number,
                COALESCE((SELECT n.present FROM version_count n
                          WHERE n.version_id = v.id AND n.content_type_id = ?), 0)
         FROM repository_version v
         JOIN (SELECT COALESCE(d.version_id, p.version_id,
                        (SELECT x.id FROM repository_version x
                         WHERE x.repository_id = d.repository_id
                         ORDER BY x.number DESC LIMIT 1)) AS version_id,
                      MAX(CASE WHEN {} THEN 1 ELSE 0 END) AS is_public
               FROM distribution d LEFT JOIN publication p ON p.id = d.publication_id
               WHERE {} GROUP BY 1) served ON served.version_id = v.id
         WHERE served.is_public = 1 OR ({})
         ORDER BY v.repository_id, v.number",
        public.text, distributions.text, seen.text
    );
    let rows = sql(text)
        .bind(table.id)
        .bind_all(public.values)
        .bind_all(distributions.values)
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

/// One page of what these versions hold, and how much there is in all.
pub async fn page(
    connection: &mut Connection,
    table: &TypeTable,
    sites: &[Site],
    versions: Versions,
    selection: &Selection,
) -> Result<(Vec<Found>, i64)> {
    if sites.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let total: i64 = sites.iter().map(|site| site.present).sum();
    let is_filtered = !selection.conditions.is_empty();
    let leads = total > FEW || is_filtered && selection.slow.is_empty();
    let mut selection = selection.clone();
    let is_common = total > FEW && finds_by_the_way(connection, &mut selection, total).await?;
    selection.conditions.push(held(versions));
    let numbers = sites
        .iter()
        .flat_map(|site| [site.repository.into(), site.number.into()]);
    selection.from_values = numbers.collect();
    let unit = unit_list::expressions(Some(table), &selection.unread, connection.dialect());
    let own = [
        "r.id",
        "r.uuid",
        "r.plugin",
        "r.type_name",
        "r.name",
        "r.pulp_labels",
        "m.number",
        "m.added",
        "m.removed",
    ];
    let expressions: Vec<&str> = unit.iter().map(String::as_str).chain(own).collect();
    // Of two repositories with one unit, the younger comes first.
    let key = match (sites.len(), versions) {
        (1, Versions::Served) => "c.unit_id DESC, c.unit_id",
        _ => "c.unit_id DESC, m.added DESC, m.repository_id",
    };
    let walks = leads && (!is_filtered || is_common) && selection.order.is_empty();
    let dialect = connection.dialect();
    let narrow = |units: &str| narrow(table, (units, leads), sites.len(), &selection);
    let units = if leads && !walks {
        unit_table::units_of(table, &selection, dialect)
    } else {
        format!("{} c", table.table)
    };
    let counted = narrow(&units);
    let chosen = if walks {
        narrow(&dialect.walked(&units))
    } else {
        counted.clone()
    };
    let source = Source { from: &chosen, key };
    let whole = (CHOSEN, joins(table));
    let rows = list::joined_rows(connection, source, whole, &expressions, &selection).await?;
    let first = unit.len();
    let found = rows
        .iter()
        .map(|row| {
            let removed: i64 = row.get(first + 8)?;
            Ok(Found {
                unit: unit_list::read(row, Some(table))?,
                repository: row.get(first)?,
                repository_uuid: row.get(first + 1)?,
                plugin: row.get(first + 2)?,
                type_name: row.get(first + 3)?,
                name: row.get(first + 4)?,
                pulp_labels: row.get(first + 5)?,
                number: row.get(first + 6)?,
                added: row.get(first + 7)?,
                removed: (removed != NEVER).then_some(removed),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let count = match list::known_count(found.len(), &selection).or(selection.counted) {
        Some(count) => count,
        // The versions know how much they have.
        None if !is_filtered && versions == Versions::Served => total,
        None => list::count(connection, &counted, &selection).await?,
    };
    Ok((found, count))
}

/// Has terms that many units have tested on the way along all units, which soon fills a page,
/// rather than that all units with them are gathered and sorted. A term that few have leads
/// to these. The answer is whether a walk is all that is needed: whatever else is asked for
/// leads to nothing either.
async fn finds_by_the_way(
    connection: &mut Connection,
    selection: &mut Selection,
    total: i64,
) -> Result<bool> {
    // One in so many of the walked ones fits; about as many are looked at either way where
    // the number of those that fit is the root of their product.
    let wanted = selection.offset.saturating_add(selection.limit);
    let least = wanted.saturating_mul(total).isqrt().max(1);
    let mut is_any = false;
    let mut are_all = true;
    for condition in &mut selection.conditions {
        let parts: Vec<&str> = condition.text.split(HAS_TERM).collect();
        // Of terms alone, each of which has one value.
        if parts.len() < 2 || parts.iter().any(|part| part.contains('?')) {
            are_all &= condition.is_slow;
            continue;
        }
        let mut text = String::new();
        for (part, hash) in parts.iter().zip(&condition.values) {
            let is_common = term::is_common(connection, hash, least).await?;
            is_any |= is_common;
            are_all &= is_common;
            let test = if is_common { HAS_COMMON_TERM } else { HAS_TERM };
            text.extend([part, test]);
        }
        text.push_str(parts.last().copied().unwrap_or_default());
        condition.text = text;
    }
    Ok(is_any && are_all)
}

/// What is known of a row when it is chosen: columns of [`narrow`], and of `m` in [`joins`].
const CHOSEN: &str = "m.unit_id, m.repository_id, m.added, m.removed, s.column2 AS number";

/// The tables that rows are chosen from; those that hold what is shown of a unit or a
/// repository only if the choice asks for it.
fn narrow(table: &TypeTable, units: (&str, bool), sites: usize, selection: &Selection) -> String {
    let mut from = sites_and_units(units, sites);
    if selection.speaks_of("u") {
        from.push_str(UNIT);
    }
    if selection.speaks_of("r") {
        from.push_str(REPOSITORY_OF);
    }
    from + &unit_table::artifact_tables_of(table, "c.unit_id")
}

/// What was chosen, which leads, and the tables that hold all that is shown.
fn joins(table: &TypeTable) -> String {
    format!(
        "m CROSS JOIN {} c{UNIT}{REPOSITORY_OF}{} WHERE c.unit_id = m.unit_id",
        table.table,
        unit_table::artifact_tables(table)
    )
}

const UNIT: &str = " JOIN unit u ON u.id = c.unit_id";
const REPOSITORY_OF: &str = " JOIN repository r ON r.id = m.repository_id";

/// The tables that say what is where, in the order in which SQLite is to walk along them: a
/// cross join keeps it. PostgreSQL chooses by its statistics.
fn sites_and_units((units, units_lead): (&str, bool), sites: usize) -> String {
    let sites = format!("(VALUES {}) s", vec!["(?, ?)"; sites].join(","));
    let order = if units_lead {
        [units, "membership m", sites.as_str()]
    } else {
        [sites.as_str(), "membership m", units]
    };
    order.join(" CROSS JOIN ")
}

/// What makes a row of the tables one of the answer.
fn held(versions: Versions) -> Condition {
    let until = match versions {
        Versions::Served => " AND m.removed > s.column2",
        Versions::All => "",
    };
    Condition::new(
        format!(
            "m.unit_id = c.unit_id AND m.repository_id = s.column1 AND m.added <= s.column2{until}"
        ),
        [],
    )
}

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

//! One page of a search: how it is chosen, and how it is read.

use crate::content_type::TypeTable;
use crate::database::Connection;
use crate::dialect::Dialect;
use crate::error::Result;
use crate::list::{self, Condition, Selection, Source};
use crate::row::Row;
use crate::statement::{Value, sql};
use crate::term;
use crate::unit_list::{self, HAS_COMMON_TERM, HAS_TERM};
use crate::unit_table;

use super::{Found, Place, Site, Versions};

/// Below this many units it is quicker to look at those that are served and to sort them;
/// above, to walk along all units and to leave out what is not.
const FEW: i64 = 20_000;

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
    let leads = total > FEW || selection.conditions.iter().any(|one| !one.is_slow);
    let mut selection = selection.clone();
    let is_common = total > FEW && finds_by_the_way(connection, &mut selection, total).await?;
    selection.conditions.push(held(versions));
    let numbers = sites
        .iter()
        .flat_map(|site| [site.repository.into(), site.number.into()]);
    selection.from_values = numbers.collect();
    // Of two repositories with one unit, the younger comes first.
    let key = match (sites.len(), versions) {
        (1, Versions::Served) => "c.unit_id DESC, c.unit_id",
        _ => "c.unit_id DESC, m.added DESC, m.repository_id",
    };
    let dialect = connection.dialect();
    let by_index = unit_table::index_in_order(table, &selection);
    let is_sorted = selection.order.is_empty() || by_index.is_some();
    let walks = leads && (!is_filtered || is_common) && is_sorted;
    let narrow = |units: &str| narrow(table, (units, leads), sites.len(), &selection);
    let units = if leads && !walks {
        unit_table::units_of(table, &selection, dialect)
    } else {
        format!("{} c", table.table)
    };
    let counted = narrow(&units);
    let chosen = match by_index {
        Some(index) if walks => narrow(&dialect.read_by(&units, &index)),
        _ if walks => narrow(&dialect.walked(&units)),
        _ => counted.clone(),
    };
    let source = Source { from: &chosen, key };
    let whole = (CHOSEN, joins(table));
    let expressions = expressions(table, &selection.unread, &selection.told, dialect);
    let each: Vec<&str> = expressions.iter().map(String::as_str).collect();
    let rows = list::joined_rows(connection, source, whole, &each, &selection).await?;
    let found = read(table, &rows, (expressions.len(), selection.told.len()))?;
    let count = match list::known_count(found.len(), &selection).or(selection.counted) {
        Some(count) => count,
        // The versions know how much they have.
        None if !is_filtered && versions == Versions::Served => total,
        None => list::count(connection, &counted, &selection).await?,
    };
    Ok((found, count))
}

/// The same page once more, of which is known what is where, without the fields `unread`.
pub async fn again(
    connection: &mut Connection,
    table: &TypeTable,
    places: &[Place],
    unread: &[String],
) -> Result<Vec<Found>> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let expressions = expressions(table, unread, &[], connection.dialect());
    let text = format!(
        "SELECT {} FROM (SELECT column1 AS unit_id, column2 AS repository_id, column3 AS number,
                                column4 AS added, column5 AS removed, column6 AS position
                         FROM (VALUES {}) p) {} ORDER BY m.position",
        expressions.join(", "),
        vec!["(?, ?, ?, ?, ?, ?)"; places.len()].join(","),
        joins(table),
    );
    let values = (0..).zip(places).flat_map(|(position, place): (i64, _)| {
        [
            place.unit.0,
            place.repository.0,
            place.number,
            place.added,
            place.removed,
            position,
        ]
    });
    let values = values.map(Value::from);
    let rows = sql(text).bind_all(values).fetch_all(connection).await?;
    let mut found = read(table, &rows, (expressions.len(), 0))?;
    // What is gone since then is left out.
    let mut known = places.iter();
    for one in &mut found {
        let is_same = |place: &&Place| {
            let of = |place: &Place| (place.unit, place.repository, place.number);
            of(place) == of(&one.place)
        };
        let place = known.by_ref().find(is_same);
        one.place.told = place.map_or_else(Vec::new, |place| place.told.clone());
    }
    Ok(found)
}

/// What is read of where a unit is, between the unit and what else is told of it.
const OF_PLACE: [&str; 9] = [
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

/// What is read of each row.
fn expressions(
    table: &TypeTable,
    unread: &[String],
    told: &[String],
    dialect: Dialect,
) -> Vec<String> {
    let mut expressions = unit_list::expressions(Some(table), unread, dialect);
    expressions.extend(OF_PLACE.map(str::to_owned));
    expressions.extend(told.iter().cloned());
    expressions
}

/// Takes rows of so many expressions apart, the last of which are what else is told.
fn read(table: &TypeTable, rows: &[Row], (width, told): (usize, usize)) -> Result<Vec<Found>> {
    let told = width - told..width;
    let first = told.start - OF_PLACE.len();
    rows.iter()
        .map(|row| {
            let unit = unit_list::read(row, Some(table))?;
            Ok(Found {
                place: Place {
                    unit: unit.id,
                    repository: row.get(first)?,
                    number: row.get(first + 6)?,
                    added: row.get(first + 7)?,
                    removed: row.get(first + 8)?,
                    told: told.clone().map(|at| row.get(at)).collect::<Result<_>>()?,
                },
                unit,
                repository_uuid: row.get(first + 1)?,
                plugin: row.get(first + 2)?,
                type_name: row.get(first + 3)?,
                name: row.get(first + 4)?,
                pulp_labels: row.get(first + 5)?,
            })
        })
        .collect()
}

/// Has terms that many units have tested on the way along all units, which soon fills a page,
/// rather than that all units with them are gathered and sorted. A term that few have leads
/// to these. The answer is whether a walk is all that is needed: nothing that is asked for leads
/// to few.
async fn finds_by_the_way(
    connection: &mut Connection,
    selection: &mut Selection,
    total: i64,
) -> Result<bool> {
    // One in so many of the walked ones fits; about as many are looked at either way where
    // the number of those that fit is the root of their product.
    let wanted = selection.offset.saturating_add(selection.limit);
    let least = wanted.saturating_mul(total).isqrt().max(1);
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
            are_all &= is_common;
            let test = if is_common { HAS_COMMON_TERM } else { HAS_TERM };
            text.extend([part, test]);
        }
        text.push_str(parts.last().copied().unwrap_or_default());
        condition.text = text;
    }
    Ok(are_all)
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

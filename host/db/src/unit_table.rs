//! The tables of units in questions: which are joined, and in which order SQLite walks along them.

use std::fmt::Write as _;

use pith_model::descriptor::ArtifactCount;

use crate::content_type::{TypeTable, column};
use crate::dialect::Dialect;
use crate::list::Selection;

/// Whether the type's units have one artifact, joined as `ua` and `a`.
pub(crate) fn has_one_artifact(table: Option<&TypeTable>) -> bool {
    table.is_some_and(|table| table.content_type.artifacts == ArtifactCount::One)
}

/// The tables of units: `u` for all, `c` for the type's own fields, `ua` and `a` for the
/// artifact of a type whose units have one.
pub(crate) fn tables(table: Option<&TypeTable>) -> String {
    unit_tables(table) + &table.map(artifact_tables).unwrap_or_default()
}

fn unit_tables(table: Option<&TypeTable>) -> String {
    match table {
        Some(table) => format!("unit u JOIN {} c ON c.unit_id = u.id", table.table),
        None => "unit u".to_owned(),
    }
}

/// The tables of the artifact of a type whose units have one, to be joined with `u`.
pub(crate) fn artifact_tables(table: &TypeTable) -> String {
    artifact_tables_of(table, "u.id")
}

/// The same, to be joined with any column of units' ids.
pub(crate) fn artifact_tables_of(table: &TypeTable, unit: &str) -> String {
    if has_one_artifact(Some(table)) {
        format!(
            " LEFT JOIN unit_artifact ua ON ua.unit_id = {unit}
             LEFT JOIN artifact a ON a.id = ua.artifact_id"
        )
    } else {
        String::new()
    }
}

/// The same with so many memberships, `m0` and so on.
pub(crate) fn tables_in(table: Option<&TypeTable>, scopes: usize) -> String {
    let mut from = unit_tables(table);
    for at in 0..scopes {
        let _ = write!(from, " JOIN membership m{at} ON m{at}.unit_id = u.id");
    }
    from + &table.map(artifact_tables).unwrap_or_default()
}

/// The same in the order in which SQLite is to walk along them: a cross join keeps it.
pub(crate) fn led_by_units(
    table: &TypeTable,
    units: String,
    scopes: usize,
    with_all: bool,
) -> String {
    let mut from = units;
    for at in 0..scopes {
        let _ = write!(from, " CROSS JOIN membership m{at}");
    }
    if with_all {
        from.push_str(" JOIN unit u ON u.id = c.unit_id");
    }
    from + &artifact_tables_of(table, "c.unit_id")
}

/// Whether an index of the type finds the few units that are meant.
pub(crate) fn names_few(table: &TypeTable, selection: &Selection) -> bool {
    named_fields(table, selection).next().is_some()
}

/// The indexed fields of which one value is asked for.
fn named_fields<'a>(
    table: &'a TypeTable,
    selection: &'a Selection,
) -> impl Iterator<Item = &'a String> {
    table.content_type.indexed.iter().filter(|field| {
        let test = format!("c.{} = ?", column(field));
        selection.conditions.iter().any(|one| one.text == test)
    })
}

/// The table of a type's units, `c`; where one value of one field is asked for and rows come in
/// the order of their keys, by that field's index, which has them in that order.
pub(crate) fn units_of(table: &TypeTable, selection: &Selection, dialect: Dialect) -> String {
    let units = format!("{} c", table.table);
    let mut named = named_fields(table, selection);
    let index = match (named.next(), named.next()) {
        (Some(field), None) if selection.order.is_empty() => table.index_of(field),
        _ => None,
    };
    index.map_or(units.clone(), |index| dialect.read_by(&units, &index))
}

/// The index that has rows in the order that is asked for, but for those with one value of the
/// first field.
pub(crate) fn index_in_order(table: &TypeTable, selection: &Selection) -> Option<String> {
    let (first, _) = selection.order.first()?;
    let mut indexed = table.content_type.indexed.iter();
    let field = indexed.find(|field| *first == format!("c.{}", column(field)))?;
    table.index_of(field)
}

/// Whether the order is that of an index of the type, so that walking along it sorts nothing.
pub(crate) fn follows_index(table: &TypeTable, selection: &Selection) -> bool {
    let order: Option<Vec<&str>> = selection
        .order
        .iter()
        .map(|(expression, is_descending)| (!is_descending).then_some(expression.as_str()))
        .collect();
    let Some(order) = order.filter(|order| !order.is_empty()) else {
        return false;
    };
    table.content_type.indexed.iter().any(|index| {
        let columns: Vec<String> = index
            .split(',')
            .map(|field| format!("c.{}", column(field)))
            .collect();
        columns.len() >= order.len() && columns.iter().zip(&order).all(|(a, b)| a == b)
    })
}

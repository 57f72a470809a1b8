//! Units chosen by a filter expression, as copies and searches ask for them.

use pith_model::expression::{Expression, Term};
use pith_model::{RepositoryId, Root, UnitId};

use crate::content_type::TypeTable;
use crate::database::Connection;
use crate::dialect::Dialect;
use crate::error::Result;
use crate::filter::{self, Refusal, condition_of_term};
use crate::list::{Column, Condition};
use crate::membership::PRESENT;
use crate::order_key::{Asked, Keys};
use crate::statement::sql;
use crate::{unit_list, unit_table};

/// The condition of an expression on the fields of a content type, for statements whose
/// tables are named as in [`for_each_in_version`].
///
/// # Errors
/// A sentence for the user: where the expression is wrong, or which field does not exist
/// and which do.
pub fn condition(
    table: &TypeTable,
    text: &str,
    keys: &Keys,
    dialect: Dialect,
) -> std::result::Result<Condition, String> {
    let root = Root::default().path();
    let columns: Vec<Column> = keys
        .put_into(unit_list::columns(table))
        .iter()
        .map(|one| one.expanded(root, dialect))
        .collect();
    let terms = Expression::parse(text)?.try_map(&mut |term: Term| {
        condition_of_term(&columns, &term, dialect).map_err(|refusal| match refusal {
            Refusal::Wrong(why) => format!("{}: {why}", term.field),
            Refusal::NoSuchField => {
                let names: Vec<&str> = columns.iter().map(|one| one.name.as_ref()).collect();
                format!(
                    "{}: There is no such field. Fields of {} are: {}.",
                    term.field,
                    table.full_name,
                    names.join(", ")
                )
            }
        })
    })?;
    Ok(Condition::of(terms))
}

/// What an expression compares in the order of a format.
pub fn asked(table: &TypeTable, text: &str) -> Asked {
    let mut asked = Asked::default();
    let columns = unit_list::columns(table);
    if let Ok(expression) = Expression::parse(text) {
        expression.for_each_term(&mut |term: &Term| {
            asked.extend(filter::asked_by_term(&columns, term));
        });
    }
    asked
}

/// Calls `each` for every unit of a type that is in a version and for which all the
/// conditions hold, while they arrive.
pub async fn for_each_in_version(
    connection: &mut Connection,
    table: &TypeTable,
    (repository, number): (RepositoryId, i64),
    conditions: Vec<Condition>,
    mut each: impl FnMut(UnitId),
) -> Result<()> {
    let mut text = format!(
        "SELECT c.unit_id FROM {} JOIN membership m ON m.unit_id = u.id WHERE {PRESENT}",
        unit_table::tables(Some(table))
    );
    for condition in &conditions {
        text.push_str(" AND (");
        text.push_str(&condition.text);
        text.push(')');
    }
    sql(text)
        .bind(repository)
        .bind(number)
        .bind(number)
        .bind_all(conditions.into_iter().flat_map(|one| one.values))
        .for_each(connection, |row| {
            each(row.get(0)?);
            Ok(())
        })
        .await
}

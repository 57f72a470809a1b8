//! Companions: other units that are equal to a unit, `c`, in some fields, such as the signature
//! of a file, or another version of a collection; along with it in a version, or anywhere.

use pith_model::descriptor::FieldKind;

use crate::content_type::{TypeTable, column};
use crate::dialect::Dialect;
use crate::list::Condition;
use crate::statement::Value;
use crate::unit_list::{Relation, Scope};

/// The units among which companions are.
#[derive(Clone, Copy, Debug)]
pub enum Among {
    /// All of the type.
    All,
    /// Those of a version.
    Version(Scope),
    /// Those of the version that two columns name: its repository, and its number.
    Found(&'static str, &'static str),
}

/// The condition that a unit has a companion of the type `other` that is equal in these fields.
///
/// # Errors
/// The name of what is no text field of both types.
pub fn has_companion<'a>(
    table: &TypeTable,
    other: &TypeTable,
    fields: &[&'a str],
    among: Among,
    dialect: Dialect,
) -> Result<Condition, &'a str> {
    text_columns(table, fields)?;
    let equal = text_columns(other, fields)?;
    let (text, values) = exists(other, &equal, Vec::new(), among, dialect);
    Ok(Condition::slow(text, values))
}

/// The condition that a unit has the greatest `by` of all units of its type that are equal to it
/// in `per`. Both databases compare these texts, or the order keys in their place, byte by byte.
///
/// # Errors
/// The name of what is no text field of the type.
pub fn greatest<'a>(
    table: &TypeTable,
    by: &'a str,
    per: &[&'a str],
    among: Among,
    dialect: Dialect,
) -> Result<Condition, &'a str> {
    let mut keys = table.content_type.order_keys.iter();
    let by = match keys.find(|key| key.field == by) {
        Some(key) => column(&key.name),
        None => text_column(table, by)?,
    };
    let greater = vec![format!("h.{by} > c.{by}")];
    let equal = text_columns(table, per)?;
    let (text, values) = exists(table, &equal, greater, among, dialect);
    Ok(Condition::slow(format!("NOT {text}"), values))
}

fn text_columns<'a>(table: &TypeTable, names: &[&'a str]) -> Result<Vec<String>, &'a str> {
    names.iter().map(|name| text_column(table, name)).collect()
}

fn text_column<'a>(table: &TypeTable, name: &'a str) -> Result<String, &'a str> {
    let mut fields = table.content_type.fields.iter();
    fields
        .find(|field| field.name == name && field.kind == FieldKind::Text && !field.is_hidden)
        .map(|_| column(name))
        .ok_or(name)
}

/// The SQL of whether there is a unit, `h`, that is equal in these columns and passes more tests,
/// and its values. No index promises that few are looked at: there may be many of other versions.
fn exists(
    other: &TypeTable,
    equal: &[String],
    mut tests: Vec<String>,
    among: Among,
    dialect: Dialect,
) -> (String, Vec<Value>) {
    tests.extend(equal.iter().map(|name| format!("h.{name} = c.{name}")));
    let mut from = format!("{} h", other.table);
    let mut values: Vec<Value> = Vec::new();
    if !matches!(among, Among::All) {
        from.push_str(" JOIN membership hm ON hm.unit_id = h.unit_id");
    }
    // Units that are equal are few, and what a version has is much.
    let column = dialect.not_leading("hm.repository_id");
    if let Among::Found(repository, number) = among {
        tests.push(format!(
            "{column} = {repository} AND hm.added <= {number} AND hm.removed > {number}"
        ));
    }
    if let Among::Version(scope) = among {
        let (repository, number) = (scope.repository.into(), scope.number.into());
        let (text, of_scope) = match scope.relation {
            Relation::Present => (
                "hm.added <= ? AND hm.removed > ?",
                vec![repository, number, scope.number.into()],
            ),
            Relation::Added => ("hm.added = ?", vec![repository, number]),
            Relation::Removed => ("hm.removed = ?", vec![repository, number]),
        };
        tests.push(format!("{column} = ? AND {text}"));
        values = of_scope;
    }
    let text = format!(
        "EXISTS (SELECT 1 FROM {from} WHERE {})",
        tests.join(" AND ")
    );
    (text, values)
}

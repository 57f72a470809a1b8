//! Of units that are equal in some fields, the one that is the greatest in another: the
//! newest version of each collection.

use pith_model::descriptor::FieldKind;

use crate::companion::InVersion;
use crate::content_type::{TypeTable, column};
use crate::dialect::Dialect;
use crate::list::Condition;
use crate::statement::Value;
use crate::unit_list::{Relation, Scope};

/// The units among which one is the greatest.
#[derive(Clone, Copy, Debug)]
pub enum Among {
    /// All of the type.
    All,
    /// Those of a version.
    Version(Scope),
    /// Those of the version that these columns name, in which a search found the unit.
    Found(InVersion),
}

/// The condition that a unit has the greatest `by` of all units that are equal to it in
/// `per`, among others. Both databases compare these texts, or
/// the order keys in their place, byte by byte.
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
    let text_column = |name: &'a str| {
        let mut fields = table.content_type.fields.iter();
        fields
            .find(|field| field.name == name && field.kind == FieldKind::Text && !field.is_hidden)
            .map(|_| column(name))
            .ok_or(name)
    };
    let mut keys = table.content_type.order_keys.iter();
    let by = match keys.find(|key| key.field == by) {
        Some(key) => column(&key.name),
        None => text_column(by)?,
    };
    let mut tests = vec![format!("h.{by} > c.{by}")];
    for name in per {
        let name = text_column(name)?;
        tests.push(format!("h.{name} = c.{name}"));
    }
    let mut from = format!("{} h", table.table);
    let mut values: Vec<Value> = Vec::new();
    if !matches!(among, Among::All) {
        from.push_str(" JOIN membership hm ON hm.unit_id = h.unit_id");
    }
    // Units that are equal are few, and what a version has is much.
    let column = dialect.not_leading("hm.repository_id");
    if let Among::Found((repository, number)) = among {
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
    Ok(Condition::new(
        format!(
            "NOT EXISTS (SELECT 1 FROM {from} WHERE {})",
            tests.join(" AND ")
        ),
        values,
    ))
}

//! Companions: units of another type that a version has along with a unit and that are equal to it
//! in some fields, such as the signature of a file.

use pith_model::descriptor::{ContentType, FieldKind};

use crate::content_type::{TypeTable, column};
use crate::dialect::Dialect;

/// Two columns: a repository, and the number of a version of it.
pub type InVersion = (&'static str, &'static str);

/// The SQL of whether a unit, `c`, has a companion of the type `other` in a version.
///
/// # Errors
/// A sentence that says what is wrong with the fields.
pub fn has_companion(
    table: &TypeTable,
    other: &TypeTable,
    fields: &[&str],
    (repository, number): InVersion,
    dialect: Dialect,
) -> Result<String, String> {
    let mut tests = Vec::new();
    for name in fields {
        for one in [table, other] {
            if !has_text(&one.content_type, name) {
                let kind = &one.content_type.name;
                return Err(format!("{name:?} is no text field of {kind}."));
            }
        }
        tests.push(format!("h.{0} = c.{0}", column(name)));
    }
    // Without an index, each unit would be compared with all others.
    let mut indexed = other.content_type.indexed.iter();
    if !indexed.any(|index| fields.contains(&index.split(',').next().unwrap_or_default())) {
        let kind = &other.content_type.name;
        return Err(format!("No index finds a {kind} by these fields."));
    }
    Ok(format!(
        "EXISTS (SELECT 1 FROM {} h JOIN membership hm ON hm.unit_id = h.unit_id
                 WHERE {} AND {} = {repository} AND hm.added <= {number} AND hm.removed > {number})",
        other.table,
        tests.join(" AND "),
        // Units that are equal are few, and what a version has is much.
        dialect.not_leading("hm.repository_id"),
    ))
}

fn has_text(content_type: &ContentType, name: &str) -> bool {
    let mut fields = content_type.fields.iter();
    fields.any(|field| field.name == name && field.kind == FieldKind::Text && !field.is_hidden)
}

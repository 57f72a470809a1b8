//! Questions about units that are found: whether something goes with one, and whether it is the
//! greatest. As filters, and as answers beside each unit.

use pith_db::companion::{Among, has_companion};
use pith_db::content_type::TypeTable;
use pith_db::search::{FOUND_IN, LOOKED_INTO};
use pith_db::{Condition, Dialect};

use crate::app::App;
use crate::content;
use crate::error::{Error, Result};
use crate::query::{GREATEST, Query};

/// The filter: `with=collection_signature:sha256`.
pub(super) const WITH: &str = "with";

/// What is answered beside each unit: `tell=with:collection_signature:sha256`.
pub(super) const TELL: &str = "tell";

/// Each is asked of each row of a page.
const MOST_TOLD: usize = 10;

/// Gives [`WITH`] its meaning.
pub(super) fn with(
    query: &mut Query,
    app: &App,
    table: &TypeTable,
    dialect: Dialect,
) -> Result<()> {
    query.filter(WITH, |text| {
        companion(app, (table, text), LOOKED_INTO, dialect)
            .map_err(|message| Error::invalid(WITH, message))
    })
}

/// The questions that are asked of each unit.
pub(super) fn told(
    query: &mut Query,
    app: &App,
    table: &TypeTable,
    dialect: Dialect,
) -> Result<Vec<String>> {
    let mut told = Vec::new();
    while let Some(text) = query.take(TELL) {
        let wrong = |message: String| Error::invalid(TELL, message);
        let question = match text.split_once(':') {
            Some((WITH, text)) => companion(app, (table, text), FOUND_IN, dialect),
            Some((GREATEST, text)) => content::greatest_of(table, text, FOUND_IN, dialect),
            _ => Err(format!("Expected `{WITH}:…` or `{GREATEST}:…`.")),
        };
        told.push(question.map_err(wrong)?.text);
        if told.len() > MOST_TOLD {
            return Err(wrong(format!("Expected at most {MOST_TOLD} questions.")));
        }
    }
    Ok(told)
}

/// The condition that a unit goes with one of another type, as `type:field,field` says.
fn companion(
    app: &App,
    (table, text): (&TypeTable, &str),
    among: Among,
    dialect: Dialect,
) -> Result<Condition, String> {
    let (name, fields) = content::with_fields(text)
        .ok_or("Expected `type:field,field`, in which both are equal.")?;
    let other = app
        .types
        .by_name(&format!("{}.{}", table.plugin, name))
        .ok_or_else(|| format!("There is no type of content {name:?}."))?;
    let condition = has_companion(table, &other, &fields, among, dialect)
        .map_err(|field| format!("{field:?} is no text field of both types of content."))?;
    // Without an index, each unit would be compared with all others.
    let mut indexed = other.content_type.indexed.iter();
    if indexed.any(|index| fields.contains(&index.split(',').next().unwrap_or_default())) {
        Ok(condition)
    } else {
        Err(format!("No index finds a {name} by these fields."))
    }
}

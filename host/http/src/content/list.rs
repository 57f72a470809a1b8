//! Lists of units: all, and those of one type.

use std::time::Duration;

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use pith_db::access::Access;
use pith_db::companion::{self, Among};
use pith_db::content_type::TypeTable;
use pith_db::list::{Column, Selection};
use pith_db::unit_link;
use pith_db::unit_list::{self, ListedUnit, Relation, Scope};
use pith_db::{Condition, Connection, Dialect};
use pith_model::descriptor::{FieldKind, Link};
use pith_model::{Expression, Timestamp};
use pith_plugin::order;

use super::{Beside, shape};
use crate::app::App;
use crate::context::Context;
use crate::declared;
use crate::document::{self, Object};
use crate::error::{Error, Result};
use crate::lookup;
use crate::openapi::parameters::{IDENTITY, LABELS};
use crate::openapi::{Filters, Parameter, Place};
use crate::page;
use crate::query::{GREATEST, Query};

/// Filters by what a version has to do with a unit.
const SCOPES: [(&str, Relation); 3] = [
    ("repository_version", Relation::Present),
    ("repository_version_added", Relation::Added),
    ("repository_version_removed", Relation::Removed),
];

/// What the document says of [`GREATEST`].
pub(crate) const GREATEST_OF: Parameter = Parameter::text(
    GREATEST,
    "Of those that are equal in some fields the one that is the greatest in another: \
     `version:namespace,name`.",
);

/// The filter by words that plugins chose.
const TERMS: &str = "terms";

/// What the document says of it.
pub(crate) const TERMS_OF: Parameter = Parameter::several(
    TERMS,
    "Those that have all of these words, which their plugin chose for them.",
);

/// What the document says of the filters that are no columns.
const PARAMETERS_OF_TYPE: &[Parameter] = &[
    GREATEST_OF,
    TERMS_OF,
    IDENTITY[0],
    IDENTITY[1],
    IDENTITY[2],
    IDENTITY[3],
    LABELS,
    Parameter::text("repository_version", "Those that this version has."),
    Parameter::text("repository_version_added", "Those that this version added."),
    Parameter::text(
        "repository_version_removed",
        "Those that this version removed.",
    ),
    Parameter::integer(
        "orphaned_for",
        "Those that no repository has, for so many minutes.",
    ),
    Parameter::several(
        "added_between",
        "Those that the second of two versions has and the first has not.",
    ),
    Parameter::several(
        "removed_between",
        "Those that the first of two versions has and the second has not.",
    ),
    Parameter::text("artifact", "Those with this stored file."),
    Parameter::several("artifact__in", ""),
];

/// The same for units of all types, which have no fields in common.
const PARAMETERS: &[Parameter] = match PARAMETERS_OF_TYPE {
    [_, _, rest @ ..] => rest,
    _ => &[],
};

/// The filters of the list of all types.
pub(super) const FILTERS: Filters = Filters::new(|_| unit_list::base_columns(), PARAMETERS);

/// The filters of the list of one type.
pub(super) const FILTERS_OF_TYPE: Filters = Filters::new(
    |place: &Place| {
        place
            .content_type()
            .map_or_else(unit_list::base_columns, unit_list::columns)
    },
    PARAMETERS_OF_TYPE,
);

/// `GET content/`
pub(super) async fn all(context: Context, RawQuery(text): RawQuery) -> Result<Response> {
    let mut query = Query::parse(text.as_deref())?.below(context.root);
    let columns = unit_list::base_columns();
    let mut connection = context.app.database.read().await?;
    let mut scopes = Vec::new();
    let of_all = (None, columns.as_slice());
    let selection = select(&context, &mut connection, &mut query, of_all, &mut scopes).await?;
    let (rows, count) = unit_list::page(&mut connection, None, &scopes, &selection).await?;
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let paths = unit_list::artifact_paths(&mut connection, &ids).await?;
    drop(connection);
    Ok(page::answer(
        &context,
        &query,
        (&rows, count),
        |object, row| {
            let table = context.app.types.by_id(row.content_type);
            shape::write_base(object, row, context.root, table.as_deref(), &paths);
        },
    ))
}

/// `GET content/<plugin>/<plural>/`
pub(super) async fn of_type(
    context: Context,
    Path((plugin, plural)): Path<(String, String)>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let table = declared::content_type(&context.app, &plugin, &plural)?;
    let listed = listed(&context, &table, text.as_deref(), None).await?;
    Ok(document::json(listed.json))
}

/// The version that a list is of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Within {
    /// Which.
    pub(crate) scope: Scope,
    /// How many of its units pass the filters, if that was counted before.
    pub(crate) counted: Option<i64>,
}

/// A page of units of a type.
#[derive(Debug)]
pub(crate) struct Listed {
    /// As the API shows it.
    pub(crate) json: Vec<u8>,
    /// How many units there are on all pages.
    pub(crate) count: i64,
    /// Whether nothing that may still change was looked at: labels and stored files do.
    pub(crate) is_lasting: bool,
}

/// Lists units of a type, all or those that a version has.
pub(crate) async fn listed(
    context: &Context,
    table: &TypeTable,
    text: Option<&str>,
    within: Option<Within>,
) -> Result<Listed> {
    let mut query = Query::parse(text)?.below(context.root);
    let columns = in_order(&context.app, &query, table, unit_list::columns(table)).await?;
    let mut connection = context.app.database.read().await?;
    let of_type = (Some(table), columns.as_slice());
    let mut scopes: Vec<Scope> = within.iter().map(|within| within.scope).collect();
    let mut selection = select(context, &mut connection, &mut query, of_type, &mut scopes).await?;
    selection.counted = within.and_then(|within| within.counted);
    let (rows, count) = unit_list::page(&mut connection, Some(table), &scopes, &selection).await?;
    let is_lasting = within.is_some()
        && unit_list::is_lasting(&selection)
        && shows_only_own_fields(&query, table);
    drop(connection);
    let units = rows.iter().map(|row| row.id);
    let beside = Beside::of(context, table, units, Some(&query.projection)).await?;
    let write = |object: &mut Object<'_>, row: &ListedUnit| {
        shape::write(object, row, context.root, table, &beside);
    };
    Ok(Listed {
        json: page::written(context, &query, (&rows, count), write, |_| {}),
        count,
        is_lasting,
    })
}

/// Whether only fields are shown that a unit of the type has for good.
fn shows_only_own_fields(query: &Query, table: &TypeTable) -> bool {
    let shown = &query.projection.only;
    let fields = &table.content_type.fields;
    let is_own = |name: &String| {
        ["pulp_href", "prn", "pulp_created"].contains(&name.as_str())
            || fields.iter().any(|field| field.name == *name)
    };
    !shown.is_empty() && shown.iter().all(is_own)
}

/// Gives all parameters their meaning. Versions that units must be in go to `scopes`.
async fn select(
    context: &Context,
    connection: &mut Connection,
    query: &mut Query,
    (table, columns): (Option<&TypeTable>, &[Column]),
    scopes: &mut Vec<Scope>,
) -> Result<Selection> {
    let dialect = context.app.database.dialect();
    let access = context.access()?;
    for (parameter, relation) in SCOPES {
        while let Some(text) = query.take(parameter) {
            scopes.push(scope(connection, access, parameter, &text, relation).await?);
        }
    }
    for (parameter, relation) in SCOPES {
        for text in query.given(parameter) {
            let scope = scope(connection, access, parameter, &text, relation).await?;
            query.settle(parameter, &text, &unit_list::in_version(scope));
        }
    }
    for parameter in ["added_between", "removed_between"] {
        for text in query.given(parameter) {
            let Some((first, second)) = text.split_once(',') else {
                let message = "Expected two repository versions separated by a comma.";
                return Err(Error::invalid(parameter, message));
            };
            let first = scope(connection, access, parameter, first, Relation::Present).await?;
            let second = scope(connection, access, parameter, second, Relation::Present).await?;
            let condition = if parameter == "added_between" {
                unit_list::between(first, second)
            } else {
                unit_list::between(second, first)
            };
            query.settle(parameter, &text, &condition);
        }
    }
    // Who may see a version may see what is in it.
    if scopes.is_empty() {
        let column = if table.is_some() { "c.unit_id" } else { "u.id" };
        query.only(access.seen_units(connection, column).await?);
    }
    query.identify(unit_list::UUID)?;
    query.label_select(unit_list::LABELS, dialect)?;
    orphaned_for(query, unit_list::orphaned_since)?;
    query.refer_by("artifact", "artifact__in", |test, uuids| {
        Condition::new(unit_list::artifact_is(table, test), [uuids])
    })?;
    if let Some(table) = table {
        let among = scopes
            .first()
            .map_or(Among::All, |one| Among::Version(*one));
        greatest(query, table, among, dialect)?;
        terms(query, table)?;
        links(connection, access, query, table).await?;
    }
    let mut selection = query.select(columns, dialect)?;
    selection.unread = unread(query, table);
    Ok(selection)
}

/// The columns of a type, with the keys of what a query compares as the type's format does.
pub(crate) async fn in_order(
    app: &App,
    query: &Query,
    table: &TypeTable,
    columns: Vec<Column>,
) -> Result<Vec<Column>> {
    let asked = query.asked(&columns);
    if asked.is_empty() {
        return Ok(columns);
    }
    let generation = declared::generation_of_row(app, &table.plugin)?;
    let keys = order::keys(&generation, &app.database, table, &asked).await?;
    Ok(keys.put_into(columns))
}

/// Gives `greatest` its meaning.
pub(crate) fn greatest(
    query: &mut Query,
    table: &TypeTable,
    among: Among,
    dialect: Dialect,
) -> Result<()> {
    query.filter(GREATEST, |text| {
        greatest_of(table, text, among, dialect)
            .map_err(|message| Error::invalid(GREATEST, message))
    })
}

/// The condition that a unit is the greatest, as `field:field,field` says.
pub(crate) fn greatest_of(
    table: &TypeTable,
    text: &str,
    among: Among,
    dialect: Dialect,
) -> Result<Condition, String> {
    let (by, per) = with_fields(text).ok_or("Expected `field:field,field`, the greatest first.")?;
    companion::greatest(table, by, &per, among, dialect)
        .map_err(|name| format!("{name:?} is no text field of this content."))
}

/// What stands before a colon, and the fields after it.
pub(crate) fn with_fields(text: &str) -> Option<(&str, Vec<&str>)> {
    let (first, fields) = text.split_once(':')?;
    Some((first.trim(), fields.split(',').map(str::trim).collect()))
}

/// Each word is a condition of its own.
const MOST_TERMS: usize = 50;

/// Gives `terms` its meaning.
pub(crate) fn terms(query: &mut Query, table: &TypeTable) -> Result<()> {
    query.filter(TERMS, |text| {
        let words: Vec<String> = text.split(',').map(|word| word.trim().to_owned()).collect();
        if words.len() > MOST_TERMS {
            return Err(Error::invalid(
                TERMS,
                format!("Expected at most {MOST_TERMS} words."),
            ));
        }
        let hashes = pith_content::term::hashes(&table.plugin, &words);
        let each = hashes.into_iter().map(unit_list::has_term);
        Ok(Condition::of(Expression::All(
            each.map(Expression::Term).collect(),
        )))
    })
}

/// Gives the filters by links of a type their meaning: to units that the caller may see.
pub(crate) async fn links(
    connection: &mut Connection,
    access: &Access,
    query: &mut Query,
    table: &TypeTable,
) -> Result<()> {
    let links = &table.content_type.links;
    let to_one: Vec<&Link> = links.iter().filter(|link| !link.is_list).collect();
    if to_one.is_empty() {
        return Ok(());
    }
    let seen = access.seen_units(connection, unit_link::TARGET).await?;
    for link in to_one {
        let several = format!("{}__in", link.name);
        query.refer_by(&link.name, &several, |test, uuids| {
            unit_link::leads_to(table, link, (test, uuids), seen.as_ref())
        })?;
    }
    Ok(())
}

/// The nested fields that are not shown: the only ones that may be large.
pub(crate) fn unread(query: &Query, table: Option<&TypeTable>) -> Vec<String> {
    let fields = table
        .into_iter()
        .flat_map(|table| &table.content_type.fields);
    fields
        .filter(|field| field.kind == FieldKind::Json && !query.projection.shows(&field.name))
        .map(|field| field.name.clone())
        .collect()
}

/// What a filter that names a version asks for.
async fn scope(
    connection: &mut Connection,
    access: &Access,
    parameter: &str,
    text: &str,
    relation: Relation,
) -> Result<Scope> {
    let version = lookup::version_of_filter(connection, access, parameter, text.trim()).await?;
    Ok(Scope {
        relation,
        version: version.id,
        repository: version.repository,
        number: version.number,
    })
}

/// Gives `orphaned_for` its meaning: nothing refers to it, for so many minutes.
pub(crate) fn orphaned_for(query: &mut Query, since: fn(Timestamp) -> Condition) -> Result<()> {
    query.filter("orphaned_for", |text| {
        let minutes: u32 = text
            .parse()
            .map_err(|_| Error::invalid("orphaned_for", "A number of minutes is required."))?;
        let time = Duration::from_secs(u64::from(minutes) * 60);
        Ok(since(Timestamp::now().minus(time)))
    })
}

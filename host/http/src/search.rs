//! Search across repositories: `search/<plugin>/<content type>/` says which repositories
//! hold which units.

mod told;

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use pith_db::content_type::TypeTable;
use pith_db::list::Selection;
use pith_db::search::{self, Found, Serving, Site, Versions};
use pith_db::{Condition, Connection, Dialect, served, unit_list};
use pith_model::access::Securable;
use pith_model::reference::{Kind, typed_path, typed_prn, version_path};
use pith_model::{Expression, Root};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::app::App;
use crate::auth::need::Need;
use crate::context::Context;
use crate::document::{Href, Object};
use crate::error::{Error, Result};
use crate::openapi::parameters::{INCLUDE_RELATED, LABELS};
use crate::openapi::{Field, Filters, Operation, Parameter, Resource};
use crate::plugin_routes::FoundPage;
use crate::query::Query;
use crate::routes::{Routes, get};
use crate::{content, declared, label, page};

/// What the document says of a unit in a repository.
static FOUND: Resource = Resource::new(
    "Found",
    "A unit in a repository.",
    &[
        Field::object("repository", "The repository that holds it.").read_only(),
        Field::href("repository_version", "The version that was looked into.").read_only(),
        Field::object("content", "The unit.").read_only(),
        Field::booleans("told", "What `tell` asks, in its order.").read_only(),
    ],
);

/// What the document says of the filters that are no columns.
const FILTERS: Filters = Filters::new(
    |place| {
        place
            .content_type()
            .map(search::columns)
            .unwrap_or_default()
    },
    &[
        content::GREATEST_OF,
        content::TERMS_OF,
        Parameter::several("distribution", "What these base paths serve."),
        Parameter::text(
            "distribution_labels",
            "What distributions with these labels serve; `content=public` if neither is given.",
        ),
        Parameter::text(
            "show_versions",
            "`latest`: what is served; `all`: every version of these repositories.",
        ),
        Parameter::text(
            told::WITH,
            "`type:field,field`: with one of another type in the same version that is equal in \
             these fields.",
        ),
        Parameter::text(
            told::TELL,
            "Whether `with:…` or `greatest:…` holds of each, in `told`; may be repeated.",
        ),
        Parameter::text("repository", "In this repository."),
        Parameter::several("repository__in", ""),
        INCLUDE_RELATED,
        LABELS,
    ],
);

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new().route(
        "/search/{plugin}/{plural}/",
        get(
            Operation::new(
                "search_{plugin}_{plural}_list",
                "Say which repositories hold which {plural}",
            )
            .needs(Need::User)
            .lists(&FOUND, FILTERS),
            find,
        ),
    )
}

/// The labels of the distributions that are searched if nothing is said.
const PUBLIC: &str = "content=public";

/// The most versions that one search looks into: each is part of one SQL statement.
const MOST_SITES: usize = 5_000;

/// `GET search/<plugin>/<plural>/`
async fn find(
    context: Context,
    Path((plugin, plural)): Path<(String, String)>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let table = declared::content_type(&context.app, &plugin, &plural)?;
    let dialect = context.app.database.dialect();
    let mut query = Query::parse(text.as_deref())?.below(context.root);
    let related = query.include_related(&["distributions"])?;
    let versions = match query.take("show_versions").as_deref() {
        None | Some("latest") => Versions::Served,
        Some("all") => Versions::All,
        Some(_) => return Err(Error::invalid("show_versions", "Expected all or latest.")),
    };
    let distributions = distributions(&mut query, dialect)?;
    query.identify(unit_list::UUID)?;
    query.label_select(unit_list::LABELS, dialect)?;
    query.refer("repository", "repository__in", search::REPOSITORY)?;
    content::greatest(&mut query, &table, search::LOOKED_INTO, dialect)?;
    told::with(&mut query, &context.app, &table, dialect)?;
    let told = told::told(&mut query, &context.app, &table, dialect)?;
    content::terms(&mut query, &table)?;
    let columns = search::columns(&table);
    let columns = content::in_order(&context.app, &query, &table, columns).await?;
    let mut connection = context.app.database.read().await?;
    let access = context.access()?;
    content::links(&mut connection, access, &mut query, &table).await?;
    let mut selection = query.select(&columns, dialect)?;
    selection.unread = content::unread(&query, Some(&table));
    if !told.is_empty() {
        selection.told = told;
        selection.slow.push(told::TELL.to_owned());
    }
    let repositories = search::of_repositories(&mut selection);

    let seen = access.seen_repository("v.repository_id");
    // Where a plugin has a search for everybody, what is served to everybody may be told, but
    // not what was before it.
    let public = match (&seen, versions) {
        (Some(_), Versions::Served) if context.is_by_plugin => Some(labelled(PUBLIC, dialect)?),
        _ => None,
    };
    let of = (distributions, repositories);
    let sites = search::sites(&mut connection, &table, of, (seen, public)).await?;
    if sites.len() > MOST_SITES {
        return Err(Error::invalid(
            "distribution",
            format!(
                "{} versions are served by these distributions; name some of them.",
                sites.len()
            ),
        ));
    }
    let (mut connection, (rows, count)) = match versions {
        Versions::Served if search::is_lasting(&selection) => {
            of_served(&context.app, connection, &table, &sites, selection).await?
        }
        // Unlike a version, all versions together have less when one is deleted.
        _ => {
            let page = search::page(&mut connection, &table, &sites, versions, &selection).await?;
            (connection, page)
        }
    };
    let serving = if related.contains(&"distributions") {
        let mut ids: Vec<_> = rows.iter().map(|row| row.place.repository).collect();
        ids.sort_unstable();
        ids.dedup();
        let seen = match access.seen(Securable::Distribution, "d") {
            Some(seen) if context.is_by_plugin => {
                let either = [seen, labelled(PUBLIC, dialect)?].map(Expression::Term);
                Some(Condition::of(Expression::Any(either.into())))
            }
            seen => seen,
        };
        Some(search::distributions(&mut connection, &ids, seen).await?)
    } else {
        None
    };
    drop(connection);
    let units = rows.iter().map(|row| row.unit.id);
    let beside = content::Beside::of(&context, &table, units, None).await?;
    Ok(page::answer(
        &context,
        &query,
        (&rows, count),
        |object, row| {
            write(object, row, context.root, versions);
            object.object("content", |unit| {
                content::write(unit, &row.unit, context.root, &table, &beside);
            });
            if !row.place.told.is_empty() {
                object.field("told", &row.place.told);
            }
            if let Some(serving) = &serving {
                write_distributions(object, row, context.root, serving);
            }
        },
    ))
}

/// A page of what is served that nothing changes but a change of what is served, from memory if
/// it was asked for since the last one.
async fn of_served(
    app: &App,
    mut connection: Connection,
    table: &TypeTable,
    sites: &[Site],
    mut selection: Selection,
) -> Result<(Connection, (Vec<Found>, i64))> {
    let remembered = &app.remembered;
    // Asked before searching: a change meanwhile is found the next time.
    let epoch = served::epoch(&mut connection).await?;
    let key = |asked: String| (Uuid::nil(), table.id, epoch, asked);
    let filters = digest(&format!("{sites:?} {:?}", selection.conditions));
    let part = (selection.limit, selection.offset);
    let shape = (&selection.order, &selection.told, part);
    let of_page = key(digest(&format!("{filters} {shape:?}")));
    let of_all = key(filters);
    let mut known = remembered.page(&of_page);
    let mut first = None;
    if known.is_none() {
        // One searches for all who ask the same at once, and counts for all who ask for more of it.
        let is_counted = remembered.count(&of_all).is_some();
        let searched = if is_counted { &of_page } else { &of_all };
        // Who waits holds no connection, of which there are a few.
        drop(connection);
        first = remembered.turn(searched).await;
        connection = app.database.read().await?;
        known = remembered.page(&of_page);
    }
    if let Some(page) = known {
        let rows = search::again(&mut connection, table, &page.places, &selection.unread).await?;
        return Ok((connection, (rows, page.count)));
    }
    selection.counted = remembered.count(&of_all);
    let (rows, count) =
        search::page(&mut connection, table, sites, Versions::Served, &selection).await?;
    remembered.keep_count(of_all, count);
    let places = rows.iter().map(|row| row.place.clone()).collect();
    remembered.keep_page(of_page, FoundPage { places, count });
    drop(first);
    Ok((connection, (rows, count)))
}

/// Keys of what is remembered are short, whatever was asked.
fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

/// The distributions that are asked for, as a condition.
fn distributions(query: &mut Query, dialect: Dialect) -> Result<Condition> {
    let mut conditions = Vec::new();
    while let Some(text) = query.take("distribution") {
        let paths = text.split(',').map(|path| path.trim().to_owned()).collect();
        conditions.push(Expression::Term(search::distributions_at(paths)));
    }
    let mut labels = Vec::new();
    while let Some(text) = query.take("distribution_labels") {
        labels.push(text);
    }
    if conditions.is_empty() && labels.is_empty() {
        labels.push(PUBLIC.to_owned());
    }
    for text in labels {
        conditions.push(Expression::Term(labelled(&text, dialect)?));
    }
    Ok(Condition::of(Expression::All(conditions)))
}

/// The condition that a distribution has labels.
fn labelled(text: &str, dialect: Dialect) -> Result<Condition> {
    let tests = label::parse_select(text)
        .map_err(|message| Error::invalid("distribution_labels", message))?;
    let conditions = tests.iter().map(|(key, test)| {
        let column = search::DISTRIBUTION_LABELS;
        Expression::Term(pith_db::label::condition(column, key, test, dialect))
    });
    Ok(Condition::of(Expression::All(conditions.collect())))
}

/// Writes where a unit was found.
fn write(object: &mut Object<'_>, row: &Found, root: Root, versions: Versions) {
    let (plugin, type_name) = (row.plugin.as_str(), row.type_name.as_str());
    let uuid = row.repository_uuid;
    object.object("repository", |repository| {
        let path = typed_path(Kind::Repository, plugin, type_name, uuid);
        let prn = typed_prn(Kind::Repository, plugin, type_name, uuid);
        repository
            .field("pulp_href", Href(root, path))
            .field("prn", prn)
            .field("name", &row.name)
            .field("pulp_labels", &row.pulp_labels);
    });
    let version = |number| Href(root, version_path(plugin, type_name, uuid, number));
    object.field("repository_version", version(row.place.number));
    if versions == Versions::All {
        object
            .field("added_in", version(row.place.added))
            .field("removed_in", row.place.removed().map(version));
    }
}

/// Writes the distributions that serve the repository of a row.
fn write_distributions(object: &mut Object<'_>, row: &Found, root: Root, all: &[Serving]) {
    let begin = all.partition_point(|one| one.repository < row.place.repository);
    let own = all[begin..]
        .iter()
        .take_while(|one| one.repository == row.place.repository);
    let distributions: Vec<serde_json::Value> = own
        .map(|one| {
            let path = typed_path(Kind::Distribution, &one.plugin, &one.type_name, one.uuid);
            serde_json::json!({
                "pulp_href": Href(root, path).to_string(),
                "name": one.name,
                "base_path": one.base_path,
                "pulp_labels": one.pulp_labels,
            })
        })
        .collect();
    object.object("related_fields", |related| {
        related.field("distributions", distributions);
    });
}

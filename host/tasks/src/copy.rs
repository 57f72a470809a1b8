//! Copies units from versions into repositories: several lines, one commit.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use pith_content::changes::Wanted;
use pith_content::copy::{Choice, Line, Pulled, Told, Unresolved, select};
use pith_content::error::{Error, Result};
use pith_content::version::{Base, contained};
use pith_db::Connection;
use pith_db::content_type::TypeTable;
use pith_db::copy::Place;
use pith_db::list::Condition;
use pith_db::order_key::Keys;
use pith_db::repository::Repository;
use pith_db::unit_filter;
use pith_model::UnitId;
use pith_model::reference::{Kind, typed_path};
use pith_model::task::TaskError;
use pith_plugin::order;
use roaring::RoaringTreemap;
use serde_json::{Map, Value, json};

use crate::commit::{Commit, Created, Outcome};
use crate::modify::{self, NewVersion};
use crate::resolve;
use crate::run::{Context, failed};
use crate::work::{Copy, CopyLine, PATH};

/// What all lines with one destination bring there.
struct Arrival {
    repository: Repository,
    base: Option<Base>,
    /// Where the first of the lines takes its units from.
    source: Place,
    wanted: Wanted,
}

/// A line and what it brings.
pub(crate) struct Bringing {
    pub(crate) line: Line,
    pub(crate) units: RoaringTreemap,
    pub(crate) destination: Repository,
    base: Option<Base>,
}

/// What the result tells of all lines.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) pulled: Told<Pulled>,
    pub(crate) unresolved: Told<Unresolved>,
    added: Told<UnitId>,
}

pub(crate) async fn run(context: &Context, plan: Copy) -> Result<Box<dyn Commit>, TaskError> {
    let services = &context.toolbox.services;
    let mut report = Report::default();
    let mut lines: Vec<Bringing> = Vec::with_capacity(plan.lines.len());
    let mut seen = 0;
    for line in &plan.lines {
        let destination = modify::find(context, line.destination).await?;
        let base = line.base_version.map(|number| Base {
            repository: destination.id,
            number,
        });
        let line = resolved(context, &plan, line, &destination).await?;
        let selection = select(services, &line).await.map_err(failed)?;
        seen += selection.units.len();
        context
            .progress
            .report("copy.selecting", "Selecting Content", seen, None);
        report.pulled.extend(selection.pulled);
        report.unresolved.extend(selection.unresolved);
        lines.push(Bringing {
            line,
            units: selection.units,
            destination,
            base,
        });
    }
    if plan.resolve {
        resolve::run(context, &mut lines, plan.upgrade, &mut report).await?;
        seen = lines.iter().map(|one| one.units.len()).sum();
    }
    let mut arrivals: BTreeMap<i64, Arrival> = BTreeMap::new();
    for one in lines {
        let arrival = arrivals
            .entry(one.destination.id.0)
            .or_insert_with(|| Arrival {
                repository: one.destination,
                base: one.base,
                source: one.line.source,
                wanted: Wanted {
                    retain: true,
                    // What comes of another base than the newest version is added, too.
                    of_one_version: one.base.is_none(),
                    ..Wanted::default()
                },
            });
        arrival.wanted.of_one_version &= one.line.source == arrival.source;
        arrival.wanted.add |= one.units;
    }
    for arrival in arrivals.values() {
        let start = start_of(arrival)?;
        let new = &arrival.wanted.add - contained(services, start).await.map_err(failed)?;
        report.added.extend(Told::of_numbers(&new));
    }
    let result = describe(context, &report, plan.dry_run)
        .await
        .map_err(failed)?;
    let mut versions = Vec::new();
    if !plan.dry_run {
        for arrival in arrivals.into_values() {
            let made =
                modify::make(context, &arrival.repository, arrival.base, &arrival.wanted).await?;
            versions.extend(made);
        }
    }
    context
        .progress
        .report("copy.copying", "Copying Content", seen, Some(seen));
    Ok(Box::new(Copied { versions, result }))
}

/// The version that the destination's new one starts from.
fn start_of(arrival: &Arrival) -> Result<Base, TaskError> {
    match arrival.base {
        Some(base) => Ok(base),
        None => newest(&arrival.repository),
    }
}

fn newest(repository: &Repository) -> Result<Base, TaskError> {
    let number = repository
        .latest_version
        .ok_or_else(|| TaskError::new("internal", "a repository without versions"))?;
    Ok(Base {
        repository: repository.id,
        number,
    })
}

/// A line with the versions that it is about now.
async fn resolved(
    context: &Context,
    plan: &Copy,
    line: &CopyLine,
    destination: &Repository,
) -> Result<Line, TaskError> {
    let source = modify::find(context, line.source).await?;
    let number = match line.source_version {
        Some(number) => number,
        None => newest(&source)?.number,
    };
    let start = match line.base_version {
        Some(number) => number,
        None => newest(destination)?.number,
    };
    let services = &context.toolbox.services;
    let tables = services.types.of_plugin(&destination.plugin);
    let chosen = |table: &&Arc<TypeTable>| {
        plan.only
            .as_ref()
            .is_none_or(|only| only.contains(&table.content_type.name))
    };
    let mut choices = Vec::new();
    for table in tables.iter().filter(chosen) {
        let filter = plan.filters.get(&table.content_type.name);
        let condition = match filter.and_then(Value::as_str) {
            Some(text) => Some(condition(context, table, text).await?),
            None => None,
        };
        choices.push(Choice {
            table: Arc::clone(table),
            condition,
        });
    }
    Ok(Line {
        source: Place {
            repository: source.id,
            number,
        },
        destination: Place {
            repository: destination.id,
            number: start,
        },
        content: line.content.clone(),
        everything: plan.only.is_none() && plan.filters.is_empty(),
        choices,
    })
}

/// A filter's condition; what it compares as versions is put in order by the plugin.
async fn condition(
    context: &Context,
    table: &TypeTable,
    text: &str,
) -> Result<Condition, TaskError> {
    let database = &context.toolbox.services.database;
    let asked = unit_filter::asked(table, text);
    let keys = if asked.is_empty() {
        Keys::default()
    } else {
        let generation = context.generation(&table.plugin)?;
        let keys = order::keys(&generation, database, table, &asked).await;
        keys.map_err(failed)?
    };
    unit_filter::condition(table, text, &keys, database.dialect())
        .map_err(|message| TaskError::new("invalid", message))
}

/// The result as the API shows it: units by their paths below an API root.
async fn describe(context: &Context, report: &Report, dry_run: bool) -> Result<Value> {
    let mut units: Vec<UnitId> = report.added.first.clone();
    for pulled in &report.pulled.first {
        units.extend([pulled.unit, pulled.wanted_by]);
    }
    units.extend(report.unresolved.first.iter().map(|one| one.wanted_by));
    units.sort_unstable();
    units.dedup();
    let paths = paths(context, &units).await?;
    let path = |unit: &UnitId| -> Value {
        let at = units.binary_search(unit).ok();
        at.and_then(|at| paths.get(at))
            .map_or(Value::Null, |path| json!({ PATH: path }))
    };
    let added: Vec<Value> = report.added.first.iter().map(path).collect();
    let pulled: Vec<Value> = report
        .pulled
        .first
        .iter()
        .map(|one| {
            json!({
                "unit": path(&one.unit),
                "reason": one.reason,
                "wanted_by": path(&one.wanted_by),
            })
        })
        .collect();
    let unresolved: Vec<Value> = report
        .unresolved
        .first
        .iter()
        .map(|one| {
            json!({
                "wanted_by": path(&one.wanted_by),
                "reason": one.reason,
                "missing": one.missing,
            })
        })
        .collect();
    let mut result = Map::new();
    result.insert("dry_run".to_owned(), dry_run.into());
    for (name, list, count) in [
        ("added", added, report.added.count),
        ("pulled_in", pulled, report.pulled.count),
        ("unresolved", unresolved, report.unresolved.count),
    ] {
        result.insert(format!("{name}_count"), count.into());
        result.insert(name.to_owned(), Value::Array(list));
    }
    Ok(Value::Object(result))
}

/// The paths of units below an API root, in the order of the units.
async fn paths(context: &Context, units: &[UnitId]) -> Result<Vec<String>> {
    let services = &context.toolbox.services;
    let mut connection = services.database.read().await?;
    let rows = pith_db::unit::uuids(&mut connection, units).await?;
    rows.into_iter()
        .map(|(uuid, content_type)| {
            let table = services
                .types
                .by_id(content_type)
                .ok_or_else(|| Error::internal("a unit of a type that is not in service"))?;
            let plural = &table.content_type.plural;
            Ok(typed_path(Kind::Content, &table.plugin, plural, uuid))
        })
        .collect()
}

struct Copied {
    versions: Vec<NewVersion>,
    result: Value,
}

#[async_trait]
impl Commit for Copied {
    fn is_durable(&self) -> bool {
        !self.versions.is_empty()
    }

    async fn commit(&self, connection: &mut Connection) -> Result<Outcome> {
        let mut created: Vec<Created> = Vec::new();
        for version in &self.versions {
            created.extend(version.publish(connection).await?);
        }
        Ok(Outcome {
            created,
            result: Some(self.result.clone()),
        })
    }
}

//! Lists of tasks: all, and those of one type.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use pith_db::list;
use pith_db::task::{self, Task};
use pith_db::task_filter::{self, Holding};
use pith_model::access::Securable;
use pith_model::reference::{Kind, Reference, core_prn, typed_prn};
use pith_model::{Root, TaskId};
use uuid::Uuid;

use super::{shape, types};
use crate::context::Context;
use crate::document::Object;
use crate::error::{Error, Result};
use crate::openapi::parameters::IDENTITY;
use crate::openapi::{Filters, Parameter};
use crate::page;
use crate::query::{Query, not_a_reference};

/// What the document says of the filters.
pub(super) const FILTERS: Filters = Filters::new(
    |_| list::filters::<Task>(),
    &[
        IDENTITY[0],
        IDENTITY[1],
        IDENTITY[2],
        IDENTITY[3],
        Parameter::text("parent_task", ""),
        Parameter::several("parent_task__in", ""),
        Parameter::text("worker", ""),
        Parameter::several("worker__in", ""),
        Parameter::text("child_tasks", "The parent of this task."),
        Parameter::text("task_group", ""),
        Parameter::several("task_group__in", ""),
        Parameter::text("reserved_resources", "Those that hold this, alone or not."),
        Parameter::several("reserved_resources__in", "Those that hold all of these."),
        Parameter::text("exclusive_resources", "Those that hold this alone."),
        Parameter::several("exclusive_resources__in", ""),
        Parameter::text("shared_resources", "Those that hold this beside others."),
        Parameter::several("shared_resources__in", ""),
        Parameter::text("created_resources", "Those that made this."),
        Parameter::several("created_resources__in", ""),
    ],
);

/// `GET tasks/`
pub(super) async fn all(context: Context, RawQuery(text): RawQuery) -> Result<Response> {
    let query = Query::parse(text.as_deref())?.below(context.root);
    answer(&context, query, |_| {}).await
}

/// `GET tasks/<plugin>/`: the plugin's tasks, and beside them the types of its tasks.
pub(super) async fn of_plugin(
    context: &Context,
    plugin: &str,
    text: Option<&str>,
) -> Result<Response> {
    let types = types::routes(context, plugin)?;
    let mut query = Query::parse(text)?.below(context.root);
    query.push(task::of_plugin(plugin));
    answer(context, query, |object| {
        object.field("sub_routes", &types);
    })
    .await
}

/// `GET tasks/<plugin>/<type>/`
pub(super) async fn of_type(
    context: Context,
    Path((plugin, type_name)): Path<(String, String)>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    types::check(&context.app, &plugin, &type_name)?;
    let mut query = Query::parse(text.as_deref())?.below(context.root);
    query.push(task::of_type(&plugin, &type_name));
    answer(&context, query, |_| {}).await
}

async fn answer(
    context: &Context,
    mut query: Query,
    beside: impl FnOnce(&mut Object<'_>),
) -> Result<Response> {
    let dialect = context.app.database.dialect();
    query.identify(task::UUID)?;
    query.refer("parent_task", "parent_task__in", task::PARENT)?;
    query.refer("worker", "worker__in", task::WORKER)?;
    query.refer("task_group", "task_group__in", task::GROUP)?;
    while let Some(text) = query.take("child_tasks") {
        query.push(task::parent_of(uuids("child_tasks", &text)?));
    }
    take_reserved(&mut query)?;
    take_created(&mut query)?;
    let mut connection = context.app.database.read().await?;
    let access = context.access()?;
    let seen = access.seen_of_many(&mut connection, Securable::Task, "t");
    query.only(seen.await?);
    let selection = query.select(&list::filters::<Task>(), dialect)?;
    let (rows, count): (Vec<Task>, i64) = list::page(&mut connection, &selection).await?;
    let ids: Vec<TaskId> = rows.iter().map(|row| row.id).collect();
    let children = task::children_of(&mut connection, &ids).await?;
    drop(connection);
    Ok(page::answer_beside(
        context,
        &query,
        (&rows, count),
        |object, row| {
            shape::write(object, row, context.root, &children);
        },
        beside,
    ))
}

fn uuids(parameter: &str, text: &str) -> Result<Vec<Uuid>> {
    text.split(',')
        .map(|text| {
            let last = text.trim().trim_end_matches('/').rsplit(['/', ':']).next();
            last.and_then(|last| Uuid::try_parse(last).ok())
                .ok_or_else(|| Error::invalid(parameter, not_a_reference(text)))
        })
        .collect()
}

/// Filters by what a task holds; where several resources are given, it holds all of them.
fn take_reserved(query: &mut Query) -> Result<()> {
    let parameters = [
        ("reserved_resources", Holding::Any),
        ("reserved_resources__in", Holding::Any),
        ("exclusive_resources", Holding::Exclusively),
        ("exclusive_resources__in", Holding::Exclusively),
        ("shared_resources", Holding::Shared),
        ("shared_resources__in", Holding::Shared),
    ];
    for (parameter, holding) in parameters {
        while let Some(text) = query.take(parameter) {
            for text in text.split(',') {
                let name = resource_name(parameter, text.trim())?;
                query.push(task_filter::holds(&name, holding));
            }
        }
    }
    Ok(())
}

/// The name under which a resource is locked.
fn resource_name(parameter: &str, text: &str) -> Result<String> {
    // PRNs and other words are names already.
    if !text.contains('/') {
        return Ok(text.to_owned());
    }
    let reference =
        Reference::parse(text).ok_or_else(|| Error::invalid(parameter, not_a_reference(text)))?;
    Ok(match (reference.kind, &reference.type_path) {
        // A version is locked with its repository.
        (Kind::Version | Kind::Repository, Some((plugin, name))) => {
            typed_prn(Kind::Repository, plugin, name, reference.uuid)
        }
        (kind, Some((plugin, name))) => typed_prn(kind, plugin, name, reference.uuid),
        (kind, None) => core_prn(kind, reference.uuid),
    })
}

/// Filters by what a task made.
fn take_created(query: &mut Query) -> Result<()> {
    for parameter in ["created_resources", "created_resources__in"] {
        while let Some(text) = query.take(parameter) {
            let (mut paths, mut prns) = (Vec::new(), Vec::new());
            for text in text.split(',').map(str::trim) {
                let path = Root::ALL
                    .iter()
                    .find_map(|root| text.strip_prefix(root.path()));
                match path {
                    Some(path) => paths.push(format!("{}/", path.trim_end_matches('/'))),
                    None if text.starts_with("prn:") => prns.push(text.to_owned()),
                    None => return Err(Error::invalid(parameter, not_a_reference(text))),
                }
            }
            query.push(task_filter::created(paths, prns));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "0190e2f4-0000-7000-8000-000000000001";

    #[test]
    fn resources_are_known_by_the_name_of_their_lock() {
        let name = |text: &str| resource_name("reserved_resources", text).unwrap();
        let prn = format!("prn:file.filerepository:{UUID}");
        assert_eq!(name(&prn), prn);
        for root in Root::ALL {
            let href = format!("{}repositories/file/file/{UUID}/", root.path());
            assert_eq!(name(&href), prn);
            assert_eq!(name(&format!("{href}versions/1/")), prn);
        }
        assert_eq!(name("core.orphans"), "core.orphans");
        assert!(resource_name("reserved_resources", "/somewhere/").is_err());
    }

    #[test]
    fn tasks_are_named_by_href_prn_or_uuid() {
        let text = format!("{UUID},prn:core.task:{UUID},/pulp/api/v3/tasks/{UUID}/");
        assert_eq!(uuids("child_tasks", &text).unwrap().len(), 3);
        assert!(uuids("child_tasks", "x").is_err());
    }
}

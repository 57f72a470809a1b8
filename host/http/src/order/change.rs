//! The orders to change repositories by rules of a plugin's own.

use std::collections::BTreeSet;

use pith_content::ingest::ingest;
use pith_db::access::Access;
use pith_db::repository::Repository;
use pith_db::{Connection, list, repository};
use pith_model::access::Securable;
use pith_model::descriptor::{TaskKind, TaskType};
use pith_model::reference::{Kind, typed_prn};
use pith_model::schema::{property_names, signing_services};
use pith_model::task::Lock;
use pith_tasks::work::Work;
use serde_json::{Map, Value};

use crate::config;
use crate::context::Context;
use crate::declared;
use crate::error::{Error, Result};
use crate::form::{Form, Given};
use crate::lookup;
use crate::order::units::Units;
use crate::order::{self, Order, permit};
use crate::receive::Received;

/// Repositories that one request may name.
const MOST: usize = 1_000;

/// Stands for all repositories.
const ALL: &str = "*";

/// What is asked for: one task, or one for each repository.
pub(crate) enum Orders {
    One(Box<Order>),
    Each(Vec<Order>),
    /// All of them or none.
    Together(Vec<Order>),
}

/// The task type of a plugin.
pub(crate) fn find(context: &Context, plugin: &str, name: &str) -> Result<TaskType> {
    let generation = declared::generation(&context.app, plugin)?;
    let types = &generation.descriptor().task_types;
    let found = types
        .iter()
        .find(|one| one.kind == TaskKind::Change && one.name == name);
    found.cloned().ok_or_else(Error::not_found)
}

/// The task type that is an action of a repository.
pub(crate) fn find_action(context: &Context, plugin: &str, action: &str) -> Result<TaskType> {
    let generation = declared::generation(&context.app, plugin)?;
    let mut types = generation.descriptor().task_types.iter();
    let found = types.find(|one| one.kind == TaskKind::Change && action_of(one) == Some(action));
    found.cloned().ok_or_else(Error::not_found)
}

/// The word below a repository at which a change is asked for, if it is at one.
pub(crate) fn action_of(task_type: &TaskType) -> Option<&str> {
    task_type.params.get("x-action")?.as_str()
}

/// Whether a change brings units of one repository to others.
pub(crate) fn has_source(schema: &Value) -> bool {
    field(schema, "repository").is_some() && field(schema, "repositories").is_some()
}

/// The property of a schema with a format of the contract's.
pub(crate) fn field<'a>(schema: &'a Value, format: &str) -> Option<&'a str> {
    property_names(schema).find(|name| schema["properties"][*name]["format"] == format)
}

/// Builds them.
pub(crate) async fn build(
    context: &Context,
    plugin: &str,
    task_type: &TaskType,
    received: Received,
) -> Result<Orders> {
    let schema = &task_type.params;
    let parameters = order::shown(&received.fields.map);
    let mut form = Form::from(received.fields);
    let (several, one) = (field(schema, "repositories"), field(schema, "repository"));
    // What is found out here is checked by the schema all the same.
    let mut params = Map::new();
    let access = context.access()?;
    let mut connection = context.app.database.read().await?;
    let (mut repositories, mut source) = (Vec::new(), None);
    if let Some(name) = several
        && let Some(given) = form.list(name)
    {
        repositories = all_of(&mut connection, access, &mut form, (name, plugin), &given).await?;
        params.insert(name.to_owned(), given.into());
    }
    if let Some(name) = one {
        let given = lookup::repository(&mut connection, access, &mut form, name, plugin).await?;
        if let Given::This(found) = given {
            params.insert(name.to_owned(), prn(&found).into());
            if several.is_some() {
                source = Some(found);
            } else {
                repositories.push(found);
            }
        }
    }
    if let (Some(source), Some(name)) = (&source, several)
        && repositories.iter().any(|one| one.id == source.id)
    {
        form.wrong(
            name,
            "Expected other repositories than the one that has the units.",
        );
    }
    for repository in repositories.iter().chain(&source) {
        permit(&mut connection, access, repository, "modify").await?;
    }
    // Content in no repository is for those who may do everything.
    if repositories.is_empty() && !form.is_wrong() && !access.is_everything() {
        return Err(Error::forbidden());
    }
    drop(connection);
    let mut connection = context.app.database.read().await?;
    config::find_signing_services(&mut connection, &mut form, schema).await?;
    let units = match field(schema, "units") {
        Some(name) => {
            let mut units = Units {
                app: &context.app,
                access,
                plugin,
                connection: &mut connection,
            };
            chosen(&mut units, &mut form, name).await?
        }
        None => None,
    };
    drop(connection);
    if let (Some(name), Some(file)) = (field(schema, "file"), &received.file) {
        params.insert(name.to_owned(), file.name.as_str().into());
    }
    config::take(&mut form, schema, &mut params);
    form.finish()?;
    let signing = signing_services(schema, &params);
    let file = match received.file {
        Some(file) => {
            let (database, store) = (&context.app.database, &*context.app.store);
            let rows = ingest(database, store, vec![file.incoming]).await?;
            let artifact = rows.first().copied().ok_or_else(Error::not_found)?;
            Some((artifact.0, file.name))
        }
        None => None,
    };
    let generation = declared::generation(&context.app, plugin)?;
    let source_id = source.as_ref().map(|source| source.id.0);
    let order = |repository: Option<&Repository>, params: Map<String, Value>| Order {
        name: format!("pulp_{plugin}.app.tasks.{}", task_type.name),
        plugin: plugin.to_owned(),
        type_name: task_type.name.clone(),
        plugin_version: Some(generation.version().to_owned()),
        parameters: parameters.clone(),
        work: Work::Change {
            task_type: task_type.name.clone(),
            repository: repository.map(|repository| repository.id.0),
            source: source_id,
            file: file.clone(),
            params,
            units: units.clone(),
            signing: signing.clone(),
        },
        locks: repository
            .map(|repository| Lock::exclusive(prn(repository)))
            .into_iter()
            .chain(source.as_ref().map(|source| Lock::shared(prn(source))))
            .collect(),
    };
    let each = repositories.iter();
    let mut orders: Vec<Order> = each.map(|one| order(Some(one), params.clone())).collect();
    let Some(name) = several else {
        let one = orders.pop();
        return Ok(Orders::One(Box::new(
            one.unwrap_or_else(|| order(None, params)),
        )));
    };
    if source.is_none() {
        return Ok(Orders::Each(orders));
    }
    if schema["x-moves"] == true {
        // Its own turn: nobody is left to be given anything.
        params.insert(name.to_owned(), Value::Array(Vec::new()));
        orders.push(order(source.as_ref(), params));
    }
    Ok(Orders::Together(orders))
}

/// The rows of the units that a list names; none where it names all, or is not given.
async fn chosen(units: &mut Units<'_>, form: &mut Form, name: &str) -> Result<Option<Vec<i64>>> {
    let Some(given) = form.list(name) else {
        return Ok(None);
    };
    form.put(name.to_owned(), given.clone().into());
    if given.iter().any(|one| one == ALL) {
        if given.len() > 1 {
            form.wrong(name, format!("{ALL:?} stands for all, and so alone."));
        }
        return Ok(None);
    }
    Ok(Some(units.resolve(form, name, &given).await?))
}

/// The repositories that a list names, each once.
async fn all_of(
    connection: &mut Connection,
    access: &Access,
    form: &mut Form,
    (name, plugin): (&str, &str),
    given: &[Value],
) -> Result<Vec<Repository>> {
    if given.iter().any(|one| one == ALL) {
        if given.len() > 1 {
            form.wrong(name, format!("{ALL:?} stands for all, and so alone."));
            return Ok(Vec::new());
        }
        let selection = list::Selection {
            conditions: std::iter::once(repository::of_plugin(plugin))
                .chain(access.seen(Securable::Repository, "r"))
                .collect(),
            limit: i64::try_from(MOST + 1).unwrap_or(i64::MAX),
            ..list::Selection::default()
        };
        let all = list::records(connection, &selection).await?;
        if all.len() > MOST {
            form.wrong(
                name,
                format!("There are more than {MOST}; name some of them."),
            );
        }
        return Ok(all);
    }
    if given.is_empty() || given.len() > MOST {
        form.wrong(name, format!("Expected 1 to {MOST} repositories."));
        return Ok(Vec::new());
    }
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for one in given {
        form.put(name.to_owned(), one.clone());
        if let Given::This(one) = lookup::repository(connection, access, form, name, plugin).await?
            && seen.insert(one.id.0)
        {
            found.push(one);
        }
    }
    Ok(found)
}

fn prn(repository: &Repository) -> String {
    let (plugin, type_name) = (&repository.plugin, &repository.type_name);
    typed_prn(Kind::Repository, plugin, type_name, repository.uuid)
}

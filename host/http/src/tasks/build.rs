//! From the type of a task and its parameters to an order: whoever makes tasks by their
//! type comes by here.

use pith_db::repository::Repository;
use pith_model::reference::Kind;
use serde_json::{Map, Value};

use super::types::{self, Making};
use crate::body::Fields;
use crate::content::order_for_stored;
use crate::context::Context;
use crate::declared::{self, Declared};
use crate::error::{Error, Result};
use crate::form::{Form, Given};
use crate::lookup;
use crate::order::change::Orders;
use crate::order::{self, Order};
use crate::receive::Received;

/// Checks parameters and builds the order for a type of a plugin.
pub(crate) async fn order_of(
    context: &Context,
    plugin: &str,
    type_name: &str,
    fields: Fields,
) -> Result<Order> {
    let making = types::find(&context.app, plugin, type_name)?.making;
    let parameters = order::shown(&fields.map);
    let mut order = build(context, plugin, type_name, making, fields, parameters).await?;
    // It is listed under the type that it was made by, also where another one does the same.
    type_name.clone_into(&mut order.type_name);
    Ok(order)
}

/// The one task of a change; several are a group, which has an address of its own.
fn only(orders: Vec<Order>, plugin: &str, type_name: &str) -> Result<Order> {
    let count = orders.len();
    let mut orders = orders.into_iter();
    match (orders.next(), count) {
        (Some(order), 1) => Ok(order),
        _ => Err(Error::invalid_together(format!(
            "This makes {count} tasks; ask for them at {plugin}/{type_name}/."
        ))),
    }
}

async fn build(
    context: &Context,
    plugin: &str,
    type_name: &str,
    making: Making,
    fields: Fields,
    parameters: Map<String, Value>,
) -> Result<Order> {
    match making {
        Making::Upload => upload(context, plugin, fields, parameters).await,
        Making::Publication => {
            let mut form = Form::from(fields);
            let declared = publication_type(context, plugin, &mut form)?;
            order::publish::build(context, &declared, form, parameters).await
        }
        Making::Copies => order::copy::build(context, plugin, fields.into(), parameters).await,
        Making::Change => {
            let task_type = order::change::find(context, plugin, type_name)?;
            let received = Received { fields, file: None };
            match order::change::build(context, plugin, &task_type, received).await? {
                Orders::One(order) => Ok(*order),
                Orders::Each(orders) | Orders::Together(orders) => only(orders, plugin, type_name),
            }
        }
        Making::Sync => {
            let (repository, form) = repository_of(context, plugin, fields).await?;
            order::sync::build(context, &repository, form, parameters).await
        }
        Making::Adds | Making::Removes | Making::Modifications => {
            let (repository, mut form) = repository_of(context, plugin, fields).await?;
            let field = match making {
                Making::Adds => Some("add_content_units"),
                Making::Removes => Some("remove_content_units"),
                _ => None,
            };
            if let Some(field) = field {
                form.alias(field, "content_units");
                if !form.has(field) {
                    return Err(Error::invalid("content_units", "This field is required."));
                }
            }
            order::modify::build(context, &repository, form, parameters).await
        }
    }
}

/// The repository that a body names, and the rest of the body.
async fn repository_of(
    context: &Context,
    plugin: &str,
    fields: Fields,
) -> Result<(Repository, Form)> {
    let mut form = Form::from(fields);
    form.require("repository");
    let mut connection = context.app.database.read().await?;
    let given = lookup::repository(
        &mut connection,
        context.access()?,
        &mut form,
        "repository",
        plugin,
    )
    .await?;
    match given {
        Given::This(repository) => Ok((repository, form)),
        Given::Null => Err(Error::invalid("repository", "This field may not be null.")),
        // What is wrong was noted; other fields are not looked at without a repository.
        Given::Absent => Err(form.into_error()),
    }
}

/// The publication type that a body names as `type`; the plugin's first if it does not.
fn publication_type(context: &Context, plugin: &str, form: &mut Form) -> Result<Declared> {
    let generation = declared::generation(&context.app, plugin)?;
    let first = generation.descriptor().publication_types.first();
    let name = match (form.text("type"), first) {
        (Some(name), _) => name,
        (None, Some(first)) => first.name.clone(),
        (None, None) => return Err(Error::not_found()),
    };
    Declared::find(&context.app, Kind::Publication, plugin, &name)
        .ok_or_else(|| Error::invalid("type", format!("There is no publication type {name:?}.")))
}

async fn upload(
    context: &Context,
    plugin: &str,
    mut fields: Fields,
    parameters: Map<String, Value>,
) -> Result<Order> {
    let tables = context.app.types.of_plugin(plugin);
    let wanted = fields.map.remove("content_type");
    let table = match wanted.as_ref().and_then(Value::as_str) {
        Some(name) => tables.iter().find(|table| {
            table.content_type.name == name
                || table.content_type.plural == name
                || table.full_name == name
        }),
        None => tables.first(),
    };
    let table = table.ok_or_else(|| {
        Error::invalid(
            "content_type",
            format!("The plugin {plugin:?} has no such content type."),
        )
    })?;
    order_for_stored(context, table, fields, parameters).await
}

//! Making units of a file, wherever it comes from, or of fields alone.

use axum::extract::{Path, Request};
use axum::response::Response;
use pith_db::content_type::TypeTable;
use pith_model::descriptor::TaskKind;
use pith_model::schema::{is_fileless, property_names};
use serde_json::{Map, Value};

use super::source::{self, Found};
use crate::body::{self, Fields};
use crate::context::Context;
use crate::declared;
use crate::error::{Error, Result};
use crate::form::Form;
use crate::order;
use crate::receive::{self, Received};

/// `POST content/<plugin>/<plural>/`
pub(super) async fn create(
    context: Context,
    Path((plugin, plural)): Path<(String, String)>,
    request: Request,
) -> Result<Response> {
    let table = declared::content_type(&context.app, &plugin, &plural)?;
    let order = order_of_request(&context, &table, request).await?;
    order::accept(&context, order).await
}

/// Makes the order of a request: a form with a file, or fields that say where it is.
pub(super) async fn order_of_request(
    context: &Context,
    table: &TypeTable,
    request: Request,
) -> Result<order::Order> {
    let received = if body::media_type(&request) == "multipart/form-data" {
        receive::receive(request, &*context.app.store, "file").await?
    } else {
        Received {
            fields: body::read(request, body::LIMIT).await?,
            file: None,
        }
    };
    let parameters = order::shown(&received.fields.map);
    order_for(context, table, received, parameters).await
}

/// Makes the order; a file that came with the request is kept once all else is checked.
async fn order_for(
    context: &Context,
    table: &TypeTable,
    received: Received,
    mut parameters: Map<String, Value>,
) -> Result<order::Order> {
    source::hide_secrets(&mut parameters);
    let mut form = Form::from(received.fields);
    let generation = declared::generation_of_row(&context.app, &table.plugin)?;
    let task_type = declared::task_type(&generation, TaskKind::Upload);
    if task_type.is_some_and(|one| is_fileless(&one.params, &table.content_type.name)) {
        if received.file.is_some() {
            form.wrong("file", "This content is made of the other fields alone.");
        }
        let upload = order::upload::check(context, table, form).await?;
        return Ok(upload.order(order::upload::File::none(), parameters));
    }
    let params: Vec<&str> = task_type
        .map(|task_type| property_names(&task_type.params).collect())
        .unwrap_or_default();
    let found = source::take(context, &mut form, received.file, &params).await?;
    let upload = order::upload::check(context, table, form).await?;
    let found = found.ok_or_else(Error::not_found)?;
    if let Found::Sent(file) = &found {
        // A plugin named it in the artifact's place.
        parameters.remove("artifact");
        parameters.insert("file".to_owned(), file.name().into());
    }
    let file = source::keep(context, found).await?;
    Ok(upload.order(file, parameters))
}

/// Makes the order from fields alone, as typed tasks do.
pub(crate) async fn order_for_stored(
    context: &Context,
    table: &TypeTable,
    fields: Fields,
    parameters: Map<String, Value>,
) -> Result<order::Order> {
    let received = Received { fields, file: None };
    order_for(context, table, received, parameters).await
}

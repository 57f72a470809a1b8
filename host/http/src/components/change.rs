//! `PATCH components/<name>/`: into and out of service, and limits.

use axum::extract::Path;
use axum::response::Response;
use pith_plugin::components::Change;

use super::shape;
use crate::body::Fields;
use crate::context::Context;
use crate::document;
use crate::error::{Error, Result};
use crate::form::Form;

/// What clients send back as they got it.
const READ_ONLY: &[&str] = &[
    "pulp_href",
    "prn",
    "pulp_created",
    "pulp_last_updated",
    "name",
    "title",
    "version",
    "digest",
    "size",
    "status",
    "generation",
    "origin",
    "file",
    "abilities",
    "imports",
    "content_types",
    "task_types",
    "used",
    "problem",
];

/// Changes what an administrator may choose.
pub(super) async fn change(
    context: Context,
    Path(name): Path<String>,
    fields: Fields,
) -> Result<Response> {
    let mut form = Form::from(fields);
    form.ignore(READ_ONLY);
    let change = Change {
        enabled: form.boolean("enabled"),
        limits: form.object("limits"),
    };
    form.finish()?;
    let components = context.app.components.clone();
    let changing = tokio::spawn(async move { components.change(&name, &change).await });
    let shown = changing.await.map_err(|error| Error::internal(&error))??;
    Ok(document::object(None, |object| {
        shape::write(object, &shown, context.root);
    }))
}

//! Making units of a file that is uploaded with the request, or of one that is stored.

use axum::extract::{Path, Request};
use axum::response::Response;
use pith_content::ingest::ingest;
use pith_model::ArtifactId;
use serde_json::{Map, Value};

use crate::body::{self, Fields};
use crate::context::Context;
use crate::declared;
use crate::error::{Error, Result};
use crate::form::{Form, Given};
use crate::lookup;
use crate::order;
use crate::receive::{self, Received};

/// `POST content/<plugin>/<plural>/`
pub(super) async fn create(
    context: Context,
    Path((plugin, plural)): Path<(String, String)>,
    request: Request,
) -> Result<Response> {
    let table = declared::content_type(&context.app, &plugin, &plural)?;
    let received = if body::media_type(&request) == "multipart/form-data" {
        receive::receive(request, &*context.app.store, "file").await?
    } else {
        Received {
            fields: body::read(request, body::LIMIT).await?,
            file: None,
        }
    };
    let mut parameters = order::shown(&received.fields.map);
    let mut form = Form::from(received.fields);
    let given = stored(&context, &mut form).await?;
    if given.is_some() && received.file.is_some() {
        form.wrong_together("Only one of 'file' and 'artifact' may be specified.");
    }
    if given.is_none() && received.file.is_none() && !form.is_wrong() {
        form.wrong_together("One of 'file' and 'artifact' must be specified.");
    }
    // Everything is checked before the file is kept.
    let upload = order::upload::check(&context.app, &table, form).await?;
    let (artifact, file_name) = match (given, received.file) {
        (Some(artifact), _) => (artifact, String::new()),
        (None, Some(file)) => {
            parameters.insert("file".to_owned(), file.name.as_str().into());
            let app = &context.app;
            let rows = ingest(&app.database, &*app.store, vec![file.incoming]).await?;
            let artifact = rows.first().copied().ok_or_else(Error::not_found)?;
            (artifact, file.name)
        }
        (None, None) => return Err(Error::not_found()),
    };
    order::accept(&context, upload.order(artifact, file_name, parameters)).await
}

/// The stored file that a form names.
pub(crate) async fn stored(context: &Context, form: &mut Form) -> Result<Option<ArtifactId>> {
    let mut connection = context.app.database.read().await?;
    Ok(
        match lookup::artifact(&mut connection, form, "artifact").await? {
            Given::This(artifact) => Some(artifact.id),
            Given::Absent | Given::Null => None,
        },
    )
}

/// Makes the order for a stored file from fields alone, as typed tasks do.
pub(crate) async fn order_for_stored(
    context: &Context,
    table: &pith_db::content_type::TypeTable,
    fields: Fields,
    parameters: Map<String, Value>,
) -> Result<order::Order> {
    let mut form = Form::from(fields);
    form.require("artifact");
    let artifact = stored(context, &mut form).await?;
    let upload = order::upload::check(&context.app, table, form).await?;
    let artifact = artifact.ok_or_else(Error::not_found)?;
    Ok(upload.order(artifact, String::new(), parameters))
}

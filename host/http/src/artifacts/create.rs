//! Storing a file that comes with the request.

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use pith_content::ingest::ingest;
use pith_db::artifact;
use serde_json::Value;

use super::shape;
use crate::body;
use crate::context::Context;
use crate::document::{self, Href};
use crate::error::{Error, Result};
use crate::form::Form;
use crate::openapi::resource::object;
use crate::openapi::{Field, Place};
use crate::order::set_location;
use crate::receive;

/// What it takes.
pub(super) fn described(_: &Place) -> Value {
    object(&[
        Field::file("file", "").required().write_only(),
        Field::integer("size", 0, "Is compared with that of the file, in bytes.").nullable(),
        Field::text("md5", "Is compared with that of the file.").nullable(),
        Field::text("sha1", "Is compared with that of the file.").nullable(),
        Field::text("sha224", "Is compared with that of the file.").nullable(),
        Field::text("sha256", "Is compared with that of the file.").nullable(),
        Field::text("sha384", "Is compared with that of the file.").nullable(),
        Field::text("sha512", "Is compared with that of the file.").nullable(),
    ])
}

/// `POST artifacts/`
pub(super) async fn create(context: Context, request: Request) -> Result<Response> {
    if body::media_type(&request) != "multipart/form-data" {
        return Err(Error::invalid("file", "No file was submitted."));
    }
    let app = &context.app;
    let received = receive::receive(request, &*app.store, "file").await?;
    let Some(file) = received.file else {
        return Err(Error::invalid("file", "No file was submitted."));
    };
    let mut form = Form::from(received.fields);
    let announced = receive::expectation(&mut form, &[]);
    receive::compare(&mut form, &announced, &file.incoming).await?;
    form.finish()?;

    let sha256 = file.incoming.sha256();
    {
        let mut connection = app.database.read().await?;
        if !artifact::find(&mut connection, &[sha256.0])
            .await?
            .is_empty()
        {
            return Err(Error::invalid_together(format!(
                "Artifact with sha256 checksum of '{sha256}' already exists."
            )));
        }
    }
    let rows = ingest(&app.database, &*app.store, vec![file.incoming]).await?;
    let id = rows.first().copied().ok_or_else(Error::not_found)?;
    let artifact = {
        let mut connection = app.database.read().await?;
        artifact::by_id(&mut connection, id)
            .await?
            .ok_or_else(Error::not_found)?
    };
    let mut response = document::object(None, |object| {
        shape::write(object, &artifact, context.root);
    });
    *response.status_mut() = StatusCode::CREATED;
    let href = Href(context.root, format_args!("artifacts/{}/", artifact.uuid)).to_string();
    set_location(&mut response, &href);
    Ok(response)
}

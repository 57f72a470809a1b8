//! Taking a chunk of an upload, at the place that `Content-Range` names.

use axum::extract::multipart;
use axum::extract::{FromRequest as _, Multipart, Path, Request};
use axum::response::Response;
use pith_content::upload::{Receiving, Refusal, Whose};
use pith_db::upload::Upload;
use pith_storage::{Algorithm, Digest, Expected};
use serde_json::Value;

use super::{find, range, shape};
use crate::body::{self, Fields};
use crate::chunk;
use crate::context::Context;
use crate::document;
use crate::error::{Error, Result};
use crate::form::Form;
use crate::openapi::resource::object;
use crate::openapi::{Field, Place};
use crate::upload::refuse;

/// What it takes.
pub(super) fn described(_: &Place) -> Value {
    object(&[
        Field::file("file", "The chunk.").required().write_only(),
        Field::text("sha256", "Is compared with that of the chunk.")
            .nullable()
            .write_only(),
    ])
}

/// `PUT uploads/<id>/`
pub(super) async fn put(
    context: Context,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response> {
    let upload = find(&context, &id).await?;
    chunk::refuse_encoding(request.headers())?;
    let size = upload.size.and_then(|size| u64::try_from(size).ok());
    let range = range::parse(request.headers(), size.unwrap_or(0))?;
    if body::media_type(&request) != "multipart/form-data" {
        return Err(Error::invalid("file", "No file was submitted."));
    }
    let multipart = Multipart::from_request(request, &())
        .await
        .map_err(|error| body::damaged_form(&error))?;
    let upload = receive(&context, &upload, range, multipart).await?;
    Ok(document::object(None, |object| {
        shape::write(object, &upload, context.root);
    }))
}

async fn receive(
    context: &Context,
    upload: &Upload,
    range: std::ops::Range<u64>,
    mut multipart: Multipart,
) -> Result<Upload> {
    let mut fields = Fields {
        textual: true,
        ..Fields::default()
    };
    let mut received = None;
    let mut left = body::LIMIT;
    while let Some(field) = body::next_field(&mut multipart).await? {
        let name = field.name().unwrap_or_default().to_owned();
        if name != "file" {
            if field.file_name().is_some() {
                return Err(Error::invalid(name, "No file was expected here."));
            }
            let text = body::read_text(field, &mut left).await?;
            fields.map.insert(name, text.into());
            continue;
        }
        if received.is_some() {
            return Err(Error::invalid("file", "Only one file was expected."));
        }
        // A digest that comes after the file is computed from what was written.
        let announced = fields.map.contains_key("sha256");
        let algorithms = announced.then_some(Algorithm::Sha256).into_iter().collect();
        let services = &context.app.services;
        let receiving = Receiving::at(
            services,
            Whose::Anybodys,
            upload.uuid,
            range.clone(),
            algorithms,
        );
        let receiving = receiving.await.map_err(refuse_chunk)?;
        received = Some(take(receiving, field, range.end - range.start).await?);
    }
    fields.refuse_null_characters()?;
    let receiving = received.ok_or_else(|| Error::invalid("file", "No file was submitted."))?;
    let expected = expected(Form::from(fields), &receiving, range.end - range.start)?;
    receiving.end(&expected).await.map_err(refuse_chunk)
}

/// Takes the bytes of a part; not one more than the range has.
async fn take(
    mut receiving: Receiving,
    mut field: multipart::Field<'_>,
    length: u64,
) -> Result<Receiving> {
    loop {
        let next = chunk::patiently(&receiving, field.chunk()).await?;
        let Some(piece) = next.map_err(|error| body::damaged_form(&error))? else {
            return Ok(receiving);
        };
        if receiving.length() + piece.len() as u64 > length {
            return Err(wrong_length(length));
        }
        chunk::write(&mut receiving, piece).await?;
    }
}

fn expected(mut form: Form, receiving: &Receiving, length: u64) -> Result<Expected> {
    let mut expected = Expected::nothing();
    if let Some(text) = form.nullable_text("sha256").value() {
        match Digest::from_hex(Algorithm::Sha256, text.trim()) {
            Ok(digest) => expected = expected.with_digest(digest),
            Err(error) => form.wrong("sha256", format!("Not a valid digest: {error}.")),
        }
    }
    form.finish()?;
    if receiving.length() != length {
        return Err(wrong_length(length));
    }
    Ok(expected)
}

fn wrong_length(expected: u64) -> Error {
    Error::invalid(
        "file",
        format!("The file has not the {expected} bytes that Content-Range says."),
    )
}

fn refuse_chunk(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Elsewhere(_) => Error::conflict("Another request changed the upload."),
        other => refuse(other),
    }
}

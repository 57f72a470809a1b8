//! How an upload looks to whoever sends its chunks.

use axum::response::Response;
use http::StatusCode;
use pith_content::upload::Refusal;
use pith_db::upload::Upload;
use serde_json::{Value, json};

use crate::document::{self, Object};
use crate::error::Error;
use crate::openapi::Place;

/// What the document says of an answer.
pub(super) fn described(_: &Place) -> Value {
    json!({"type": "object", "required": ["upload_id", "offset", "expires"], "properties": {
        "upload_id": {"type": "string"},
        "offset": {"type": "integer", "description": "Where the next chunk belongs."},
        "expires": {"type": "string", "description": "As mails write a moment."}}})
}

/// The same of a chunk that was not taken.
pub(super) fn refused(_: &Place) -> Value {
    json!({"type": "object", "properties": {
        "upload_id": {}, "offset": {}, "expires": {"type": "string"},
        "detail": {"type": "string"}}})
}

/// The same of an upload that is not there.
pub(super) fn gone(_: &Place) -> Value {
    json!({"type": "object", "required": ["detail"],
        "properties": {"detail": {"type": "string"}}})
}

/// Says where the next chunk belongs.
pub(super) fn answer(upload: &Upload) -> Response {
    document::object(None, |object| write(object, upload))
}

fn write(object: &mut Object<'_>, upload: &Upload) {
    object
        .field("upload_id", upload.uuid)
        .field("offset", upload.progress.received)
        .field("expires", upload.expires.rfc2822());
}

/// The same for a chunk that was ignored because it does not belong there.
pub(super) fn elsewhere(upload: &Upload) -> Response {
    let offset = upload.progress.received;
    let mut response = document::object(None, |object| {
        write(object, upload);
        object.field(
            "detail",
            format!("The chunk was ignored: offset {offset} comes next."),
        );
    });
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

/// The answer to a chunk or an upload that is not taken.
pub(crate) fn refuse(refusal: Refusal) -> Error {
    let sentence = sentence(&refusal.to_string());
    match refusal {
        Refusal::Gone => Error::absent(sentence),
        Refusal::Elsewhere(_) | Refusal::Complete(_) | Refusal::Busy => Error::conflict(sentence),
        Refusal::TooMany(_) => Error::too_many(sentence),
        Refusal::TooMuch(_) => Error::exceeds(sentence),
        Refusal::Failed(error) => error.into(),
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

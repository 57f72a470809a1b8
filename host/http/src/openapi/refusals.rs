//! The answers with which any request can be refused, and their schemas.

use serde_json::{Map, Value, json};

/// Who may use an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody.
    Open,
    /// Any user, about himself.
    Own,
    /// Whoever has what the operation needs.
    Guarded,
}

/// The refusals by status: name in the document, and for people.
const REFUSALS: &[(u16, &str, &str)] = &[
    (
        400,
        "BadRequest",
        "Something in the request is wrong: messages by field, or one sentence.",
    ),
    (401, "Unauthenticated", "Nobody, or nobody known, asks."),
    (403, "Forbidden", "Whoever asks is known and may not."),
    (404, "NotFound", "There is no such thing."),
    (408, "TooSlow", "The request's body did not arrive in time."),
    (409, "Conflict", "It does not fit how things stand."),
    (413, "TooLarge", "The request's body is too large."),
    (
        415,
        "UnsupportedMediaType",
        "The request's body is of a media type that is not read here.",
    ),
    (
        429,
        "TooManyLogins",
        "Too many passwords are being checked; `Retry-After` says when.",
    ),
    (
        503,
        "Unavailable",
        "The server cannot do this right now; `Retry-After` says when.",
    ),
    (507, "OutOfSpace", "The server's disk is full."),
];

/// The refusals that an operation can answer with, by status.
pub(crate) fn of(access: Access, is_write: bool, has_variable: bool) -> Map<String, Value> {
    REFUSALS
        .iter()
        .filter(|(status, ..)| match status {
            401 | 403 | 429 => access != Access::Open,
            404 => has_variable,
            408 | 409 | 413 | 415 | 507 => is_write,
            _ => true,
        })
        .map(|(status, name, _)| {
            let reference = json!({"$ref": format!("#/components/responses/{name}")});
            (status.to_string(), reference)
        })
        .collect()
}

/// All of them, as components.
pub(crate) fn components() -> Map<String, Value> {
    REFUSALS
        .iter()
        .map(|(status, name, about)| {
            let schema = if *status == 400 { "Refusal" } else { "Detail" };
            let response = json!({"description": about, "content": {
                "application/json": {"schema": {"$ref": format!("#/components/schemas/{schema}")}},
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
            }});
            ((*name).to_owned(), response)
        })
        .collect()
}

/// Their schemas.
pub(crate) fn schemas() -> [(&'static str, Value); 3] {
    let detail = json!({"type": "object", "required": ["detail"],
        "description": "One sentence that says what is wrong.",
        "properties": {"detail": {"type": "string"}}});
    let refusal = json!({"type": "object",
        "description": "Messages by field, `non_field_errors` for those about several; \
            or one sentence as `detail`.",
        "additionalProperties": {"anyOf": [
            {"type": "array", "items": {"type": "string"}}, {"type": "string"}]}});
    let problem = json!({"type": "object", "required": ["type", "title", "status"],
        "description": "RFC 9457.",
        "properties": {
            "type": {"type": "string"}, "title": {"type": "string"},
            "status": {"type": "integer"}, "detail": {"type": "string"},
            "errors": {"type": "object", "additionalProperties":
                {"type": "array", "items": {"type": "string"}}}}});
    [
        ("Detail", detail),
        ("Refusal", refusal),
        ("Problem", problem),
    ]
}

//! What was measured of a task because its maker asked for it with `X-Task-Diagnostics`.

use axum::extract::{Path, RawQuery};
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderValue};
use pith_db::task_profile;
use serde_json::{Map, Value, json};

use super::find;
use crate::auth::need::Need;
use crate::context::Context;
use crate::document;
use crate::error::{Error, Result};
use crate::lookup::uuid_in_path;
use crate::openapi::Operation;
use crate::openapi::parameters::PROJECTION;
use crate::query;
use crate::routes::{Routes, get};
use pith_model::access::Securable;

/// What lists the profiles does.
pub(super) fn operation() -> Operation {
    Operation::new(
        "tasks_profile_artifacts",
        "List where a task's profiles are",
    )
    .needs(Need::Object(Securable::Task, "view_profile_artifacts"))
    .about("There are some if the request that made the task had `X-Task-Diagnostics: memory`.")
    .parameters(PROJECTION)
    .answers(200, "ProfileArtifactResponse", |_| {
        json!({"type": "object", "properties": {"urls": {"type": "object",
                "additionalProperties": {"type": "string", "format": "uri"},
                "description": "By name; whoever knows one may download it."}}})
    })
}

/// `GET tasks/<id>/profile_artifacts/`
pub(super) async fn list(
    context: Context,
    Path(id): Path<String>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let projection = query::projection(text.as_deref())?;
    let mut connection = context.app.database.read().await?;
    let task = find(&mut connection, &id).await?;
    let profiles = task_profile::of_task(&mut connection, task.id).await?;
    let (origin, root) = (context.origin(), context.root.path());
    let urls: Map<String, Value> = profiles
        .into_iter()
        .map(|(name, key)| (name, format!("{origin}{root}task-profiles/{key}/").into()))
        .collect();
    Ok(document::object(Some(&projection), |object| {
        object.field("urls", &urls);
    }))
}

/// The route of one profile; its key is all that is asked for.
pub(crate) fn open_routes() -> Routes {
    Routes::new().route(
        "/task-profiles/{id}/",
        get(
            Operation::new("task_profiles_read", "Download a task's profile")
                .answers_bytes(200, "text/tab-separated-values; charset=utf-8"),
            download,
        ),
    )
}

/// `GET task-profiles/<key>/`
async fn download(context: Context, Path(key): Path<String>) -> Result<Response> {
    let mut connection = context.app.database.read().await?;
    let body = task_profile::by_key(&mut connection, uuid_in_path(&key)?)
        .await?
        .ok_or_else(Error::not_found)?;
    let media_type = HeaderValue::from_static("text/tab-separated-values; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, media_type)], body).into_response())
}

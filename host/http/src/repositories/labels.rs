//! Setting and removing one label of a repository.

use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use pith_db::hold::hold;
use pith_db::repository::{self, Settings};
use serde_json::Value;

use super::{PathOfOne, find};
use crate::body::Fields;
use crate::context::Context;
use crate::error::Result;
use crate::label::{self, Change};

/// `POST repositories/<plugin>/<type>/<id>/set_label/`
pub(super) async fn set(
    context: Context,
    Path(path): PathOfOne,
    fields: Fields,
) -> Result<Response> {
    change(context, path, Change::set(fields)?).await
}

/// `POST repositories/<plugin>/<type>/<id>/unset_label/`
pub(super) async fn unset(
    context: Context,
    Path(path): PathOfOne,
    fields: Fields,
) -> Result<Response> {
    change(context, path, Change::unset(fields)?).await
}

async fn change(
    context: Context,
    path: (String, String, String),
    change: Change,
) -> Result<Response> {
    let mut transaction = context.app.database.write_durably().await?;
    let id = find(&mut transaction, &path).await?.id;
    hold(&mut transaction, "repository", id.0).await?;
    let mut settings = Settings::from(&find(&mut transaction, &path).await?);
    let value: Value = change.apply(&mut settings.pulp_labels);
    repository::update(&mut transaction, id, &settings).await?;
    transaction.commit().await?;
    Ok(label::answer(StatusCode::CREATED, &change.key, &value))
}

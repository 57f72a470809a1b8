//! Setting and removing one label of a distribution.

use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use pith_db::distribution;
use pith_db::hold::hold;

use super::{PathOfOne, find};
use crate::body::Fields;
use crate::context::Context;
use crate::error::Result;
use crate::label::{self, Change};

/// `POST distributions/<plugin>/<type>/<id>/set_label/`
pub(super) async fn set(
    context: Context,
    Path(path): PathOfOne,
    fields: Fields,
) -> Result<Response> {
    change(context, path, Change::set(fields)?).await
}

/// `POST distributions/<plugin>/<type>/<id>/unset_label/`
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
    hold(&mut transaction, "distribution", id.0).await?;
    let mut settings = find(&mut transaction, &path).await?.settings;
    let value = change.apply(&mut settings.pulp_labels);
    distribution::update(&mut transaction, id, &settings).await?;
    transaction.commit().await?;
    // 200, where other resources answer 201: so does Pulp.
    Ok(label::answer(StatusCode::OK, &change.key, &value))
}

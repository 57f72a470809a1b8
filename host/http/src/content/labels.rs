//! Setting and removing one label of a unit.

use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use pith_db::hold::hold;
use pith_db::{unit, unit_list};

use super::PathOfOne;
use crate::body::Fields;
use crate::context::Context;
use crate::declared;
use crate::error::{Error, Result};
use crate::label::{self, Change};
use crate::lookup::uuid_in_path;

/// `POST content/<plugin>/<plural>/<id>/set_label/`
pub(super) async fn set(
    context: Context,
    Path(path): PathOfOne,
    fields: Fields,
) -> Result<Response> {
    change(context, path, Change::set(fields)?).await
}

/// `POST content/<plugin>/<plural>/<id>/unset_label/`
pub(super) async fn unset(
    context: Context,
    Path(path): PathOfOne,
    fields: Fields,
) -> Result<Response> {
    change(context, path, Change::unset(fields)?).await
}

async fn change(
    context: Context,
    (plugin, plural, id): (String, String, String),
    change: Change,
) -> Result<Response> {
    let table = declared::content_type(&context.app, &plugin, &plural)?;
    let uuid = uuid_in_path(&id)?;
    let mut transaction = context.app.database.write_durably().await?;
    let found = unit_list::by_uuid(&mut transaction, Some(&table), uuid).await?;
    let id = found.ok_or_else(Error::not_found)?.id;
    hold(&mut transaction, "unit", id.0).await?;
    let found = unit_list::by_uuid(&mut transaction, Some(&table), uuid).await?;
    let mut labels = found
        .ok_or_else(Error::not_found)?
        .pulp_labels
        .unwrap_or_default();
    let value = change.apply(&mut labels);
    unit::set_labels(&mut transaction, id, &labels).await?;
    transaction.commit().await?;
    Ok(label::answer(StatusCode::CREATED, &change.key, &value))
}

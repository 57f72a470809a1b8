//! Changing a distribution. Clients see it within a second.

use axum::extract::Path;
use axum::response::Response;
use pith_db::distribution;
use pith_db::hold::hold;
use pith_model::reference::{Kind, typed_prn};

use super::{PathOfOne, find, settings, shape};
use crate::body::Fields;
use crate::context::Context;
use crate::declared::Declared;
use crate::document;
use crate::error::Result;
use crate::form::Form;
use crate::order;

/// `PUT distributions/<plugin>/<type>/<id>/`
pub(super) async fn replace(
    context: Context,
    Path(path): PathOfOne,
    fields: Fields,
) -> Result<Response> {
    update(context, path, fields, &["name", "base_path"]).await
}

/// `PATCH distributions/<plugin>/<type>/<id>/`
pub(super) async fn change(
    context: Context,
    Path(path): PathOfOne,
    fields: Fields,
) -> Result<Response> {
    update(context, path, fields, &[]).await
}

async fn update(
    context: Context,
    path: (String, String, String),
    fields: Fields,
    required: &[&str],
) -> Result<Response> {
    let names: Vec<String> = fields.map.keys().cloned().collect();
    let mut form = Form::from(fields);
    for name in required {
        form.require(name);
    }
    let declared = Declared::get(&context.app, Kind::Distribution, &path.0, &path.1)?;
    let mut transaction = context.app.database.write_durably().await?;
    let id = find(&mut transaction, &path).await?.id;
    hold(&mut transaction, "distribution", id.0).await?;
    let mut distribution = find(&mut transaction, &path).await?;
    let mut changed = distribution.settings.clone();
    let access = context.access()?;
    settings::take(
        &mut transaction,
        access,
        &declared,
        form,
        &mut changed,
        Some(id),
    )
    .await?;
    if changed != distribution.settings {
        distribution::update(&mut transaction, id, &changed).await?;
        distribution = find(&mut transaction, &path).await?;
    }
    let prn = typed_prn(Kind::Distribution, &path.0, &path.1, distribution.uuid);
    order::note_update(&context, &mut transaction, prn, &names).await?;
    transaction.commit().await?;
    let origin = context.content_origin();
    Ok(document::object(None, |object| {
        shape::write(
            object,
            &distribution,
            context.root,
            &origin,
            Some(declared.schema()),
        );
    }))
}

//! Changing a remote. It takes effect at once; a running sync began with what was.

use axum::extract::Path;
use axum::response::Response;
use pith_db::hold::hold;
use pith_db::remote;
use pith_model::reference::{Kind, typed_prn};

use super::{PathOfOne, find, settings, shape};
use crate::body::Fields;
use crate::context::Context;
use crate::declared::Declared;
use crate::document;
use crate::error::{Error, Result};
use crate::form::Form;
use crate::last_sync::LastSyncs;
use crate::order;

/// `PUT remotes/<plugin>/<type>/<id>/`
pub(super) async fn replace(
    context: Context,
    Path(path): PathOfOne,
    fields: Fields,
) -> Result<Response> {
    update(context, path, fields, &["name", "url"]).await
}

/// `PATCH remotes/<plugin>/<type>/<id>/`
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
    let declared = Declared::get(&context.app, Kind::Remote, &path.0, &path.1)?;
    let mut transaction = context.app.database.write_durably().await?;
    let id = find(&mut transaction, &path).await?.id;
    hold(&mut transaction, "remote", id.0).await?;
    let remote = find(&mut transaction, &path).await?;
    let mut changed = remote.settings.clone();
    settings::take(&context.app.seal, &declared, form, &mut changed)?;
    // A later change makes the next sync look at everything again, so none is feigned.
    if changed != remote.settings {
        remote::update(&mut transaction, id, &changed).await?;
    }
    let remote = remote::by_id(&mut transaction, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let prn = typed_prn(Kind::Remote, &path.0, &path.1, remote.uuid);
    order::note_update(&context, &mut transaction, prn, &names).await?;
    transaction.commit().await?;
    let one = std::slice::from_ref(&remote);
    let last_syncs = LastSyncs::of_remotes(&context, Some(declared.schema()), one).await?;
    Ok(document::object(None, |object| {
        shape::write(object, &remote, context.root, Some(&declared), &last_syncs);
    }))
}

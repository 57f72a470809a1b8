//! Changing a repository. It takes effect at once; running tasks began with what was.

use axum::extract::Path;
use axum::response::Response;
use pith_db::hold::hold;
use pith_db::repository::{self, Settings};
use pith_db::version;
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

/// `PUT repositories/<plugin>/<type>/<id>/`
pub(super) async fn replace(
    context: Context,
    Path(path): PathOfOne,
    fields: Fields,
) -> Result<Response> {
    update(context, path, fields, &["name"]).await
}

/// `PATCH repositories/<plugin>/<type>/<id>/`
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
    let declared = Declared::get(&context.app, Kind::Repository, &path.0, &path.1)?;
    let mut transaction = context.app.database.write_durably().await?;
    let id = find(&mut transaction, &path).await?.id;
    hold(&mut transaction, "repository", id.0).await?;
    let repository = find(&mut transaction, &path).await?;
    let mut changed = Settings::from(&repository);
    let access = context.access()?;
    settings::take(&mut transaction, access, &declared, form, &mut changed).await?;
    if changed != Settings::from(&repository) {
        repository::update(&mut transaction, id, &changed).await?;
        version::retain(&mut transaction, id, changed.retain_repo_versions).await?;
    }
    let repository = repository::by_id(&mut transaction, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let prn = typed_prn(Kind::Repository, &path.0, &path.1, repository.uuid);
    order::note_update(&context, &mut transaction, prn, &names).await?;
    transaction.commit().await?;
    let schema = declared.schema();
    let last_syncs =
        LastSyncs::of_repositories(&context, Some(schema), std::slice::from_ref(&repository))
            .await?;
    Ok(document::object(None, |object| {
        shape::write(object, &repository, context.root, Some(schema), &last_syncs);
    }))
}

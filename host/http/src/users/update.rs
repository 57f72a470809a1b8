//! Changing a user. Sessions end with it, and passwords are looked at anew.

use axum::extract::Path;
use axum::response::Response;
use pith_db::group;
use pith_db::hold::hold;
use pith_db::user;

use super::{find, settings, write};
use crate::body::Fields;
use crate::context::Context;
use crate::document;
use crate::error::Result;
use crate::form::{Form, Given};

/// `PUT users/<id>/`
pub(super) async fn replace(
    context: Context,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response> {
    let mut form = Form::from(fields);
    form.require("username");
    update(context, &id, form).await
}

/// `PATCH users/<id>/`
pub(super) async fn change(
    context: Context,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response> {
    update(context, &id, Form::from(fields)).await
}

async fn update(context: Context, id: &str, mut form: Form) -> Result<Response> {
    // Hashing takes a while, so it comes before the transaction.
    let password = settings::take_password(&context.app, &mut form, "password").await?;
    let mut transaction = context.app.database.write_durably().await?;
    let user = find(&mut transaction, id).await?;
    hold(&mut transaction, "app_user", user.id.0).await?;
    let now = settings::of(&find(&mut transaction, id).await?);
    let mut changed = now.clone();
    settings::take(form, &mut changed)?;
    if changed != now {
        user::update(&mut transaction, user.id, &changed).await?;
    }
    match password {
        Given::Absent => {}
        Given::Null => user::remove_password(&mut transaction, user.id).await?,
        Given::This(hash) => user::set_password(&mut transaction, user.id, &hash).await?,
    }
    let user = find(&mut transaction, id).await?;
    let groups = group::of_users(&mut transaction, &[user.id]).await?;
    transaction.commit().await?;
    Ok(document::object(None, |object| {
        write(object, &user, &groups, context.root);
    }))
}

//! What users may change of themselves: their names, their address and their password.

use axum::response::Response;
use pith_db::hold::hold;
use pith_db::user::{self, User};
use pith_model::UserId;

use super::settings;
use crate::auth::password;
use crate::body::Fields;
use crate::context::Context;
use crate::document;
use crate::error::{Error, Result};
use crate::form::{Form, Given};
use crate::openapi::{Field, Resource};

/// What the document says of it.
pub(crate) static OWN_USER: Resource = Resource::new(
    "LoginUpdate",
    "Who asks, as far as users may change it themselves.",
    &[
        Field::text("username", "Letters, digits and @/./+/-/_, at most 150."),
        Field::blank("first_name", ""),
        Field::blank("last_name", ""),
        Field::blank("email", ""),
        Field::text("old_password", "To change the password.").write_only(),
        Field::text("new_password", "Replaces the old one; sessions end.").write_only(),
    ],
);

/// `PATCH login/`
pub(crate) async fn update(context: Context, fields: Fields) -> Result<Response> {
    let id = context.user()?.id;
    let mut form = Form::from(fields);
    // What decides over rights is not the user's own to set.
    for name in ["is_staff", "is_active"] {
        if form.has(name) {
            form.wrong(name, "Only an administrator can change this.");
            form.take(name);
        }
    }
    let old_hash = context.user()?.password_hash.clone();
    let new = take_password(&mut form, old_hash.clone()).await?;
    let mut transaction = context.app.database.write_durably().await?;
    hold(&mut transaction, "app_user", id.0).await?;
    let user = find(&mut transaction, id).await?;
    if new.is_some() && user.password_hash != old_hash {
        return Err(Error::conflict("The password was changed meanwhile."));
    }
    let mut changed = settings::of(&user);
    settings::take(form, &mut changed)?;
    if changed != settings::of(&user) {
        user::update(&mut transaction, id, &changed).await?;
    }
    if let Some(hash) = new {
        user::set_password(&mut transaction, id, &hash).await?;
    }
    let user = find(&mut transaction, id).await?;
    transaction.commit().await?;
    Ok(document::object(None, |object| {
        object
            .field("username", &user.username)
            .field("first_name", &user.first_name)
            .field("last_name", &user.last_name)
            .field("email", &user.email);
    }))
}

/// The new password, hashed, if the old one was given with it. It takes a while.
async fn take_password(form: &mut Form, hash: Option<String>) -> Result<Option<String>> {
    let old = form.text("old_password");
    let new = match settings::take_password(form, "new_password").await? {
        Given::This(hash) => hash,
        Given::Null => {
            form.wrong("new_password", "This field may not be null.");
            return Ok(None);
        }
        Given::Absent => return Ok(None),
    };
    let is_right = match (old, hash) {
        (Some(old), Some(hash)) => {
            tokio::task::spawn_blocking(move || password::verify(&old, &hash))
                .await
                .map_err(|error| Error::internal(&error))?
        }
        _ => false,
    };
    if !is_right {
        form.wrong("old_password", "Expected the password that is valid now.");
        return Ok(None);
    }
    Ok(Some(new))
}

async fn find(connection: &mut pith_db::Connection, id: UserId) -> Result<User> {
    user::by_id(connection, id)
        .await?
        .ok_or_else(Error::unauthenticated)
}

//! What users may change of themselves: their names, their address and their password.

use axum::response::Response;
use pith_db::hold::hold;
use pith_db::user::{self, User};
use pith_model::UserId;

use super::settings;
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
    for name in ["is_superuser", "is_staff", "is_active"] {
        if form.has(name) {
            form.wrong(name, "Only an administrator can change this.");
            form.take(name);
        }
    }
    let new = take_password(&context, &mut form).await?;
    let mut transaction = context.app.database.write_durably().await?;
    hold(&mut transaction, "app_user", id.0).await?;
    let user = find(&mut transaction, id).await?;
    if new.is_some() && user.password_hash != context.user()?.password_hash {
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
async fn take_password(context: &Context, form: &mut Form) -> Result<Option<String>> {
    let old = form.text("old_password");
    if !form.has("new_password") {
        return Ok(None);
    }
    // By the way of every login: so many at a time, and what is right is remembered.
    let user = context.user()?;
    let found = match old {
        Some(old) => {
            let authenticator = &context.app.authenticator;
            let user = user.clone();
            let name = user.username.clone();
            authenticator.check(Some(user), &name, old).await?
        }
        None => None,
    };
    if found.is_none() {
        form.take("new_password");
        form.wrong("old_password", "Expected the password that is valid now.");
        return Ok(None);
    }
    match settings::take_password(&context.app, form, "new_password").await? {
        Given::This(hash) => Ok(Some(hash)),
        Given::Null => {
            form.wrong("new_password", "This field may not be null.");
            Ok(None)
        }
        Given::Absent => Ok(None),
    }
}

async fn find(connection: &mut pith_db::Connection, id: UserId) -> Result<User> {
    user::by_id(connection, id)
        .await?
        .ok_or_else(Error::unauthenticated)
}

//! Making a user.

use axum::response::Response;
use http::StatusCode;
use pith_db::user::{self, Settings};

use super::{settings, write};
use crate::body::Fields;
use crate::context::Context;
use crate::document::{self, Href};
use crate::error::{Error, Result};
use crate::form::Form;
use crate::order::set_location;

/// `POST users/`
pub(super) async fn create(context: Context, fields: Fields) -> Result<Response> {
    let mut form = Form::from(fields);
    form.require("username");
    let mut new = Settings {
        is_active: true,
        ..Settings::default()
    };
    let password = settings::take_password(&context.app, &mut form, "password")
        .await?
        .value();
    settings::take(form, &mut new)?;
    let mut transaction = context.app.database.write_durably().await?;
    let id = user::insert(&mut transaction, &new, password.as_deref()).await?;
    let made = user::by_id(&mut transaction, id)
        .await?
        .ok_or_else(Error::not_found)?;
    transaction.commit().await?;
    let mut response = document::object(None, |object| write(object, &made, &[], context.root));
    *response.status_mut() = StatusCode::CREATED;
    set_location(
        &mut response,
        &Href(context.root, format_args!("users/{id}/")).to_string(),
    );
    Ok(response)
}

//! Making, changing and removing roles. Whoever has one may do what it says from the next
//! request on.

use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use pith_db::hold::hold;
use pith_db::role::{self, Settings};

use super::{answer, find, known_permissions};
use crate::app::App;
use crate::body::Fields;
use crate::context::Context;
use crate::document::Href;
use crate::error::{Error, Result};
use crate::form::{Form, Given};
use crate::order::set_location;

/// What clients send back as they got it.
const READ_ONLY: &[&str] = &[
    "pulp_href",
    "prn",
    "pulp_created",
    "pulp_last_updated",
    "locked",
];

/// Takes what a form says over into settings, and ends the form.
fn take(app: &App, mut form: Form, settings: &mut Settings) -> Result<()> {
    form.ignore(READ_ONLY);
    if let Some(name) = form.text("name") {
        settings.name = name;
    }
    match form.nullable_text("description") {
        Given::This(text) => settings.description = Some(text),
        Given::Null => settings.description = None,
        Given::Absent => {}
    }
    if let Some(list) = form.list("permissions") {
        let known = known_permissions(app);
        settings.permissions.clear();
        for value in list {
            let text = value.as_str().unwrap_or_default();
            if known.iter().any(|one| one == text) {
                settings.permissions.insert(text.to_owned());
            } else if text.contains('.') {
                form.wrong(
                    "permissions",
                    format!("Permission '{text}' does not exist."),
                );
            } else {
                form.wrong(
                    "permissions",
                    format!("Permission '{text}' is not in the format '<app_label>.<codename>'."),
                );
            }
        }
    }
    form.finish()
}

/// `POST roles/`
pub(super) async fn create(context: Context, fields: Fields) -> Result<Response> {
    let mut form = Form::from(fields);
    form.require("name");
    form.require("permissions");
    let mut new = Settings::default();
    take(&context.app, form, &mut new)?;
    let mut transaction = context.app.database.write_durably().await?;
    let uuid = role::insert(&mut transaction, &new).await?;
    let made = find(&mut transaction, &uuid.to_string()).await?;
    let mut response = answer(&context, &mut transaction, &made, StatusCode::CREATED).await?;
    transaction.commit().await?;
    let href = Href(context.root, format_args!("roles/{uuid}/")).to_string();
    set_location(&mut response, &href);
    Ok(response)
}

/// `PUT roles/<id>/`
pub(super) async fn replace(
    context: Context,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response> {
    let mut form = Form::from(fields);
    form.require("name");
    form.require("permissions");
    update(context, &id, form).await
}

/// `PATCH roles/<id>/`
pub(super) async fn change(
    context: Context,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response> {
    update(context, &id, Form::from(fields)).await
}

async fn update(context: Context, id: &str, form: Form) -> Result<Response> {
    let mut transaction = context.app.database.write_durably().await?;
    let found = find(&mut transaction, id).await?;
    hold(&mut transaction, "role", found.id).await?;
    let role = find(&mut transaction, id).await?;
    if role.locked {
        return Err(locked());
    }
    let permissions = role::permissions(&mut transaction, &[role.id]).await?;
    let mut changed = Settings {
        name: role.name.clone(),
        description: role.description.clone(),
        permissions: permissions.into_iter().map(|(_, one)| one).collect(),
    };
    take(&context.app, form, &mut changed)?;
    role::update(&mut transaction, role.id, &changed).await?;
    let role = find(&mut transaction, id).await?;
    let response = answer(&context, &mut transaction, &role, StatusCode::OK).await?;
    transaction.commit().await?;
    Ok(response)
}

/// `DELETE roles/<id>/`
pub(super) async fn delete(context: Context, Path(id): Path<String>) -> Result<StatusCode> {
    let mut transaction = context.app.database.write_durably().await?;
    let role = find(&mut transaction, &id).await?;
    if role.locked {
        return Err(locked());
    }
    role::delete(&mut transaction, role.id).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn locked() -> Error {
    Error::denied("The role is locked.")
}

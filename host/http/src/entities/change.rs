//! Making and changing an entity. Its name stays: content may be about it.

use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use pith_db::access::{self, Object};
use pith_db::entity::{self, Entity};
use pith_db::entity_file;
use pith_db::hold::hold;
use pith_model::access::Securable;
use pith_model::reference::{Kind, typed_path};
use pith_model::schema::schema_of_name;
use serde_json::{Map, Value};

use super::{PathOfOne, answer, file, find};
use crate::body::Fields;
use crate::config;
use crate::context::Context;
use crate::declared::Declared;
use crate::document::Href;
use crate::error::{Error, Result};
use crate::form::Form;
use crate::order::set_location;

/// What clients send back as they got it.
const READ_ONLY: &[&str] = &[
    "pulp_href",
    "prn",
    "id",
    "pulp_created",
    "pulp_last_updated",
    "file",
    "file_sha256",
    "task",
];

/// The longest name, in characters.
const LONGEST: usize = 255;

/// What a form says.
struct Taken {
    name: Option<String>,
    /// An address whose file is to be fetched.
    wanted: Option<file::Wanted>,
    /// Whether the file goes.
    without_file: bool,
}

/// Takes what a form says over into settings, and ends the form.
fn take(
    declared: &Declared,
    mut form: Form,
    before: Option<&Value>,
    config: &mut Map<String, Value>,
) -> Result<Taken> {
    form.ignore(READ_ONLY);
    let name = form.text("name");
    if let Some(name) = &name
        && name.chars().count() > LONGEST
    {
        let message = format!("Ensure this field has no more than {LONGEST} characters.");
        form.wrong("name", message);
    }
    // The plugin may say more of what a name is, as of any field.
    if let (Some(name), Some(schema)) = (&name, schema_of_name(declared.schema())) {
        form.put("name".to_owned(), name.as_str().into());
        config::take(&mut form, &schema, &mut Map::new());
    }
    let schema = declared.schema();
    config::take(&mut form, schema, config);
    let (wanted, without_file) = file::take(&mut form, schema, before, config);
    form.finish()?;
    Ok(Taken {
        name,
        wanted,
        without_file,
    })
}

/// `POST entities/<plugin>/<type>/`
pub(super) async fn create(
    context: Context,
    Path((plugin, type_name)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response> {
    let declared = Declared::get(&context.app, Kind::Entity, &plugin, &type_name)?;
    let mut form = Form::from(fields);
    form.require("name");
    let mut config = Map::new();
    let taken = take(&declared, form, None, &mut config)?;
    let name = taken.name.unwrap_or_default();
    let mut transaction = context.app.database.write_durably().await?;
    let id = entity::insert(&mut transaction, &plugin, &type_name, &name, config.into()).await?;
    let object = Object::typed(Securable::Entity, id, &plugin, &type_name);
    access::own(&mut transaction, context.user()?.id, &object).await?;
    let made = entity::by_id(&mut transaction, id).await?;
    let made = made.ok_or_else(Error::not_found)?;
    transaction.commit().await?;

    let task = fetch(&context, &made, taken.wanted).await?;
    let mut response = answer(&context, &declared, &made, task.as_deref());
    *response.status_mut() = StatusCode::CREATED;
    let path = typed_path(Kind::Entity, &plugin, &type_name, made.uuid);
    set_location(&mut response, &Href(context.root, path).to_string());
    Ok(response)
}

/// `PUT entities/<plugin>/<type>/<id>/`
pub(super) async fn replace(
    context: Context,
    Path(path): PathOfOne,
    fields: Fields,
) -> Result<Response> {
    update(context, path, fields, true).await
}

/// `PATCH entities/<plugin>/<type>/<id>/`
pub(super) async fn change(
    context: Context,
    Path(path): PathOfOne,
    fields: Fields,
) -> Result<Response> {
    update(context, path, fields, false).await
}

async fn update(
    context: Context,
    path: (String, String, String),
    fields: Fields,
    wholly: bool,
) -> Result<Response> {
    let declared = Declared::get(&context.app, Kind::Entity, &path.0, &path.1)?;
    let mut transaction = context.app.database.write_durably().await?;
    let id = find(&mut transaction, &path).await?.id;
    hold(&mut transaction, "entity", id).await?;
    let before = find(&mut transaction, &path).await?;
    let mut form = Form::from(fields);
    if wholly {
        form.require("name");
    }
    let old = before.config.as_object().filter(|_| !wholly).cloned();
    let mut config = old.unwrap_or_default();
    let taken = take(&declared, form, Some(&before.config), &mut config)?;
    if taken.name.is_some_and(|name| name != before.name) {
        return Err(Error::invalid("name", "It cannot be changed."));
    }
    if Value::Object(config.clone()) != before.config {
        entity::update(&mut transaction, id, config.into()).await?;
    }
    if taken.without_file {
        entity_file::remove(&mut transaction, id).await?;
    }
    let entity = find(&mut transaction, &path).await?;
    transaction.commit().await?;
    let task = fetch(&context, &entity, taken.wanted).await?;
    Ok(answer(&context, &declared, &entity, task.as_deref()))
}

/// Makes the task that fetches a file, if one is wanted.
async fn fetch(
    context: &Context,
    entity: &Entity,
    wanted: Option<file::Wanted>,
) -> Result<Option<String>> {
    match wanted {
        Some(wanted) => Ok(Some(file::order(context, entity, wanted).await?)),
        None => Ok(None),
    }
}

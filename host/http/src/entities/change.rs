//! Making and changing an entity. Its name stays: content may be about it.

use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use pith_db::access::{self, Object};
use pith_db::entity::{self, Entity};
use pith_db::hold::hold;
use pith_model::access::Securable;
use pith_model::reference::{Kind, typed_path};
use pith_model::schema::schema_of_name;
use serde_json::{Map, Value};

use super::{PathOfOne, find, shape};
use crate::body::Fields;
use crate::config;
use crate::context::Context;
use crate::declared::Declared;
use crate::document::{self, Href};
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
];

/// The longest name, in characters.
const LONGEST: usize = 255;

/// Takes what a form says over into settings, and ends the form; the name that it says.
fn take(
    declared: &Declared,
    mut form: Form,
    config: &mut Map<String, Value>,
) -> Result<Option<String>> {
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
    config::take(&mut form, declared.schema(), config);
    form.finish()?;
    Ok(name)
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
    let name = take(&declared, form, &mut config)?.unwrap_or_default();
    let mut transaction = context.app.database.write_durably().await?;
    let id = entity::insert(&mut transaction, &plugin, &type_name, &name, config.into()).await?;
    let object = Object::typed(Securable::Entity, id, &plugin, &type_name);
    access::own(&mut transaction, context.user()?.id, &object).await?;
    let made = entity::by_id(&mut transaction, id).await?;
    let made = made.ok_or_else(Error::not_found)?;
    transaction.commit().await?;

    let mut response = answer(&context, &declared, &made);
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
    let name = take(&declared, form, &mut config)?;
    if name.is_some_and(|name| name != before.name) {
        return Err(Error::invalid("name", "It cannot be changed."));
    }
    if Value::Object(config.clone()) != before.config {
        entity::update(&mut transaction, id, config.into()).await?;
    }
    let entity = find(&mut transaction, &path).await?;
    transaction.commit().await?;
    Ok(answer(&context, &declared, &entity))
}

fn answer(context: &Context, declared: &Declared, entity: &Entity) -> Response {
    document::object(None, |object| {
        shape::write(object, entity, context.root, Some(declared.schema()));
    })
}

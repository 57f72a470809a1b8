//! The file of an entity, such as a picture: fetched from the address that a setting names, or
//! sent, and shown.

use axum::extract::{Path, Request};
use axum::response::Response;
use http::StatusCode;
use pith_content::ingest::ingest;
use pith_content::picture;
use pith_db::entity::{self, Entity};
use pith_db::hold::hold;
use pith_db::{entity_file, remote};
use pith_model::reference::{Kind, typed_prn};
use pith_model::schema::{FileSetting, file_setting};
use pith_model::task::Lock;
use pith_storage::Sha256Digest;
use pith_tasks::work::Work;
use serde_json::{Map, Value, json};

use super::{PathOfOne, answer, find};
use crate::body;
use crate::context::Context;
use crate::declared::Declared;
use crate::error::{Error, Result};
use crate::form::Form;
use crate::openapi::resource::object;
use crate::openapi::{Field, Place};
use crate::order::{self, Order};
use crate::receive;
use crate::remotes;

/// Whether entities of a type have files.
pub(super) fn is_offered(place: &Place) -> bool {
    let kind = place.resource_type();
    kind.is_some_and(|kind| file_setting(&kind.config).is_some())
}

/// What sending one takes.
pub(super) fn described(_: &Place) -> Value {
    object(&[Field::file("file", "The picture.").required().write_only()])
}

/// An address that is to be fetched, and for which setting.
pub(super) struct Wanted {
    setting: FileSetting,
    settings: remote::Settings,
}

/// Looks at what new settings say of the file. An address that is new is taken out of them: it
/// is only true once it was fetched. The other answer is whether the file goes.
pub(super) fn take(
    form: &mut Form,
    schema: &Value,
    before: Option<&Value>,
    config: &mut Map<String, Value>,
) -> (Option<Wanted>, bool) {
    let Some(setting) = file_setting(schema) else {
        return (None, false);
    };
    let property = setting.property.as_str();
    let old = before.map_or("", |before| before[property].as_str().unwrap_or_default());
    let new = config.get(property).and_then(Value::as_str);
    let new = new.unwrap_or_default().to_owned();
    if new == old {
        return (None, false);
    }
    if new.is_empty() {
        return (None, true);
    }
    config.insert(property.to_owned(), old.into());
    match remotes::settings_for(&new) {
        Ok(settings) => (Some(Wanted { setting, settings }), false),
        Err(problem) => {
            form.wrong(property, problem);
            (None, false)
        }
    }
}

/// Makes the task that fetches it; its path below an API root.
pub(super) async fn order(context: &Context, entity: &Entity, wanted: Wanted) -> Result<String> {
    let prn = typed_prn(Kind::Entity, &entity.plugin, &entity.type_name, entity.uuid);
    let url = &wanted.settings.url;
    let order = Order::core(
        "pulpcore.app.tasks.entity.fetch_file",
        "file_fetches",
        json!({"entity": prn, (&wanted.setting.property): url}),
        Work::FetchEntityFile {
            entity: entity.id,
            settings: Box::new(wanted.settings),
            file: wanted.setting,
        },
        vec![Lock::exclusive(prn)],
    );
    let (_, uuid) = order::place(context, order).await?;
    Ok(format!("tasks/{uuid}/"))
}

/// `GET entities/<plugin>/<type>/<id>/file/`
pub(super) async fn read(context: Context, Path(path): PathOfOne) -> Result<Response> {
    let entity = {
        let mut connection = context.app.database.read().await?;
        find(&mut connection, &path).await?
    };
    let file = entity.file.ok_or_else(Error::not_found)?;
    let digest = <[u8; 32]>::try_from(file.sha256.as_slice());
    let digest = Sha256Digest(digest.map_err(|_| Error::not_found())?);
    let reader = context.app.store.open(&digest).await?;
    crate::picture::answer(&*reader, &digest, &file.media_type).await
}

/// `PUT entities/<plugin>/<type>/<id>/file/`: sends one, which takes the place of the one that
/// was fetched or sent before.
pub(super) async fn replace(
    context: Context,
    Path(path): PathOfOne,
    request: Request,
) -> Result<Response> {
    let app = &context.app;
    let declared = Declared::get(app, Kind::Entity, &path.0, &path.1)?;
    let setting = file_setting(declared.schema()).ok_or_else(Error::not_found)?;
    if body::media_type(&request) != "multipart/form-data" {
        return Err(Error::invalid("file", "No file was submitted."));
    }
    let received = receive::receive(request, &*app.store, "file").await?;
    let Some(file) = received.file else {
        return Err(Error::invalid("file", "No file was submitted."));
    };
    Form::from(received.fields).finish()?;
    let checked = picture::check(&file.incoming, &setting).await;
    let media_type = checked.map_err(|error| Error::invalid("file", error.message))?;
    let rows = ingest(&app.database, &*app.store, vec![file.incoming]).await?;
    let artifact = rows.first().copied().ok_or_else(Error::not_found)?;
    let mut transaction = app.database.write_durably().await?;
    let id = find(&mut transaction, &path).await?.id;
    hold(&mut transaction, "entity", id).await?;
    let mut config = find(&mut transaction, &path).await?.config;
    // It is from nowhere.
    config[&setting.property] = "".into();
    entity::update(&mut transaction, id, config).await?;
    entity_file::set(&mut transaction, id, artifact, media_type).await?;
    let entity = find(&mut transaction, &path).await?;
    transaction.commit().await?;
    Ok(answer(&context, &declared, &entity, None))
}

/// `DELETE entities/<plugin>/<type>/<id>/file/`
pub(super) async fn remove(context: Context, Path(path): PathOfOne) -> Result<StatusCode> {
    let app = &context.app;
    let declared = Declared::get(app, Kind::Entity, &path.0, &path.1)?;
    let setting = file_setting(declared.schema()).ok_or_else(Error::not_found)?;
    let mut transaction = app.database.write_durably().await?;
    let id = find(&mut transaction, &path).await?.id;
    hold(&mut transaction, "entity", id).await?;
    let entity = find(&mut transaction, &path).await?;
    if entity.file.is_none() {
        return Err(Error::not_found());
    }
    let mut config = entity.config;
    config[&setting.property] = "".into();
    entity::update(&mut transaction, id, config).await?;
    entity_file::remove(&mut transaction, id).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

//! Changing a schedule.

use axum::extract::Path;
use axum::response::Response;
use pith_db::task_schedule;

use super::{find, settings, shape};
use crate::body::Fields;
use crate::context::Context;
use crate::document;
use crate::error::Result;

/// `PATCH task-schedules/<id>/`
pub(super) async fn change(
    context: Context,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response> {
    update(&context, &id, fields, false).await
}

/// `PUT task-schedules/<id>/`
pub(super) async fn replace(
    context: Context,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response> {
    update(&context, &id, fields, true).await
}

async fn update(context: &Context, id: &str, fields: Fields, is_whole: bool) -> Result<Response> {
    let old = {
        let mut connection = context.app.database.read().await?;
        find(&mut connection, id).await?
    };
    let before = (!is_whole).then(|| old.settings.clone());
    let settings = settings::take(context, fields, before).await?;
    let mut transaction = context.app.database.write_durably().await?;
    // What it makes is what whoever changed it may make.
    let owner = context.user()?;
    let owner = (!owner.is_superuser).then_some(owner.id);
    task_schedule::update(&mut transaction, old.id, &settings, owner).await?;
    let schedule = find(&mut transaction, id).await?;
    transaction.commit().await?;
    context.app.schedules_changed.notify_one();
    Ok(document::object(None, |object| {
        shape::write(object, &schedule, context.root);
    }))
}

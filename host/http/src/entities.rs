//! Objects of a plugin's own, such as namespaces: `entities/<plugin>/<type>/`.

mod change;
mod file;
mod list;
mod shape;

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use http::StatusCode;
use pith_db::Connection;
use pith_db::entity::{self, Entity};
use pith_model::access::Securable;
use pith_model::reference::Kind;

use crate::auth::need::Need;
use crate::context::Context;
use crate::declared::Declared;
use crate::document::{self, Href};
use crate::error::{Error, Result};
use crate::lookup::uuid_in_path;
use crate::openapi::Operation;
use crate::query;
use crate::routes::{Routes, get};

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(
            "/entities/{plugin}/{type_name}/",
            get(
                Operation::new(
                    "entities_{plugin}_{type_name}_list",
                    "List all {type_name}s",
                )
                .needs(Need::User)
                .lists(&shape::ENTITY, list::FILTERS),
                list::of_type,
            )
            .post(
                Operation::new(
                    "entities_{plugin}_{type_name}_create",
                    "Create a {type_name}",
                )
                .needs(Need::Add(Securable::Entity))
                .creates(&shape::ENTITY),
                change::create,
            ),
        )
        .route(
            "/entities/{plugin}/{type_name}/{id}/",
            get(
                Operation::new(
                    "entities_{plugin}_{type_name}_read",
                    "Inspect a {type_name}",
                )
                .needs(Need::Object(Securable::Entity, "view"))
                .reads(&shape::ENTITY),
                read,
            )
            .put(
                Operation::new(
                    "entities_{plugin}_{type_name}_update",
                    "Replace a {type_name}'s settings",
                )
                .needs(Need::Object(Securable::Entity, "change"))
                .replaces(&shape::ENTITY),
                change::replace,
            )
            .patch(
                Operation::new(
                    "entities_{plugin}_{type_name}_partial_update",
                    "Change a {type_name}",
                )
                .needs(Need::Object(Securable::Entity, "change"))
                .changes(&shape::ENTITY),
                change::change,
            )
            .delete(
                Operation::new(
                    "entities_{plugin}_{type_name}_delete",
                    "Delete a {type_name}",
                )
                .needs(Need::Object(Securable::Entity, "delete"))
                .answers_nothing(204),
                delete,
            ),
        )
        .route(
            "/entities/{plugin}/{type_name}/{id}/file/",
            get(
                Operation::new(
                    "entities_{plugin}_{type_name}_file_read",
                    "Fetch a {type_name}'s picture",
                )
                .when(file::is_offered)
                .needs(Need::Object(Securable::Entity, "view"))
                .answers_bytes(200, "image/*"),
                file::read,
            )
            .put(
                Operation::new(
                    "entities_{plugin}_{type_name}_file_update",
                    "Send a {type_name}'s picture",
                )
                .when(file::is_offered)
                .needs(Need::Object(Securable::Entity, "change"))
                .takes_upload("{plugin}.{type_name}File", file::described)
                .shows(200, &shape::ENTITY),
                file::replace,
            )
            .delete(
                Operation::new(
                    "entities_{plugin}_{type_name}_file_delete",
                    "Remove a {type_name}'s picture",
                )
                .when(file::is_offered)
                .needs(Need::Object(Securable::Entity, "change"))
                .answers_nothing(204),
                file::remove,
            ),
        )
}

/// Shows an entity; `task` is the path of the one that fetches its file.
fn answer(context: &Context, declared: &Declared, entity: &Entity, task: Option<&str>) -> Response {
    document::object(None, |object| {
        shape::write(object, entity, context.root, Some(declared.schema()));
        if let Some(task) = task {
            object.field("task", Href(context.root, task));
        }
    })
}

/// What a path names: plugin, type and UUID.
type PathOfOne = Path<(String, String, String)>;

/// The entity that a path names.
async fn find(
    connection: &mut Connection,
    (plugin, type_name, id): &(String, String, String),
) -> Result<Entity> {
    entity::by_uuid(connection, uuid_in_path(id)?)
        .await?
        .filter(|row| row.plugin == *plugin && row.type_name == *type_name)
        .ok_or_else(Error::not_found)
}

/// `GET entities/<plugin>/<type>/<id>/`
async fn read(
    context: Context,
    Path(path): PathOfOne,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let projection = query::projection(text.as_deref())?;
    let entity = {
        let mut connection = context.app.database.read().await?;
        find(&mut connection, &path).await?
    };
    let declared = Declared::find(&context.app, Kind::Entity, &path.0, &path.1);
    let schema = declared.as_ref().map(Declared::schema);
    Ok(document::object(Some(&projection), |object| {
        shape::write(object, &entity, context.root, schema);
    }))
}

/// `DELETE entities/<plugin>/<type>/<id>/`
async fn delete(context: Context, Path(path): PathOfOne) -> Result<StatusCode> {
    let mut transaction = context.app.database.write_durably().await?;
    let entity = find(&mut transaction, &path).await?;
    entity::delete(&mut transaction, entity.id).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

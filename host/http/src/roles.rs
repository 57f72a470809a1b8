//! Roles: `roles/`, for administrators. The server's own are locked.

mod assignments;
mod change;

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use http::StatusCode;
use pith_db::object::Object as Secured;
use pith_db::role::{self, Role};
use pith_db::{Connection, list};
use pith_model::Root;
use pith_model::access::{core_permissions, is_of_model, permissions_of};

use crate::app::App;
use crate::context::Context;
use crate::document::{self, Href, Object, Text};
use crate::error::{Error, Result};
use crate::lookup::uuid_in_path;
use crate::openapi::parameters::IDENTITY;
use crate::openapi::{Field, Filters, Operation, Parameter, Resource};
use crate::page;
use crate::query::{self, Query, not_a_reference};
use crate::routes::{Routes, get};

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(
            "/roles/",
            get(
                Operation::new("roles_list", "List roles").lists(&ROLE, FILTERS),
                list_all,
            )
            .post(
                Operation::new("roles_create", "Create a role").creates(&ROLE),
                change::create,
            ),
        )
        .route(
            "/roles/{id}/",
            get(
                Operation::new("roles_read", "Inspect a role").reads(&ROLE),
                read,
            )
            .put(
                Operation::new("roles_update", "Replace a role").replaces(&ROLE),
                change::replace,
            )
            .patch(
                Operation::new("roles_partial_update", "Change a role").changes(&ROLE),
                change::change,
            )
            .delete(
                Operation::new("roles_delete", "Delete a role").answers_nothing(204),
                change::delete,
            ),
        )
        .merge(assignments::routes())
}

/// What the document says of a role.
pub(crate) static ROLE: Resource = Resource::new(
    "Role",
    "A name for what may be done.",
    &[
        Field::href("pulp_href", "").read_only(),
        Field::text("prn", "").read_only(),
        Field::time("pulp_created", "").read_only(),
        Field::time("pulp_last_updated", "").read_only(),
        Field::text("name", "Unique.").required(),
        Field::text("description", "").nullable(),
        Field::texts("permissions", "For example `file.view_filerepository`.").required(),
        Field::boolean("locked", "Whether it is the server's own.").read_only(),
    ],
);

const FILTERS: Filters = Filters::new(
    |_| list::filters::<Role>(),
    &[
        IDENTITY[0],
        IDENTITY[1],
        IDENTITY[2],
        IDENTITY[3],
        Parameter::several(
            "contains_permission",
            "Those with one of these permissions.",
        ),
        Parameter::text(
            "for_object_type",
            "Those with permissions for objects like this one, and no others.",
        ),
    ],
);

/// The permissions of several roles, in order.
type Permissions = [(i64, String)];

/// All permissions that there are now.
pub(crate) fn known_permissions(app: &App) -> Vec<String> {
    let mut known = core_permissions();
    for generation in app.plugins.all().values() {
        known.extend(permissions_of(generation.descriptor()));
    }
    known
}

/// The permissions of one of several roles.
fn of_role(all: &Permissions, id: i64) -> Vec<&str> {
    let begin = all.partition_point(|(of, _)| *of < id);
    let own = all[begin..].iter().take_while(|(of, _)| *of == id);
    own.map(|(_, permission)| permission.as_str()).collect()
}

/// Writes a role.
fn write(object: &mut Object<'_>, role: &Role, permissions: &Permissions, root: Root) {
    object
        .field(
            "pulp_href",
            Href(root, format_args!("roles/{}/", role.uuid)),
        )
        .field("prn", Text(format_args!("prn:core.role:{}", role.uuid)))
        .field("pulp_created", role.pulp_created)
        .field("pulp_last_updated", role.pulp_last_updated)
        .field("name", &role.name)
        .field("description", &role.description)
        .field("permissions", of_role(permissions, role.id))
        .field("locked", role.locked);
}

/// The role that a path names.
async fn find(connection: &mut Connection, id: &str) -> Result<Role> {
    role::by_uuid(connection, uuid_in_path(id)?)
        .await?
        .ok_or_else(Error::not_found)
}

/// `GET roles/`
async fn list_all(context: Context, RawQuery(text): RawQuery) -> Result<Response> {
    let mut query = Query::parse(text.as_deref())?.below(context.root);
    let mut connection = context.app.database.read().await?;
    query.identify_by_last_word(role::UUID)?;
    query.push(role::listed());
    // Repeated, one of them is enough.
    let mut wanted: Vec<String> = Vec::new();
    while let Some(text) = query.take("contains_permission") {
        wanted.extend(text.split(',').map(|one| one.trim().to_owned()));
    }
    if !wanted.is_empty() {
        query.push(role::with_permission(&wanted));
    }
    while let Some(text) = query.take("for_object_type") {
        let object = Secured::by_text(&mut connection, &text).await?;
        let object =
            object.ok_or_else(|| Error::invalid("for_object_type", not_a_reference(&text)))?;
        let known = known_permissions(&context.app).into_iter();
        let own = known.filter(|permission| is_of_model(permission, &object.model));
        query.push(role::only_with(own.collect()));
    }
    let selection = query.select(&list::filters::<Role>(), context.app.database.dialect())?;
    let (rows, count): (Vec<Role>, i64) = list::page(&mut connection, &selection).await?;
    let mut ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    ids.sort_unstable();
    let permissions = role::permissions(&mut connection, &ids).await?;
    drop(connection);
    Ok(page::answer(
        &context,
        &query,
        (&rows, count),
        |object, row| write(object, row, &permissions, context.root),
    ))
}

/// `GET roles/<id>/`
async fn read(
    context: Context,
    Path(id): Path<String>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let projection = query::projection(text.as_deref())?;
    let mut connection = context.app.database.read().await?;
    let role = find(&mut connection, &id).await?;
    let permissions = role::permissions(&mut connection, &[role.id]).await?;
    Ok(document::object(Some(&projection), |object| {
        write(object, &role, &permissions, context.root);
    }))
}

/// A role as the answer to what made or changed it.
async fn answer(
    context: &Context,
    connection: &mut Connection,
    role: &Role,
    status: StatusCode,
) -> Result<Response> {
    let permissions = role::permissions(connection, &[role.id]).await?;
    let mut response = document::object(None, |object| {
        write(object, role, &permissions, context.root);
    });
    *response.status_mut() = status;
    Ok(response)
}

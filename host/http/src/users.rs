//! Users: `users/`, for administrators.

mod create;
pub(crate) mod own;
mod settings;
mod update;

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use http::StatusCode;
use pith_db::Connection;
use pith_db::group::{self, Group};
use pith_db::list;
use pith_db::user::{self, User};
use pith_model::{Root, UserId};
use serde_json::json;

use crate::context::Context;
use crate::document::{self, Href, Object, Text};
use crate::error::{Error, Result};
use crate::openapi::parameters::IDENTITY;
use crate::openapi::{Field, Filters, Operation, Parameter, Resource};
use crate::page;
use crate::query::{self, Query};
use crate::routes::{Routes, get};

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(
            "/users/",
            get(
                Operation::new("users_list", "List users").lists(&USER, FILTERS),
                list,
            )
            .post(
                Operation::new("users_create", "Create a user").creates(&USER),
                create::create,
            ),
        )
        .route(
            "/users/{id}/",
            get(
                Operation::new("users_read", "Inspect a user").reads(&USER),
                read,
            )
            .put(
                Operation::new("users_update", "Replace a user's settings").replaces(&USER),
                update::replace,
            )
            .patch(
                Operation::new("users_partial_update", "Change a user").changes(&USER),
                update::change,
            )
            .delete(
                Operation::new("users_delete", "Delete a user").answers_nothing(204),
                delete,
            ),
        )
}

/// What the document says of a user.
pub(crate) static USER: Resource = Resource::new(
    "User",
    "Someone who may log in.",
    &[
        Field::href("pulp_href", "").read_only(),
        Field::text("prn", "").read_only(),
        Field::integer("id", 1, "").read_only(),
        Field::text("username", "Letters, digits and @/./+/-/_, at most 150.").required(),
        Field::text("password", "If null, no password opens the account.")
            .nullable()
            .write_only(),
        Field::blank("first_name", ""),
        Field::blank("last_name", ""),
        Field::blank("email", ""),
        Field::boolean("is_staff", "A mark that allows nothing, as in Pulp."),
        Field::boolean("is_superuser", "Whether the user is an administrator."),
        Field::boolean("is_active", "Whether the user may log in at all."),
        Field::time("date_joined", "").read_only(),
        Field::objects("groups", "").read_only(),
        Field::objects(
            "hidden_fields",
            "Which fields that are never shown are set.",
        )
        .read_only(),
    ],
);

const FILTERS: Filters = Filters::new(
    |_| list::filters::<User>(),
    &[
        IDENTITY[0],
        IDENTITY[1],
        IDENTITY[2],
        IDENTITY[3],
        Parameter::several("pulp_id__in", ""),
    ],
);

/// The groups that several users are in.
type Groups = [(UserId, Group)];

/// Writes a user: all but the password.
fn write(object: &mut Object<'_>, user: &User, groups: &Groups, root: Root) {
    let groups: Vec<_> = groups
        .iter()
        .filter(|(id, _)| *id == user.id)
        .map(|(_, group)| {
            let href = Href(root, format!("groups/{}/", group.id));
            json!({"name": group.name, "pulp_href": href.to_string()})
        })
        .collect();
    object
        .field("pulp_href", Href(root, format_args!("users/{}/", user.id)))
        .field("prn", Text(format_args!("prn:auth.user:{}", user.id)))
        .field("id", user.id.0)
        .field("username", &user.username)
        .field("first_name", &user.first_name)
        .field("last_name", &user.last_name)
        .field("email", &user.email)
        .field("is_staff", user.is_staff)
        .field("is_superuser", user.is_superuser)
        .field("is_active", user.is_active)
        .field("date_joined", user.date_joined)
        .field("groups", groups)
        .field(
            "hidden_fields",
            json!([{"name": "password", "is_set": user.password_hash.is_some()}]),
        );
}

/// The user that a path names.
async fn find(connection: &mut Connection, id: &str) -> Result<User> {
    let id = id.parse().map_err(|_| Error::not_found())?;
    user::by_id(connection, UserId(id))
        .await?
        .ok_or_else(Error::not_found)
}

/// `GET users/`
async fn list(context: Context, RawQuery(text): RawQuery) -> Result<Response> {
    let mut query = Query::parse(text.as_deref())?.below(context.root);
    query.identify_by_number(user::ID)?;
    let selection = query.select(&list::filters::<User>(), context.app.database.dialect())?;
    let mut connection = context.app.database.read().await?;
    let (rows, count): (Vec<User>, i64) = list::page(&mut connection, &selection).await?;
    let ids: Vec<UserId> = rows.iter().map(|row| row.id).collect();
    let groups = group::of_users(&mut connection, &ids).await?;
    drop(connection);
    Ok(page::answer(
        &context,
        &query,
        (&rows, count),
        |object, row| {
            write(object, row, &groups, context.root);
        },
    ))
}

/// `GET users/<id>/`
async fn read(
    context: Context,
    Path(id): Path<String>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let projection = query::projection(text.as_deref())?;
    let mut connection = context.app.database.read().await?;
    let user = find(&mut connection, &id).await?;
    let groups = group::of_users(&mut connection, &[user.id]).await?;
    Ok(document::object(Some(&projection), |object| {
        write(object, &user, &groups, context.root);
    }))
}

/// `DELETE users/<id>/`: with tokens and sessions.
async fn delete(context: Context, Path(id): Path<String>) -> Result<StatusCode> {
    let mut transaction = context.app.database.write_durably().await?;
    let user = find(&mut transaction, &id).await?;
    user::delete(&mut transaction, user.id).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

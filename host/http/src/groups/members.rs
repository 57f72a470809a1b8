//! The users in a group: `groups/<id>/users/`.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use http::StatusCode;
use pith_db::group;
use pith_db::list::{self, Column};
use pith_db::user::{self, User};
use pith_model::access::Securable;
use pith_model::{Root, UserId};
use serde_json::Value;

use super::find;
use crate::auth::need::Need;
use crate::body::Fields;
use crate::context::Context;
use crate::document::{self, Href, Object, Text};
use crate::error::{Error, Result};
use crate::form::Form;
use crate::openapi::{Field, Filters, Operation, Resource};
use crate::page;
use crate::query::Query;
use crate::routes::{Routes, delete, get};

/// The routes.
pub(super) fn routes() -> Routes {
    Routes::new()
        .route(
            "/groups/{id}/users/",
            get(
                Operation::new("groups_users_list", "List the users in a group")
                    .needs(Need::Object(Securable::Group, "view"))
                    .lists(&MEMBER, FILTERS),
                list_of,
            )
            .post(
                Operation::new("groups_users_create", "Take a user into a group")
                    .needs(Need::Object(Securable::Group, "change"))
                    .creates(&MEMBER),
                add,
            ),
        )
        .route(
            "/groups/{id}/users/{member}/",
            delete(
                Operation::new("groups_users_delete", "Take a user out of a group")
                    .needs(Need::Object(Securable::Group, "change"))
                    .answers_nothing(204),
                remove,
            ),
        )
}

/// What the document says of a user in a group.
static MEMBER: Resource = Resource::new(
    "GroupUser",
    "A user in a group.",
    &[
        Field::text("username", "").required(),
        Field::href("pulp_href", "").read_only(),
        Field::text("prn", "").read_only(),
    ],
);

const FILTERS: Filters = Filters::new(|_| columns(), &[]);

/// What is shown, and no more: filters would tell the rest.
fn columns() -> Vec<Column> {
    let mut columns = list::filters::<User>();
    columns.retain(|column| column.name == "username");
    columns
}

/// Writes a user as far as members may know.
fn write(object: &mut Object<'_>, user: &User, root: Root) {
    object
        .field("username", &user.username)
        .field("pulp_href", Href(root, format_args!("users/{}/", user.id)))
        .field("prn", Text(format_args!("prn:auth.user:{}", user.id)));
}

/// `GET groups/<id>/users/`
async fn list_of(
    context: Context,
    Path(id): Path<String>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let mut query = Query::parse(text.as_deref())?.below(context.root);
    let mut connection = context.app.database.read().await?;
    let group = find(&mut connection, &id).await?;
    query.push(group::has_member(group.id));
    let selection = query.select(&columns(), context.app.database.dialect())?;
    let (rows, count): (Vec<User>, i64) = list::page(&mut connection, &selection).await?;
    drop(connection);
    Ok(page::answer(
        &context,
        &query,
        (&rows, count),
        |object, row| write(object, row, context.root),
    ))
}

/// `POST groups/<id>/users/`: by `username`, or by `id` or `pk`.
async fn add(context: Context, Path(id): Path<String>, fields: Fields) -> Result<Response> {
    let mut form = Form::from(fields);
    let name = form.text("username");
    let number = ["id", "pk"].into_iter().find_map(|key| form.take(key));
    if name.is_none() && number.is_none() && !form.is_wrong() {
        form.wrong_together(
            "Please provide one of the following values for User: 'pk', 'id', 'username'",
        );
    }
    form.finish()?;
    let mut transaction = context.app.database.write_durably().await?;
    let group = find(&mut transaction, &id).await?;
    let user = match (&name, &number) {
        (Some(name), _) => user::by_name(&mut transaction, name).await?,
        (None, Some(number)) => match integer(number) {
            Some(number) => user::by_id(&mut transaction, UserId(number)).await?,
            None => None,
        },
        (None, None) => None,
    };
    let user = user.ok_or_else(|| {
        let name = name.unwrap_or_else(|| number.unwrap_or_default().to_string());
        Error::invalid_together(format!("Could not find user {name}"))
    })?;
    group::add(&mut transaction, group.id, user.id).await?;
    transaction.commit().await?;
    let mut response = document::object(None, |object| write(object, &user, context.root));
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// A number, also where a form has it as text.
fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// `DELETE groups/<id>/users/<user>/`
async fn remove(
    context: Context,
    Path((id, member)): Path<(String, String)>,
) -> Result<StatusCode> {
    let user = member.parse().map_err(|_| Error::not_found())?;
    let mut transaction = context.app.database.write_durably().await?;
    let group = find(&mut transaction, &id).await?;
    let user = user::by_id(&mut transaction, UserId(user)).await?;
    let user = user.ok_or_else(Error::not_found)?;
    group::remove(&mut transaction, group.id, user.id).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

//! Groups of users: `groups/`.

mod members;

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use http::StatusCode;
use pith_db::access::{self, Object as Owned};
use pith_db::group::{self, Group};
use pith_db::{Connection, list};
use pith_model::Root;
use pith_model::access::Securable;

use crate::auth::need::Need;
use crate::body::Fields;
use crate::context::Context;
use crate::document::{self, Href, Object, Text};
use crate::error::{Error, Result};
use crate::form::Form;
use crate::openapi::parameters::IDENTITY;
use crate::openapi::{Field, Filters, Operation, Parameter, Resource};
use crate::order::set_location;
use crate::page;
use crate::query::{self, Query};
use crate::routes::{Routes, get};

/// The longest name, in characters, as in Pulp.
const LONGEST: usize = 150;

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(
            "/groups/",
            get(
                Operation::new("groups_list", "List groups")
                    .needs(Need::User)
                    .lists(&GROUP, FILTERS),
                list_all,
            )
            .post(
                Operation::new("groups_create", "Create a group")
                    .needs(Need::Add(Securable::Group))
                    .creates(&GROUP),
                create,
            ),
        )
        .route(
            "/groups/{id}/",
            get(
                Operation::new("groups_read", "Inspect a group")
                    .needs(Need::Object(Securable::Group, "view"))
                    .reads(&GROUP),
                read,
            )
            .put(
                Operation::new("groups_update", "Replace a group")
                    .needs(Need::Object(Securable::Group, "change"))
                    .replaces(&GROUP),
                replace,
            )
            .patch(
                Operation::new("groups_partial_update", "Change a group")
                    .needs(Need::Object(Securable::Group, "change"))
                    .changes(&GROUP),
                change,
            )
            .delete(
                Operation::new("groups_delete", "Delete a group")
                    .needs(Need::Object(Securable::Group, "delete"))
                    .answers_nothing(204),
                delete,
            ),
        )
        .merge(members::routes())
}

/// What the document says of a group.
pub(crate) static GROUP: Resource = Resource::new(
    "Group",
    "Users who have roles together.",
    &[
        Field::text("name", "Unique.").required(),
        Field::href("pulp_href", "").read_only(),
        Field::text("prn", "").read_only(),
        Field::integer("id", 1, "").read_only(),
    ],
);

const FILTERS: Filters = Filters::new(
    |_| list::filters::<Group>(),
    &[
        IDENTITY[0],
        IDENTITY[1],
        IDENTITY[2],
        IDENTITY[3],
        Parameter::several("pulp_id__in", ""),
    ],
);

/// Writes a group.
fn write(object: &mut Object<'_>, group: &Group, root: Root) {
    object
        .field("name", &group.name)
        .field(
            "pulp_href",
            Href(root, format_args!("groups/{}/", group.id)),
        )
        .field("prn", Text(format_args!("prn:core.group:{}", group.id)))
        .field("id", group.id);
}

/// The group that a path names.
async fn find(connection: &mut Connection, id: &str) -> Result<Group> {
    let id = id.parse().map_err(|_| Error::not_found())?;
    group::by_id(connection, id)
        .await?
        .ok_or_else(Error::not_found)
}

/// `GET groups/`
async fn list_all(context: Context, RawQuery(text): RawQuery) -> Result<Response> {
    let mut query = Query::parse(text.as_deref())?.below(context.root);
    query.only(context.access()?.seen(Securable::Group, "g"));
    query.identify_by_number(group::ID)?;
    let selection = query.select(&list::filters::<Group>(), context.app.database.dialect())?;
    let mut connection = context.app.database.read().await?;
    let (rows, count): (Vec<Group>, i64) = list::page(&mut connection, &selection).await?;
    drop(connection);
    Ok(page::answer(
        &context,
        &query,
        (&rows, count),
        |object, row| write(object, row, context.root),
    ))
}

/// `GET groups/<id>/`
async fn read(
    context: Context,
    Path(id): Path<String>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let projection = query::projection(text.as_deref())?;
    let mut connection = context.app.database.read().await?;
    let group = find(&mut connection, &id).await?;
    Ok(document::object(Some(&projection), |object| {
        write(object, &group, context.root);
    }))
}

/// Takes the name of a form, and ends the form.
fn take(mut form: Form) -> Result<Option<String>> {
    form.ignore(&["pulp_href", "prn", "id"]);
    let name = form.text("name");
    if name
        .as_ref()
        .is_some_and(|name| name.chars().count() > LONGEST)
    {
        form.wrong(
            "name",
            format!("Ensure this field has no more than {LONGEST} characters."),
        );
    }
    form.finish()?;
    Ok(name)
}

/// `POST groups/`
async fn create(context: Context, fields: Fields) -> Result<Response> {
    let mut form = Form::from(fields);
    form.require("name");
    let name = take(form)?.unwrap_or_default();
    let mut transaction = context.app.database.write_durably().await?;
    let id = group::insert(&mut transaction, &name).await?;
    let object = Owned::core(Securable::Group, id);
    access::own(&mut transaction, context.user()?.id, &object).await?;
    transaction.commit().await?;
    let mut response = document::object(None, |object| {
        write(object, &Group { id, name }, context.root);
    });
    *response.status_mut() = StatusCode::CREATED;
    let href = Href(context.root, format_args!("groups/{id}/")).to_string();
    set_location(&mut response, &href);
    Ok(response)
}

/// `PUT groups/<id>/`
async fn replace(context: Context, Path(id): Path<String>, fields: Fields) -> Result<Response> {
    let mut form = Form::from(fields);
    form.require("name");
    update(context, &id, form).await
}

/// `PATCH groups/<id>/`
async fn change(context: Context, Path(id): Path<String>, fields: Fields) -> Result<Response> {
    update(context, &id, Form::from(fields)).await
}

async fn update(context: Context, id: &str, form: Form) -> Result<Response> {
    let name = take(form)?;
    let mut transaction = context.app.database.write_durably().await?;
    let mut group = find(&mut transaction, id).await?;
    if let Some(name) = name {
        group::rename(&mut transaction, group.id, &name).await?;
        group.name = name;
    }
    transaction.commit().await?;
    Ok(document::object(None, |object| {
        write(object, &group, context.root);
    }))
}

/// `DELETE groups/<id>/`
async fn delete(context: Context, Path(id): Path<String>) -> Result<StatusCode> {
    let mut transaction = context.app.database.write_durably().await?;
    let group = find(&mut transaction, &id).await?;
    group::delete(&mut transaction, group.id).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

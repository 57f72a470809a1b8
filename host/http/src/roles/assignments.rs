//! The roles of a user and of a group: `users/<id>/roles/` and `groups/<id>/roles/`, for
//! administrators.

use std::collections::BTreeMap;

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use http::StatusCode;
use pith_db::list::{self, Column};
use pith_db::object::Object as Secured;
use pith_db::role;
use pith_db::role_assignment::{self, Assignment, Holder, Place};
use pith_db::{Condition, Connection, group, user};
use pith_model::access::Securable;
use pith_model::{Root, UserId};

use super::of_role;
use crate::body::Fields;
use crate::context::Context;
use crate::document::{self, Href, Object, Projection};
use crate::error::{Error, Result};
use crate::form::{Form, Given};
use crate::lookup::uuid_in_path;
use crate::objects;
use crate::openapi::parameters::IDENTITY;
use crate::openapi::{Field, Filters, Operation, Parameter, Resource};
use crate::order::set_location;
use crate::page;
use crate::query::{self, Query};
use crate::routes::{Routes, get};

/// The routes.
pub(super) fn routes() -> Routes {
    Routes::new()
        .route(
            "/users/{id}/roles/",
            get(
                Operation::new("users_roles_list", "List a user's roles")
                    .lists(&USER_ROLE, FILTERS),
                async |context, path, query| list_of(context, path, query, USERS).await,
            )
            .post(
                Operation::new("users_roles_create", "Give a user a role").creates(&USER_ROLE),
                async |context, path, fields| create(context, path, fields, USERS).await,
            ),
        )
        .route(
            "/users/{id}/roles/{assignment}/",
            get(
                Operation::new("users_roles_read", "Inspect a user's role").reads(&USER_ROLE),
                async |context, path, query| read(context, path, query, USERS).await,
            )
            .delete(
                Operation::new("users_roles_delete", "Take a role from a user")
                    .answers_nothing(204),
                async |context, path| delete(context, path, USERS).await,
            ),
        )
        .route(
            "/groups/{id}/roles/",
            get(
                Operation::new("groups_roles_list", "List a group's roles")
                    .lists(&GROUP_ROLE, FILTERS),
                async |context, path, query| list_of(context, path, query, GROUPS).await,
            )
            .post(
                Operation::new("groups_roles_create", "Give a group a role").creates(&GROUP_ROLE),
                async |context, path, fields| create(context, path, fields, GROUPS).await,
            ),
        )
        .route(
            "/groups/{id}/roles/{assignment}/",
            get(
                Operation::new("groups_roles_read", "Inspect a group's role").reads(&GROUP_ROLE),
                async |context, path, query| read(context, path, query, GROUPS).await,
            )
            .delete(
                Operation::new("groups_roles_delete", "Take a role from a group")
                    .answers_nothing(204),
                async |context, path| delete(context, path, GROUPS).await,
            ),
        )
}

const FIELDS: &[Field] = &[
    Field::href("pulp_href", "").read_only(),
    Field::text("prn", "").read_only(),
    Field::time("pulp_created", "").read_only(),
    Field::time("pulp_last_updated", "").read_only(),
    Field::text("role", "Its name.").required(),
    Field::href("content_object", "What it is for; null for all objects.").nullable(),
    Field::text("content_object_prn", "The same as a PRN.").nullable(),
    Field::text("description", "").nullable().read_only(),
    Field::texts("permissions", "").read_only(),
    Field::href("domain", "Only null is taken: there are no domains.").nullable(),
];

/// What the document says of a user's role.
static USER_ROLE: Resource = Resource::new("UserRole", "A role that a user has.", FIELDS);

/// What the document says of a group's role.
static GROUP_ROLE: Resource = Resource::new("GroupRole", "A role that a group has.", FIELDS);

const FILTERS: Filters = Filters::new(
    |_| list::filters::<Assignment>(),
    &[
        IDENTITY[0],
        IDENTITY[1],
        IDENTITY[2],
        IDENTITY[3],
        Parameter::text(
            "content_object",
            "Those for this object; `null` for all objects.",
        ),
        Parameter::text("domain", "Only `null` finds something."),
    ],
);

/// Users or groups: the word of their paths and of PRNs.
type Whose = (&'static str, &'static str);

const USERS: Whose = ("users", "userrole");
const GROUPS: Whose = ("groups", "grouprole");

/// The user or the group that a path names.
async fn holder(connection: &mut Connection, id: &str, (word, _): Whose) -> Result<Holder> {
    let number: i64 = id.parse().map_err(|_| Error::not_found())?;
    let holder = if word == USERS.0 {
        let found = user::by_id(connection, UserId(number)).await?;
        found.map(|user| Holder::User(user.id))
    } else {
        let found = group::by_id(connection, number).await?;
        found.map(|group| Holder::Group(group.id))
    };
    holder.ok_or_else(Error::not_found)
}

/// What is shown beside the rows.
struct Beside {
    permissions: Vec<(i64, String)>,
    places: Vec<(Securable, Place)>,
}

impl Beside {
    /// A few questions, however many rows there are.
    async fn read(connection: &mut Connection, rows: &[Assignment]) -> Result<Self> {
        let mut roles: Vec<i64> = rows.iter().map(|row| row.role_id).collect();
        roles.sort_unstable();
        roles.dedup();
        let mut ids: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for object in rows.iter().filter_map(|row| row.object.as_ref()) {
            ids.entry(object.kind.table()).or_default().push(object.id);
        }
        let mut places = Vec::new();
        for (table, ids) in ids {
            let Some(kind) = Securable::of_table(table) else {
                continue;
            };
            let found = role_assignment::places(connection, kind, ids).await?;
            places.extend(found.into_iter().map(|place| (kind, place)));
        }
        Ok(Self {
            permissions: role::permissions(connection, &roles).await?,
            places,
        })
    }

    fn place(&self, object: &Secured) -> Option<&Place> {
        let mut places = self.places.iter();
        let found = places.find(|(kind, place)| *kind == object.kind && place.id == object.id);
        found.map(|(_, place)| place)
    }
}

/// Writes a role that somebody has.
fn write(
    object: &mut Object<'_>,
    row: &Assignment,
    beside: &Beside,
    root: Root,
    (holder, (word, model)): (Holder, Whose),
) {
    let id = match holder {
        Holder::User(id) => id.0,
        Holder::Group(id) => id,
    };
    let place = row
        .object
        .as_ref()
        .and_then(|one| Some((one, beside.place(one)?)));
    let href = place.map(|(one, place)| Href(root, objects::href(one.kind, place)));
    let prn = place.map(|(one, place)| match place.uuid {
        Some(uuid) => format!("prn:{}:{uuid}", one.model),
        None => format!("prn:{}:{}", one.model, place.id),
    });
    object
        .field(
            "pulp_href",
            Href(root, format_args!("{word}/{id}/roles/{}/", row.uuid)),
        )
        .field("prn", format!("prn:core.{model}:{}", row.uuid))
        .field("pulp_created", row.pulp_created)
        .field("pulp_last_updated", row.pulp_created)
        .field("role", &row.role)
        .field("content_object", href)
        .field("content_object_prn", prn)
        .field("description", &row.description)
        .field("permissions", of_role(&beside.permissions, row.role_id))
        .field("domain", ());
}

async fn list_of(
    context: Context,
    Path(id): Path<String>,
    RawQuery(text): RawQuery,
    whose: Whose,
) -> Result<Response> {
    let mut query = Query::parse(text.as_deref())?.below(context.root);
    let mut connection = context.app.database.read().await?;
    let holder = holder(&mut connection, &id, whose).await?;
    query.push(role_assignment::of_holder(holder));
    query.identify_by_last_word(role_assignment::UUID)?;
    while let Some(text) = query.take("content_object") {
        if text == "null" {
            query.push(role_assignment::about(None));
            continue;
        }
        let object = Secured::by_text(&mut connection, &text)
            .await?
            .ok_or_else(|| {
                let message = format!("Invalid value for 'content_object': {text}.");
                Error::invalid("content_object", message)
            })?;
        query.push(role_assignment::about(Some(&object)));
    }
    while let Some(text) = query.take("domain") {
        if text != "null" {
            query.push(Condition::new("FALSE", []));
        }
    }
    let columns: Vec<Column> = list::filters::<Assignment>();
    let selection = query.select(&columns, context.app.database.dialect())?;
    let (rows, count): (Vec<Assignment>, i64) = list::page(&mut connection, &selection).await?;
    let beside = Beside::read(&mut connection, &rows).await?;
    drop(connection);
    Ok(page::answer(
        &context,
        &query,
        (&rows, count),
        |object, row| write(object, row, &beside, context.root, (holder, whose)),
    ))
}

async fn create(
    context: Context,
    Path(id): Path<String>,
    fields: Fields,
    whose: Whose,
) -> Result<Response> {
    let mut form = Form::from(fields);
    form.require("role");
    form.ignore(&[
        "pulp_href",
        "prn",
        "pulp_created",
        "description",
        "permissions",
    ]);
    form.refuse("domain", &serde_json::Value::Null);
    let mut transaction = context.app.database.write_durably().await?;
    let holder = holder(&mut transaction, &id, whose).await?;
    let name = form.text("role").unwrap_or_default();
    let found = role::by_name(&mut transaction, &name).await?;
    if found.is_none() && !form.is_wrong() {
        form.wrong("role", format!("Object with name={name} does not exist."));
    }
    let object = content_object(&mut transaction, &mut form).await?;
    if let (Some(role), Some(object)) = (&found, &object) {
        let permissions = role::permissions(&mut transaction, &[role.id]).await?;
        let fits = |(_, one): &(i64, String)| pith_model::access::is_of_model(one, &object.model);
        if !permissions.iter().any(fits) {
            form.wrong_together(format!(
                "The role '{name}' does not carry any permission for that object."
            ));
        }
    }
    if let Some(role) = &found
        && !form.is_wrong()
        && role_assignment::exists(&mut transaction, role.id, holder, object.as_ref()).await?
    {
        let kind = whose.0.trim_end_matches('s');
        form.wrong_together(format!("The role is already assigned to this {kind}."));
    }
    form.finish()?;
    let role = found.ok_or_else(Error::not_found)?;
    let uuid = role_assignment::insert(&mut transaction, role.id, holder, object.as_ref()).await?;
    let row = role_assignment::by_uuid(&mut transaction, holder, uuid).await?;
    let row = row.ok_or_else(Error::not_found)?;
    let whom = (holder, whose);
    let mut response = answer(&context, &mut transaction, &row, whom, None).await?;
    transaction.commit().await?;
    *response.status_mut() = StatusCode::CREATED;
    let href = format_args!("{}/{id}/roles/{uuid}/", whose.0);
    set_location(&mut response, &Href(context.root, href).to_string());
    Ok(response)
}

/// What the role is for; it must be said that it is for all.
async fn content_object(connection: &mut Connection, form: &mut Form) -> Result<Option<Secured>> {
    let field = if form.has("content_object") {
        "content_object"
    } else {
        "content_object_prn"
    };
    match form.nullable_text(field) {
        Given::This(text) => {
            let object = Secured::by_text(connection, &text).await?;
            if object.is_none() {
                form.wrong(field, "Invalid hyperlink - Object does not exist.");
            }
            Ok(object)
        }
        Given::Null => Ok(None),
        Given::Absent => {
            if !form.is_wrong() {
                form.wrong_together(
                    "Either 'content_object' or 'content_object_prn' needs to be specified. Use \
                     'null' for global or domain level access.",
                );
            }
            Ok(None)
        }
    }
}

/// The role that a path names, and who has it.
async fn find(
    connection: &mut Connection,
    (id, assignment): &(String, String),
    whose: Whose,
) -> Result<(Holder, Assignment)> {
    let holder = holder(connection, id, whose).await?;
    let uuid = uuid_in_path(assignment)?;
    let row = role_assignment::by_uuid(connection, holder, uuid).await?;
    Ok((holder, row.ok_or_else(Error::not_found)?))
}

async fn read(
    context: Context,
    Path(path): Path<(String, String)>,
    RawQuery(text): RawQuery,
    whose: Whose,
) -> Result<Response> {
    let projection = query::projection(text.as_deref())?;
    let mut connection = context.app.database.read().await?;
    let (holder, row) = find(&mut connection, &path, whose).await?;
    let whom = (holder, whose);
    answer(&context, &mut connection, &row, whom, Some(&projection)).await
}

async fn answer(
    context: &Context,
    connection: &mut Connection,
    row: &Assignment,
    whom: (Holder, Whose),
    projection: Option<&Projection>,
) -> Result<Response> {
    let beside = Beside::read(connection, std::slice::from_ref(row)).await?;
    Ok(document::object(projection, |object| {
        write(object, row, &beside, context.root, whom);
    }))
}

async fn delete(
    context: Context,
    Path(path): Path<(String, String)>,
    whose: Whose,
) -> Result<StatusCode> {
    let mut transaction = context.app.database.write_durably().await?;
    let (_, row) = find(&mut transaction, &path, whose).await?;
    role_assignment::delete(&mut transaction, row.id).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

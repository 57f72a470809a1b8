//! `<object>/users/` and `<object>/groups/`: who may do what with it, permission by
//! permission.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use pith_db::access::Object;
use pith_db::role_assignment::{self, Holder};
use pith_db::{Connection, group, role, user};
use pith_model::UserId;
use pith_model::access::is_of_model;
use serde::Serialize;
use serde_json::{Value, json};

use super::find::of_request;
use crate::body;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::form::Form;
use crate::page;
use crate::roles::known_permissions;

/// Users, or groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Users,
    Groups,
}

/// What a list shows.
pub(super) fn described() -> Value {
    json!({"type": "object", "properties": {
        "count": {"type": "integer"},
        "next": {"type": "string", "format": "uri", "nullable": true},
        "previous": {"type": "string", "format": "uri", "nullable": true},
        "results": {"type": "array", "items": holder_schema()}}})
}

fn holder_schema() -> Value {
    json!({"type": "object", "properties": {
        "id": {"type": "integer"},
        "name": {"type": "string"},
        "object_permissions": {"type": "array", "items": {"type": "string"},
            "description": "For example `file.view_filerepository`."}}})
}

/// What setting takes.
pub(super) fn taken() -> Value {
    json!({"type": "array", "items": holder_schema(),
        "description": "Each by `id` or by `name`."})
}

/// What removing takes.
pub(super) fn ids_taken() -> Value {
    json!({"type": "array", "items": {"type": "integer"}})
}

#[derive(Debug, Serialize)]
struct Shown {
    id: i64,
    name: String,
    object_permissions: BTreeSet<String>,
}

/// `GET <object>/users/`
pub(super) async fn users(context: Context) -> Result<Response> {
    list(context, Who::Users).await
}

/// `GET <object>/groups/`
pub(super) async fn groups(context: Context) -> Result<Response> {
    list(context, Who::Groups).await
}

/// `PUT <object>/users/`
pub(super) async fn set_users(context: Context, request: Request) -> Result<Response> {
    set(context, Who::Users, request).await
}

/// `PUT <object>/groups/`
pub(super) async fn set_groups(context: Context, request: Request) -> Result<Response> {
    set(context, Who::Groups, request).await
}

/// `DELETE <object>/users/`
pub(super) async fn remove_users(context: Context, request: Request) -> Result<StatusCode> {
    remove(context, Who::Users, request).await
}

/// `DELETE <object>/groups/`
pub(super) async fn remove_groups(context: Context, request: Request) -> Result<StatusCode> {
    remove(context, Who::Groups, request).await
}

async fn list(context: Context, who: Who) -> Result<Response> {
    let mut connection = context.app.database.read().await?;
    let object = of_request(&mut connection, &context).await?;
    let shown = shown(&mut connection, &object, who).await?;
    Ok(page::whole(&shown))
}

/// Who has permissions for an object, and which.
async fn shown(connection: &mut Connection, object: &Object, who: Who) -> Result<Vec<Shown>> {
    let held = role_assignment::of_object(connection, object).await?;
    let mut ids: Vec<i64> = held.iter().map(|one| one.role_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let permissions = role::permissions(connection, &ids).await?;
    let mut found: BTreeMap<i64, Shown> = BTreeMap::new();
    for one in held {
        let id = match (one.holder, who) {
            (Holder::User(id), Who::Users) => id.0,
            (Holder::Group(id), Who::Groups) => id,
            _ => continue,
        };
        let shown = found.entry(id).or_insert_with(|| Shown {
            id,
            name: one.name,
            object_permissions: BTreeSet::new(),
        });
        let of_role = permissions.iter().filter(|(role, _)| *role == one.role_id);
        shown.object_permissions.extend(
            of_role
                .map(|(_, permission)| permission.clone())
                .filter(|permission| is_of_model(permission, &object.model)),
        );
    }
    Ok(found.into_values().collect())
}

async fn set(context: Context, who: Who, request: Request) -> Result<Response> {
    let given = elements(request).await?;
    let mut transaction = context.app.database.write_durably().await?;
    let object = of_request(&mut transaction, &context).await?;
    let known: Vec<String> = known_permissions(&context.app)
        .into_iter()
        .filter(|permission| is_of_model(permission, &object.model))
        .collect();
    let mut form = Form::from(body::Fields::default());
    let mut wanted = Vec::new();
    for one in &given {
        let holder = find(&mut transaction, who, one).await?;
        let permissions = permissions_of(one, &known, &mut form);
        match holder {
            Some(holder) => wanted.push((holder, permissions)),
            None => form.wrong(who.field(), format!("There is nobody {one}.")),
        }
    }
    form.finish()?;
    for (holder, permissions) in wanted {
        role_assignment::remove_all(&mut transaction, holder, &object).await?;
        give(&mut transaction, &object, holder, &permissions).await?;
    }
    let shown = shown(&mut transaction, &object, who).await?;
    transaction.commit().await?;
    Ok(page::whole(&shown))
}

/// Gives permissions: by one of the server's roles that has just these, or one by one.
async fn give(
    connection: &mut Connection,
    object: &Object,
    holder: Holder,
    permissions: &BTreeSet<String>,
) -> Result<()> {
    if permissions.is_empty() {
        return Ok(());
    }
    for name in ["owner", "viewer"] {
        let role = role::by_name(connection, &format!("{}_{name}", object.model)).await?;
        let Some(role) = role.filter(|role| role.locked) else {
            continue;
        };
        let has = role::permissions(connection, &[role.id]).await?;
        let has: BTreeSet<String> = has.into_iter().map(|(_, permission)| permission).collect();
        if has == *permissions {
            role_assignment::insert(connection, role.id, holder, Some(object)).await?;
            return Ok(());
        }
    }
    for permission in permissions {
        let role = role::single(connection, permission).await?;
        role_assignment::insert(connection, role, holder, Some(object)).await?;
    }
    Ok(())
}

async fn remove(context: Context, who: Who, request: Request) -> Result<StatusCode> {
    let given = elements(request).await?;
    let mut transaction = context.app.database.write_durably().await?;
    let object = of_request(&mut transaction, &context).await?;
    let mut form = Form::from(body::Fields::default());
    for one in &given {
        match one.as_i64() {
            Some(id) => {
                let holder = who.holder(id);
                role_assignment::remove_all(&mut transaction, holder, &object).await?;
            }
            None => form.wrong(who.field(), format!("Expected an id instead of {one}.")),
        }
    }
    form.finish()?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The elements of a body that is a list.
async fn elements(request: Request) -> Result<Vec<Value>> {
    let bytes = body::collect_up_to(request.into_body(), body::LIMIT).await?;
    let bytes = bytes.ok_or_else(|| Error::too_large(body::LIMIT))?;
    match serde_json::from_slice(&bytes) {
        Ok(Value::Array(list)) => Ok(list),
        _ => Err(Error::bad_request("Expected a list, as JSON.")),
    }
}

impl Who {
    /// The word for messages.
    fn field(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
        }
    }

    fn holder(self, id: i64) -> Holder {
        match self {
            Self::Users => Holder::User(UserId(id)),
            Self::Groups => Holder::Group(id),
        }
    }
}

/// Whom an element means: by id, or else by name.
async fn find(connection: &mut Connection, who: Who, one: &Value) -> Result<Option<Holder>> {
    let id = one["id"].as_i64();
    let name = one["name"].as_str().unwrap_or_default();
    let found = match (who, id) {
        (Who::Users, Some(id)) => {
            let user = user::by_id(connection, UserId(id)).await?;
            user.map(|user| user.id.0)
        }
        (Who::Users, None) => {
            let user = user::by_name(connection, name).await?;
            user.map(|user| user.id.0)
        }
        (Who::Groups, Some(id)) => group::by_id(connection, id).await?.map(|group| group.id),
        (Who::Groups, None) => {
            let group = group::by_name(connection, name).await?;
            group.map(|group| group.id)
        }
    };
    Ok(found.map(|id| who.holder(id)))
}

/// The permissions that an element lists; wrong ones are noted.
fn permissions_of(one: &Value, known: &[String], form: &mut Form) -> BTreeSet<String> {
    let Some(list) = one["object_permissions"].as_array() else {
        form.wrong(
            "object_permissions",
            "Expected a list of permissions for each.",
        );
        return BTreeSet::new();
    };
    let mut permissions = BTreeSet::new();
    for permission in list {
        match permission.as_str() {
            Some(text) if known.iter().any(|one| one == text) => {
                permissions.insert(text.to_owned());
            }
            _ => form.wrong(
                "object_permissions",
                format!(
                    "{permission} is no permission for this object. There are: {}.",
                    known.join(", ")
                ),
            ),
        }
    }
    permissions
}

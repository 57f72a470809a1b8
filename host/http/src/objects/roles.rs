//! `list_roles/`, `add_role/`, `remove_role/` and `my_permissions/` of an object, as in Pulp.

use axum::response::Response;
use http::StatusCode;
use pith_db::access::{Access, Object};
use pith_db::role::{self, Role};
use pith_db::role_assignment::{self, Holder};
use pith_db::{Connection, group, user};
use pith_model::access::is_of_model;
use serde::Serialize;
use serde_json::{Value, json};

use super::find::of_request;
use crate::body::Fields;
use crate::context::Context;
use crate::document;
use crate::error::Result;
use crate::form::Form;
use crate::roles::known_permissions;

/// What `list_roles/` shows.
pub(super) fn described() -> Value {
    json!({"type": "object", "properties": {"roles": {"type": "array", "items": {
        "type": "object", "properties": {
            "role": {"type": "string"},
            "users": {"type": "array", "items": {"type": "string"}},
            "groups": {"type": "array", "items": {"type": "string"}}}}}}})
}

/// A role, and who has it.
#[derive(Default, Serialize)]
struct Shown {
    users: Vec<String>,
    groups: Vec<String>,
    role: String,
}

/// `GET <object>/list_roles/`
pub(super) async fn list(context: Context) -> Result<Response> {
    let mut connection = context.app.database.read().await?;
    let object = of_request(&mut connection, &context).await?;
    let held = role_assignment::of_object(&mut connection, &object).await?;
    drop(connection);
    let mut roles: Vec<Shown> = Vec::new();
    for one in held {
        let at = roles.iter().position(|shown| shown.role == one.role);
        let at = at.unwrap_or_else(|| {
            roles.push(Shown {
                role: one.role,
                ..Shown::default()
            });
            roles.len() - 1
        });
        match one.holder {
            Holder::User(_) => roles[at].users.push(one.name),
            Holder::Group(_) => roles[at].groups.push(one.name),
        }
    }
    Ok(document::object(None, |answer| {
        answer.field("roles", &roles);
    }))
}

/// `POST <object>/add_role/`
pub(super) async fn add(context: Context, fields: Fields) -> Result<Response> {
    let mut transaction = context.app.database.write_durably().await?;
    let object = of_request(&mut transaction, &context).await?;
    let mut form = Form::from(fields);
    let given = Given::take(&mut transaction, &mut form, &object).await?;
    for (holder, field, name) in &given.holders {
        let object = Some(&object);
        if role_assignment::exists(&mut transaction, given.role_id, *holder, object).await? {
            let kind = field.trim_end_matches('s');
            form.wrong_together(format!("The role is already assigned to {kind} '{name}'."));
        }
    }
    form.finish()?;
    for (holder, ..) in &given.holders {
        let object = Some(&object);
        role_assignment::insert(&mut transaction, given.role_id, *holder, object).await?;
    }
    transaction.commit().await?;
    Ok(given.answer())
}

/// `POST <object>/remove_role/`
pub(super) async fn remove(context: Context, fields: Fields) -> Result<Response> {
    let mut transaction = context.app.database.write_durably().await?;
    let object = of_request(&mut transaction, &context).await?;
    let mut form = Form::from(fields);
    let given = Given::take(&mut transaction, &mut form, &object).await?;
    for (holder, field, name) in &given.holders {
        let object = Some(&object);
        if !role_assignment::remove(&mut transaction, given.role_id, *holder, object).await? {
            let kind = field.trim_end_matches('s');
            form.wrong_together(format!("The role is not assigned to {kind} '{name}'."));
        }
    }
    form.finish()?;
    transaction.commit().await?;
    Ok(given.answer())
}

/// `GET <object>/my_permissions/`
pub(super) async fn mine(context: Context) -> Result<Response> {
    let access = context.access()?;
    let mut connection = context.app.database.read().await?;
    let object = of_request(&mut connection, &context).await?;
    let held = access.permissions_on(&mut connection, &object).await?;
    drop(connection);
    let all = match access {
        Access::Everything => known_permissions(&context.app),
        Access::Roles(_) => held.into_iter().collect(),
    };
    let mut permissions: Vec<&String> = all
        .iter()
        .filter(|permission| is_of_model(permission, &object.model))
        .collect();
    permissions.sort();
    Ok(document::object(None, |answer| {
        answer.field("permissions", permissions);
    }))
}

/// What is to be given or taken.
struct Given {
    role: String,
    role_id: i64,
    /// With the field that names each.
    holders: Vec<(Holder, &'static str, String)>,
}

impl Given {
    /// Takes it from a form, which ends if something is wrong.
    async fn take(connection: &mut Connection, form: &mut Form, object: &Object) -> Result<Self> {
        form.require("role");
        let name = form.text("role").unwrap_or_default();
        let found = role::by_name(connection, &name).await?;
        if found.is_none() && !form.is_wrong() {
            form.wrong("role", format!("Object with name={name} does not exist."));
        }
        if let Some(found) = &found
            && !fits(connection, found, object).await?
        {
            form.wrong_together("The role does not contain any permission for that object.");
        }
        let mut holders: Vec<(Holder, &str, String)> = Vec::new();
        for field in ["users", "groups"] {
            for value in form.list(field).unwrap_or_default() {
                let name = value.as_str().unwrap_or_default();
                match holder(connection, field, name).await? {
                    Some(holder) if holders.iter().all(|(known, ..)| *known != holder) => {
                        holders.push((holder, field, name.to_owned()));
                    }
                    Some(_) => {}
                    None => {
                        let key = if field == "users" { "username" } else { "name" };
                        let shown = value
                            .as_str()
                            .map_or_else(|| value.to_string(), str::to_owned);
                        form.wrong(field, format!("Object with {key}={shown} does not exist."));
                    }
                }
            }
        }
        match found {
            Some(role) if !form.is_wrong() => Ok(Self {
                role: role.name,
                role_id: role.id,
                holders,
            }),
            _ => Err(std::mem::take(form).into_error()),
        }
    }

    fn answer(&self) -> Response {
        let named = |wanted: &str| -> Vec<&String> {
            let holders = self.holders.iter().filter(|(_, field, _)| *field == wanted);
            holders.map(|(.., name)| name).collect()
        };
        let mut response = document::object(None, |answer| {
            answer
                .field("users", named("users"))
                .field("groups", named("groups"))
                .field("role", &self.role);
        });
        *response.status_mut() = StatusCode::CREATED;
        response
    }
}

/// Whether a role says anything about an object's model.
async fn fits(connection: &mut Connection, role: &Role, object: &Object) -> Result<bool> {
    let permissions = role::permissions(connection, &[role.id]).await?;
    Ok(permissions
        .iter()
        .any(|(_, permission)| is_of_model(permission, &object.model)))
}

/// Who has a name.
async fn holder(connection: &mut Connection, field: &str, name: &str) -> Result<Option<Holder>> {
    Ok(if field == "users" {
        let found = user::by_name(connection, name).await?;
        found.map(|user| Holder::User(user.id))
    } else {
        let found = group::by_name(connection, name).await?;
        found.map(|group| Holder::Group(group.id))
    })
}

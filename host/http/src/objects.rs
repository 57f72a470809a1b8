//! Objects that roles can be given for: what may be done with each, and by whom.

mod find;
mod holders;
mod roles;

pub(crate) use find::href;

use pith_model::access::Securable;
use serde_json::{Value, json};

use crate::auth::need::Need;
use crate::openapi::resource::object;
use crate::openapi::{Field, Operation};
use crate::routes::{Routes, get, post};

/// The routes below each object of a kind.
macro_rules! below {
    ($kind:ident, $path:literal, $id:literal) => {
        roles_below!($kind, $path, $id)
            .route(
                concat!($path, "users/"),
                get(
                    Operation::new(concat!($id, "_users"), "List users with permissions")
                        .needs(Need::Object(Securable::$kind, "manage_roles"))
                        .answers(200, "Holders", |_| holders::described()),
                    holders::users,
                )
                .put(
                    Operation::new(concat!($id, "_set_users"), "Set users' permissions")
                        .about("Of those that are listed; what others may do stays.")
                        .needs(Need::Object(Securable::$kind, "manage_roles"))
                        .takes("HolderSettings", |_| holders::taken())
                        .answers(200, "Holders", |_| holders::described()),
                    holders::set_users,
                )
                .delete(
                    Operation::new(
                        concat!($id, "_remove_users"),
                        "Take users' permissions away",
                    )
                    .needs(Need::Object(Securable::$kind, "manage_roles"))
                    .takes("HolderIds", |_| holders::ids_taken())
                    .answers_nothing(204),
                    holders::remove_users,
                ),
            )
            .route(
                concat!($path, "groups/"),
                get(
                    Operation::new(concat!($id, "_groups"), "List groups with permissions")
                        .needs(Need::Object(Securable::$kind, "manage_roles"))
                        .answers(200, "Holders", |_| holders::described()),
                    holders::groups,
                )
                .put(
                    Operation::new(concat!($id, "_set_groups"), "Set groups' permissions")
                        .about("Of those that are listed; what others may do stays.")
                        .needs(Need::Object(Securable::$kind, "manage_roles"))
                        .takes("HolderSettings", |_| holders::taken())
                        .answers(200, "Holders", |_| holders::described()),
                    holders::set_groups,
                )
                .delete(
                    Operation::new(
                        concat!($id, "_remove_groups"),
                        "Take groups' permissions away",
                    )
                    .needs(Need::Object(Securable::$kind, "manage_roles"))
                    .takes("HolderIds", |_| holders::ids_taken())
                    .answers_nothing(204),
                    holders::remove_groups,
                ),
            )
    };
}

/// Pulp's routes below each object of a kind.
macro_rules! roles_below {
    ($kind:ident, $path:literal, $id:literal) => {
        Routes::new()
            .route(
                concat!($path, "list_roles/"),
                get(
                    Operation::new(concat!($id, "_list_roles"), "List roles")
                        .needs(Need::Object(Securable::$kind, "manage_roles"))
                        .answers(200, "ObjectRoles", |_| roles::described()),
                    roles::list,
                ),
            )
            .route(
                concat!($path, "add_role/"),
                post(
                    Operation::new(concat!($id, "_add_role"), "Add a role")
                        .needs(Need::Object(Securable::$kind, "manage_roles"))
                        .takes("NestedRole", |_| nested())
                        .answers(201, "NestedRole", |_| nested()),
                    roles::add,
                ),
            )
            .route(
                concat!($path, "remove_role/"),
                post(
                    Operation::new(concat!($id, "_remove_role"), "Remove a role")
                        .needs(Need::Object(Securable::$kind, "manage_roles"))
                        .takes("NestedRole", |_| nested())
                        .answers(201, "NestedRole", |_| nested()),
                    roles::remove,
                ),
            )
            .route(
                concat!($path, "my_permissions/"),
                get(
                    Operation::new(concat!($id, "_my_permissions"), "List user permissions")
                        .needs(Need::Object(Securable::$kind, "view"))
                        .answers(200, "MyPermissions", |_| {
                            json!({"type": "object", "properties": {
                                "permissions": {"type": "array", "items": {"type": "string"}}}})
                        }),
                    roles::mine,
                ),
            )
    };
}

/// The routes.
pub(crate) fn routes() -> Routes {
    below!(
        Repository,
        "/repositories/{plugin}/{type_name}/{id}/",
        "repositories_{plugin}_{type_name}"
    )
    .merge(below!(
        Remote,
        "/remotes/{plugin}/{type_name}/{id}/",
        "remotes_{plugin}_{type_name}"
    ))
    .merge(below!(
        Publication,
        "/publications/{plugin}/{type_name}/{id}/",
        "publications_{plugin}_{type_name}"
    ))
    .merge(below!(
        Distribution,
        "/distributions/{plugin}/{type_name}/{id}/",
        "distributions_{plugin}_{type_name}"
    ))
    .merge(below!(
        Entity,
        "/entities/{plugin}/{type_name}/{id}/",
        "entities_{plugin}_{type_name}"
    ))
    .merge(below!(Task, "/tasks/{id}/", "tasks"))
    .merge(below!(
        TaskSchedule,
        "/task-schedules/{id}/",
        "task_schedules"
    ))
    .merge(below!(Upload, "/uploads/{id}/", "uploads"))
    // Below a group `users/` are its members.
    .merge(roles_below!(Group, "/groups/{id}/", "groups"))
}

/// A role with those who get or lose it.
fn nested() -> Value {
    object(&[
        Field::text("role", "Its name.").required(),
        Field::texts("users", "Names of users."),
        Field::texts("groups", "Names of groups."),
    ])
}

//! Groups, roles, and what may be done with each object: every operation is called.

use anyhow::{Context, Result};
use pith_tests::document::Document;
use pith_tests::{Api, href, text};
use serde_json::{Value, json};

use super::Made;

/// Calls all of them, and leaves what was there as it was.
pub(super) async fn walked(api: &Api, document: &mut Document, made: &Made) -> Result<()> {
    let group = document
        .call("groups_create", "", Some(json!({"name": "walked"})))
        .await?;
    let path = href(&group);
    let name = json!({"name": "walked again"});
    document
        .call("groups_update", &path, Some(name.clone()))
        .await?;
    document
        .call("groups_partial_update", &path, Some(name))
        .await?;
    document.call("groups_list", "", None).await?;
    document.call("groups_read", &path, None).await?;
    let admin = json!({"username": "admin"});
    document
        .call("groups_users_create", &path, Some(admin))
        .await?;
    document.call("groups_users_list", &path, None).await?;
    let users = api.list("/users/?username=admin").await?;
    let user = users.first().context("no admin")?;
    let member = format!("{path}users/{}/", user["id"]);
    document.call("groups_users_delete", &member, None).await?;
    roles(document).await?;
    for (prefix, holder) in [("users", href(user)), ("groups", path.clone())] {
        assignments(document, prefix, &holder, made).await?;
    }
    let upload = api.create("/uploads/", json!({"size": 1})).await?;
    let schedule = json!({"name": "walked", "type": "file/syncs", "cron": "0 0 1 1 *",
        "parameters": {"repository": href(&made.repository), "remote": href(&made.remote)}});
    let schedule = api.create("/task-schedules/", schedule).await?;
    for (prefix, object, role) in [
        (
            "repositories_file_file",
            href(&made.repository),
            "file.filerepository_viewer",
        ),
        (
            "remotes_file_file",
            href(&made.remote),
            "file.fileremote_viewer",
        ),
        (
            "publications_file_file",
            href(&made.publication),
            "file.filepublication_viewer",
        ),
        (
            "distributions_file_file",
            href(&made.distribution),
            "file.filedistribution_viewer",
        ),
        ("tasks", made.task.clone(), "core.task_viewer"),
        (
            "task_schedules",
            href(&schedule),
            "core.taskschedule_viewer",
        ),
        ("uploads", href(&upload), "core.upload_viewer"),
        ("groups", path.clone(), "core.group_viewer"),
    ] {
        on_object(document, prefix, &object, role).await?;
    }
    document.call("groups_delete", &path, None).await?;
    Ok(())
}

async fn roles(document: &mut Document) -> Result<()> {
    let role = json!({"name": "walked", "permissions": ["core.view_task"]});
    let made = document
        .call("roles_create", "", Some(role.clone()))
        .await?;
    document.call("roles_list", "", None).await?;
    document.call("roles_read", &href(&made), None).await?;
    document
        .call("roles_update", &href(&made), Some(role))
        .await?;
    let change = json!({"description": "for a walk"});
    let changed = document
        .call("roles_partial_update", &href(&made), Some(change))
        .await?;
    assert_eq!(changed["description"], "for a walk");
    document.call("roles_delete", &href(&made), None).await?;
    Ok(())
}

async fn assignments(
    document: &mut Document,
    prefix: &str,
    holder: &str,
    made: &Made,
) -> Result<()> {
    let id = |verb: &str| format!("{prefix}_roles_{verb}");
    let role = json!({"role": "file.filerepository_viewer",
        "content_object": href(&made.repository)});
    let given = document.call(&id("create"), holder, Some(role)).await?;
    assert_eq!(given["content_object"], href(&made.repository));
    document.call(&id("list"), holder, None).await?;
    document.call(&id("read"), &href(&given), None).await?;
    document.call(&id("delete"), &href(&given), None).await?;
    Ok(())
}

async fn on_object(document: &mut Document, prefix: &str, object: &str, role: &str) -> Result<()> {
    let id = |verb: &str| format!("{prefix}_{verb}");
    let given = json!({"role": role, "users": ["admin"]});
    document
        .call(&id("add_role"), object, Some(given.clone()))
        .await?;
    let listed = document.call(&id("list_roles"), object, None).await?;
    let has = |one: &Value| one["role"] == role && one["users"] == json!(["admin"]);
    let roles = listed["roles"].as_array().context("no roles")?;
    assert!(roles.iter().any(has), "{listed}");
    document
        .call(&id("remove_role"), object, Some(given))
        .await?;
    let mine = document.call(&id("my_permissions"), object, None).await?;
    assert!(text(&mine["permissions"][0]).contains('.'), "{mine}");
    Ok(())
}

//! Every operation of the document, for everybody, on one's own things and on others'.
//!
//! The document says what each operation needs (`x-required-permission`), and
//! `permissions.txt` says what it should say. From that, and from who has which role for which
//! of two estates, follows what each caller must get.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use http::Method;
use pith_tests::document::{Document, Operation};
use pith_tests::upstream::Upstream;
use pith_tests::{Api, Reply, Test, TestServer, href, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    operations_need_what_pulps_do,
    everybody_may_do_just_what_his_roles_say,
);

/// What operations need: the permission, then the operations.
fn needed() -> BTreeMap<String, String> {
    let mut needed = BTreeMap::new();
    let mut permission = String::new();
    for line in include_str!("../permissions.txt").lines() {
        match line.strip_prefix("  ") {
            Some(ids) => {
                for id in ids.split_whitespace() {
                    let before = needed.insert(id.to_owned(), permission.clone());
                    assert!(before.is_none(), "{id} is there twice");
                }
            }
            None => line.clone_into(&mut permission),
        }
    }
    needed
}

async fn operations_need_what_pulps_do(test: Test) -> Result<()> {
    let server = test.start().await?;
    let document = Document::read(server.api()).await?;
    let expected = needed();
    let mut wrong = Vec::new();
    for (id, operation) in document.operations() {
        let said = text(&operation.said["x-required-permission"]);
        let is_open = operation.said["security"] == json!([]);
        match expected.get(id) {
            Some(permission) if permission == said => {}
            None if is_open || id.contains("rpm") || id.contains("ansible") => {}
            other => wrong.push(format!("{id}: {said}, and not {other:?}")),
        }
    }
    let known = |id: &&String| !document.operations().contains_key(*id);
    wrong.extend(
        expected
            .keys()
            .filter(known)
            .map(|id| format!("{id} is gone")),
    );
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// One of everything, of one owner.
struct Estate {
    /// By the parameter that stands for its path in the document.
    hrefs: BTreeMap<&'static str, String>,
    /// Names that must never be told to whom they are none of.
    secrets: Vec<String>,
}

/// The parameters of paths, and what each is an object of.
const PARAMETERS: [&str; 12] = [
    "file_file_repository_href",
    "file_file_repository_version_href",
    "file_file_remote_href",
    "file_file_publication_href",
    "file_file_distribution_href",
    "file_file_content_href",
    "artifact_href",
    "task_href",
    "task_group_href",
    "task_schedule_href",
    "upload_href",
    "group_href",
];

/// Makes one of everything.
async fn estate(api: &Api, upstream: &Upstream, name: &str) -> Result<Estate> {
    let secret = format!("{name}-secret.txt");
    let url = upstream.hold(name, &[(secret.as_str(), name.as_bytes())]);
    let mirrored = api.mirrored(name, &url, "immediate").await?;
    let version = api.latest_version(&mirrored.repository).await?;
    let file = api.files_in(&version).await?.remove(0);
    let publication = api.publish(&mirrored.repository).await?;
    let uploaded = api
        .upload_file(
            &format!("{name}-upload"),
            name.as_bytes(),
            Some(&mirrored.repository),
        )
        .await?;
    let group = json!({"description": name, "tasks": [
        {"type": "file/syncs", "repository": href(&mirrored.repository),
         "remote": href(&mirrored.remote)}]});
    let tasks = api.post("/task-groups/", group).await?.json(202)?;
    let task = text(&tasks["tasks"][0]["pulp_href"]).to_owned();
    api.wait(&task).await?;
    let schedule = json!({"name": name, "type": "file/syncs", "dispatch_interval": "30 00:00:00",
        "parameters": {"repository": href(&mirrored.repository),
            "remote": href(&mirrored.remote)}});
    let schedule = api.create("/task-schedules/", schedule).await?;
    let upload = api.create("/uploads/", json!({"size": 3})).await?;
    let group = api.create("/groups/", json!({"name": name})).await?;
    let hrefs = PARAMETERS.into_iter().zip([
        href(&mirrored.repository),
        href(&version),
        href(&mirrored.remote),
        href(&publication),
        href(&mirrored.distribution),
        href(&file),
        text(&uploaded["artifact"]).to_owned(),
        task,
        href(&tasks),
        href(&schedule),
        href(&upload),
        href(&group),
    ]);
    Ok(Estate {
        hrefs: hrefs.collect(),
        secrets: vec![secret, name.to_owned()],
    })
}

/// What whoever makes an estate must be allowed.
const MAKER: [&str; 9] = [
    "file.filerepository_creator",
    "file.fileremote_creator",
    "file.filepublication_creator",
    "file.filedistribution_creator",
    "core.upload_creator",
    "core.taskschedule_creator",
    "core.group_creator",
    "file.file_uploader",
    "core.content_labeler",
];

/// A user with roles for all objects.
async fn user(server: &TestServer, name: &str, roles: &[&str]) -> Result<Api> {
    let document = json!({"username": name, "password": "a-password-1"});
    let user = server.api().create("/users/", document).await?;
    for role in roles {
        let role = json!({"role": role, "content_object": null});
        server
            .api()
            .create(&format!("{}roles/", href(&user)), role)
            .await?;
    }
    Ok(server.api().with_password(name, "a-password-1"))
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    Nobody,
    /// Without a role.
    Guest,
    /// With a viewer's role for everything of the first estate.
    Viewer,
    /// Who made the first estate.
    Owner,
    Admin,
}

const CALLERS: [Caller; 5] = [
    Caller::Nobody,
    Caller::Guest,
    Caller::Viewer,
    Caller::Owner,
    Caller::Admin,
];

/// What a caller gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Unknown,
    Denied,
    Hidden,
    Allowed,
}

impl Outcome {
    fn of(reply: &Reply) -> Self {
        match reply.status() {
            401 => Self::Unknown,
            403 => Self::Denied,
            404 => Self::Hidden,
            _ => Self::Allowed,
        }
    }
}

/// What somebody must get from an operation that needs something, on the first estate or on
/// the other. None where that depends on what is sent.
fn outcome(caller: Caller, needs: &str, is_first: bool) -> Option<Outcome> {
    let viewer_sees = is_first && caller == Caller::Viewer;
    let owns = is_first && caller == Caller::Owner;
    Some(match caller {
        Caller::Nobody => Outcome::Unknown,
        Caller::Admin => Outcome::Allowed,
        _ if needs == "authenticated" => return None,
        _ if needs == "administrator" => Outcome::Denied,
        _ if needs == "uploader" && owns => Outcome::Allowed,
        _ if needs == "uploader" => Outcome::Hidden,
        _ if needs.starts_with("view of a repository") && (owns || viewer_sees) => Outcome::Allowed,
        _ if needs.starts_with("view of a repository") => Outcome::Hidden,
        _ if needs == "core.manage_content_labels" => match (owns, viewer_sees) {
            (true, _) => Outcome::Allowed,
            (_, true) => Outcome::Denied,
            _ => Outcome::Hidden,
        },
        _ if needs.ends_with("on the object") || needs.ends_with("on all its tasks") => {
            let looks = needs.contains(".view_") && !needs.contains("profile_artifacts");
            match (owns, viewer_sees) {
                (true, _) => Outcome::Allowed,
                (_, true) if looks => Outcome::Allowed,
                (_, true) => Outcome::Denied,
                _ => Outcome::Hidden,
            }
        }
        // Nobody has anything to do with another plugin.
        _ if needs.starts_with("rpm.") || needs.starts_with("ansible.") => Outcome::Denied,
        // For all objects.
        Caller::Owner => Outcome::Allowed,
        _ => Outcome::Denied,
    })
}

/// What is sent where nothing would be refused before it is looked at.
fn body(operation: &Operation) -> Option<Value> {
    let is_write = !matches!(operation.method, Method::GET | Method::DELETE);
    is_write.then(|| json!({}))
}

/// The verbs that leave nothing to ask for, in the order in which they are tried at the end.
fn is_last(operation: &Operation) -> bool {
    operation.method == Method::DELETE
}

async fn everybody_may_do_just_what_his_roles_say(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let guest = user(&server, "guest", &[]).await?;
    let viewer = user(&server, "viewer", &[]).await?;
    let owner = user(&server, "owner", &MAKER).await?;
    let other = user(&server, "other", &MAKER).await?;
    let first = estate(&owner, &upstream, "first").await?;
    let second = estate(&other, &upstream, "second").await?;
    let rights = [
        ("file_file_repository_href", "file.filerepository_viewer"),
        ("file_file_remote_href", "file.fileremote_viewer"),
        ("file_file_publication_href", "file.filepublication_viewer"),
        (
            "file_file_distribution_href",
            "file.filedistribution_viewer",
        ),
        ("task_href", "core.task_viewer"),
        ("task_schedule_href", "core.taskschedule_viewer"),
        ("upload_href", "core.upload_viewer"),
        ("group_href", "core.group_viewer"),
    ];
    for (parameter, role) in rights {
        let path = format!("{}add_role/", first.hrefs[parameter]);
        let document = json!({"role": role, "users": ["viewer"]});
        owner.create(&path, document).await?;
    }
    let document = Document::read(server.api()).await?;
    let before = snapshot(server.api(), [&first, &second]).await?;
    let api = |caller| match caller {
        Caller::Nobody => server.api().anonymous(),
        Caller::Guest => guest.clone(),
        Caller::Viewer => viewer.clone(),
        Caller::Owner => owner.clone(),
        Caller::Admin => server.api().clone(),
    };
    let mut wrong = Vec::new();
    let mut asked = 0;
    let guarded: Vec<(&String, &Operation)> = document
        .operations()
        .iter()
        .filter(|(_, operation)| operation.said["security"] != json!([]))
        .collect();
    // First all that is to be refused, which changes nothing; then what is allowed.
    for allowed in [false, true] {
        let mut ordered = guarded.clone();
        ordered.sort_by_key(|(id, operation)| {
            (is_last(operation), id.ends_with("_delete"), removal(id))
        });
        for (id, operation) in ordered {
            for (estate, is_first) in [(&first, true), (&second, false)] {
                let Some(path) = path_of(operation, estate) else {
                    continue;
                };
                for caller in CALLERS {
                    let needs = text(&operation.said["x-required-permission"]);
                    let Some(expected) = outcome(caller, needs, is_first) else {
                        continue;
                    };
                    if (expected == Outcome::Allowed) != allowed || spares(id, caller, is_first) {
                        continue;
                    }
                    asked += 1;
                    let api = api(caller);
                    let method = operation.method.clone();
                    let reply = api.call(method, &path, body(operation)).await?;
                    let got = Outcome::of(&reply);
                    if got != expected {
                        let whose = if is_first { "first" } else { "second" };
                        wrong.push(format!(
                            "{id} of the {whose} by {caller:?}: {expected:?}, and not {reply}"
                        ));
                    }
                    if expected != Outcome::Allowed {
                        let told = estate.secrets.iter().any(|one| reply.text().contains(one));
                        ensure!(!told, "{id} tells {caller:?} of what is hidden: {reply}");
                    }
                }
            }
        }
        if !allowed {
            let after = snapshot(server.api(), [&first, &second]).await?;
            assert_eq!(before, after, "what was denied changed something");
        }
    }
    ensure!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    ensure!(asked > 1000, "only {asked} were asked");
    Ok(())
}

/// What cannot be asked of everybody in turn: it ends what others are to ask.
fn spares(id: &str, caller: Caller, is_first: bool) -> bool {
    let ends = [
        "logout",
        "orphans_delete",
        "orphans_cleanup_cleanup",
        "tasks_purge",
    ];
    // A thing is removed once.
    let removes = id.ends_with("_delete") && is_first && caller == Caller::Admin;
    // Whoever does a task again must be allowed what it does.
    let repeats = id == "tasks_clone" && caller == Caller::Viewer;
    ends.contains(&id) || removes || repeats
}

/// Things go after those that need them.
fn removal(id: &str) -> usize {
    let order = [
        "publications",
        "distributions",
        "versions_delete",
        "task",
        "uploads",
        "groups",
    ];
    order
        .iter()
        .position(|one| id.contains(one))
        .unwrap_or(if id.starts_with("repositories") {
            order.len()
        } else {
            order.len() + 1
        })
}

/// The path of an operation with an estate's objects; none if it has no such.
fn path_of(operation: &Operation, estate: &Estate) -> Option<String> {
    let Some((begin, rest)) = operation.path.split_once('{') else {
        return Some(operation.path.clone());
    };
    let (parameter, end) = rest.split_once('}')?;
    let href = estate.hrefs.get(parameter)?;
    (begin.is_empty() && !end.contains('{')).then(|| format!("{href}{end}"))
}

/// All objects as an administrator sees them.
async fn snapshot(api: &Api, estates: [&Estate; 2]) -> Result<BTreeMap<String, Value>> {
    let mut all = BTreeMap::new();
    for href in estates.iter().flat_map(|estate| estate.hrefs.values()) {
        all.insert(href.clone(), api.get(href).await?.ok()?);
        let roles = api.get(&format!("{href}list_roles/")).await?;
        if roles.status() == 200 {
            all.insert(format!("{href}list_roles/"), roles.ok()?);
        }
    }
    for list in [
        "/repositories/",
        "/remotes/",
        "/users/",
        "/roles/?limit=1000",
        "/groups/",
    ] {
        all.insert(list.to_owned(), api.get(list).await?.ok()?);
    }
    Ok(all)
}

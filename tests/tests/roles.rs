//! Roles: what they allow, how they are given and taken, and what nobody gets by a detour.

use anyhow::{Context, Result};
use http::Method;
use pith_tests::upstream::Upstream;
use pith_tests::{Api, Form, Mirrored, Test, TestServer, href, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    a_role_counts_from_the_next_request,
    groups_pass_their_roles_on,
    custom_roles_can_be_made_and_locked_ones_not_changed,
    permissions_are_set_one_by_one,
    what_is_made_belongs_to_its_maker,
    lists_and_references_hide_what_may_not_be_seen,
    units_enter_only_where_they_may_be_read,
    artifacts_and_uploads_are_their_senders,
    schedules_run_with_what_their_owner_may_now,
    a_purge_takes_only_what_one_may_delete,
    tokens_are_ones_own,
);

const PASSWORD: &str = "a-password-1";

/// A user, with roles for all objects.
async fn user(server: &TestServer, name: &str, roles: &[&str]) -> Result<(Api, Value)> {
    let document = json!({"username": name, "password": PASSWORD});
    let user = server.api().create("/users/", document).await?;
    for role in roles {
        give(server.api(), &user, role, Value::Null).await?;
    }
    Ok((server.api().with_password(name, PASSWORD), user))
}

/// Gives a user or a group a role.
async fn give(api: &Api, holder: &Value, role: &str, object: Value) -> Result<Value> {
    let document = json!({"role": role, "content_object": object});
    api.create(&format!("{}roles/", href(holder)), document)
        .await
}

/// What makers of files need.
const MAKER: [&str; 4] = [
    "file.filerepository_creator",
    "file.fileremote_creator",
    "file.filepublication_creator",
    "file.filedistribution_creator",
];

async fn mirrored(api: &Api, upstream: &Upstream, name: &str) -> Result<Mirrored> {
    let url = upstream.hold(name, &[(format!("{name}.txt").as_str(), name.as_bytes())]);
    api.mirrored(name, &url, "immediate").await
}

async fn a_role_counts_from_the_next_request(test: Test) -> Result<()> {
    let server = test.start().await?;
    let (ada, user) = user(&server, "ada", &[]).await?;
    let repository = server.api().file_repository("theirs").await?;
    let path = href(&repository);
    assert_eq!(ada.get(&path).await?.status(), 404);
    let role = json!({"role": "file.filerepository_viewer", "users": ["ada"]});
    let add = format!("{path}add_role/");
    server.api().create(&add, role.clone()).await?;
    assert_eq!(ada.get(&path).await?.status(), 200);
    assert_eq!(
        ada.patch(&path, json!({"description": "x"}))
            .await?
            .status(),
        403
    );
    // Neither does he see who else may, nor give away what he has.
    assert_eq!(ada.get(&format!("{path}list_roles/")).await?.status(), 403);
    assert_eq!(ada.post(&add, role.clone()).await?.status(), 403);
    let twice = server.api().post(&add, role.clone()).await?;
    assert!(twice.text().contains("already assigned"), "{twice}");
    let mine = ada.get(&format!("{path}my_permissions/")).await?.ok()?;
    assert_eq!(mine["permissions"], json!(["file.view_filerepository"]));
    server
        .api()
        .create(&format!("{path}remove_role/"), role)
        .await?;
    assert_eq!(ada.get(&path).await?.status(), 404);
    let all = give(
        server.api(),
        &user,
        "file.filerepository_owner",
        Value::Null,
    )
    .await?;
    let changed = ada.patch(&path, json!({"description": "x"})).await?.ok()?;
    assert_eq!(changed["description"], "x");
    assert_eq!(server.api().delete(&href(&all)).await?.status(), 204);
    assert_eq!(ada.get(&path).await?.status(), 404);
    let other = json!({"role": "file.fileremote_viewer", "users": ["ada"]});
    let reply = server.api().post(&add, other).await?;
    assert!(
        reply.text().contains("does not contain any permission"),
        "{reply}"
    );
    Ok(())
}

async fn groups_pass_their_roles_on(test: Test) -> Result<()> {
    let server = test.start().await?;
    let (bob, _) = user(&server, "bob", &["core.group_creator"]).await?;
    let (carol, _) = user(&server, "carol", &[]).await?;
    let group = bob.create("/groups/", json!({"name": "readers"})).await?;
    assert_eq!(carol.get(&href(&group)).await?.status(), 404);
    let repository = server.api().file_repository("books").await?;
    let role = json!({"role": "file.filerepository_viewer", "groups": ["readers"]});
    let add = format!("{}add_role/", href(&repository));
    server.api().create(&add, role).await?;
    assert_eq!(carol.get(&href(&repository)).await?.status(), 404);
    let members = format!("{}users/", href(&group));
    bob.create(&members, json!({"username": "carol"})).await?;
    assert_eq!(carol.get(&href(&repository)).await?.status(), 200);
    assert_eq!(carol.list("/repositories/").await?.len(), 1);
    let listed = bob.list(&members).await?;
    assert_eq!(listed.len(), 1);
    let user = server.api().get(&href(&listed[0])).await?.ok()?;
    assert_eq!(user["groups"][0]["name"], "readers");
    // Members may not give a group rights, nor see it for that.
    assert_eq!(carol.get(&members).await?.status(), 404);
    let member = format!("{members}{}/", user["id"]);
    assert_eq!(bob.delete(&member).await?.status(), 204);
    assert_eq!(carol.get(&href(&repository)).await?.status(), 404);
    assert_eq!(
        bob.get(&format!("{}roles/", href(&group))).await?.status(),
        403
    );
    Ok(())
}

async fn custom_roles_can_be_made_and_locked_ones_not_changed(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let (dave, user) = user(&server, "dave", &[]).await?;
    let wrong = json!({"name": "mine", "permissions": ["file.fly_filerepository"]});
    let reply = api.post("/roles/", wrong).await?;
    assert!(!reply.errors_of("permissions")?.is_empty(), "{reply}");
    let role = json!({"name": "mine", "permissions": ["core.view_task"]});
    let role = api.create("/roles/", role).await?;
    give(api, &user, "mine", Value::Null).await?;
    api.file_repository("any").await?;
    assert_eq!(dave.list("/repositories/").await?.len(), 0);
    let change = json!({"permissions": ["file.view_filerepository"]});
    api.patch(&href(&role), change).await?.ok()?;
    assert_eq!(dave.list("/repositories/").await?.len(), 1);
    let count = |page: &Value| page["count"].as_u64();
    let all = api
        .get("/roles/?contains_permission=file.view_filerepository")
        .await?
        .ok()?;
    assert!(count(&all).is_some_and(|count| count >= 3), "{all}");
    assert_eq!(api.delete(&href(&role)).await?.status(), 204);
    assert_eq!(dave.list("/repositories/").await?.len(), 0);
    let locked = api.list("/roles/?name=file.filerepository_owner").await?;
    let locked = locked.first().context("no such role")?;
    assert_eq!(locked["locked"], true);
    assert_eq!(
        locked["permissions"],
        json!([
            "file.change_filerepository",
            "file.delete_filerepository",
            "file.manage_roles_filerepository",
            "file.modify_filerepository",
            "file.repair_filerepository",
            "file.sync_filerepository",
            "file.view_filerepository",
        ])
    );
    for method in [Method::PATCH, Method::DELETE] {
        let body = (method == Method::PATCH).then(|| json!({"name": "taken"}));
        let reply = api.call(method, &href(locked), body).await?;
        assert_eq!(reply.status(), 403, "{reply}");
    }
    let rpm = api.list("/roles/?name=rpm.rpmrepository_owner").await?;
    let permissions = rpm[0]["permissions"].to_string();
    assert!(
        permissions.contains("rpm.modify_content_rpmrepository"),
        "{permissions}"
    );
    assert!(
        permissions.contains("rpm.delete_rpmrepository_version"),
        "{permissions}"
    );
    Ok(())
}

async fn permissions_are_set_one_by_one(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let (erin, user) = user(&server, "erin", &[]).await?;
    let repository = api.file_repository("r").await?;
    let users = format!("{}users/", href(&repository));
    let set = json!([{"id": user["id"], "name": "erin", "object_permissions":
        ["file.view_filerepository", "file.change_filerepository"]}]);
    api.put(&users, set.clone()).await?.ok()?;
    let listed = api.list(&users).await?;
    let erins = listed
        .iter()
        .find(|one| one["name"] == "erin")
        .context("no erin")?;
    assert_eq!(
        erins["object_permissions"],
        json!(["file.change_filerepository", "file.view_filerepository"])
    );
    assert!(
        listed.iter().any(|one| one["name"] == "admin"),
        "the others stay"
    );
    let change = json!({"description": "by erin"});
    assert_eq!(erin.patch(&href(&repository), change).await?.status(), 200);
    assert_eq!(erin.delete(&href(&repository)).await?.status(), 403);
    assert_eq!(erin.put(&users, set).await?.status(), 403);
    let only = json!([{"name": "erin", "object_permissions": ["file.view_filerepository"]}]);
    api.put(&users, only).await?.ok()?;
    let roles = api
        .get(&format!("{}list_roles/", href(&repository)))
        .await?
        .ok()?;
    let viewers = json!({"role": "file.filerepository_viewer", "users": ["erin"], "groups": []});
    assert!(
        roles["roles"]
            .as_array()
            .is_some_and(|roles| roles.contains(&viewers)),
        "{roles}"
    );
    let wrong = json!([{"name": "erin", "object_permissions": ["file.view_fileremote"]}]);
    assert_eq!(api.put(&users, wrong).await?.status(), 400);
    let ids = json!([user["id"]]);
    let reply = api.call(Method::DELETE, &users, Some(ids)).await?;
    assert_eq!(reply.status(), 204, "{reply}");
    assert_eq!(erin.get(&href(&repository)).await?.status(), 404);
    Ok(())
}

async fn what_is_made_belongs_to_its_maker(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let (ada, _) = user(&server, "ada", &MAKER).await?;
    let (bob, _) = user(&server, "bob", &MAKER).await?;
    let made = mirrored(&ada, &upstream, "adas").await?;
    let publication = ada.publish(&made.repository).await?;
    for one in [
        &made.repository,
        &made.remote,
        &made.distribution,
        &publication,
    ] {
        let roles = ada.get(&format!("{}list_roles/", href(one))).await?.ok()?;
        assert!(
            text(&roles["roles"][0]["role"]).ends_with("_owner"),
            "{roles}"
        );
        assert_eq!(roles["roles"][0]["users"], json!(["ada"]));
        assert_eq!(bob.get(&href(one)).await?.status(), 404);
    }
    let related = ada
        .get("/repositories/file/file/?include_related=my_permissions")
        .await?
        .ok()?;
    let mine = related["results"][0]["related_fields"]["my_permissions"].to_string();
    assert!(mine.contains("file.sync_filerepository"), "{mine}");
    // Roles go with what they are for.
    let user = server.api().list("/users/?username=ada").await?.remove(0);
    let roles = format!("{}roles/?limit=1&content_object=", href(&user));
    let about = format!("{roles}{}", href(&made.repository));
    assert_eq!(server.api().get(&about).await?.ok()?["count"], 1);
    let reply = ada.delete(&href(&made.repository)).await?;
    ada.finish(reply).await?.completed()?;
    let left = server
        .api()
        .list(&format!("{}roles/?limit=1000", href(&user)))
        .await?;
    let for_all = left.iter().filter(|one| one["content_object"].is_null());
    assert_eq!(for_all.count(), MAKER.len(), "{left:?}");
    let published = |one: &&Value| text(&one["role"]) == "file.filepublication_owner";
    assert_eq!(left.iter().filter(published).count(), 0, "{left:?}");
    Ok(())
}

async fn lists_and_references_hide_what_may_not_be_seen(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let (ada, _) = user(&server, "ada", &MAKER).await?;
    let (eve, _) = user(&server, "eve", &MAKER).await?;
    let theirs = mirrored(&ada, &upstream, "adas").await?;
    let labels = json!({"pulp_labels": {"content": "public"}});
    ada.patch(&href(&theirs.distribution), labels).await?.ok()?;
    let version = ada.latest_version(&theirs.repository).await?;
    let file = ada.files_in(&version).await?.remove(0);
    let own = mirrored(&eve, &upstream, "eves").await?;
    for list in [
        "/repositories/",
        "/repositories/file/file/",
        "/remotes/",
        "/remotes/file/file/",
        "/publications/",
        "/publications/file/file/",
        "/distributions/",
        "/distributions/file/file/",
        "/content/",
        "/content/file/files/",
        "/repository_versions/",
        "/tasks/",
        "/tasks/file/",
        "/search/file/files/",
        "/artifacts/",
        "/task-groups/",
        "/uploads/",
        "/task-schedules/",
    ] {
        let page = eve.get(list).await?;
        assert!(!page.text().contains("adas"), "{page}");
        let page = page.ok()?;
        let rows = page["results"].as_array().context("no rows")?;
        assert_eq!(page["count"].as_u64(), Some(rows.len() as u64), "{list}");
    }
    // The same words for what is foreign and what is nowhere.
    let repository = href(&own.repository);
    let nowhere = "00000000-0000-7000-8000-000000000000";
    let absent = |path: &str| {
        let id = path
            .trim_end_matches('/')
            .rsplit('/')
            .find(|word| word.len() == 36);
        path.replace(id.unwrap_or_default(), nowhere)
    };
    let foreign = [
        (format!("{repository}sync/"), "remote", href(&theirs.remote)),
        (
            format!("{repository}modify/"),
            "base_version",
            href(&version),
        ),
        (
            "/publications/file/file/".to_owned(),
            "repository",
            href(&theirs.repository),
        ),
        (
            "/publications/file/file/".to_owned(),
            "repository_version",
            href(&version),
        ),
        (
            "/file/copy/".to_owned(),
            "source_repo_version",
            href(&version),
        ),
        (
            "/tasks/file/syncs/".to_owned(),
            "repository",
            href(&theirs.repository),
        ),
    ];
    for (path, field, reference) in foreign {
        let mut told = Vec::new();
        for reference in [reference.clone(), absent(&reference)] {
            let mut body = json!({(field): reference});
            if field == "source_repo_version" {
                body["dest_repo"] = repository.clone().into();
            }
            let reply = eve.post(&path, body).await?;
            assert_eq!(reply.status(), 400, "{reply}");
            told.push(reply.text().replace(&reference, ""));
        }
        assert_eq!(told[0], told[1], "{path} {field}");
    }
    let mut told = Vec::new();
    for unit in [href(&file), absent(&href(&file))] {
        let change = json!({"add_content_units": [unit]});
        let reply = eve.post(&format!("{repository}modify/"), change).await?;
        assert_eq!(reply.status(), 400, "{reply}");
        told.push(reply.text().replace(&unit, ""));
    }
    assert_eq!(told[0], told[1]);
    for filter in ["repository_version", "repository_version_added"] {
        let mut told = Vec::new();
        for version in [href(&version), absent(&href(&version))] {
            let reply = eve
                .get(&format!("/content/file/files/?{filter}={version}"))
                .await?;
            assert_eq!(reply.status(), 400, "{reply}");
            told.push(reply.text().replace(&version, ""));
        }
        assert_eq!(told[0], told[1]);
    }
    // Who may see a distribution need not see its repository.
    let role = json!({"role": "file.filedistribution_viewer", "users": ["eve"]});
    ada.create(&format!("{}add_role/", href(&theirs.distribution)), role)
        .await?;
    let path = "/distributions/?include_related=repository";
    let page = eve.get(&format!("{path}&name=adas")).await?.ok()?;
    assert_eq!(page["count"], 1);
    assert!(
        page["results"][0]["related_fields"]["repository"].is_null(),
        "{page}"
    );
    let guess = eve
        .get(&format!("{path}&repository__name=adas"))
        .await?
        .ok()?;
    assert_eq!(guess["count"], 0);
    Ok(())
}

async fn units_enter_only_where_they_may_be_read(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let (ada, _) = user(&server, "ada", &MAKER).await?;
    let (bob, _) = user(&server, "bob", &MAKER).await?;
    let theirs = mirrored(&ada, &upstream, "adas").await?;
    let version = ada.latest_version(&theirs.repository).await?;
    let file = ada.files_in(&version).await?.remove(0);
    let own = bob.file_repository("bobs").await?;
    let modify = format!("{}modify/", href(&own));
    let add = json!({"add_content_units": [href(&file)]});
    assert_eq!(bob.get(&href(&file)).await?.status(), 404);
    assert_eq!(bob.post(&modify, add.clone()).await?.status(), 400);
    let copy = json!({"source_repository": href(&theirs.repository),
        "destination_repository": href(&own)});
    assert_eq!(bob.post("/file/copy/", copy.clone()).await?.status(), 400);
    let role = json!({"role": "file.filerepository_viewer", "users": ["bob"]});
    ada.create(
        &format!("{}add_role/", href(&theirs.repository)),
        role.clone(),
    )
    .await?;
    assert_eq!(bob.get(&href(&file)).await?.status(), 200);
    bob.modify(&own, add).await?;
    // Copies need to see what they take, and to change what they fill.
    bob.run_task("/file/copy/", copy).await?.completed()?;
    let back = json!({"source_repository": href(&own),
        "destination_repository": href(&theirs.repository)});
    assert_eq!(bob.post("/file/copy/", back).await?.status(), 403);
    let own_copy = bob.list("/content/file/files/").await?;
    assert_eq!(own_copy.len(), 1);
    // What one has, one keeps.
    ada.create(&format!("{}remove_role/", href(&theirs.repository)), role)
        .await?;
    assert_eq!(bob.get(&href(&file)).await?.status(), 200);
    // Uploads go into repositories that one may change.
    let form = || {
        Form::new()
            .text("relative_path", "b.txt")
            .file("file", "b.txt", b"bytes of bob")
    };
    let into = |repository: &Value| form().text("repository", &href(repository));
    let path = "/content/file/files/";
    assert_eq!(bob.post_form(path, form()).await?.status(), 403);
    assert_eq!(
        bob.post_form(path, into(&theirs.repository))
            .await?
            .status(),
        400
    );
    let reply = bob.post_form(path, into(&own)).await?;
    bob.finish(reply).await?.completed()?;
    assert_eq!(bob.list(path).await?.len(), 2);
    // Taken out of every repository, it is still his who sent it, and nobody else's.
    bob.modify(&own, json!({"remove_content_units": ["*"]}))
        .await?;
    let versions = bob.list(&format!("{}versions/", href(&own))).await?;
    for version in versions
        .iter()
        .filter(|one| one["number"] != versions[0]["number"])
    {
        let reply = bob.delete(&href(version)).await?;
        bob.finish(reply).await?.completed()?;
    }
    let left = bob.list(path).await?;
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0]["relative_path"], "b.txt");
    assert_eq!(ada.get(&href(&left[0])).await?.status(), 404);
    Ok(())
}

async fn artifacts_and_uploads_are_their_senders(test: Test) -> Result<()> {
    let server = test.start().await?;
    let roles = ["core.upload_creator", "file.filerepository_creator"];
    let (ada, _) = user(&server, "ada", &roles).await?;
    let (bob, _) = user(&server, "bob", &roles).await?;
    let repository = ada.file_repository("adas").await?;
    let unit = ada
        .upload_file("a.txt", b"of ada", Some(&repository))
        .await?;
    let artifact = text(&unit["artifact"]).to_owned();
    assert_eq!(ada.get(&artifact).await?.status(), 200);
    assert_eq!(bob.get(&artifact).await?.status(), 404);
    assert_eq!(bob.list("/artifacts/").await?.len(), 0);
    assert_eq!(ada.list("/artifacts/").await?.len(), 1);
    let own = bob.file_repository("bobs").await?;
    let take = |artifact: &str| json!({"artifact": artifact, "relative_path": "x", "repository": href(&own)});
    let reply = bob.post("/content/file/files/", take(&artifact)).await?;
    let absent = "/pulp/api/v3/artifacts/00000000-0000-7000-8000-000000000000/";
    let nowhere = bob.post("/content/file/files/", take(absent)).await?;
    assert_eq!(reply.status(), 400, "{reply}");
    assert_eq!(reply.text(), nowhere.text());
    let upload = ada.create("/uploads/", json!({"size": 3})).await?;
    assert_eq!(bob.get(&href(&upload)).await?.status(), 404);
    let named = json!({"upload": href(&upload), "relative_path": "x", "repository": href(&own)});
    assert_eq!(bob.post("/content/file/files/", named).await?.status(), 400);
    let sending = ada.begin_upload(b"abc").await?;
    assert_eq!(bob.send_chunk(&sending.id, 3, b"def").await?.status(), 404);
    ada.send_next(&sending, b"def").await?;
    Ok(())
}

async fn schedules_run_with_what_their_owner_may_now(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let roles = ["file.filerepository_creator", "file.fileremote_creator"];
    let (ada, user) = user(&server, "ada", &roles).await?;
    let repository = ada.file_repository("adas").await?;
    let url = upstream.hold("adas", &[("a", b"a")]);
    let remote = ada.file_remote("adas", &url, "immediate").await?;
    let schedule = json!({"name": "soon", "type": "file/syncs", "dispatch_interval": "1",
        "parameters": {"repository": href(&repository), "remote": href(&remote)}});
    let denied = ada.post("/task-schedules/", schedule.clone()).await?;
    assert_eq!(denied.status(), 403, "{denied}");
    give(
        server.api(),
        &user,
        "core.taskschedule_creator",
        Value::Null,
    )
    .await?;
    let made = ada.create("/task-schedules/", schedule).await?;
    let lose = json!({"role": "file.filerepository_owner", "users": ["ada"]});
    let path = format!("{}remove_role/", href(&repository));
    server.api().create(&path, lose).await?;
    for _ in 0..100 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let now = ada.get(&href(&made)).await?.ok()?;
        if !now["last_error"].is_null() {
            return Ok(());
        }
    }
    anyhow::bail!("the schedule goes on without its owner's rights");
}

async fn a_purge_takes_only_what_one_may_delete(test: Test) -> Result<()> {
    let server = test.start().await?;
    let (ada, _) = user(&server, "ada", &["file.filerepository_creator"]).await?;
    for api in [&ada, server.api()] {
        let name = format!("r{}", server.api().list("/repositories/").await?.len());
        let repository = api.file_repository(&name).await?;
        let reply = api.delete(&href(&repository)).await?;
        api.finish(reply).await?.completed()?;
    }
    let before = server.api().get("/tasks/?state=completed").await?.ok()?;
    assert_eq!(before["count"], 2);
    let all = json!({"finished_before": "2999-01-01T00:00:00Z"});
    ada.run_task("/tasks/purge/", all).await?.completed()?;
    // The admin's, and the purge itself.
    let after = server.api().get("/tasks/?state=completed").await?.ok()?;
    assert_eq!(after["count"], 2, "{after}");
    assert_eq!(ada.list("/tasks/").await?.len(), 1);
    Ok(())
}

async fn tokens_are_ones_own(test: Test) -> Result<()> {
    let server = test.start().await?;
    let (ada, _) = user(&server, "ada", &[]).await?;
    server.new_token().await?;
    assert_eq!(ada.list("/tokens/").await?.len(), 0);
    let admins = server.api().list("/tokens/").await?.remove(0);
    assert_eq!(ada.delete(&href(&admins)).await?.status(), 404);
    let own = ada.create("/tokens/", json!({"name": "mine"})).await?;
    let by_token = server.api().with_token(text(&own["token"]));
    assert_eq!(by_token.get("/login/").await?.ok()?["username"], "ada");
    assert_eq!(by_token.get("/users/").await?.status(), 403);
    assert_eq!(ada.delete(&href(&own)).await?.status(), 204);
    assert_eq!(by_token.get("/login/").await?.status(), 401);
    Ok(())
}

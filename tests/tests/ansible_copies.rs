//! Collection versions that go to other repositories, by copy or by move, with all about them.

use anyhow::{Result, ensure};
use pith_tests::ansible::Collection;
use pith_tests::signer::Signer;
use pith_tests::{Api, Task, Test, TestServer, href, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    a_copy_brings_what_is_about_it,
    a_move_leaves_nothing_behind,
    versions_are_signed_on_the_way,
    who_may_not_change_both_copies_nothing,
);

/// A repository with two versions of owls and one of bats, marked and deprecated.
async fn zoo(server: &TestServer) -> Result<(Value, Vec<Value>)> {
    let api = server.api();
    let repository = api.ansible_repository("zoo").await?;
    let mut units = Vec::new();
    for (name, version) in [("owls", "1.0.0"), ("owls", "2.0.0"), ("bats", "1.0.0")] {
        let one = Collection::new("zoo", name, version);
        units.push(api.upload_collection(&one, Some(&repository)).await?);
    }
    let marks = json!({"content_units": ["*"], "value": "tested"});
    api.run_task(&format!("{}mark/", href(&repository)), marks)
        .await?
        .completed()?;
    for name in ["owls", "bats"] {
        let body = json!({"repository": href(&repository), "namespace": "zoo", "name": name});
        api.run_task("/ansible/deprecations/", body)
            .await?
            .completed()?;
    }
    Ok((repository, units))
}

/// Asks for an action; its last task when it is over.
async fn hand_over(
    api: &Api,
    action: &str,
    source: &Value,
    units: Value,
    to: &[&Value],
) -> Result<Task> {
    let to: Vec<String> = to.iter().map(|one| href(one)).collect();
    let body = json!({"collection_versions": units, "destination_repositories": to});
    let path = format!("{}{action}_collection_version/", href(source));
    let accepted = api.post(&path, body).await?.json(202)?;
    api.wait(text(&accepted["task"])).await
}

async fn count(api: &Api, repository: &Value, plural: &str) -> Result<usize> {
    Ok(api.ansible_units(repository, plural).await?.len())
}

async fn a_copy_brings_what_is_about_it(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let (source, units) = zoo(&server).await?;
    let (one, other) = (
        api.ansible_repository("one").await?,
        api.ansible_repository("other").await?,
    );
    let chosen = json!([href(&units[0])]);
    hand_over(api, "copy", &source, chosen, &[&one, &other])
        .await?
        .completed()?;
    for destination in [&one, &other] {
        assert_eq!(api.collections_of(destination).await?, ["zoo.owls 1.0.0"]);
        let marks = api.ansible_units(destination, "collection_marks").await?;
        assert_eq!(marks.len(), 1);
        assert_eq!(marks[0]["marked_collection"], href(&units[0]));
        let deprecated = api
            .ansible_units(destination, "collection_deprecations")
            .await?;
        assert_eq!(deprecated.len(), 1);
        assert_eq!(deprecated[0]["name"], "owls");
        assert_eq!(api.latest_number(destination).await?, 1);
    }
    assert_eq!(count(api, &source, "collection_versions").await?, 3);
    // All, and what is there already stays.
    hand_over(api, "copy", &source, json!(["*"]), &[&one])
        .await?
        .completed()?;
    assert_eq!(count(api, &one, "collection_versions").await?, 3);

    let copy = format!("{}copy_collection_version/", href(&source));
    for (body, field) in [
        (
            json!({"destination_repositories": [href(&one)]}),
            "collection_versions",
        ),
        (
            json!({"collection_versions": ["*"]}),
            "destination_repositories",
        ),
        (
            json!({"collection_versions": ["*"], "destination_repositories": [href(&source)]}),
            "destination_repositories",
        ),
        (
            json!({"collection_versions": [href(&one)], "destination_repositories": [href(&one)]}),
            "collection_versions",
        ),
    ] {
        let refused = api.post(&copy, body).await?;
        ensure!(!refused.errors_of(field)?.is_empty(), "{refused}");
    }
    // What the repository has not cannot be taken from it.
    let stray = api
        .upload_collection(&Collection::new("zoo", "cats", "1.0.0"), Some(&one))
        .await?;
    let task = hand_over(api, "copy", &source, json!([href(&stray)]), &[&other]).await?;
    ensure!(task.failure()?.contains("none of these"), "{task:?}");
    Ok(())
}

async fn a_move_leaves_nothing_behind(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let (source, units) = zoo(&server).await?;
    let ready = api.ansible_repository("ready").await?;
    let chosen = json!([href(&units[0]), href(&units[2])]);
    hand_over(api, "move", &source, chosen, &[&ready])
        .await?
        .completed()?;
    assert_eq!(
        api.collections_of(&ready).await?,
        ["zoo.bats 1.0.0", "zoo.owls 1.0.0"]
    );
    assert_eq!(count(api, &ready, "collection_marks").await?, 2);
    assert_eq!(api.collections_of(&source).await?, ["zoo.owls 2.0.0"]);
    assert_eq!(count(api, &source, "collection_marks").await?, 1);
    assert_eq!(count(api, &source, "collection_deprecations").await?, 2);
    Ok(())
}

async fn versions_are_signed_on_the_way(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let signer = Signer::new().await?;
    let script = signer.script();
    let script = script.to_str().expect("UTF-8");
    let added = server
        .run(&["signing-service", "add", "zoo", script])
        .await?;
    ensure!(added.status.success(), "{added:?}");
    let service = api.list("/signing-services/").await?.remove(0);
    let (source, units) = zoo(&server).await?;
    let ready = api.ansible_repository("ready").await?;
    let body = json!({
        "collection_versions": [href(&units[1])],
        "destination_repositories": [href(&ready)],
        "signing_service": href(&service),
    });
    let path = format!("{}copy_collection_version/", href(&source));
    api.run_task(&path, body).await?.completed()?;
    let signatures = api.ansible_units(&ready, "collection_signatures").await?;
    assert_eq!(signatures.len(), 1);
    assert_eq!(signatures[0]["version"], "2.0.0");
    assert_eq!(
        signatures[0]["pubkey_fingerprint"],
        service["pubkey_fingerprint"]
    );
    assert_eq!(count(api, &source, "collection_signatures").await?, 0);
    Ok(())
}

async fn who_may_not_change_both_copies_nothing(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let (source, units) = zoo(&server).await?;
    let ready = api.ansible_repository("ready").await?;
    let body = json!({
        "collection_versions": [href(&units[0])],
        "destination_repositories": [href(&ready)],
    });
    let owner = "ansible.ansiblerepository_owner";
    let viewer = "ansible.ansiblerepository_viewer";
    for (name, roles, status) in [
        ("nothing", [None, None], 404),
        ("looks", [Some(viewer), Some(viewer)], 403),
        ("source", [Some(owner), None], 400),
        ("sees", [Some(owner), Some(viewer)], 403),
        ("destination", [Some(viewer), Some(owner)], 403),
        ("both", [Some(owner), Some(owner)], 202),
    ] {
        let user = json!({"username": name, "password": "a-long-password-of-one"});
        api.create("/users/", user).await?;
        for (repository, role) in [&source, &ready].into_iter().zip(roles) {
            if let Some(role) = role {
                let given = json!({"role": role, "users": [name]});
                let path = format!("{}add_role/", href(repository));
                api.post(&path, given).await?.json(201)?;
            }
        }
        let user = api.with_password(name, "a-long-password-of-one");
        for action in ["copy", "move"] {
            let before = [&source, &ready].map(|one| api.latest_number(one));
            let [a, b] = before;
            let before = (a.await?, b.await?);
            let path = format!("{}{action}_collection_version/", href(&source));
            let reply = user.post(&path, body.clone()).await?;
            ensure!(reply.status() == status, "{name} {action}: {reply}");
            if status == 202 {
                let accepted = reply.json(202)?;
                api.wait(text(&accepted["task"])).await?.completed()?;
            } else {
                let [a, b] = [&source, &ready].map(|one| api.latest_number(one));
                assert_eq!((a.await?, b.await?), before);
            }
        }
    }
    Ok(())
}

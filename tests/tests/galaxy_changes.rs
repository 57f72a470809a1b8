//! What Galaxy's API changes: who is logged in, and what is deprecated.

use anyhow::{Result, ensure};
use pith_tests::ansible::Collection;
use pith_tests::{Api, Test, TestServer, href, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    a_session_begins_and_ends,
    collections_are_deprecated_and_back,
    what_belongs_to_distributions_is_asked_for_at_once,
);

/// The place of the API.
const GALAXY: &str = "/api/galaxy";

/// A repository with one collection, served below its name.
async fn shelf(server: &TestServer, name: &str) -> Result<Value> {
    let api = server.api();
    let repository = api.ansible_repository(name).await?;
    api.serve_ansible(&repository).await?;
    let owls = Collection::new("zoo", "owls", "1.0.0");
    api.upload_collection(&owls, Some(&repository)).await?;
    Ok(repository)
}

/// Waits for a task that Galaxy's API tells of; its state.
async fn end(api: &Api, accepted: &Value) -> Result<Value> {
    let address = text(&accepted["task"]).to_owned();
    loop {
        let task = api.get(&address).await?.ok()?;
        if !task["finished_at"].is_null() {
            return Ok(task["state"].clone());
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn a_session_begins_and_ends(test: Test) -> Result<()> {
    let server = test.start().await?;
    let login = format!("{GALAXY}/v3/auth/login/");
    let me = format!("{GALAXY}/v3/auth/me/");
    let nobody = server.api().anonymous();
    assert_eq!(nobody.post(&login, json!({})).await?.status(), 401);
    let session = server.api().log_in_at(&login).await?;
    assert_eq!(session.get(&me).await?.ok()?["username"], "admin");
    let out = session
        .post(&format!("{GALAXY}/v3/auth/logout/"), json!({}))
        .await?;
    ensure!(out.status() == 200, "{out}");
    assert_eq!(session.get(&me).await?.status(), 401);
    Ok(())
}

async fn collections_are_deprecated_and_back(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = shelf(&server, "published").await?;
    let one = format!("{GALAXY}/v3/plugin/ansible/collections/published/index/zoo/owls/");
    assert_eq!(api.get(&one).await?.ok()?["deprecated"], false);
    for (body, words) in [
        (json!({}), "deprecated"),
        (json!({"deprecated": "yes"}), "true or false"),
        (json!({"deprecated": true, "name": "x"}), "name"),
    ] {
        let refused = api.patch(&one, body).await?;
        let detail = text(&refused.json(400)?["errors"][0]["detail"]).to_owned();
        ensure!(detail.contains(words), "{detail}");
    }
    let absent = one.replace("owls", "none");
    let reply = api.patch(&absent, json!({"deprecated": true})).await?;
    assert_eq!(reply.status(), 404, "{reply}");

    for deprecated in [true, false, true] {
        let body = json!({"deprecated": deprecated});
        let accepted = api.patch(&one, body).await?.json(202)?;
        assert_eq!(end(api, &accepted).await?, "completed");
        assert_eq!(api.get(&one).await?.ok()?["deprecated"], deprecated);
    }
    let version = api.latest_version(&repository).await?;
    assert_eq!(version["number"], 4, "each change is a version");
    // The same once more changes nothing.
    let accepted = api
        .patch(&one, json!({"deprecated": true}))
        .await?
        .json(202)?;
    assert_eq!(end(api, &accepted).await?, "completed");
    let same = api.latest_version(&repository).await?;
    assert_eq!(same["number"], 4);

    // Who may not is refused in Galaxy's form, and nothing changes.
    let ada = json!({"username": "ada", "password": "a-long-password-of-ada"});
    api.create("/users/", ada).await?;
    let ada = api.with_password("ada", "a-long-password-of-ada");
    let refused = ada.patch(&one, json!({"deprecated": false})).await?;
    ensure!(refused.status() == 403, "{refused}");
    ensure!(refused.text().contains("errors"), "{refused}");
    assert_eq!(api.get(&one).await?.ok()?["deprecated"], true);
    Ok(())
}

async fn what_belongs_to_distributions_is_asked_for_at_once(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let owls = shelf(&server, "owls").await?;
    shelf(&server, "zoo").await?;
    let remote = json!({"name": "up", "url": "http://localhost:1/api/"});
    let remote = api.create("/remotes/ansible/collection/", remote).await?;
    let settings = json!({"remote": href(&remote), "description": "Owls alone"});
    api.patch(&href(&owls), settings).await?.ok()?;
    let listed = api
        .get(&format!(
            "{GALAXY}/v3/plugin/ansible/distributions/?include_related=repository,remote"
        ))
        .await?
        .ok()?;
    let related = |at: usize| &listed["data"][at]["related_fields"];
    assert_eq!(related(0)["repository"]["description"], "Owls alone");
    assert_eq!(related(0)["remote"]["name"], "up");
    assert_eq!(related(1)["repository"]["name"], "zoo");
    ensure!(related(1)["remote"].is_null(), "{listed}");
    Ok(())
}

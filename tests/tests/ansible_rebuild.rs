//! Rebuilding metadata: what is in archives takes the place of what was said of them.

use anyhow::{Result, ensure};
use pith_tests::ansible::{AnsibleMirror, Collection, GalaxyServer};
use pith_tests::upstream::Upstream;
use pith_tests::{Api, Task, Test, href, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    what_is_in_archives_takes_the_place_of_what_was_said,
    only_what_is_chosen_is_rebuilt,
    what_cannot_be_read_is_told_and_stays,
);

fn owls(version: &str) -> Collection {
    Collection::new("zoo", "owls", version)
}

/// A server that says nothing of what its collections bring, and that they are about bats.
fn forgetful(collections: Vec<Collection>) -> Result<GalaxyServer> {
    let mut server = GalaxyServer::of(collections);
    for one in server.collections.clone() {
        let mut detail = server.detail_of(&one, "galaxy")?;
        detail["metadata"]["contents"] = json!([]);
        detail["metadata"]["description"] = "Of bats".into();
        detail["requires_ansible"] = Value::Null;
        let Collection {
            namespace,
            name,
            version,
            ..
        } = &one;
        let path = format!("v3/collections/{namespace}/{name}/versions/{version}/");
        server.others.push((path, detail));
    }
    Ok(server)
}

async fn rebuild(api: &Api, mirror: &AnsibleMirror, body: Value) -> Result<Task> {
    let path = format!("{}rebuild_metadata/", href(&mirror.repository));
    api.run_task(&path, body).await
}

/// How many versions a search finds.
async fn found(api: &Api, query: &str) -> Result<Value> {
    let path = "/api/galaxy/v3/plugin/ansible/search/collection-versions/";
    let path = format!("{path}?distribution=zoo&{query}");
    Ok(api.get(&path).await?.ok()?["meta"]["count"].clone())
}

async fn what_is_in_archives_takes_the_place_of_what_was_said(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let upstream = Upstream::start().await?;
    let url = forgetful(vec![owls("1.0.0"), owls("2.0.0")])?.hold(&upstream, "galaxy")?;
    let mirror = api.ansible_mirror("zoo", &url, json!({})).await?;
    api.sync_ansible(&mirror, json!({})).await?.completed()?;
    api.serve_ansible(&mirror.repository).await?;
    let units = async || {
        api.ansible_units(&mirror.repository, "collection_versions")
            .await
    };
    let before = units().await?;
    // Looked at once before, so that what is remembered has to be forgotten.
    let version = "/api/galaxy/v3/plugin/ansible/collections/zoo/index/zoo/owls/versions/1.0.0/";
    let docs = format!("{version}docs-blob/");
    let blob = api.get(&docs).await?.ok()?;
    ensure!(!blob.to_string().contains("<h1>"), "{blob}");
    let shown = api.get(version).await?.ok()?;
    assert_eq!(shown["metadata"]["contents"], json!([]), "{shown}");
    assert_eq!(found(api, "contents__name=hoot").await?, 0);
    assert_eq!(found(api, "keywords=bats").await?, 2);

    let task = rebuild(api, &mirror, json!({})).await?.completed()?;
    assert_eq!(task.done("rebuild.metadata"), Some(2), "{}", task.0);
    assert_eq!(task.done("rebuild.changed"), Some(2), "{}", task.0);
    assert_eq!(found(api, "contents__name=hoot").await?, 2);
    assert_eq!(found(api, "keywords=bats").await?, 0);
    let shown = api.get(version).await?.ok()?;
    let contents = &shown["metadata"]["contents"][0];
    assert_eq!(contents["description"], "Hoots 1.0.0", "{shown}");
    let blob = api.get(&docs).await?.ok()?;
    ensure!(blob.to_string().contains("<h1>The owls</h1>"), "{blob}");

    // The units are those from before, in the version from before.
    assert_eq!(api.latest_number(&mirror.repository).await?, 1);
    let after = units().await?;
    for (old, new) in before.iter().zip(&after) {
        for same in ["pulp_href", "artifact", "sha256", "version", "pulp_created"] {
            assert_eq!(old[same], new[same], "{same}");
        }
        assert_eq!(new["description"], "The owls");
        assert_eq!(new["requires_ansible"], ">=2.15.0");
    }
    // Once more changes nothing.
    let task = rebuild(api, &mirror, json!({})).await?.completed()?;
    assert_eq!(task.done("rebuild.changed"), Some(0), "{}", task.0);
    Ok(())
}

async fn only_what_is_chosen_is_rebuilt(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let upstream = Upstream::start().await?;
    let bats = Collection::new("zoo", "bats", "1.0.0");
    let url = forgetful(vec![owls("1.0.0"), owls("2.0.0"), bats])?.hold(&upstream, "galaxy")?;
    let mirror = api.ansible_mirror("zoo", &url, json!({})).await?;
    api.sync_ansible(&mirror, json!({})).await?.completed()?;
    let rebuilt = async || -> Result<Vec<String>> {
        let path = "/content/ansible/collection_versions/?ordering=name,version&\
                    description__ne=Of%20bats";
        let units = api.list(path).await?;
        let name = |unit: &Value| format!("{} {}", text(&unit["name"]), text(&unit["version"]));
        Ok(units.iter().map(name).collect())
    };
    let one = json!({"namespace": "zoo", "name": "owls", "version": "2.0.0"});
    rebuild(api, &mirror, one).await?.completed()?;
    assert_eq!(rebuilt().await?, ["owls 2.0.0"]);
    let all = json!({"name": "owls", "version": null});
    rebuild(api, &mirror, all).await?.completed()?;
    assert_eq!(rebuilt().await?, ["owls 1.0.0", "owls 2.0.0"]);
    let none = rebuild(api, &mirror, json!({"name": "wolves"})).await?;
    let said = none.failure()?;
    ensure!(said.contains("no collection version"), "{said}");

    let path = format!("{}rebuild_metadata/", href(&mirror.repository));
    for (body, field) in [
        (json!({"namespace": ""}), "namespace"),
        (json!({"version": 1}), "version"),
        (json!({"nmae": "owls"}), "nmae"),
    ] {
        let refused = api.post(&path, body).await?;
        ensure!(refused.json(400)?[field].is_array(), "{refused}");
    }
    // Who may look may not rebuild.
    let viewer = json!({"username": "viewer", "password": "a-long-password-of-one"});
    api.create("/users/", viewer).await?;
    let role = json!({"role": "ansible.ansiblerepository_viewer", "users": ["viewer"]});
    let roles = format!("{}add_role/", href(&mirror.repository));
    api.create(&roles, role).await?;
    let viewer = api.with_password("viewer", "a-long-password-of-one");
    viewer.post(&path, json!({})).await?.json(403)?;
    viewer.anonymous().post(&path, json!({})).await?.json(401)?;
    assert_eq!(rebuilt().await?, ["owls 1.0.0", "owls 2.0.0"]);
    Ok(())
}

async fn what_cannot_be_read_is_told_and_stays(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let upstream = Upstream::start().await?;
    let mut broken = owls("1.0.0");
    broken.beyond = vec![("rogue.txt".into(), b"nobody lists me".to_vec())];
    let url = forgetful(vec![broken, owls("2.0.0")])?.hold(&upstream, "galaxy")?;
    let mirror = api.ansible_mirror("zoo", &url, json!({})).await?;
    api.sync_ansible(&mirror, json!({})).await?.completed()?;
    let task = rebuild(api, &mirror, json!({})).await?.completed()?;
    assert_eq!(task.done("rebuild.metadata"), Some(1), "{}", task.0);
    assert_eq!(task.done("rebuild.skipped"), Some(1), "{}", task.0);
    let path = "/content/ansible/collection_versions/?description=Of%20bats";
    assert_eq!(api.list(path).await?[0]["version"], "1.0.0");
    // Where nothing else was asked for, that is why it fails.
    let task = rebuild(api, &mirror, json!({"version": "1.0.0"})).await?;
    let said = task.failure()?;
    let is_told = said.contains("zoo.owls 1.0.0") && said.contains("rogue.txt");
    ensure!(is_told, "{said}");

    // Nor what is still upstream.
    let settings = json!({"policy": "on_demand"});
    let lazy = api.ansible_mirror("lazy", &url, settings).await?;
    let other = forgetful(vec![Collection::new("zoo", "bats", "1.0.0")])?;
    let other = other.hold(&upstream, "galaxy")?;
    ensure!(other == url, "the same server has other collections now");
    api.sync_ansible(&lazy, json!({})).await?.completed()?;
    let task = rebuild(api, &lazy, json!({})).await?;
    let said = task.failure()?;
    ensure!(said.contains("still upstream"), "{said}");
    Ok(())
}

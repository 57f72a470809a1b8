//! Mirrors of Galaxy servers: what comes, what stays out, and what is refused.

use anyhow::{Result, ensure};
use pith_tests::ansible::{Collection, GalaxyServer};
use pith_tests::upstream::{Upstream, sha256_hex};
use pith_tests::{Test, href, on_both_databases, text};
use serde_json::{Value, json};

use crate::ansible::SIGNATURE;

on_both_databases!(
    a_mirror_has_what_the_server_has,
    the_last_sync_is_shown,
    archives_come_on_demand,
    requirements_choose_versions_and_what_they_need,
    nothing_is_read_when_nothing_changed,
    only_what_changed_is_read,
    mirroring_removes_and_additive_keeps,
    deprecations_come_and_go,
    signed_versions_come_with_their_signatures,
    namespaces_come_with_their_collections,
    pictures_of_namespaces_are_served,
    an_archive_with_another_digest_is_refused,
    what_came_before_a_failure_is_not_fetched_again,
    only_the_highest_versions_come,
    answers_that_are_wrong_are_named,
);

fn owls(version: &str) -> Collection {
    Collection::new("zoo", "owls", version)
}

async fn a_mirror_has_what_the_server_has(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let theirs = GalaxyServer::of(vec![
        owls("1.0.0-rc.1"),
        owls("1.0.0"),
        Collection::new("zoo", "base", "0.1.0"),
    ]);
    let url = theirs.hold(&upstream, "galaxy")?;
    let api = server.api();
    // The API is found below the address too.
    let root = url.trim_end_matches("api/");
    let mirror = api.ansible_mirror("zoo", root, json!({})).await?;
    let task = api.sync_ansible(&mirror, json!({})).await?.completed()?;
    assert_eq!(task.done("sync.parsing.metadata"), Some(3));
    assert_eq!(
        api.collections_of(&mirror.repository).await?,
        ["zoo.base 0.1.0", "zoo.owls 1.0.0", "zoo.owls 1.0.0-rc.1"]
    );
    let units = api
        .ansible_units(&mirror.repository, "collection_versions")
        .await?;
    let unit = units.iter().find(|unit| unit["version"] == "1.0.0");
    let unit = unit.expect("it was there just now");
    let archive = owls("1.0.0").archive()?;
    for (field, expected) in [
        ("sha256", json!(sha256_hex(&archive))),
        ("description", json!("The owls")),
        ("origin_repository", json!("https://example.org/source")),
        ("requires_ansible", json!(">=2.15.0")),
        ("tags", json!([{"name": "zoo"}])),
        ("manifest", owls("1.0.0").manifest_json()),
        ("files", owls("1.0.0").files_json()),
        ("docs_blob", json!({"collection_readme": {"html": "1.0.0"}})),
    ] {
        assert_eq!(unit[field], expected, "{field}");
    }
    api.serve_ansible(&mirror.repository).await?;
    let served = server.fetch_bytes("zoo/zoo-owls-1.0.0.tar.gz").await?;
    assert_eq!(served, archive);
    // Who uploads the same gets the same.
    let uploaded = api.upload_collection(&owls("1.0.0"), None).await?;
    assert_eq!(uploaded["pulp_href"], unit["pulp_href"]);
    Ok(())
}

async fn the_last_sync_is_shown(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let url = GalaxyServer::of(vec![owls("1.0.0")]).hold(&upstream, "galaxy")?;
    let api = server.api();
    let mirror = api.ansible_mirror("zoo", &url, json!({})).await?;
    let read = async |resource: &Value| api.get(&href(resource)).await?.ok();
    let (repository, remote) = (&mirror.repository, &mirror.remote);
    for one in [repository, remote] {
        assert_eq!(one.get("last_sync_task"), Some(&Value::Null));
        assert_eq!(read(one).await?["last_sync_task"], Value::Null);
    }
    let time = "last_synced_metadata_time";
    assert_eq!(repository.get(time), Some(&Value::Null));
    // Other tasks are none.
    api.upload_collection(&owls("0.1.0"), Some(repository))
        .await?;
    assert_eq!(read(repository).await?["last_sync_task"], Value::Null);

    let task = api.sync_ansible(&mirror, json!({})).await?.completed()?;
    api.upload_collection(&owls("0.2.0"), Some(repository))
        .await?;
    let listed = api.list("/repositories/ansible/ansible/").await?;
    let remotes = api.list("/remotes/ansible/collection/").await?;
    for shown in [
        read(repository).await?,
        read(remote).await?,
        listed[0].clone(),
        remotes[0].clone(),
    ] {
        let last = &shown["last_sync_task"];
        ensure!(
            text(&task.0["pulp_href"]).contains(text(&last["task_id"])),
            "{last}"
        );
        assert_eq!(
            (&last["state"], &last["error"]),
            (&json!("completed"), &Value::Null)
        );
        ensure!(
            last["started_at"].is_string() && last["finished_at"].is_string(),
            "{last}"
        );
    }
    ensure!(listed[0][time].is_string(), "{}", listed[0]);
    assert_eq!(read(repository).await?[time], listed[0][time]);
    // What is shown may be sent back.
    let same =
        json!({"last_sync_task": listed[0]["last_sync_task"], time: null, "description": "x"});
    let changed = api.patch(&href(repository), same).await?.ok()?;
    assert_eq!(
        (&changed["description"], &changed[time]),
        (&json!("x"), &listed[0][time])
    );

    // One that fails is shown, too; of what came before nothing is said of another address.
    let nowhere = json!({"url": format!("{url}nowhere/")});
    let changed = api.patch(&href(remote), nowhere).await?.ok()?;
    assert_eq!(changed["last_sync_task"]["state"], "completed");
    assert_eq!(read(repository).await?[time], Value::Null);
    let failed = api.sync_ansible(&mirror, json!({})).await?;
    failed.failure()?;
    let last = read(repository).await?["last_sync_task"].clone();
    assert_eq!(last["state"], "failed");
    ensure!(last["error"]["description"].is_string(), "{last}");

    // Who may see the repository and not the task is told nothing of it.
    let user = json!({"username": "ada", "password": "a-long-password-of-ada"});
    api.create("/users/", user).await?;
    let role = json!({"role": "ansible.ansiblerepository_viewer", "users": ["ada"]});
    let reply = api
        .post(&format!("{}add_role/", href(repository)), role)
        .await?;
    assert_eq!(reply.status(), 201);
    let ada = api.with_password("ada", "a-long-password-of-ada");
    let seen = ada.get(&href(repository)).await?.ok()?;
    assert_eq!(seen["last_sync_task"], Value::Null);
    // A task that is forgotten is shown no more.
    api.delete(text(&failed.0["pulp_href"])).await?;
    assert_eq!(read(repository).await?["last_sync_task"], Value::Null);
    Ok(())
}

async fn archives_come_on_demand(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let url = GalaxyServer::of(vec![owls("1.0.0")]).hold(&upstream, "galaxy")?;
    let api = server.api();
    let mirror = api
        .ansible_mirror("zoo", &url, json!({"policy": "on_demand"}))
        .await?;
    api.sync_ansible(&mirror, json!({})).await?.completed()?;
    let path = "/held/galaxy/files/zoo-owls-1.0.0.tar.gz";
    assert_eq!(upstream.requests(path), 0);
    api.serve_ansible(&mirror.repository).await?;
    for _ in 0..2 {
        let served = server.fetch_bytes("zoo/zoo-owls-1.0.0.tar.gz").await?;
        assert_eq!(served, owls("1.0.0").archive()?);
    }
    assert_eq!(upstream.requests(path), 1);
    Ok(())
}

async fn requirements_choose_versions_and_what_they_need(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let base = |version| Collection::new("zoo", "base", version);
    let url = GalaxyServer::of(vec![
        owls("1.0.0"),
        owls("1.5.0").needing(json!({"zoo.base": ">=2.0.0"})),
        owls("2.0.0").needing(json!({"zoo.gone": "*"})),
        base("1.0.0"),
        // In a circle.
        base("2.0.0").needing(json!({"zoo.owls": ">=1.5.0,<2"})),
        Collection::new("zoo", "bears", "1.0.0"),
    ])
    .hold(&upstream, "galaxy")?;
    let api = server.api();
    let wanted = "collections:\n- name: zoo.owls\n  version: '>=1.1,<2.0.0'\n- zoo.bears\n";
    for (name, follows, expected) in [
        (
            "with",
            true,
            &["zoo.base 2.0.0", "zoo.bears 1.0.0", "zoo.owls 1.5.0"][..],
        ),
        ("without", false, &["zoo.bears 1.0.0", "zoo.owls 1.5.0"]),
    ] {
        let settings = json!({"requirements_file": wanted, "sync_dependencies": follows});
        let mirror = api.ansible_mirror(name, &url, settings).await?;
        api.sync_ansible(&mirror, json!({})).await?.completed()?;
        assert_eq!(api.collections_of(&mirror.repository).await?, expected);
    }
    for (name, wanted, said) in [
        (
            "wrong",
            "collections: [{name: zoo.owls, version: '~1'}]",
            "requirements_file: zoo.owls",
        ),
        (
            "gone",
            "collections: [zoo.owls]",
            "zoo.gone, which zoo.owls 2.0.0 needs: GET ",
        ),
        (
            "far",
            "collections: [{name: zoo.owls, source: 'http://127.0.0.1:1/'}]",
            "is not below",
        ),
    ] {
        let settings = json!({"requirements_file": wanted});
        let mirror = api.ansible_mirror(name, &url, settings).await?;
        let task = api.sync_ansible(&mirror, json!({})).await?;
        let failure = task.failure()?;
        ensure!(failure.contains(said), "{failure}\nlacks {said}");
        assert_eq!(api.latest_number(&mirror.repository).await?, 0);
    }
    Ok(())
}

async fn nothing_is_read_when_nothing_changed(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let url = GalaxyServer::of(vec![owls("1.0.0")]).hold(&upstream, "galaxy")?;
    let api = server.api();
    let mirror = api.ansible_mirror("zoo", &url, json!({})).await?;
    api.sync_ansible(&mirror, json!({})).await?.completed()?;
    let lists = "/held/galaxy/api/v3/collections/";
    for (params, reads) in [
        (json!({}), false),
        (json!({"optimize": false}), true),
        // What the additive syncs may have left behind is to go.
        (json!({"mirror": true}), true),
        (json!({"mirror": true}), false),
        (json!({}), false),
    ] {
        upstream.forget_requests();
        let task = api
            .sync_ansible(&mirror, params.clone())
            .await?
            .completed()?;
        assert_eq!(upstream.requests_under(lists) > 0, reads, "{params}");
        assert_eq!(task.done("sync.was_skipped").is_some(), !reads, "{params}");
        assert_eq!(api.latest_number(&mirror.repository).await?, 1);
    }
    Ok(())
}

async fn only_what_changed_is_read(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let bears = || Collection::new("zoo", "bears", "1.0.0");
    let mut theirs = GalaxyServer::of(vec![owls("1.0.0"), bears()]);
    let url = theirs.hold(&upstream, "galaxy")?;
    let api = server.api();
    let mirror = api.ansible_mirror("zoo", &url, json!({})).await?;
    api.sync_ansible(&mirror, json!({})).await?.completed()?;
    theirs.collections.insert(1, owls("1.1.0"));
    theirs.hold(&upstream, "galaxy")?;
    let root = json!({"published": "2024-02-01T00:00:00.000000Z"});
    theirs.others.push(("v3/".into(), root));
    theirs.hold(&upstream, "galaxy")?;
    upstream.forget_requests();
    api.sync_ansible(&mirror, json!({})).await?.completed()?;
    assert_eq!(
        api.collections_of(&mirror.repository).await?,
        ["zoo.bears 1.0.0", "zoo.owls 1.0.0", "zoo.owls 1.1.0"]
    );
    let under = |path: &str| upstream.requests_under(&format!("/held/galaxy/{path}"));
    assert_eq!(under("api/v3/collections/zoo/bears/"), 0);
    assert!(under("api/v3/collections/zoo/owls/versions/1.1.0/") > 0);
    // What is stored is not fetched again.
    assert_eq!(under("files/zoo-owls-1.0.0.tar.gz"), 0);
    assert_eq!(under("files/zoo-owls-1.1.0.tar.gz"), 1);
    Ok(())
}

async fn mirroring_removes_and_additive_keeps(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let url = GalaxyServer::of(vec![owls("1.0.0")]).hold(&upstream, "galaxy")?;
    let api = server.api();
    let mirror = api.ansible_mirror("zoo", &url, json!({})).await?;
    let own = Collection::new("own", "tools", "1.0.0");
    api.upload_collection(&own, Some(&mirror.repository))
        .await?;
    api.sync_ansible(&mirror, json!({})).await?.completed()?;
    let both = ["own.tools 1.0.0", "zoo.owls 1.0.0"];
    assert_eq!(api.collections_of(&mirror.repository).await?, both);
    api.sync_ansible(&mirror, json!({"mirror": true}))
        .await?
        .completed()?;
    assert_eq!(api.collections_of(&mirror.repository).await?, both[1..]);
    Ok(())
}

async fn deprecations_come_and_go(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let mut theirs = GalaxyServer::of(vec![owls("1.0.0")]);
    theirs.deprecated.push("zoo.owls");
    let url = theirs.hold(&upstream, "galaxy")?;
    let api = server.api();
    let mirror = api.ansible_mirror("zoo", &url, json!({})).await?;
    api.sync_ansible(&mirror, json!({})).await?.completed()?;
    let units = api
        .ansible_units(&mirror.repository, "collection_deprecations")
        .await?;
    assert_eq!(units.len(), 1);
    assert_eq!(units[0]["namespace"], "zoo");
    assert_eq!(units[0]["name"], "owls");
    theirs.deprecated.clear();
    theirs.published = "2024-02-01T00:00:00.000000Z";
    theirs.hold(&upstream, "galaxy")?;
    api.sync_ansible(&mirror, json!({})).await?.completed()?;
    let units = api
        .ansible_units(&mirror.repository, "collection_deprecations")
        .await?;
    assert_eq!(units, Vec::<Value>::new());
    assert_eq!(
        api.collections_of(&mirror.repository).await?,
        ["zoo.owls 1.0.0"]
    );
    Ok(())
}

async fn signed_versions_come_with_their_signatures(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let mut theirs = GalaxyServer::of(vec![owls("1.0.0")]);
    let unsigned = theirs.hold(&upstream, "unsigned")?;
    theirs.signatures.push(SIGNATURE.to_owned());
    theirs.signatures.push("no signature".to_owned());
    let signed = theirs.hold(&upstream, "signed")?;
    let api = server.api();
    for (name, url, count) in [("unsigned", unsigned, 0), ("signed", signed, 1)] {
        let mirror = api
            .ansible_mirror(name, &url, json!({"signed_only": true}))
            .await?;
        api.sync_ansible(&mirror, json!({})).await?.completed()?;
        assert_eq!(api.collections_of(&mirror.repository).await?.len(), count);
        let units = api
            .ansible_units(&mirror.repository, "collection_signatures")
            .await?;
        assert_eq!(units.len(), count);
        let Some(unit) = units.first() else { continue };
        for (field, expected) in [
            ("namespace", "zoo"),
            ("name", "owls"),
            ("version", "1.0.0"),
            ("sha256", &sha256_hex(&owls("1.0.0").archive()?)),
            ("data", SIGNATURE),
            ("digest", &sha256_hex(SIGNATURE.as_bytes())),
            ("pubkey_fingerprint", &"AB".repeat(20)),
        ] {
            assert_eq!(unit[field], expected, "{field}");
        }
        // A copy of the signature is of no use without what it signs.
        let other = api.ansible_repository("other").await?;
        let copy = json!({"config": [{"source_repo_version":
            href(&api.latest_version(&mirror.repository).await?),
            "dest_repo": href(&other), "content": [href(unit)]}]});
        api.run_task("/ansible/copy/", copy).await?.completed()?;
        assert_eq!(api.collections_of(&other).await?, ["zoo.owls 1.0.0"]);
    }
    Ok(())
}

async fn namespaces_come_with_their_collections(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    // As Python writes it, which is what Pulp hashes.
    let hashed = "{\"avatar_sha256\": null, \"company\": \"Zoo\", \"description\": \"\", \
        \"email\": \"\", \"links\": {\"home\": \"https://example.org/\"}, \"name\": \"zoo\", \
        \"resources\": \"\"}";
    for (name, digest, count) in [
        ("good", sha256_hex(hashed.as_bytes()), 1),
        ("bad", sha256_hex(b"a lie"), 0),
    ] {
        let mut theirs = GalaxyServer::of(vec![owls("1.0.0"), owls("1.1.0")]);
        theirs
            .namespaces
            .push(json!({"name": "zoo", "company": "Zoo", "id": 7,
            "links": [{"name": "home", "url": "https://example.org/"}],
            "avatar_url": null, "metadata_sha256": digest}));
        let url = theirs.hold(&upstream, name)?;
        let mirror = api.ansible_mirror(name, &url, json!({})).await?;
        api.sync_ansible(&mirror, json!({})).await?.completed()?;
        assert_eq!(api.collections_of(&mirror.repository).await?.len(), 2);
        let units = api.ansible_units(&mirror.repository, "namespaces").await?;
        assert_eq!(units.len(), count);
        let Some(unit) = units.first() else { continue };
        assert_eq!(unit["company"], "Zoo");
        assert_eq!(unit["avatar_url"], Value::Null);
        assert_eq!(
            api.get(&format!("{}avatar/", href(unit))).await?.status(),
            404
        );
        assert_eq!(unit["metadata_sha256"], digest);
        assert_eq!(upstream.requests("/held/good/api/v3/namespaces/zoo/"), 1);
    }
    Ok(())
}

async fn pictures_of_namespaces_are_served(test: Test) -> Result<()> {
    const OWL: &[u8] = b"GIF89a of an owl";
    const PAGE: &[u8] = b"<html><script>alert(1)</script>";
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    for (name, policy, picture) in [
        ("now", "immediate", OWL),
        ("later", "on_demand", OWL),
        ("page", "immediate", PAGE),
    ] {
        let hashed = format!(
            "{{\"avatar_sha256\": \"{}\", \"company\": \"\", \"description\": \"\", \
            \"email\": \"\", \"links\": {{}}, \"name\": \"zoo\", \"resources\": \"\"}}",
            sha256_hex(picture)
        );
        let mut theirs = GalaxyServer::of(vec![owls("1.0.0")]);
        theirs.namespaces.push(json!({"name": "zoo", "company": "",
            "avatar_sha256": sha256_hex(picture),
            "avatar_url": format!("/held/{name}-pictures/owl.png"),
            "metadata_sha256": sha256_hex(hashed.as_bytes())}));
        upstream.hold(&format!("{name}-pictures"), &[("owl.png", picture)]);
        let url = theirs.hold(&upstream, name)?;
        let mirror = api
            .ansible_mirror(name, &url, json!({"policy": policy}))
            .await?;
        api.sync_ansible(&mirror, json!({})).await?.completed()?;
        api.serve_ansible(&mirror.repository).await?;
        let served = server.fetch_bytes(&format!("{name}/zoo-avatar")).await?;
        assert_eq!(served, picture);
        // Fetched by now, it is shown with the unit.
        let unit = &api.ansible_units(&mirror.repository, "namespaces").await?[0];
        let url = format!("{}avatar/", href(unit));
        assert_eq!(unit["avatar_url"], url);
        let shown = api.get(&url).await?;
        if picture == PAGE {
            // A page of an upstream is none of this server's.
            assert_eq!(shown.status(), 404);
            continue;
        }
        assert_eq!(shown.bytes()?, picture);
        assert_eq!(shown.header("content-type"), "image/gif");
        assert_eq!(shown.header("x-content-type-options"), "nosniff");
        assert_eq!(api.anonymous().get(&url).await?.status(), 401);
        let nowhere = format!("{}avatar/", href(&mirror.repository));
        assert_eq!(api.get(&nowhere).await?.status(), 404);
    }
    Ok(())
}

async fn an_archive_with_another_digest_is_refused(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let mut theirs = GalaxyServer::of(vec![owls("1.0.0")]);
    let url = theirs.hold(&upstream, "galaxy")?;
    let place = "v3/collections/zoo/owls/versions/1.0.0/";
    let asked = upstream.url("/held/galaxy/api/");
    assert_eq!(url, asked);
    let mut lie = theirs.detail_of(&owls("1.0.0"), "galaxy")?;
    lie["artifact"]["sha256"] = sha256_hex(b"a lie").into();
    theirs.others.push((place.into(), lie));
    theirs.hold(&upstream, "galaxy")?;
    let api = server.api();
    let mirror = api.ansible_mirror("zoo", &url, json!({})).await?;
    let task = api.sync_ansible(&mirror, json!({})).await?;
    let failure = task.failure()?;
    ensure!(failure.contains("wrong digest"), "{failure}");
    ensure!(failure.contains("zoo-owls-1.0.0.tar.gz"), "{failure}");
    assert_eq!(api.latest_number(&mirror.repository).await?, 0);
    Ok(())
}

async fn answers_that_are_wrong_are_named(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let place = "v3/collections/zoo/owls/versions/1.0.0/";
    for (at, (path, value, said)) in [
        (
            "",
            json!({"available_versions": {"v1": "v1/"}}),
            "no version 3",
        ),
        ("", json!([]), "not what Galaxy servers give"),
        (
            "v3/collections/",
            json!({"items": []}),
            "missing field `data`",
        ),
        (
            place,
            json!({"version": "1.0.0"}),
            "missing field `namespace`",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let mut theirs = GalaxyServer::of(vec![owls("1.0.0")]);
        theirs.others.push((path.to_owned(), value));
        let url = theirs.hold(&upstream, "galaxy")?;
        let mirror = api
            .ansible_mirror(&format!("zoo-{at}"), &url, json!({}))
            .await?;
        let task = api.sync_ansible(&mirror, json!({})).await?;
        let failure = task.failure()?;
        let asked = format!("GET {}", text(&json!(url)));
        let is_named = failure.contains(&asked) || failure.contains(&format!("/api/{path}"));
        ensure!(
            failure.contains(said) && is_named,
            "{failure}\nlacks {said}"
        );
        assert_eq!(api.latest_number(&mirror.repository).await?, 0);
    }
    Ok(())
}

async fn only_the_highest_versions_come(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let versions = ["1.9.0", "1.10.0", "2.0.0-rc.1", "1.2.0"].map(owls);
    let mut all = versions.to_vec();
    all.push(Collection::new("zoo", "base", "0.1.0"));
    let url = GalaxyServer::of(all).hold(&upstream, "galaxy")?;
    let api = server.api();
    let wanted = "collections: [{name: zoo.owls, version: '<1.10.0'}]";
    for (name, settings, expected) in [
        (
            "two",
            json!({"sync_highest_versions": 2}),
            &["zoo.base 0.1.0", "zoo.owls 1.10.0", "zoo.owls 2.0.0-rc.1"][..],
        ),
        // Of what is required at all.
        (
            "one",
            json!({"sync_highest_versions": 1, "requirements_file": wanted}),
            &["zoo.owls 1.9.0"],
        ),
    ] {
        let mirror = api.ansible_mirror(name, &url, settings).await?;
        api.sync_ansible(&mirror, json!({})).await?.completed()?;
        assert_eq!(api.collections_of(&mirror.repository).await?, expected);
    }
    let none = json!({"name": "none", "url": url, "sync_highest_versions": 0});
    let refused = api.post("/remotes/ansible/collection/", none).await?;
    let reply = refused.json(400)?;
    ensure!(reply["sync_highest_versions"].is_array(), "{reply}");
    Ok(())
}

async fn what_came_before_a_failure_is_not_fetched_again(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let versions = (0..40).map(|minor| owls(&format!("1.{minor}.0")));
    let mut theirs = GalaxyServer::of(versions.collect());
    let last = "v3/collections/zoo/owls/versions/1.39.0/";
    let mut lie = theirs.detail_of(&owls("1.39.0"), "galaxy")?;
    lie["artifact"]["sha256"] = sha256_hex(b"a lie").into();
    theirs.others.push((last.into(), lie));
    let url = theirs.hold(&upstream, "galaxy")?;
    let api = server.api();
    let mirror = api.ansible_mirror("zoo", &url, json!({})).await?;
    api.sync_ansible(&mirror, json!({})).await?.failure()?;
    assert_eq!(api.latest_number(&mirror.repository).await?, 0);

    theirs.others.clear();
    theirs.hold(&upstream, "galaxy")?;
    upstream.forget_requests();
    api.sync_ansible(&mirror, json!({})).await?.completed()?;
    assert_eq!(api.collections_of(&mirror.repository).await?.len(), 40);
    let again = upstream.requests_under("/held/galaxy/files/");
    ensure!(again < 10, "{again} of 40 archives were fetched again");
    Ok(())
}

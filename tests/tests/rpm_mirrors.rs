//! Complete mirrors of RPM repositories: the upstream's own indexes, byte for byte.

use anyhow::Result;
use pith_tests::rpm::{RpmMirror, RpmRepository};
use pith_tests::upstream::Upstream;
use pith_tests::{Test, TestServer, href, on_both_databases};
use serde_json::{Value, json};

on_both_databases!(
    a_complete_mirror_has_the_upstreams_own_bytes,
    a_complete_mirror_follows_its_upstream,
    what_cannot_be_mirrored_completely_is_refused,
    the_configuration_of_a_client_is_written,
);

fn upstream_repository() -> RpmRepository {
    RpmRepository::of(&[("owl", "1"), ("bear", "2")])
        .with("productid", "productid", "a product\n")
        .with("primary_db", "primary.sqlite", "a database\n")
        .with_file("repodata/repomd.xml.asc", "a signature\n")
        .with_file("repodata/repomd.xml.key", "a key\n")
}

/// A mirror that nobody publishes but its syncs, served below its name.
async fn mirror(server: &TestServer, url: &str, repo_config: Value) -> Result<RpmMirror> {
    let api = server.api();
    let mirror = api.rpm_mirror("zoo", url, "on_demand").await?;
    let settings = json!({"autopublish": false, "repo_config": repo_config});
    api.patch(&href(&mirror.repository), settings).await?.ok()?;
    let settings = json!({"name": "zoo", "base_path": "zoo", "generate_repo_config": true,
        "repository": href(&mirror.repository)});
    api.run_task("/distributions/rpm/rpm/", settings)
        .await?
        .completed()?;
    Ok(mirror)
}

async fn a_complete_mirror_has_the_upstreams_own_bytes(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let theirs = upstream_repository();
    let url = theirs.hold(&upstream, "zoo");
    let config = json!({"repo_gpgcheck": 1});
    let mirror = mirror(&server, &url, config.clone()).await?;
    let api = server.api();
    let complete = json!({"sync_policy": "mirror_complete"});
    let task = api.sync_rpm(&mirror, complete).await?.completed()?;
    let publication = api.get(&task.created_one("/publications/")?).await?.ok()?;
    assert_eq!(publication["repo_config"], config);
    let package = &theirs.packages[0];
    let path = format!("/held/zoo/{}", package.upstream_path());
    assert_eq!(upstream.requests(&path), 0, "packages come on demand");
    for (path, bytes) in theirs.all_files() {
        let ours = server.fetch_bytes(&format!("zoo/{path}")).await?;
        assert_eq!(ours, bytes, "{path}");
        let list = server.fetch("zoo/").await?.text();
        let first = path.split('/').next().unwrap_or_default();
        assert!(list.contains(first), "{path}: {list}");
    }
    assert_eq!(upstream.requests(&path), 1);
    let ours = server
        .fetch_bytes(&format!("zoo/{}", package.path()))
        .await?;
    assert_eq!(ours, package.bytes, "at its usual path too");
    let config = server.fetch("zoo/config.repo").await?.text();
    for line in [
        "repo_gpgcheck=1",
        "/pulp/content/zoo/repodata/repomd.xml.key",
    ] {
        assert!(config.contains(line), "{config}");
    }
    Ok(())
}

async fn a_complete_mirror_follows_its_upstream(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let mut theirs = upstream_repository();
    let url = theirs.hold(&upstream, "zoo");
    let mirror = mirror(&server, &url, json!({"repo_gpgcheck": 1})).await?;
    let api = server.api();
    let complete = json!({"sync_policy": "mirror_complete"});
    api.sync_rpm(&mirror, complete.clone()).await?.completed()?;
    let task = api.sync_rpm(&mirror, complete.clone()).await?.completed()?;
    assert!(task.created().is_empty(), "nothing changed: {}", task.0);
    // The same packages, described in other words, and signed no more.
    theirs.indexes.retain(|(kind, ..)| *kind != "primary_db");
    theirs.files.clear();
    theirs.hold(&upstream, "zoo");
    let task = api.sync_rpm(&mirror, complete.clone()).await?.completed()?;
    assert_eq!(task.created().len(), 1, "only a publication: {}", task.0);
    for (path, bytes) in theirs.all_files() {
        server
            .fetch_until(&format!("zoo/{path}"), |reply| *reply.body() == bytes)
            .await?;
    }
    for gone in ["repodata/primary.sqlite", "repodata/repomd.xml.asc"] {
        assert_eq!(
            server.fetch(&format!("zoo/{gone}")).await?.status(),
            404,
            "{gone}"
        );
    }
    let config = server.fetch("zoo/config.repo").await?.text();
    assert!(config.contains("repo_gpgcheck=0"), "{config}");
    theirs.packages.pop();
    theirs.hold(&upstream, "zoo");
    let task = api.sync_rpm(&mirror, complete).await?.completed()?;
    assert_eq!(task.created().len(), 2, "{}", task.0);
    assert_eq!(api.rpm_units(&mirror, "packages").await?.len(), 1);
    Ok(())
}

async fn what_cannot_be_mirrored_completely_is_refused(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let mut elsewhere = RpmRepository::of(&[("bear", "1")]);
    let package = elsewhere.packages.remove(0);
    elsewhere.raw_primary = package.primary("../bear-1.rpm");
    let mut broken = RpmRepository::of(&[("bear", "1")]);
    broken.raw_primary = "<package type=\"rpm\"><name>owl</name></package>".into();
    let deltas = RpmRepository::of(&[("bear", "1")]).with("prestodelta", "deltas.xml", "<x/>");
    for (name, theirs, words) in [
        (
            "elsewhere",
            elsewhere,
            "`../bear-1.rpm` has the segment `..`",
        ),
        ("broken", broken, "owl"),
        ("deltas", deltas, "it has deltas of packages"),
    ] {
        let url = theirs.hold(&upstream, name);
        let mirror = api.rpm_mirror(name, &url, "on_demand").await?;
        let complete = json!({"sync_policy": "mirror_complete"});
        let task = api.sync_rpm(&mirror, complete).await?;
        let failure = task.failure()?;
        for words in [words, "`mirror_content_only` makes indexes of its own"] {
            assert!(failure.contains(words), "{failure}");
        }
        let version = api.latest_version(&mirror.repository).await?;
        assert_eq!(version["number"], 0);
        assert!(api.list("/publications/rpm/rpm/").await?.is_empty());
        for (setting, value) in [
            ("skip_types", json!(["srpm"])),
            ("retain_package_versions", json!(1)),
        ] {
            let params = json!({"sync_policy": "mirror_complete", setting: value});
            let task = api.sync_rpm(&mirror, params).await?;
            assert!(task.failure()?.contains(setting), "{}", task.0);
        }
    }
    Ok(())
}

async fn the_configuration_of_a_client_is_written(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let settings =
        json!({"name": "r", "repo_config": {"gpgcheck": 1, "name": "x", "metadata_expire": "1h"}});
    let repository = api.create("/repositories/rpm/rpm/", settings).await?;
    let publish = json!({"repository": href(&repository)});
    let task = api.run_task("/publications/rpm/rpm/", publish).await?;
    let publication = task.completed()?.created_one("/publications/")?;
    let settings = json!({"name": "The zoo!", "base_path": "a/zoo", "publication": publication});
    let task = api
        .run_task("/distributions/rpm/rpm/", settings)
        .await?
        .completed()?;
    let distribution = task.created_one("/distributions/")?;
    assert_eq!(
        api.get(&distribution).await?.ok()?["generate_repo_config"],
        false
    );
    assert_eq!(server.fetch("a/zoo/config.repo").await?.status(), 404);
    api.patch(&distribution, json!({"generate_repo_config": true}))
        .await?
        .ok()?;
    let reply = server
        .fetch_until("a/zoo/config.repo", |reply| reply.status() == 200)
        .await?;
    let expected = format!(
        "[Thezoo]\nname=The zoo!\nbaseurl={}/pulp/content/a/zoo/\ngpgcheck=1\n\
         metadata_expire=1h\nrepo_gpgcheck=0\nenabled=1\n",
        server.base_url()
    );
    assert_eq!(reply.text(), expected);
    assert!(server.fetch("a/zoo/").await?.text().contains("config.repo"));
    let head = server.fetch_head("a/zoo/config.repo").await?;
    assert_eq!(head.header("content-length"), expected.len().to_string());
    for wrong in [
        json!({"gpgcheck": "1\nevil=1"}),
        json!({"a b": 1}),
        json!({"a": {}}),
        json!([]),
    ] {
        let settings = json!({"repo_config": wrong});
        let error = api.patch(&href(&repository), settings).await?.json(400)?;
        assert!(error.get("repo_config").is_some(), "{error}");
    }
    Ok(())
}

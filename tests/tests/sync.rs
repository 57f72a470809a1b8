//! Syncs of a file upstream: what comes, what goes, and what is left alone.

use anyhow::Result;
use pith_tests::upstream::{Manifest, ManifestLine, Upstream};
use pith_tests::{
    Test, href, names_of, on_both_databases, present, removed, stored_digests, text,
    verify_stored_artifacts,
};
use serde_json::{Value, json};

on_both_databases!(
    a_sync_brings_every_file,
    the_mirror_equals_the_upstream,
    an_additive_sync_keeps_what_is_gone,
    a_mirroring_sync_removes_what_is_gone,
    a_changed_file_takes_the_place_of_the_old,
    a_sync_without_a_change_asks_for_no_file,
    an_unoptimized_sync_looks_again,
    a_change_of_the_remote_is_noticed,
    a_change_of_the_repository_is_noticed,
    known_bytes_are_not_fetched_again,
    the_repository_remembers_its_remote,
    autopublish_follows_a_sync,
    retention_follows_a_sync,
    progress_is_reported,
    an_empty_upstream_is_an_empty_version,
    a_thousand_files_come,
    strange_names_survive,
);

const FILE: &str = "file.file";

async fn a_sync_brings_every_file(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let url = upstream.hold("tree", &[("a.txt", b"a"), ("deep/down/b.bin", b"bb")]);
    let repository = api.file_repository("r").await?;
    let remote = api.file_remote("u", &url, "immediate").await?;
    let task = api.sync(&repository, &remote).await?;
    let version = api.latest_version(&repository).await?;
    assert!(task.created().contains(&href(&version)), "{}", task.0);
    assert_eq!(version["number"], 1);
    assert_eq!(present(&version, FILE), 2);
    let files = api.files_in(&version).await?;
    assert_eq!(names_of(&files), ["a.txt", "deep/down/b.bin"]);
    for file in &files {
        assert!(!text(&file["artifact"]).is_empty(), "{file}");
    }
    assert_eq!(verify_stored_artifacts(server.data_directory())?, 2);
    Ok(())
}

async fn the_mirror_equals_the_upstream(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let url = upstream.generated(40, 10_000);
    server.api().mirrored("served", &url, "immediate").await?;
    let theirs = server.api().anonymous().get(&url).await?;
    let theirs = Manifest::parse(std::str::from_utf8(theirs.bytes()?)?)?.sorted();
    let ours = server.fetch_bytes("served/PULP_MANIFEST").await?;
    assert_eq!(
        Manifest::parse(std::str::from_utf8(&ours)?)?.sorted(),
        theirs
    );
    for line in &theirs.0 {
        let bytes = server.fetch_bytes(&format!("served/{}", line.path)).await?;
        assert_eq!(ManifestLine::of(line.path.clone(), &bytes), *line);
    }
    Ok(())
}

async fn an_additive_sync_keeps_what_is_gone(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let url = upstream.hold("tree", &[("a", b"a"), ("b", b"b")]);
    let repository = api.file_repository("r").await?;
    let remote = api.file_remote("u", &url, "immediate").await?;
    api.sync(&repository, &remote).await?;
    upstream.hold("tree", &[("b", b"b"), ("c", b"c")]);
    api.sync(&repository, &remote).await?;
    let version = api.latest_version(&repository).await?;
    assert_eq!(names_of(&api.files_in(&version).await?), ["a", "b", "c"]);
    assert_eq!(removed(&version, FILE), 0);
    Ok(())
}

async fn a_mirroring_sync_removes_what_is_gone(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let url = upstream.hold("tree", &[("a", b"a"), ("b", b"b")]);
    let repository = api.file_repository("r").await?;
    let remote = api.file_remote("u", &url, "immediate").await?;
    api.upload_file("mine", b"mine", Some(&repository)).await?;
    api.try_sync(&repository, &remote, true)
        .await?
        .completed()?;
    upstream.hold("tree", &[("b", b"b"), ("c", b"c")]);
    api.try_sync(&repository, &remote, true)
        .await?
        .completed()?;
    let version = api.latest_version(&repository).await?;
    assert_eq!(names_of(&api.files_in(&version).await?), ["b", "c"]);
    assert_eq!(removed(&version, FILE), 1);
    Ok(())
}

async fn a_changed_file_takes_the_place_of_the_old(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let url = upstream.hold("tree", &[("a", b"old"), ("b", b"b")]);
    let mirrored = api.mirrored("served", &url, "immediate").await?;
    assert_eq!(server.fetch("served/a").await?.text(), "old");
    upstream.hold("tree", &[("a", b"new"), ("b", b"b")]);
    api.sync(&mirrored.repository, &mirrored.remote).await?;
    server
        .fetch_until("served/a", |reply| reply.text() == "new")
        .await?;
    let version = api.latest_version(&mirrored.repository).await?;
    assert_eq!(present(&version, FILE), 2);
    Ok(())
}

async fn a_sync_without_a_change_asks_for_no_file(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let url = upstream.hold("tree", &[("a", b"a"), ("b", b"b")]);
    let repository = api.file_repository("r").await?;
    let remote = api.file_remote("u", &url, "immediate").await?;
    for mirror in [true, false, true] {
        api.try_sync(&repository, &remote, mirror)
            .await?
            .completed()?;
    }
    upstream.forget_requests();
    let task = api
        .try_sync(&repository, &remote, true)
        .await?
        .completed()?;
    assert_eq!(task.created(), Vec::<String>::new());
    assert_eq!(api.latest_number(&repository).await?, 1);
    let requests = upstream.recorded();
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert!(requests[0].path.ends_with("/PULP_MANIFEST"), "{requests:?}");
    assert!(requests[0].if_none_match.is_some(), "{requests:?}");
    Ok(())
}

async fn an_unoptimized_sync_looks_again(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let url = upstream.hold("tree", &[("a", b"a")]);
    let repository = api.file_repository("r").await?;
    let remote = api.file_remote("u", &url, "immediate").await?;
    api.sync(&repository, &remote).await?;
    upstream.forget_requests();
    let path = format!("{}sync/", href(&repository));
    let parameters = json!({"remote": href(&remote), "optimize": false});
    api.run_task(&path, parameters).await?.completed()?;
    assert_eq!(api.latest_number(&repository).await?, 1);
    assert_eq!(upstream.requests("/held/tree/PULP_MANIFEST"), 1);
    assert_eq!(upstream.requests("/held/tree/a"), 0, "the bytes are known");
    Ok(())
}

async fn a_change_of_the_remote_is_noticed(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let url = upstream.hold("one", &[("a", b"a")]);
    let remote = api.file_remote("u", &url, "immediate").await?;
    api.sync(&repository, &remote).await?;
    let url = upstream.hold("other", &[("b", b"b")]);
    api.change(&remote, json!({"url": url})).await?;
    api.try_sync(&repository, &remote, true)
        .await?
        .completed()?;
    let version = api.latest_version(&repository).await?;
    assert_eq!(names_of(&api.files_in(&version).await?), ["b"]);
    Ok(())
}

async fn a_change_of_the_repository_is_noticed(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let url = upstream.hold("tree", &[("a", b"a"), ("b", b"b")]);
    let repository = api.file_repository("r").await?;
    let remote = api.file_remote("u", &url, "immediate").await?;
    api.sync(&repository, &remote).await?;
    api.modify(&repository, json!({"remove_content_units": ["*"]}))
        .await?;
    // The manifest is what it was, but the repository is not.
    api.sync(&repository, &remote).await?;
    let version = api.latest_version(&repository).await?;
    assert_eq!(names_of(&api.files_in(&version).await?), ["a", "b"]);
    Ok(())
}

async fn known_bytes_are_not_fetched_again(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let one = upstream.hold("one", &[("a", b"a"), ("b", b"b")]);
    let other = upstream.hold("other", &[("moved/a", b"a"), ("b", b"b"), ("c", b"c")]);
    for (name, url) in [("one", one), ("other", other)] {
        let repository = api.file_repository(name).await?;
        let remote = api.file_remote(name, &url, "immediate").await?;
        api.sync(&repository, &remote).await?;
    }
    assert_eq!(upstream.requests("/held/other/b"), 0, "the very same unit");
    assert_eq!(
        upstream.requests("/held/other/moved/a"),
        0,
        "the same bytes elsewhere"
    );
    assert_eq!(upstream.requests("/held/other/c"), 1);
    assert_eq!(stored_digests(server.data_directory())?.len(), 3);
    Ok(())
}

async fn the_repository_remembers_its_remote(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let url = upstream.hold("tree", &[("a", b"a")]);
    let remote = api.file_remote("u", &url, "immediate").await?;
    let settings = json!({"name": "r", "remote": href(&remote)});
    let repository = api.create("/repositories/file/file/", settings).await?;
    let path = format!("{}sync/", href(&repository));
    api.run_task(&path, json!({})).await?.completed()?;
    assert_eq!(api.latest_number(&repository).await?, 1);
    Ok(())
}

async fn autopublish_follows_a_sync(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let url = upstream.hold("tree", &[("a", b"a")]);
    let repository = api.autopublishing_repository("r").await?;
    let remote = api.file_remote("u", &url, "immediate").await?;
    let task = api.sync(&repository, &remote).await?;
    let version = task.created_one("/versions/")?;
    let publication = api.get(&task.created_one("/publications/")?).await?.ok()?;
    assert_eq!(publication["repository_version"], *version);
    Ok(())
}

async fn retention_follows_a_sync(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let settings = json!({"name": "r", "retain_repo_versions": 1});
    let repository = api.create("/repositories/file/file/", settings).await?;
    let url = upstream.hold("tree", &[("a", b"0")]);
    let remote = api.file_remote("u", &url, "immediate").await?;
    for content in [b"1", b"2", b"3"] {
        upstream.hold("tree", &[("a", content)]);
        api.sync(&repository, &remote).await?;
    }
    let versions = api.list(text(&repository["versions_href"])).await?;
    assert_eq!(versions.len(), 1);
    assert_eq!(versions[0]["number"], 3);
    Ok(())
}

async fn progress_is_reported(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let remote = api
        .file_remote("u", &upstream.generated(25, 100), "immediate")
        .await?;
    let task = api.sync(&repository, &remote).await?;
    assert_eq!(
        task.done("sync.downloading.artifacts"),
        Some(25),
        "{}",
        task.0
    );
    assert_eq!(task.done("associating.content"), Some(25), "{}", task.0);
    for report in task.0["progress_reports"].as_array().into_iter().flatten() {
        assert_eq!(report["state"], "completed", "{report}");
        assert!(!text(&report["message"]).is_empty(), "{report}");
    }
    Ok(())
}

async fn an_empty_upstream_is_an_empty_version(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let url = upstream.hold("tree", &[("a", b"a")]);
    let remote = api.file_remote("u", &url, "immediate").await?;
    api.sync(&repository, &remote).await?;
    upstream.hold("tree", &[]);
    api.try_sync(&repository, &remote, true)
        .await?
        .completed()?;
    let version = api.latest_version(&repository).await?;
    assert_eq!(version["number"], 2);
    assert_eq!(present(&version, FILE), 0);
    Ok(())
}

async fn a_thousand_files_come(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let remote = api
        .file_remote("u", &upstream.generated(1000, 1024), "immediate")
        .await?;
    api.sync(&repository, &remote).await?;
    let version = api.latest_version(&repository).await?;
    assert_eq!(present(&version, FILE), 1000);
    assert_eq!(verify_stored_artifacts(server.data_directory())?, 1000);
    assert_eq!(
        upstream.requests_under("/generated/"),
        1001,
        "each file once"
    );
    Ok(())
}

async fn strange_names_survive(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let names = [
        "a b.txt",
        "ünïcödé/日本.txt",
        "100%.txt",
        "a+b&c=d?.txt",
        "a,b.txt",
        "#.txt",
    ];
    let files: Vec<_> = names.iter().map(|name| (*name, name.as_bytes())).collect();
    let url = upstream.hold("tree", &files);
    let mirrored = api.mirrored("served", &url, "immediate").await?;
    let version = api.latest_version(&mirrored.repository).await?;
    let mut expected = names.map(str::to_owned);
    expected.sort();
    assert_eq!(names_of(&api.files_in(&version).await?), expected);
    for (name, encoded) in [
        ("a b.txt", "a%20b.txt"),
        ("100%.txt", "100%25.txt"),
        ("a+b&c=d?.txt", "a+b&c=d%3F.txt"),
        ("#.txt", "%23.txt"),
        (
            "ünïcödé/日本.txt",
            "%C3%BCn%C3%AFc%C3%B6d%C3%A9/%E6%97%A5%E6%9C%AC.txt",
        ),
    ] {
        assert_eq!(
            server.fetch(&format!("served/{encoded}")).await?.text(),
            name
        );
    }
    let unknown: Value = api
        .get("/content/file/files/?relative_path=100%25.txt")
        .await?
        .ok()?;
    assert_eq!(unknown["count"], 1);
    Ok(())
}

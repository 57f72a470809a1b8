//! Orphan clean-up: what no repository holds goes, and its bytes with it.

use anyhow::Result;
use pith_tests::upstream::Upstream;
use pith_tests::{Form, Test, href, on_both_databases, stored_digests, text};
use serde_json::json;

on_both_databases!(
    what_no_repository_holds_goes,
    what_is_young_is_protected,
    what_an_old_version_holds_stays,
    what_is_published_stays,
    artifacts_without_a_unit_go,
    what_went_can_come_again,
    many_orphans_go,
);

const PATH: &str = "/orphans/cleanup/";

fn now() -> serde_json::Value {
    json!({"orphan_protection_time": 0})
}

async fn what_no_repository_holds_goes(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let held = api
        .upload_file("held.txt", b"held", Some(&repository))
        .await?;
    let orphan = api.upload_file("orphan.txt", b"orphan", None).await?;
    let shared = api.upload_file("shared.txt", b"held", None).await?;
    api.run_task(PATH, now()).await?.completed()?;
    for (unit, status) in [(&held, 200), (&orphan, 404), (&shared, 404)] {
        assert_eq!(api.get(&href(unit)).await?.status(), status, "{unit}");
    }
    assert_eq!(api.get(text(&orphan["artifact"])).await?.status(), 404);
    assert_eq!(api.get(text(&held["artifact"])).await?.status(), 200);
    assert_eq!(
        stored_digests(server.data_directory())?,
        [text(&held["sha256"])]
    );
    Ok(())
}

async fn what_is_young_is_protected(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let orphan = api.upload_file("orphan.txt", b"orphan", None).await?;
    for parameters in [json!({}), json!({"orphan_protection_time": 10})] {
        api.run_task(PATH, parameters).await?.completed()?;
        assert_eq!(api.get(&href(&orphan)).await?.status(), 200);
    }
    for wrong in [
        json!({"orphan_protection_time": -1}),
        json!({"orphan_protection_time": "x"}),
    ] {
        let reply = api.post(PATH, wrong).await?;
        assert!(
            !reply.errors_of("orphan_protection_time")?.is_empty(),
            "{reply}"
        );
    }
    Ok(())
}

async fn what_an_old_version_holds_stays(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let unit = api.upload_file("a.txt", b"a", Some(&repository)).await?;
    let old = api.latest_version(&repository).await?;
    api.modify(&repository, json!({"remove_content_units": ["*"]}))
        .await?;
    api.run_task(PATH, now()).await?.completed()?;
    assert_eq!(api.get(&href(&unit)).await?.status(), 200);
    assert_eq!(api.files_in(&old).await?.len(), 1);
    // With the last version that holds it, it goes.
    api.remove(&old).await?;
    api.run_task(PATH, now()).await?.completed()?;
    assert_eq!(api.get(&href(&unit)).await?.status(), 404);
    Ok(())
}

async fn what_is_published_stays(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.autopublishing_repository("r").await?;
    api.upload_file("a.txt", b"a", Some(&repository)).await?;
    api.distribute("served", &repository).await?;
    api.run_task(PATH, now()).await?.completed()?;
    for path in ["served/a.txt", "served/PULP_MANIFEST"] {
        assert_eq!(server.fetch(path).await?.status(), 200, "{path}");
    }
    Ok(())
}

async fn artifacts_without_a_unit_go(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let form = Form::new().file("file", "a.bin", b"nobody's");
    let artifact = api.post_form("/artifacts/", form).await?.json(201)?;
    api.run_task(PATH, now()).await?.completed()?;
    assert_eq!(api.get(&href(&artifact)).await?.status(), 404);
    assert_eq!(
        stored_digests(server.data_directory())?,
        Vec::<String>::new()
    );
    Ok(())
}

async fn what_went_can_come_again(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let url = upstream.hold("tree", &[("a.txt", b"a")]);
    let mirrored = api.mirrored("served", &url, "immediate").await?;
    api.remove(&mirrored.distribution).await?;
    api.remove(&mirrored.repository).await?;
    api.run_task(PATH, now()).await?.completed()?;
    assert_eq!(
        stored_digests(server.data_directory())?,
        Vec::<String>::new()
    );
    let repository = api.autopublishing_repository("again").await?;
    api.sync(&repository, &mirrored.remote).await?;
    api.distribute("again", &repository).await?;
    assert_eq!(server.fetch("again/a.txt").await?.text(), "a");
    Ok(())
}

async fn many_orphans_go(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let remote = api
        .file_remote("u", &upstream.generated(2000, 64), "immediate")
        .await?;
    api.sync(&repository, &remote).await?;
    api.remove(&repository).await?;
    let task = api.run_task(PATH, now()).await?.completed()?;
    assert_eq!(task.done("clean-up.content"), Some(2000), "{}", task.0);
    assert_eq!(task.done("clean-up.artifacts"), Some(2000), "{}", task.0);
    assert_eq!(
        stored_digests(server.data_directory())?,
        Vec::<String>::new()
    );
    Ok(())
}

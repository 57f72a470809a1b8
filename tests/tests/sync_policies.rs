//! How a remote's settings shape a sync: policy, concurrency, retries, timeouts.

use std::time::{Duration, Instant};

use anyhow::Result;
use pith_tests::upstream::{FileMisbehaviour, Misbehaviour, Upstream};
use pith_tests::{Test, on_both_databases, present, stored_digests};
use serde_json::{Value, json};

on_both_databases!(
    on_demand_fetches_no_file,
    streamed_fetches_no_file,
    a_later_immediate_sync_fetches_what_is_missing,
    a_unit_on_demand_has_no_artifact_yet,
    concurrency_is_bounded,
    what_fails_for_a_moment_is_tried_again,
    retries_come_to_an_end,
    what_is_not_there_is_not_tried_again,
    a_silent_upstream_is_given_up,
    the_total_timeout_ends_a_trickle,
    an_upstream_that_is_not_there_says_so,
);

const FILE: &str = "file.file";

async fn on_demand_fetches_no_file(test: Test) -> Result<()> {
    fetches_no_file(test, "on_demand").await
}

async fn streamed_fetches_no_file(test: Test) -> Result<()> {
    fetches_no_file(test, "streamed").await
}

async fn fetches_no_file(test: Test, policy: &str) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let remote = api
        .file_remote("u", &upstream.generated(30, 100), policy)
        .await?;
    api.sync(&repository, &remote).await?;
    assert_eq!(present(&api.latest_version(&repository).await?, FILE), 30);
    assert_eq!(
        upstream.requests_under("/generated/"),
        1,
        "the manifest alone"
    );
    assert_eq!(
        stored_digests(server.data_directory())?,
        Vec::<String>::new()
    );
    Ok(())
}

async fn a_later_immediate_sync_fetches_what_is_missing(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let remote = api
        .file_remote("u", &upstream.generated(10, 100), "on_demand")
        .await?;
    api.sync(&repository, &remote).await?;
    let remote = api.change(&remote, json!({"policy": "immediate"})).await?;
    api.sync(&repository, &remote).await?;
    assert_eq!(
        api.latest_number(&repository).await?,
        1,
        "the set of units is the same"
    );
    assert_eq!(stored_digests(server.data_directory())?.len(), 10);
    Ok(())
}

async fn a_unit_on_demand_has_no_artifact_yet(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let url = upstream.hold("tree", &[("a.txt", b"a")]);
    let mirrored = api.mirrored("served", &url, "on_demand").await?;
    let version = api.latest_version(&mirrored.repository).await?;
    let file = &api.files_in(&version).await?[0];
    assert_eq!(file["artifact"], Value::Null, "{file}");
    assert_eq!(file["sha256"].as_str().map(str::len), Some(64), "{file}");
    server.fetch_bytes("served/a.txt").await?;
    // The client has its bytes a moment before they have a row.
    let mut file = Value::Null;
    for _ in 0..50 {
        file = api.files_in(&version).await?[0].clone();
        if file["artifact"].is_string() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("the artifact was not kept: {file}")
}

async fn concurrency_is_bounded(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let settings = json!({
        "name": "u", "url": upstream.generated(60, 200_000), "download_concurrency": 3,
    });
    let remote = api.create("/remotes/file/file/", settings).await?;
    let repository = api.file_repository("r").await?;
    api.sync(&repository, &remote).await?;
    // The manifest may still be open while the first files come.
    assert!(
        upstream.peak_in_flight() <= 4,
        "{} at once",
        upstream.peak_in_flight()
    );
    assert_eq!(present(&api.latest_version(&repository).await?, FILE), 60);
    Ok(())
}

async fn what_fails_for_a_moment_is_tried_again(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let url = upstream.bad(Misbehaviour::File(FileMisbehaviour::Flaky(2)));
    let settings = json!({"name": "u", "url": url, "max_retries": 3});
    let remote = api.create("/remotes/file/file/", settings).await?;
    let repository = api.file_repository("r").await?;
    api.sync(&repository, &remote).await?;
    assert_eq!(upstream.requests("/bad/file-flaky-2/bad.bin"), 3);
    assert_eq!(present(&api.latest_version(&repository).await?, FILE), 2);
    Ok(())
}

async fn retries_come_to_an_end(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let url = upstream.bad(Misbehaviour::File(FileMisbehaviour::Flaky(50)));
    let settings = json!({"name": "u", "url": url, "max_retries": 1});
    let remote = api.create("/remotes/file/file/", settings).await?;
    let repository = api.file_repository("r").await?;
    let task = api.try_sync(&repository, &remote, false).await?;
    assert!(task.failure()?.contains("503"), "{}", task.0);
    assert_eq!(upstream.requests("/bad/file-flaky-50/bad.bin"), 2);
    assert_eq!(api.latest_number(&repository).await?, 0);
    Ok(())
}

async fn what_is_not_there_is_not_tried_again(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let url = upstream.bad(Misbehaviour::NotFound);
    let settings = json!({"name": "u", "url": url, "max_retries": 3});
    let remote = api.create("/remotes/file/file/", settings).await?;
    let repository = api.file_repository("r").await?;
    let task = api.try_sync(&repository, &remote, false).await?;
    assert!(task.failure()?.contains("404"), "{}", task.0);
    assert_eq!(upstream.requests("/bad/not-found/PULP_MANIFEST"), 1);
    Ok(())
}

async fn a_silent_upstream_is_given_up(test: Test) -> Result<()> {
    let timeouts = json!({"sock_read_timeout": 1.0, "max_retries": 0});
    is_given_up(test, Misbehaviour::Stalled, timeouts).await
}

async fn the_total_timeout_ends_a_trickle(test: Test) -> Result<()> {
    let timeouts = json!({"total_timeout": 1.5, "max_retries": 0});
    is_given_up(test, Misbehaviour::Slow(200), timeouts).await
}

async fn is_given_up(test: Test, misbehaviour: Misbehaviour, timeouts: Value) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let url = upstream.bad(misbehaviour);
    let remote = api.file_remote("u", &url, "immediate").await?;
    let remote = api.change(&remote, timeouts).await?;
    let repository = api.file_repository("r").await?;
    let started = Instant::now();
    let task = api.try_sync(&repository, &remote, false).await?;
    assert!(task.failure()?.contains(&url), "{}", task.0);
    assert!(
        started.elapsed() < Duration::from_secs(15),
        "{:?}",
        started.elapsed()
    );
    Ok(())
}

async fn an_upstream_that_is_not_there_says_so(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let url = upstream.url("/held/tree/PULP_MANIFEST");
    upstream.stop().await;
    let remote = api.impatient_remote("u", &url, "immediate").await?;
    let repository = api.file_repository("r").await?;
    let task = api.try_sync(&repository, &remote, false).await?;
    assert!(task.failure()?.contains(&url), "{}", task.0);
    Ok(())
}

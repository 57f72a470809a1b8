//! `kill -9` at any moment: no half version, no wrong artifact, and a new sync heals.

use std::time::Duration;

use anyhow::{Context, Result};
use pith_tests::upstream::Upstream;
use pith_tests::{
    Task, Test, TestServer, href, on_both_databases, present, text, verify_stored_artifacts,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tokio::time::sleep;

on_both_databases!(
    a_kill_during_a_sync_leaves_nothing_half,
    a_kill_during_a_modification_leaves_nothing_half,
    what_was_answered_survives_a_kill,
    waiting_tasks_survive_a_kill,
    an_abandoned_fetch_leaves_nothing,
);

const FILES: u64 = 400;
/// About as long as the sync takes, so that kills fall on all of it.
const LATEST_KILL: u64 = 700;

/// How many kills: few each time, hundreds in `make test-all`.
fn rounds() -> u64 {
    std::env::var("PITH_TEST_KILLS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(4)
}

/// Random moments that can be repeated: the seed is printed with a failure.
fn moments() -> StdRng {
    let given = std::env::var("PITH_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed: u64 = given.unwrap_or_else(rand::random);
    println!("to repeat these moments: PITH_TEST_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// After a restart every task is over or waits for its turn; this one is over.
async fn outcome(server: &TestServer, task: &str) -> Result<Task> {
    let task = server.api().wait(task).await?;
    if task.state() == "failed" {
        let description = task.failure()?;
        let says = [
            "restart", "stopped", "ended", "killed", "died", "gone", "lost", "crash",
        ];
        let is_reason = says.iter().any(|word| description.contains(word));
        anyhow::ensure!(is_reason, "no reason: {description}");
        for report in task.0["progress_reports"].as_array().into_iter().flatten() {
            anyhow::ensure!(
                report["state"] == "failed" || report["state"] == "completed",
                "{report}"
            );
        }
    } else {
        anyhow::ensure!(task.state() == "completed", "{}", task.0);
    }
    Ok(task)
}

async fn a_kill_during_a_sync_leaves_nothing_half(test: Test) -> Result<()> {
    let mut server = test.start().await?;
    let upstream = Upstream::start().await?;
    let mut moments = moments();
    for round in 0..rounds() {
        let name = format!("round {round}");
        let api = server.api().clone();
        let url = upstream.url(&format!("/generated/{FILES}x3000@{round}/PULP_MANIFEST"));
        // The first answer costs the upstream a hash of everything.
        api.anonymous().get(&url).await?;
        let repository = api.autopublishing_repository(&name).await?;
        let remote = api.file_remote(&name, &url, "immediate").await?;
        let path = format!("{}sync/", href(&repository));
        let task = api
            .start_task(&path, json!({"remote": href(&remote)}))
            .await?;
        let moment = moments.random_range(0..LATEST_KILL);
        sleep(Duration::from_millis(moment)).await;
        server.kill_hard().await?;
        server.restart().await?;
        check_after_sync(&server, &repository, &task)
            .await
            .with_context(|| format!("{name}, killed after {moment} ms"))?;
        server.api().sync(&repository, &remote).await?;
        let healed = server.api().latest_version(&repository).await?;
        assert_eq!(present(&healed, "file.file"), FILES, "{name}");
        verify_stored_artifacts(server.data_directory())?;
        serves_all(&server, &repository, round).await?;
    }
    Ok(())
}

async fn check_after_sync(server: &TestServer, repository: &Value, task: &str) -> Result<()> {
    let task = outcome(server, task).await?;
    let version = server.api().latest_version(repository).await?;
    let (number, count) = if task.state() == "completed" {
        (1, FILES)
    } else {
        (0, 0)
    };
    anyhow::ensure!(version["number"] == number, "{version} after {}", task.0);
    anyhow::ensure!(present(&version, "file.file") == count, "{version}");
    let listed = server.api().files_in(&version).await?;
    anyhow::ensure!(
        listed.len() as u64 == count,
        "{} files are listed",
        listed.len()
    );
    let versions = server
        .api()
        .list(text(&repository["versions_href"]))
        .await?;
    anyhow::ensure!(versions.len() as u64 == number + 1, "{versions:?}");
    verify_stored_artifacts(server.data_directory())?;
    // No row names bytes that are not there.
    let artifacts = server.api().get("/artifacts/?limit=1000").await?.ok()?;
    for artifact in artifacts["results"].as_array().into_iter().flatten() {
        let digest = text(&artifact["sha256"]);
        let stored = pith_tests::is_stored(server.data_directory(), digest);
        anyhow::ensure!(stored, "a row without bytes: {artifact}");
    }
    Ok(())
}

async fn serves_all(server: &TestServer, repository: &Value, round: u64) -> Result<()> {
    let base_path = format!("served-{round}");
    server.api().distribute(&base_path, repository).await?;
    for number in [1, FILES / 2, FILES] {
        let path = format!("{base_path}/{number}.iso");
        server
            .fetch_until(&path, |reply| reply.status() == 200)
            .await?
            .bytes()?;
    }
    Ok(())
}

async fn a_kill_during_a_modification_leaves_nothing_half(test: Test) -> Result<()> {
    let mut server = test.start().await?;
    let upstream = Upstream::start().await?;
    let mut moments = moments();
    let source = server.api().file_repository("source").await?;
    let remote = server
        .api()
        .file_remote("u", &upstream.generated(3000, 10), "on_demand")
        .await?;
    server.api().sync(&source, &remote).await?;
    let version = server.api().latest_version(&source).await?;
    let mut units = Vec::new();
    for offset in [0, 1000, 2000] {
        let version = href(&version);
        let path =
            format!("/content/file/files/?limit=1000&offset={offset}&repository_version={version}");
        let page = server.api().get(&path).await?.ok()?;
        units.extend(page["results"].as_array().into_iter().flatten().map(href));
    }
    let change = json!({"add_content_units": units});
    for round in 0..rounds() {
        let api = server.api().clone();
        let target = api.file_repository(&format!("target {round}")).await?;
        let path = format!("{}modify/", href(&target));
        let task = api.start_task(&path, change.clone()).await?;
        sleep(Duration::from_millis(moments.random_range(0..150))).await;
        server.kill_hard().await?;
        server.restart().await?;
        let task = outcome(&server, &task).await?;
        let count = if task.state() == "completed" { 3000 } else { 0 };
        let latest = server.api().latest_version(&target).await?;
        assert_eq!(present(&latest, "file.file"), count, "{latest}");
        let latest = server.api().modify(&target, change.clone()).await?;
        assert_eq!(present(&latest, "file.file"), 3000, "{latest}");
    }
    Ok(())
}

async fn what_was_answered_survives_a_kill(test: Test) -> Result<()> {
    let mut server = test.start().await?;
    for number in 0..rounds() {
        let name = format!("{number}");
        let api = server.api().clone();
        let repository = api.autopublishing_repository(&name).await?;
        let unit = api
            .upload_file("a.txt", name.as_bytes(), Some(&repository))
            .await?;
        let distribution = api.distribute(&name, &repository).await?;
        server.kill_hard().await?;
        server.restart().await?;
        for resource in [&repository, &unit, &distribution] {
            let reply = server.api().get(&href(resource)).await?;
            assert_eq!(reply.status(), 200, "{reply}");
        }
        assert_eq!(server.fetch(&format!("{name}/a.txt")).await?.text(), name);
    }
    Ok(())
}

async fn waiting_tasks_survive_a_kill(test: Test) -> Result<()> {
    let mut server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api().clone();
    let repository = api.file_repository("r").await?;
    let url = upstream.bad(pith_tests::upstream::Misbehaviour::Slow(1000));
    let remote = api.file_remote("u", &url, "immediate").await?;
    let sync = format!("{}sync/", href(&repository));
    let running = api
        .start_task(&sync, json!({"remote": href(&remote)}))
        .await?;
    api.wait_until_running(&running).await?;
    let unit = api.upload_file("a.txt", b"a", None).await?;
    let modify = format!("{}modify/", href(&repository));
    let change = json!({"add_content_units": [href(&unit)]});
    let waiting = api.start_task(&modify, change).await?;
    server.kill_hard().await?;
    server.restart().await?;
    let failed = outcome(&server, &running).await?;
    assert_eq!(failed.state(), "failed");
    server.api().wait(&waiting).await?.completed()?;
    assert_eq!(server.api().latest_number(&repository).await?, 1);
    Ok(())
}

async fn an_abandoned_fetch_leaves_nothing(test: Test) -> Result<()> {
    use pith_tests::upstream::{FileMisbehaviour, Misbehaviour};
    let mut server = test.start().await?;
    let upstream = Upstream::start().await?;
    let url = upstream.bad(Misbehaviour::File(FileMisbehaviour::Slow(10)));
    server.api().mirrored("served", &url, "on_demand").await?;
    let fetching = server.fetch("served/bad.bin");
    let early = tokio::time::timeout(Duration::from_millis(500), fetching).await;
    assert!(early.is_err(), "the file comes too fast for this test");
    server.kill_hard().await?;
    server.restart().await?;
    verify_stored_artifacts(server.data_directory())?;
    let reply = server.fetch("served/bad.bin").await?;
    assert_eq!(reply.bytes()?.len(), 200_000);
    Ok(())
}

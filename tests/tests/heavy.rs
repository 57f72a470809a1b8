//! What takes minutes and gigabytes: only in `make test-all`.

use std::time::{Duration, Instant};

use anyhow::Result;
use pith_tests::upstream::Upstream;
use pith_tests::{Test, href, on_both_databases, present};
use serde_json::json;

on_both_databases!(
    ten_gigabytes_are_mirrored_in_little_memory,
    a_hundred_thousand_files_on_demand,
    ten_thousand_waiting_tasks_are_done,
    a_thousand_distributions_are_served,
);

async fn ten_gigabytes_are_mirrored_in_little_memory(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let url = upstream.generated(10, 1 << 30);
    let repository = api.autopublishing_repository("large").await?;
    let remote = api.file_remote("large", &url, "immediate").await?;
    // The upstream hashes ten gigabytes before its first answer.
    api.anonymous().get(&url).await?;
    let started = Instant::now();
    let path = format!("{}sync/", href(&repository));
    let task = api
        .start_task(&path, json!({"remote": href(&remote)}))
        .await?;
    while api.wait(&task).await.is_err() {
        anyhow::ensure!(
            started.elapsed() < Duration::from_mins(30),
            "it takes too long"
        );
    }
    assert_eq!(
        present(&api.latest_version(&repository).await?, "file.file"),
        10
    );
    let peak = server.peak_memory_mib()?;
    assert!(peak < 400, "{peak} MiB");
    Ok(())
}

async fn a_hundred_thousand_files_on_demand(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let repository = api.file_repository("many").await?;
    let remote = api
        .file_remote("many", &upstream.generated(100_000, 10), "on_demand")
        .await?;
    api.sync(&repository, &remote).await?;
    assert_eq!(
        present(&api.latest_version(&repository).await?, "file.file"),
        100_000
    );
    let peak = server.peak_memory_mib()?;
    assert!(peak < 400, "{peak} MiB");
    Ok(())
}

async fn ten_thousand_waiting_tasks_are_done(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let path = format!("{}modify/", href(&repository));
    let mut last = String::new();
    for _ in 0..100 {
        let starts = (0..100).map(|_| api.start_task(&path, json!({})));
        last = futures::future::try_join_all(starts)
            .await?
            .pop()
            .unwrap_or_default();
    }
    api.wait(&last).await?.completed()?;
    let left = api
        .get("/tasks/?state__in=waiting,running&limit=1")
        .await?
        .ok()?;
    assert_eq!(left["count"], 0);
    Ok(())
}

async fn a_thousand_distributions_are_served(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.autopublishing_repository("r").await?;
    api.upload_file("a.txt", b"a", Some(&repository)).await?;
    for batch in 0..20 {
        let made = (0..50).map(|number| {
            let base_path = format!("d{}", batch * 50 + number);
            let repository = &repository;
            async move { api.distribute(&base_path, repository).await }
        });
        futures::future::try_join_all(made).await?;
    }
    for number in (0..1000).step_by(7) {
        let path = format!("d{number}/a.txt");
        server
            .fetch_until(&path, |reply| reply.text() == "a")
            .await?;
    }
    Ok(())
}

//! Reloading a plugin again and again while it works and is asked: nothing fails, nothing
//! mixes, nothing is left in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use pith_tests::upstream::Upstream;
use pith_tests::{Api, Test, built_plugin, href, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(reloads_disturb_nobody);

/// Fifty in `make test-all`.
const RELOADS: usize = if cfg!(feature = "heavy") { 50 } else { 10 };

/// How often the sync reads from its remote, so that it runs beside many reloads.
const READS: usize = RELOADS * 300;

/// Requests a second, while plugins are reloaded.
const RATE: u64 = 200;

/// What the process may have more after the reloads than before, in MiB: the allocator's
/// slack, and not a build for each reload.
const SLACK: u64 = 40;

async fn load(api: &Api, bytes: &Bytes) -> Result<Value> {
    let reply = api
        .post_bytes("/components/", "application/wasm", bytes.clone())
        .await?;
    ensure!(reply.is_clean_success(), "{reply}");
    reply.json(reply.status())
}

fn component(name: &str) -> Result<Bytes> {
    Ok(std::fs::read(built_plugin(name)?)?.into())
}

/// Asks in turn for what a build shows of itself.
async fn ask(api: Api, number: u64) -> Result<()> {
    let path = match number % 4 {
        0 => "/tasks/shelf/",
        1 => "/content/shelf/books/?limit=20&note__isnull=false",
        2 => "/repositories/shelf/shelf/",
        _ => "/components/shelf/",
    };
    let document = api.get(path).await?.ok().context(path)?;
    if number.is_multiple_of(4) {
        let syncs = document["sub_routes"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|route| route["name"] == "syncs")
            .context("no syncs")?;
        let title = text(&syncs["title"]);
        let version = text(&syncs["schema"]["properties"]["prefix"]["default"]);
        ensure!(
            title.ends_with(version),
            "two builds in one answer: {syncs}"
        );
    }
    Ok(())
}

async fn reloads_disturb_nobody(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let builds = [component("shelf_two.wasm")?, component("shelf_three.wasm")?];
    load(api, &builds[0]).await?;
    let repository = api
        .create("/repositories/shelf/shelf/", json!({"name": "r"}))
        .await?;
    let url = upstream.hold("bait", &[("bait.txt", &vec![b'x'; 200_000])]);
    let url = url.replace("PULP_MANIFEST", "bait.txt");
    let remote = json!({"name": "r", "url": url});
    let remote = api.create("/remotes/shelf/shelf/", remote).await?;

    let is_over = Arc::new(AtomicBool::new(false));
    let asked = Arc::new(AtomicU64::new(0));
    let asking = tokio::spawn(keep_asking(
        api.clone(),
        Arc::clone(&is_over),
        Arc::clone(&asked),
    ));

    // Long enough that it runs through all the reloads.
    let path = format!("{}sync/", href(&repository));
    let order = json!({"remote": href(&remote), "count": 3, "reads": READS});
    let sync = api.start_task(&path, order).await?;
    api.wait_until_running(&sync).await?;
    let mut before = 0;
    for number in 1..=RELOADS {
        let shown = load(api, &builds[number % 2]).await?;
        ensure!(shown["generation"] == number + 1, "{shown}");
        if number == RELOADS / 5 {
            before = server.memory_mib()?;
            let state = api.get(&sync).await?.ok()?["state"].clone();
            ensure!(state == "running", "the sync is {state} already");
        }
    }
    let state = api.get(&sync).await?.ok()?["state"].clone();
    is_over.store(true, Ordering::Relaxed);
    asking.await??;
    let count = asked.load(Ordering::Relaxed);
    ensure!(count > 20, "only {count} requests were made");
    api.wait(&sync).await?.completed()?;
    println!("{RELOADS} reloads beside {count} requests; the sync was {state} at their end");

    // A sync of its own shows the build that is in service now, and the long one its own.
    let quick = json!({"remote": href(&remote), "count": 3});
    api.run_task(&path, quick).await?.completed()?;
    let of_the_first = "/content/shelf/books/?limit=1&build=2.0.0&title__startswith=2.1.0";
    assert_eq!(api.get(of_the_first).await?.ok()?["count"], 0);
    let of_the_long = "/content/shelf/books/?limit=1&build=2.0.0&note__startswith=note of 2.0.0";
    let long = api.get(of_the_long).await?.ok()?["count"].as_u64();
    assert!(long >= Some((READS as u64 + 1) * 3), "{long:?}");
    let after = server.memory_mib()?;
    println!(
        "memory: {before} MiB after {}, {after} MiB after {RELOADS}",
        RELOADS / 5
    );
    ensure!(
        after <= before + SLACK,
        "it grew from {before} MiB to {after} MiB"
    );
    Ok(())
}

async fn keep_asking(api: Api, is_over: Arc<AtomicBool>, asked: Arc<AtomicU64>) -> Result<()> {
    let mut requests = tokio::task::JoinSet::new();
    let mut tick = tokio::time::interval(Duration::from_micros(1_000_000 / RATE));
    while !is_over.load(Ordering::Relaxed) {
        tick.tick().await;
        // A busy machine answers later; the requests that wait are no measure of this.
        if requests.len() < 32 {
            requests.spawn(ask(api.clone(), asked.fetch_add(1, Ordering::Relaxed)));
        }
        while let Some(ended) = requests.try_join_next() {
            ended??;
        }
    }
    while let Some(ended) = requests.join_next().await {
        ended??;
    }
    Ok(())
}

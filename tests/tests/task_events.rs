//! Following a task by server-sent events.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use pith_tests::upstream::{Misbehaviour, Upstream};
use pith_tests::{Api, Test, href, on_a_shared_database, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    a_finished_task_is_told_at_once,
    a_running_task_is_followed_to_its_end,
    a_follower_does_not_keep_the_server_from_stopping,
);

on_a_shared_database!(a_task_of_another_server_is_followed);

/// The events of a whole answer: their names and documents.
fn events(answer: &str) -> Result<Vec<(String, Value)>> {
    answer
        .split("\n\n")
        .filter(|block| block.contains("event:"))
        .map(|block| {
            let line = |start: &str| {
                let found = block.lines().find_map(|line| line.strip_prefix(start));
                found.map(str::trim).context("a line of an event")
            };
            let data = serde_json::from_str(line("data:")?)?;
            Ok((line("event:")?.to_owned(), data))
        })
        .collect()
}

/// A sync whose upstream pauses for so many milliseconds again and again.
async fn slow_sync(api: &Api, upstream: &Upstream, pause: u64) -> Result<String> {
    let repository = api.file_repository("slow").await?;
    let url = upstream.bad(Misbehaviour::Slow(pause));
    let remote = api.file_remote("slow", &url, "immediate").await?;
    let path = format!("{}sync/", href(&repository));
    let task = api
        .start_task(&path, json!({"remote": href(&remote)}))
        .await?;
    api.wait_until_running(&task).await?;
    Ok(task)
}

async fn until_progress(api: &Api, task: &str) -> Result<()> {
    for _ in 0..600 {
        let row = api.get(task).await?.ok()?;
        if row["progress_reports"] != json!([]) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("the task reports no progress")
}

fn states(events: &[(String, Value)]) -> Vec<&str> {
    events
        .iter()
        .filter(|(name, _)| name == "state")
        .map(|(_, task)| text(&task["state"]))
        .collect()
}

async fn a_finished_task_is_told_at_once(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let task = api
        .run_task(&format!("{}modify/", href(&repository)), json!({}))
        .await?;
    let reply = api.get(&format!("{}events/", href(&task.0))).await?;
    assert!(
        reply
            .header("content-type")
            .starts_with("text/event-stream")
    );
    let events = events(&reply.text())?;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0].1, task.0, "the whole task");
    let missing = "/tasks/0190e2f4-0000-7000-8000-000000000001/events/";
    assert_eq!(api.get(missing).await?.status(), 404);
    Ok(())
}

async fn a_running_task_is_followed_to_its_end(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let task = slow_sync(api, &upstream, 3000).await?;
    let path = format!("{task}events/");
    let follow = async {
        let reply = api.get(&path).await?;
        anyhow::Ok((reply, Instant::now()))
    };
    let cancel = async {
        until_progress(api, &task).await?;
        // What the row has is told at once.
        tokio::time::sleep(Duration::from_millis(500)).await;
        api.cancel(&task).await?.ok()?;
        anyhow::Ok(Instant::now())
    };
    let ((reply, ended), canceled) = tokio::try_join!(follow, cancel)?;
    assert!(
        ended.duration_since(canceled) < Duration::from_secs(2),
        "{:?}",
        ended.duration_since(canceled)
    );
    let events = events(&reply.text())?;
    let states = states(&events);
    assert_eq!(states.first(), Some(&"running"), "{states:?}");
    assert_eq!(states.last(), Some(&"canceled"), "{states:?}");
    // By itself, or with the state where it came before the first look.
    let with_state = events[0].1["progress_reports"] != json!([]);
    let progress = events.iter().any(|(name, _)| name == "progress");
    assert!(progress || with_state, "{events:?}");
    Ok(())
}

async fn a_follower_does_not_keep_the_server_from_stopping(test: Test) -> Result<()> {
    let mut server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api().clone();
    let task = slow_sync(&api, &upstream, 1000).await?;
    let follower = tokio::spawn(async move { api.get(&format!("{task}events/")).await });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let asked = Instant::now();
    server.stop().await?;
    assert!(
        asked.elapsed() < Duration::from_secs(10),
        "{:?}",
        asked.elapsed()
    );
    follower.await??;
    Ok(())
}

async fn a_task_of_another_server_is_followed(test: Test) -> Result<()> {
    let one = test.start().await?;
    let upstream = Upstream::start().await?;
    let task = slow_sync(one.api(), &upstream, 1000).await?;
    let other = test.server().beside(&one).start().await?;
    let path = format!("{task}events/");
    let follow = async { other.api().get(&path).await };
    let cancel = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        one.api().cancel(&task).await
    };
    let (reply, _) = tokio::try_join!(follow, cancel)?;
    let events = events(&reply.text())?;
    assert_eq!(states(&events).last(), Some(&"canceled"), "{events:?}");
    Ok(())
}

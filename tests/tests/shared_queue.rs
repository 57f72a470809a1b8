//! Two servers on one database: one queue, one truth.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use pith_tests::upstream::{Misbehaviour, Upstream};
use pith_tests::{Test, href, on_a_shared_database, text};
use serde_json::json;

on_a_shared_database!(
    both_servers_take_tasks_of_one_queue,
    tasks_of_one_repository_never_run_at_once,
    a_dead_servers_task_is_failed_by_the_other,
    a_task_that_nobody_runs_comes_to_an_end,
    a_task_is_canceled_from_the_other_server,
    a_change_of_a_distribution_is_seen_by_both,
    a_changed_password_is_refused_by_both,
    both_fetch_through_the_same_file,
);

async fn both_servers_take_tasks_of_one_queue(test: Test) -> Result<()> {
    // A server runs what it is asked for itself, as long as it has room.
    let small = || test.server().environment("PITH_TASK_SLOTS", "2");
    let one = small().start().await?;
    let other = small().beside(&one).start().await?;
    let upstream = Upstream::start().await?;
    let api = one.api();
    let mut tasks = Vec::new();
    let url = upstream.bad(Misbehaviour::Slow(10));
    for number in 0..40 {
        let repository = api.file_repository(&format!("r{number}")).await?;
        let remote = api
            .file_remote(&format!("u{number}"), &url, "on_demand")
            .await?;
        let path = format!("{}sync/", href(&repository));
        tasks.push(
            api.start_task(&path, json!({"remote": href(&remote)}))
                .await?,
        );
    }
    let mut workers = BTreeSet::new();
    for task in &tasks {
        // Asked of the other: what one starts both can see.
        let task = other.api().wait(task).await?;
        workers.insert(text(&task.0["worker"]).to_owned());
    }
    assert_eq!(workers.len(), 2, "{workers:?}");
    let status = one.api().get("/status/").await?.ok()?;
    assert_eq!(
        status["online_workers"].as_array().map(Vec::len),
        Some(2),
        "{status}"
    );
    Ok(())
}

async fn tasks_of_one_repository_never_run_at_once(test: Test) -> Result<()> {
    let one = test.start().await?;
    let other = test.server().beside(&one).start().await?;
    let repository = one.api().file_repository("r").await?;
    let path = format!("{}modify/", href(&repository));
    let mut tasks = Vec::new();
    for number in 0..20 {
        let server = if number % 2 == 0 { &one } else { &other };
        let unit = server
            .api()
            .upload_file(&number.to_string(), b"x", None)
            .await?;
        let change = json!({"add_content_units": [href(&unit)]});
        tasks.push(server.api().start_task(&path, change).await?);
    }
    let mut moments = Vec::new();
    for task in &tasks {
        let task = one.api().wait(task).await?.completed()?;
        moments.push(text(&task.0["started_at"]).to_owned());
        moments.push(text(&task.0["finished_at"]).to_owned());
    }
    assert!(moments.is_sorted(), "{moments:?}");
    assert_eq!(one.api().latest_number(&repository).await?, 20);
    Ok(())
}

async fn a_dead_servers_task_is_failed_by_the_other(test: Test) -> Result<()> {
    let mut dying = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = dying.api().clone();
    let repository = api.file_repository("r").await?;
    let url = upstream.bad(Misbehaviour::Slow(1000));
    let remote = api.file_remote("u", &url, "immediate").await?;
    let path = format!("{}sync/", href(&repository));
    // Alone for now, so it is this server that takes the task.
    let task = api
        .start_task(&path, json!({"remote": href(&remote)}))
        .await?;
    api.wait_until_running(&task).await?;
    let heir = test.server().beside(&dying).start().await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let still = heir.api().get(&task).await?.ok()?;
    assert_eq!(
        still["state"], "running",
        "a newcomer leaves the living alone: {still}"
    );
    dying.kill_hard().await?;
    let failed = heir.api().wait(&task).await?;
    failed.failure()?;
    // The lock is free again.
    heir.api().modify(&repository, json!({})).await?;
    Ok(())
}

async fn a_task_that_nobody_runs_comes_to_an_end(test: Test) -> Result<()> {
    let server = test.start().await?;
    let repository = server.api().file_repository("r").await?;
    let path = format!("{}modify/", href(&repository));
    let task = server.api().start_task(&path, json!({})).await?;
    server.api().wait(&task).await?.completed()?;
    // As if the connection had broken in the moment in which the task was claimed.
    server
        .run_sql(
            "UPDATE task SET state = 'running', finished_at = NULL;
             UPDATE task_lock SET standing = 1",
        )
        .await?;
    let next = server.api().start_task(&path, json!({})).await?;
    let ended = server.api().wait(&task).await?;
    assert!(ended.failure()?.contains("lost the database"), "{ended:?}");
    server.api().wait(&next).await?.completed()?;
    Ok(())
}

async fn a_task_is_canceled_from_the_other_server(test: Test) -> Result<()> {
    let one = test.start().await?;
    let upstream = Upstream::start().await?;
    let repository = one.api().file_repository("r").await?;
    let url = upstream.bad(Misbehaviour::Slow(1000));
    let remote = one.api().file_remote("u", &url, "immediate").await?;
    let path = format!("{}sync/", href(&repository));
    let task = one
        .api()
        .start_task(&path, json!({"remote": href(&remote)}))
        .await?;
    one.api().wait_until_running(&task).await?;
    let other = test.server().beside(&one).start().await?;
    let asked = std::time::Instant::now();
    other.api().cancel(&task).await?.ok()?;
    assert_eq!(one.api().wait(&task).await?.state(), "canceled");
    assert!(
        asked.elapsed() < Duration::from_secs(1),
        "{:?}",
        asked.elapsed()
    );
    Ok(())
}

async fn a_change_of_a_distribution_is_seen_by_both(test: Test) -> Result<()> {
    let one = test.start().await?;
    let other = test.server().beside(&one).start().await?;
    let api = one.api();
    let repository = api.autopublishing_repository("r").await?;
    api.upload_file("a.txt", b"first", Some(&repository))
        .await?;
    assert_eq!(other.fetch("served/a.txt").await?.status(), 404);
    let distribution = api.distribute("served", &repository).await?;
    other
        .fetch_until("served/a.txt", |reply| reply.text() == "first")
        .await?;
    api.upload_file("a.txt", b"second", Some(&repository))
        .await?;
    other
        .fetch_until("served/a.txt", |reply| reply.text() == "second")
        .await?;
    api.remove(&distribution).await?;
    other
        .fetch_until("served/a.txt", |reply| reply.status() == 404)
        .await?;
    Ok(())
}

async fn a_changed_password_is_refused_by_both(test: Test) -> Result<()> {
    let one = test.start().await?;
    let other = test.server().beside(&one).start().await?;
    let user = json!({"username": "ada", "password": "first-password-1"});
    let user = one.api().create("/users/", user).await?;
    let ada = other.api().with_password("ada", "first-password-1");
    assert_eq!(ada.get("/login/").await?.status(), 200);
    let change = json!({"password": "second-password-2"});
    assert_eq!(one.api().patch(&href(&user), change).await?.status(), 200);
    assert_eq!(
        ada.get("/login/").await?.status(),
        401,
        "on the next request"
    );
    Ok(())
}

async fn both_fetch_through_the_same_file(test: Test) -> Result<()> {
    let one = test.start().await?;
    let other = test.server().beside(&one).start().await?;
    let upstream = Upstream::start().await?;
    let api = one.api();
    api.mirrored("served", &upstream.generated(1, 500_000), "on_demand")
        .await?;
    let fetches = (0..10).map(|number| {
        let server = if number % 2 == 0 { &one } else { &other };
        async move {
            let reply = server
                .fetch_until("served/1.iso", |reply| reply.status() == 200)
                .await?;
            reply.bytes().cloned()
        }
    });
    let all = futures::future::try_join_all(fetches).await?;
    assert!(
        all.iter()
            .all(|bytes| *bytes == all[0] && bytes.len() == 500_000)
    );
    assert_eq!(
        pith_tests::verify_stored_artifacts(one.data_directory())?,
        2,
        "and the manifest"
    );
    Ok(())
}

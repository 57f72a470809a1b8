//! Tasks: their order, their states, and how they are stopped.

use std::time::{Duration, Instant};

use anyhow::Result;
use pith_tests::upstream::{Misbehaviour, Upstream};
use pith_tests::{Api, Test, href, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    a_task_says_what_it_did,
    tasks_are_chosen_by_state,
    tasks_of_one_repository_run_in_order,
    another_repository_does_not_wait,
    a_waiting_task_can_be_canceled,
    a_finished_task_cannot_be_canceled,
    a_task_is_only_ever_set_to_canceled,
    a_finished_task_can_be_deleted,
    a_running_task_cannot_be_deleted,
    a_canceled_task_lets_the_next_one_run,
    many_small_tasks_are_done,
    a_stop_ends_running_tasks_with_a_reason,
);

async fn slow_sync(api: &Api, upstream: &Upstream, name: &str) -> Result<(Value, String)> {
    let repository = api.file_repository(name).await?;
    let url = upstream.bad(Misbehaviour::Slow(1000));
    let remote = api.file_remote(name, &url, "immediate").await?;
    let path = format!("{}sync/", href(&repository));
    let task = api
        .start_task(&path, json!({"remote": href(&remote)}))
        .await?;
    api.wait_until_running(&task).await?;
    Ok((repository, task))
}

async fn a_task_says_what_it_did(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let url = upstream.hold("tree", &[("a", b"a")]);
    let repository = api.file_repository("r").await?;
    let remote = api.file_remote("u", &url, "immediate").await?;
    let task = api.sync(&repository, &remote).await?.0;
    assert_eq!(
        task["name"],
        "pulp_file.app.tasks.synchronizing.synchronize"
    );
    assert_eq!(task["state"], "completed");
    assert_eq!(task["error"], Value::Null);
    assert_eq!(task["parent_task"], Value::Null);
    assert!(text(&task["prn"]).starts_with("prn:core.task:"), "{task}");
    let moments =
        ["pulp_created", "unblocked_at", "started_at", "finished_at"].map(|name| text(&task[name]));
    assert!(
        moments.iter().all(|moment| moment.ends_with('Z')),
        "{moments:?}"
    );
    assert!(moments.is_sorted(), "{moments:?}");
    let reserved = task["reserved_resources_record"].to_string();
    for resource in [&repository, &remote] {
        assert!(reserved.contains(text(&resource["prn"])), "{reserved}");
    }
    assert!(!text(&task["logging_cid"]).is_empty(), "{task}");
    assert!(task["worker"].is_string(), "{task}");
    Ok(())
}

async fn tasks_are_chosen_by_state(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let (_, running) = slow_sync(api, &upstream, "slow").await?;
    let repository = api.file_repository("r").await?;
    let done = api
        .run_task(&format!("{}modify/", href(&repository)), json!({}))
        .await?;
    let hrefs = async |query: &str| {
        let tasks = api.list(&format!("/tasks/?{query}")).await?;
        anyhow::Ok(tasks.iter().map(href).collect::<Vec<_>>())
    };
    assert_eq!(hrefs("state=running").await?, [running.as_str()]);
    assert_eq!(
        hrefs("state__in=running,waiting").await?,
        [running.as_str()]
    );
    assert_eq!(
        hrefs("name__contains=synchronize").await?,
        [running.as_str()]
    );
    assert!(hrefs("state=completed").await?.contains(&href(&done.0)));
    let reserved = format!("reserved_resources={}", href(&repository));
    assert_eq!(hrefs(&reserved).await?, [href(&done.0)]);
    api.cancel(&running).await?;
    Ok(())
}

async fn tasks_of_one_repository_run_in_order(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let path = format!("{}modify/", href(&repository));
    let mut tasks = Vec::new();
    for number in 0..12 {
        let unit = api.upload_file(&number.to_string(), b"x", None).await?;
        let change = json!({"add_content_units": [href(&unit)]});
        tasks.push(api.start_task(&path, change).await?);
    }
    let mut moments = Vec::new();
    for (number, task) in tasks.iter().enumerate() {
        let task = api.wait(task).await?.completed()?;
        let version = task.created_one("/versions/")?;
        assert!(
            version.ends_with(&format!("/versions/{}/", number + 1)),
            "{version}"
        );
        moments.push(text(&task.0["started_at"]).to_owned());
        moments.push(text(&task.0["finished_at"]).to_owned());
    }
    assert!(
        moments.is_sorted(),
        "one begins when the other has ended: {moments:?}"
    );
    Ok(())
}

async fn another_repository_does_not_wait(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let (_, slow) = slow_sync(api, &upstream, "slow").await?;
    let other = api.file_repository("other").await?;
    api.run_task(&format!("{}modify/", href(&other)), json!({}))
        .await?
        .completed()?;
    assert_eq!(api.get(&slow).await?.ok()?["state"], "running");
    api.cancel(&slow).await?;
    Ok(())
}

async fn a_waiting_task_can_be_canceled(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let (repository, running) = slow_sync(api, &upstream, "slow").await?;
    let path = format!("{}modify/", href(&repository));
    let waiting = api.start_task(&path, json!({})).await?;
    assert_eq!(api.get(&waiting).await?.ok()?["state"], "waiting");
    api.cancel(&waiting).await?.ok()?;
    let ended = api.wait(&waiting).await?;
    assert_eq!(ended.state(), "canceled");
    assert_eq!(
        ended.0["started_at"],
        Value::Null,
        "it never ran: {}",
        ended.0
    );
    assert_eq!(api.get(&running).await?.ok()?["state"], "running");
    api.cancel(&running).await?;
    Ok(())
}

async fn a_finished_task_cannot_be_canceled(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let task = api
        .run_task(&format!("{}modify/", href(&repository)), json!({}))
        .await?;
    let reply = api.cancel(&href(&task.0)).await?;
    assert_eq!(reply.status(), 409, "{reply}");
    assert_eq!(api.get(&href(&task.0)).await?.ok()?["state"], "completed");
    Ok(())
}

async fn a_task_is_only_ever_set_to_canceled(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let (_, task) = slow_sync(api, &upstream, "slow").await?;
    for change in [
        json!({"state": "completed"}),
        json!({"state": 1}),
        json!({}),
    ] {
        let reply = api.patch(&task, change).await?;
        assert_eq!(reply.status(), 400, "{reply}");
    }
    assert_eq!(api.get(&task).await?.ok()?["state"], "running");
    api.cancel(&task).await?;
    Ok(())
}

async fn a_finished_task_can_be_deleted(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let task = api
        .run_task(&format!("{}modify/", href(&repository)), json!({}))
        .await?;
    let task = href(&task.0);
    assert_eq!(api.delete(&task).await?.status(), 204);
    assert_eq!(api.get(&task).await?.status(), 404);
    assert_eq!(
        api.latest_number(&repository).await?,
        0,
        "what it did stays done"
    );
    Ok(())
}

async fn a_running_task_cannot_be_deleted(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let (_, task) = slow_sync(api, &upstream, "slow").await?;
    let reply = api.delete(&task).await?;
    assert_eq!(reply.status(), 409, "{reply}");
    assert_eq!(api.get(&task).await?.ok()?["state"], "running");
    api.cancel(&task).await?;
    Ok(())
}

async fn a_canceled_task_lets_the_next_one_run(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let (repository, running) = slow_sync(api, &upstream, "slow").await?;
    let path = format!("{}modify/", href(&repository));
    let waiting = api.start_task(&path, json!({})).await?;
    let asked = Instant::now();
    api.cancel(&running).await?.ok()?;
    api.wait(&waiting).await?.completed()?;
    assert!(
        asked.elapsed() < Duration::from_secs(2),
        "{:?}",
        asked.elapsed()
    );
    let canceled = api.wait(&running).await?;
    assert_eq!(canceled.state(), "canceled");
    for report in canceled.0["progress_reports"]
        .as_array()
        .into_iter()
        .flatten()
    {
        assert_eq!(report["state"], "canceled", "{report}");
    }
    Ok(())
}

async fn many_small_tasks_are_done(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repositories = futures::future::try_join_all(
        (0..20).map(|number| async move { api.file_repository(&format!("r{number}")).await }),
    )
    .await?;
    let starts = (0..200).map(|number| {
        let path = format!("{}modify/", href(&repositories[number % 20]));
        async move { api.start_task(&path, json!({})).await }
    });
    for task in futures::future::try_join_all(starts).await? {
        api.wait(&task).await?.completed()?;
    }
    let left = api
        .list("/tasks/?state__in=waiting,running&limit=1")
        .await?;
    assert_eq!(left.len(), 0);
    Ok(())
}

async fn a_stop_ends_running_tasks_with_a_reason(test: Test) -> Result<()> {
    let mut server = test.start().await?;
    let upstream = Upstream::start().await?;
    let (repository, task) = slow_sync(server.api(), &upstream, "slow").await?;
    let asked = Instant::now();
    assert_eq!(server.stop().await?, Some(0), "SIGTERM is an ordinary end");
    assert!(
        asked.elapsed() < Duration::from_secs(20),
        "{:?}",
        asked.elapsed()
    );
    server.restart().await?;
    let ended = server.api().wait(&task).await?;
    assert!(
        matches!(ended.state(), "failed" | "canceled"),
        "{}",
        ended.0
    );
    assert!(
        !text(&ended.0["error"]["description"]).is_empty(),
        "{}",
        ended.0
    );
    assert_eq!(server.api().latest_number(&repository).await?, 0);
    Ok(())
}

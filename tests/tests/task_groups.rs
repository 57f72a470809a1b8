//! Groups of tasks: atomic ones appear together or not at all.

use std::time::Duration;

use anyhow::Result;
use pith_tests::upstream::{Misbehaviour, Upstream};
use pith_tests::{Api, Test, href, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    an_atomic_group_of_copies_appears_together,
    a_failed_copy_leaves_no_trace_of_its_group,
    a_task_sees_what_the_one_before_it_made,
    a_group_can_be_called_off,
    the_tasks_of_a_loose_group_stand_alone,
    a_group_is_checked_before_it_exists,
    a_group_waits_for_all_its_locks,
);

async fn wait_for_group(api: &Api, group: &Value) -> Result<Value> {
    for task in group["tasks"].as_array().into_iter().flatten() {
        let task = href(task);
        for _ in 0..3000 {
            let state = api.get(&task).await?.ok()?;
            if !matches!(text(&state["state"]), "waiting" | "running" | "canceling") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    api.get(&href(group)).await?.ok()
}

async fn start_group(api: &Api, atomic: bool, tasks: Vec<Value>) -> Result<Value> {
    let group = json!({"atomic": atomic, "tasks": tasks});
    let reply = api.post("/task-groups/", group).await?;
    let group = reply.json(202)?;
    assert_eq!(reply.header("location"), href(&group), "{reply}");
    Ok(group)
}

async fn run_group(api: &Api, atomic: bool, tasks: Vec<Value>) -> Result<Value> {
    let group = start_group(api, atomic, tasks).await?;
    wait_for_group(api, &group).await
}

/// A repository with two files.
async fn source(api: &Api) -> Result<Value> {
    let source = api.file_repository("source").await?;
    for name in ["a", "b"] {
        api.upload_file(name, b"x", Some(&source)).await?;
    }
    Ok(source)
}

fn copy(source: &Value, destination: &Value) -> Value {
    json!({
        "type": "file/copies",
        "source_repository": href(source), "destination_repository": href(destination),
    })
}

async fn an_atomic_group_of_copies_appears_together(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let source = source(api).await?;
    let mut tasks = Vec::new();
    let mut destinations = Vec::new();
    for number in 0..10 {
        let destination = api.file_repository(&format!("d{number}")).await?;
        tasks.push(copy(&source, &destination));
        destinations.push(destination);
    }
    let group = run_group(api, true, tasks).await?;
    assert_eq!(group["completed"], 10, "{group}");
    let mut moments = Vec::new();
    for destination in &destinations {
        let version = api.latest_version(destination).await?;
        assert_eq!(version["number"], 1);
        assert_eq!(api.files_in(&version).await?.len(), 2);
    }
    for task in api
        .list(&format!("/tasks/?task_group={}", href(&group)))
        .await?
    {
        assert_eq!(text(&task["task_group"]), href(&group));
        assert_eq!(task["created_resources"].as_array().map(Vec::len), Some(1));
        moments.push(text(&task["finished_at"]).to_owned());
    }
    assert_eq!(moments.len(), 10);
    Ok(())
}

async fn a_failed_copy_leaves_no_trace_of_its_group(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let source = source(api).await?;
    // Another file of the same name: two lines that bring both cannot succeed.
    let rival = api.file_repository("rival").await?;
    api.upload_file("a", b"other", Some(&rival)).await?;
    let mut tasks = Vec::new();
    let mut destinations = Vec::new();
    for number in 0..10 {
        let destination = api.file_repository(&format!("d{number}")).await?;
        tasks.push(if number == 6 {
            json!({"type": "file/copies", "config": [
                {"source_repo_version": href(&source), "dest_repo": href(&destination)},
                {"source_repo_version": href(&rival), "dest_repo": href(&destination)},
            ]})
        } else {
            copy(&source, &destination)
        });
        destinations.push(destination);
    }
    let group = run_group(api, true, tasks).await?;
    assert_eq!(group["completed"], 0, "{group}");
    assert_eq!(group["failed"], 7, "{group}");
    assert_eq!(group["skipped"], 3, "{group}");
    for destination in &destinations {
        assert_eq!(api.latest_number(destination).await?, 0);
    }
    let tasks = api
        .list(&format!(
            "/tasks/?task_group={}&ordering=pulp_created",
            href(&group)
        ))
        .await?;
    assert_eq!(tasks[6]["error"]["code"], "conflict", "{}", tasks[6]);
    assert_eq!(tasks[0]["error"]["code"], "group-failed", "{}", tasks[0]);
    assert_eq!(tasks[9]["state"], "skipped");
    // Nothing is left behind: the numbers are free of invisible rows, the locks are free.
    for destination in &destinations {
        let version = api
            .modify(
                destination,
                json!({"base_version": format!("{}versions/2/", href(&source))}),
            )
            .await?;
        assert_eq!(api.files_in(&version).await?.len(), 2);
        assert_eq!(version["content_summary"]["added"]["file.file"]["count"], 2);
    }
    Ok(())
}

async fn a_task_sees_what_the_one_before_it_made(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let first = api.file_repository("first").await?;
    let last = api.file_repository("last").await?;
    let unit = href(&api.upload_file("a", b"a", None).await?);
    let other = href(&api.upload_file("b", b"b", None).await?);
    let group = run_group(
        api,
        true,
        vec![
            json!({"type": "file/adds", "repository": href(&first), "content_units": [unit]}),
            json!({"type": "file/adds", "repository": href(&first), "content_units": [other]}),
            copy(&first, &last),
            json!({"type": "file/removes", "repository": href(&last), "content_units": [unit]}),
            json!({"type": "file/publications", "repository": href(&last)}),
        ],
    )
    .await?;
    assert_eq!(group["completed"], 5, "{group}");
    let version = api.latest_version(&first).await?;
    assert_eq!(version["number"], 2);
    assert_eq!(api.files_in(&version).await?.len(), 2);
    assert_eq!(
        version["content_summary"]["present"]["file.file"]["count"],
        2
    );
    let version = api.latest_version(&last).await?;
    assert_eq!(version["number"], 2);
    let files = api.files_in(&version).await?;
    assert_eq!(files.len(), 1);
    assert_eq!(href(&files[0]), other);
    let publications = api.list("/publications/file/file/").await?;
    assert_eq!(publications.len(), 1);
    assert_eq!(text(&publications[0]["repository_version"]), href(&version));
    Ok(())
}

async fn a_group_can_be_called_off(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let one = api.file_repository("one").await?;
    let other = api.file_repository("other").await?;
    let unit = href(&api.upload_file("a", b"a", None).await?);
    let url = upstream.bad(Misbehaviour::Slow(1000));
    let remote = api.file_remote("u", &url, "immediate").await?;
    let group = start_group(
        api,
        true,
        vec![
            json!({"type": "file/adds", "repository": href(&one), "content_units": [unit]}),
            json!({"type": "file/syncs", "repository": href(&other), "remote": href(&remote)}),
            json!({"type": "file/adds", "repository": href(&other), "content_units": [unit]}),
        ],
    )
    .await?;
    api.wait_until_running(&href(&group["tasks"][1])).await?;
    let reply = api.cancel(&href(&group)).await?;
    assert_eq!(reply.status(), 200, "{reply}");
    let group = wait_for_group(api, &group).await?;
    assert_eq!(group["canceled"], 3, "{group}");
    assert_eq!(api.latest_number(&one).await?, 0);
    api.modify(&one, json!({"add_content_units": [unit]}))
        .await?;
    assert_eq!(api.cancel(&href(&group)).await?.status(), 409);
    Ok(())
}

async fn the_tasks_of_a_loose_group_stand_alone(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let source = source(api).await?;
    let rival = api.file_repository("rival").await?;
    api.upload_file("a", b"other", Some(&rival)).await?;
    let good = api.file_repository("good").await?;
    let bad = api.file_repository("bad").await?;
    let clash = json!({"type": "file/copies", "config": [
        {"source_repo_version": href(&source), "dest_repo": href(&bad)},
        {"source_repo_version": href(&rival), "dest_repo": href(&bad)},
    ]});
    let group = run_group(api, false, vec![clash, copy(&source, &good)]).await?;
    assert_eq!(
        (&group["completed"], &group["failed"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(api.latest_number(&good).await?, 1);
    assert_eq!(api.latest_number(&bad).await?, 0);
    assert_eq!(api.list("/task-groups/").await?.len(), 1);
    Ok(())
}

async fn a_group_is_checked_before_it_exists(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let good = json!({"type": "file/modifications", "repository": href(&repository)});
    for wrong in [
        json!({"type": "file/modifications"}),
        json!({"type": "file/nothing", "repository": href(&repository)}),
        json!({"repository": href(&repository)}),
        json!("file/adds"),
    ] {
        let group = json!({"atomic": true, "tasks": [good, wrong]});
        let reply = api.post("/task-groups/", group).await?;
        let errors = reply.errors_of("tasks")?;
        assert!(errors[0].starts_with("Task 2"), "{errors:?}");
    }
    api.post("/task-groups/", json!({"tasks": []}))
        .await?
        .errors_of("tasks")?;
    assert_eq!(api.list("/task-groups/").await?.len(), 0);
    assert_eq!(api.list("/tasks/").await?.len(), 0);
    Ok(())
}

async fn a_group_waits_for_all_its_locks(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let held = api.file_repository("held").await?;
    let free = api.file_repository("free").await?;
    let url = upstream.bad(Misbehaviour::Slow(1000));
    let remote = api.file_remote("u", &url, "immediate").await?;
    let path = format!("{}sync/", href(&held));
    let slow = api
        .start_task(&path, json!({"remote": href(&remote)}))
        .await?;
    api.wait_until_running(&slow).await?;
    let modify =
        |repository: &Value| json!({"type": "file/modifications", "repository": href(repository)});
    let group = start_group(api, true, vec![modify(&free), modify(&held)]).await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let now = api.get(&href(&group)).await?.ok()?;
    assert_eq!(now["waiting"], 2, "not even the first has begun: {now}");
    api.cancel(&slow).await?;
    let group = wait_for_group(api, &group).await?;
    assert_eq!(group["completed"], 2, "{group}");
    Ok(())
}

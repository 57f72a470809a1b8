//! Tasks that are made by a schedule.

use std::time::Duration;

use anyhow::{Result, bail};
use pith_tests::{Api, Test, href, on_a_shared_database, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    an_interval_makes_tasks_again_and_again,
    a_cron_expression_says_when,
    what_is_switched_off_does_not_run,
    a_schedule_is_checked,
    a_run_that_cannot_be_made_is_told,
    the_next_run_survives_a_restart,
);

on_a_shared_database!(each_run_happens_once_on_two_servers);

async fn schedule(api: &Api, name: &str, repository: &Value, when: Value) -> Result<Value> {
    let mut settings = json!({
        "name": name, "type": "file/modifications",
        "parameters": {"repository": href(repository)},
    });
    for (key, value) in when.as_object().into_iter().flatten() {
        settings[key] = value.clone();
    }
    api.create("/task-schedules/", settings).await
}

async fn until_made(api: &Api, count: usize) -> Result<Vec<Value>> {
    for _ in 0..400 {
        let tasks = api
            .list("/tasks/?type__ne=updates&ordering=pulp_created&limit=1000")
            .await?;
        if tasks.len() >= count {
            return Ok(tasks);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("the schedule makes no tasks")
}

async fn an_interval_makes_tasks_again_and_again(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let made = schedule(api, "s", &repository, json!({"dispatch_interval": "PT1S"})).await?;
    assert_eq!(made["dispatch_interval"], "00:00:01");
    assert_eq!(made["last_task"], Value::Null);
    assert_eq!(
        made["task_name"],
        "pulpcore.app.tasks.repository.aadd_and_remove"
    );
    let tasks = until_made(api, 3).await?;
    api.delete(&href(&made)).await?;
    assert_eq!(api.get(&href(&made)).await?.status(), 404);
    for task in &tasks {
        assert_eq!(task["type"], "modifications");
        api.wait(&href(task)).await?.completed()?;
    }
    Ok(())
}

async fn a_cron_expression_says_when(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let made = schedule(api, "s", &repository, json!({"cron": "30 2 * * *"})).await?;
    assert!(text(&made["next_dispatch"]).contains("T02:30:00"), "{made}");
    let every_second = json!({"cron": "* * * * * *"});
    let changed = api.patch(&href(&made), every_second).await?.ok()?;
    assert_eq!(changed["cron"], "* * * * * *");
    let tasks = until_made(api, 1).await?;
    let now = api.get(&href(&made)).await?.ok()?;
    assert!(!text(&now["last_task"]).is_empty(), "{now} {tasks:?}");
    let listed = api.list("/task-schedules/?name=s").await?;
    assert_eq!(listed.len(), 1);
    Ok(())
}

async fn what_is_switched_off_does_not_run(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let off = json!({"dispatch_interval": "1", "enabled": false});
    schedule(api, "off", &repository, off).await?;
    // Once, and not again.
    let once = json!({"next_dispatch": "2020-01-01T00:00:00Z"});
    let once = schedule(api, "once", &repository, once).await?;
    until_made(api, 1).await?;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(api.list("/tasks/").await?.len(), 1);
    let once = api.get(&href(&once)).await?.ok()?;
    assert_eq!(once["next_dispatch"], Value::Null);
    Ok(())
}

async fn a_schedule_is_checked(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let good = json!({
        "name": "s", "type": "file/modifications", "dispatch_interval": "3600",
        "parameters": {"repository": href(&repository)},
    });
    for (field, value) in [
        ("type", json!("file")),
        ("parameters", json!({"repository": "x"})),
        ("parameters", json!({})),
        ("dispatch_interval", json!("soon")),
        ("cron", json!("every day")),
        ("next_dispatch", json!("tomorrow")),
        ("nonsense", json!(1)),
    ] {
        let mut wrong = good.clone();
        wrong[field] = value;
        if field == "cron" {
            wrong["dispatch_interval"] = Value::Null;
        }
        let reply = api.post("/task-schedules/", wrong).await?;
        reply.errors_of(field)?;
    }
    let mut both = good.clone();
    both["cron"] = "0 0 * * *".into();
    api.post("/task-schedules/", both)
        .await?
        .errors_of("non_field_errors")?;
    api.create("/task-schedules/", good.clone()).await?;
    api.post("/task-schedules/", good)
        .await?
        .errors_of("name")?;
    Ok(())
}

async fn a_run_that_cannot_be_made_is_told(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let made = schedule(api, "s", &repository, json!({"dispatch_interval": "3600"})).await?;
    api.remove(&repository).await?;
    let now = json!({"next_dispatch": "2020-01-01T00:00:00Z"});
    api.patch(&href(&made), now).await?.ok()?;
    for _ in 0..200 {
        let schedule = api.get(&href(&made)).await?.ok()?;
        if !schedule["last_error"].is_null() {
            let errors = &schedule["last_error"]["errors"]["repository"];
            assert!(errors.is_array(), "{schedule}");
            assert!(text(&schedule["next_dispatch"]) > "2026", "{schedule}");
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("nothing is told")
}

async fn the_next_run_survives_a_restart(test: Test) -> Result<()> {
    let mut server = test.start().await?;
    let repository = server.api().file_repository("r").await?;
    let later = json!({"dispatch_interval": "1 00:00:00"});
    let made = schedule(server.api(), "later", &repository, later).await?;
    let soon = json!({"next_dispatch": "2020-01-01T00:00:00Z", "enabled": false});
    let soon = schedule(server.api(), "soon", &repository, soon).await?;
    server.kill_hard().await?;
    server.restart().await?;
    let api = server.api();
    let after = api.get(&href(&made)).await?.ok()?;
    assert_eq!(after["next_dispatch"], made["next_dispatch"]);
    assert_eq!(after["parameters"], made["parameters"]);
    api.patch(&href(&soon), json!({"enabled": true}))
        .await?
        .ok()?;
    until_made(api, 1).await?;
    Ok(())
}

async fn each_run_happens_once_on_two_servers(test: Test) -> Result<()> {
    let one = test.start().await?;
    let other = test.server().beside(&one).start().await?;
    let api = one.api();
    let repository = api.file_repository("r").await?;
    let made = schedule(api, "s", &repository, json!({"dispatch_interval": "1"})).await?;
    until_made(other.api(), 4).await?;
    api.patch(&href(&made), json!({"enabled": false})).await?;
    let tasks = api
        .list("/tasks/?type__ne=updates&ordering=pulp_created&limit=1000")
        .await?;
    let mut seconds: Vec<&str> = tasks
        .iter()
        .map(|task| {
            text(&task["pulp_created"])
                .split('.')
                .next()
                .unwrap_or_default()
        })
        .collect();
    let all = seconds.len();
    seconds.dedup();
    assert!(
        seconds.len() + 1 >= all,
        "about one a second, not two: {tasks:#?}"
    );
    Ok(())
}

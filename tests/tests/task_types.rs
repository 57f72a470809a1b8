//! Typed tasks: made from the plugin's schemas, listed, cloned, forgotten.

use anyhow::Result;
use pith_tests::{Api, Test, href, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    a_typed_task_is_answered_whole,
    other_names_of_parameters_are_taken,
    a_plugin_lists_its_types_and_its_tasks,
    tasks_are_found_by_what_they_held_and_made,
    a_clone_does_the_same_again,
    a_clone_takes_other_parameters,
    purging_forgets_what_is_over,
    purging_takes_no_unfinished_tasks,
);

/// Makes a typed task; the answer's document.
async fn typed(api: &Api, kind: &str, parameters: Value) -> Result<Value> {
    let reply = api
        .post(&format!("/tasks/file/{kind}/"), parameters)
        .await?;
    let task = reply.json(202)?;
    assert_eq!(reply.header("location"), href(&task), "{reply}");
    Ok(task)
}

async fn a_typed_task_is_answered_whole(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let unit = api.upload_file("a", b"a", None).await?;
    for (kind, number) in [("adds", 1), ("removes", 2)] {
        let task = typed(
            api,
            kind,
            json!({"repository": href(&repository), "content_units": [href(&unit)]}),
        )
        .await?;
        assert_eq!(task["type"], kind);
        assert_eq!(task["plugin"], "file");
        assert_eq!(task["parameters"]["content_units"], json!([href(&unit)]));
        api.wait(&href(&task)).await?.completed()?;
        assert_eq!(api.latest_number(&repository).await?, number);
    }
    let wrong = api
        .post(
            "/tasks/file/adds/",
            json!({"repository": href(&repository)}),
        )
        .await?;
    wrong.errors_of("content_units")?;
    assert_eq!(
        api.post("/tasks/file/nothing/", json!({})).await?.status(),
        404
    );
    Ok(())
}

async fn other_names_of_parameters_are_taken(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = pith_tests::upstream::Upstream::start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let remote = api
        .file_remote("u", &upstream.hold("tree", &[("a", b"a")]), "immediate")
        .await?;
    let task = typed(
        api,
        "syncs",
        json!({"repository": href(&repository), "importer": href(&remote)}),
    )
    .await?;
    api.wait(&href(&task)).await?.completed()?;
    let unit = api.upload_file("b", b"b", None).await?;
    let task = typed(
        api,
        "adds",
        json!({"repository": href(&repository), "add_content_units": [href(&unit)]}),
    )
    .await?;
    api.wait(&href(&task)).await?.completed()?;
    assert_eq!(api.latest_number(&repository).await?, 2);
    Ok(())
}

async fn a_plugin_lists_its_types_and_its_tasks(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let task = typed(
        api,
        "modifications",
        json!({"repository": href(&repository)}),
    )
    .await?;
    let page = api.get("/tasks/file/").await?.ok()?;
    assert_eq!(page["count"], 1);
    assert_eq!(href(&page["results"][0]), href(&task));
    let types = page["sub_routes"].as_array().cloned().unwrap_or_default();
    for name in [
        "syncs",
        "adds",
        "removes",
        "copies",
        "publications",
        "imports",
    ] {
        let found = types.iter().find(|one| one["name"] == name);
        let schema = found.map(|one| &one["schema"]["properties"]);
        assert!(schema.is_some_and(Value::is_object), "{name}: {page}");
    }
    let listed = api.list("/tasks/file/modifications/").await?;
    assert_eq!(listed.len(), 1);
    assert_eq!(api.list("/tasks/file/adds/").await?.len(), 0);
    assert_eq!(api.get("/tasks/nothing/").await?.status(), 404);
    Ok(())
}

async fn tasks_are_found_by_what_they_held_and_made(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let one = api.file_repository("one").await?;
    let other = api.file_repository("other").await?;
    let unit = api.upload_file("a", b"a", None).await?;
    let change = json!({"repository": href(&one), "content_units": [href(&unit)]});
    let add = typed(api, "adds", change).await?;
    let done = api.wait(&href(&add)).await?.completed()?;
    let version = done.created_one("/versions/")?;
    let copy = json!({"source_repository": href(&one), "destination_repository": href(&other)});
    let copy = typed(api, "copies", copy).await?;
    api.wait(&href(&copy)).await?.completed()?;

    let hrefs = async |query: String| {
        let tasks = api.list(&format!("/tasks/?{query}")).await?;
        anyhow::Ok(tasks.iter().map(href).collect::<Vec<_>>())
    };
    let (one, other) = (href(&one), href(&other));
    let (add, copy) = (href(&add), href(&copy));
    assert_eq!(
        hrefs(format!("reserved_resources={one}")).await?,
        [&*copy, &*add]
    );
    assert_eq!(hrefs(format!("exclusive_resources={one}")).await?, [&*add]);
    assert_eq!(hrefs(format!("shared_resources={one}")).await?, [&*copy]);
    assert_eq!(
        hrefs(format!("reserved_resources__in={one},{other}")).await?,
        [&*copy],
        "those that held all of them"
    );
    assert_eq!(
        hrefs(format!("created_resources={version}")).await?,
        [&*add]
    );
    let since = text(&done.0["started_at"]).replace('+', "%2B");
    assert!(
        hrefs(format!("started_at__gte={since}"))
            .await?
            .contains(&copy)
    );
    assert!(hrefs("plugin=file&type=copies".to_owned()).await? == [&*copy]);
    Ok(())
}

async fn a_clone_does_the_same_again(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    // More than a task shows of a list.
    let mut units = Vec::new();
    for number in 0..101 {
        units.push(href(
            &api.upload_file(&number.to_string(), b"x", None).await?,
        ));
    }
    let add = json!({"repository": href(&repository), "content_units": units});
    let add = typed(api, "adds", add).await?;
    api.wait(&href(&add)).await?.completed()?;
    assert_eq!(add["parameters"]["content_units"], json!({"count": 101}));
    api.modify(&repository, json!({"remove_content_units": ["*"]}))
        .await?;
    let reply = api
        .post(&format!("{}clones/", href(&add)), json!({}))
        .await?;
    let clone = reply.json(202)?;
    assert_ne!(href(&clone), href(&add));
    assert_eq!(text(&clone["parent_task"]), href(&add));
    api.wait(&href(&clone)).await?.completed()?;
    let version = api.latest_version(&repository).await?;
    assert_eq!(version["number"], 3);
    assert_eq!(api.files_in(&version).await?.len(), 101);
    let parent = api.get(&href(&add)).await?.ok()?;
    assert_eq!(parent["child_tasks"], json!([href(&clone)]));
    let children = format!("/tasks/?parent_task={}", href(&add));
    assert_eq!(api.list(&children).await?.len(), 1);
    Ok(())
}

async fn a_clone_takes_other_parameters(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let one = api.file_repository("one").await?;
    let other = api.file_repository("other").await?;
    let unit = api.upload_file("a", b"a", None).await?;
    let add = json!({"repository": href(&one), "content_units": [href(&unit)]});
    let add = typed(api, "adds", add).await?;
    let clones = format!("/tasks/file/adds/{}/clones/", last_word(&href(&add)));
    let reply = api
        .post(&clones, json!({"repository": href(&other)}))
        .await?;
    let clone = reply.json(202)?;
    api.wait(&href(&clone)).await?.completed()?;
    assert_eq!(api.latest_number(&other).await?, 1);
    let wrong = api.post(&clones, json!({"repository": "x"})).await?;
    wrong.errors_of("repository")?;
    let wrong = api.post(&clones, json!({"nonsense": 1})).await?;
    wrong.errors_of("nonsense")?;
    Ok(())
}

fn last_word(href: &str) -> &str {
    href.trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default()
}

async fn purging_forgets_what_is_over(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let mut done = Vec::new();
    for _ in 0..3 {
        let task = typed(
            api,
            "modifications",
            json!({"repository": href(&repository)}),
        )
        .await?;
        done.push(api.wait(&href(&task)).await?.completed()?);
    }
    let before = text(&done[2].0["finished_at"]);
    let nothing = json!({"finished_before": before, "states": ["failed"]});
    api.run_task("/tasks/purge/", nothing).await?.completed()?;
    assert_eq!(api.get(&href(&done[0].0)).await?.status(), 200);
    let purge = json!({"finished_before": before, "states": ["completed", "failed"]});
    let task = api.run_task("/tasks/purge/", purge).await?.completed()?;
    assert_eq!(task.done("purge.tasks.total"), Some(2));
    assert_eq!(api.get(&href(&done[0].0)).await?.status(), 404);
    assert_eq!(api.get(&href(&done[2].0)).await?.status(), 200);
    Ok(())
}

async fn purging_takes_no_unfinished_tasks(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    for (field, body) in [
        ("states", json!({"states": ["running"]})),
        ("states", json!({"states": ["nonsense"]})),
        ("finished_before", json!({"finished_before": "NOT A DATE"})),
    ] {
        api.post("/tasks/purge/", body).await?.errors_of(field)?;
    }
    for body in [json!({}), json!({"finished_before": "2021-12-01"})] {
        api.run_task("/tasks/purge/", body).await?.completed()?;
    }
    Ok(())
}

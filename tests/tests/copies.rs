//! Copying units between repositories, with what they refer to.

use std::time::Instant;

use anyhow::{Context, Result};
use pith_tests::upstream::Upstream;
use pith_tests::{Api, Task, Test, TestServer, built_plugin, href, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    everything_is_copied_by_default,
    only_what_is_named_is_copied,
    a_filter_chooses,
    a_base_version_is_started_from,
    lines_with_one_destination_make_one_version,
    two_for_one_place_are_refused,
    a_dry_run_tells_and_changes_nothing,
    wrong_lines_are_named,
    what_a_unit_refers_to_comes_along,
    what_is_missing_is_told,
    thousands_of_units_are_copied,
);

async fn copied(api: &Api, path: &str, parameters: Value) -> Result<Task> {
    let reply = api.post(path, parameters).await?;
    api.finish(reply).await?.completed()
}

/// A repository with files of these names.
async fn filled(api: &Api, name: &str, files: &[&str]) -> Result<(Value, Vec<String>)> {
    let repository = api.file_repository(name).await?;
    let mut units = Vec::new();
    for file in files {
        units.push(href(&api.upload_file(file, b"x", None).await?));
    }
    api.modify(&repository, json!({"add_content_units": units}))
        .await?;
    Ok((repository, units))
}

async fn everything_is_copied_by_default(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let (source, units) = filled(api, "source", &["a", "b"]).await?;
    let short = json!({"source_repository": href(&source)});
    for (number, path) in ["/file/copy/", "/file/file/copy/", "/file/files/copy/"]
        .into_iter()
        .enumerate()
    {
        let destination = api.file_repository(&format!("d{number}")).await?;
        let mut parameters = short.clone();
        parameters["destination_repository"] = href(&destination).into();
        let task = copied(api, path, parameters.clone()).await?;
        let version = api.latest_version(&destination).await?;
        assert_eq!(task.created(), [href(&version)]);
        let mut added: Vec<String> = task.0["result"]["added"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| text(one).to_owned())
            .collect();
        added.sort();
        let mut expected = units.clone();
        expected.sort();
        assert_eq!(added, expected);
        let again = copied(api, path, parameters).await?;
        assert_eq!(again.0["result"]["added_count"], 0);
        assert_eq!(again.created(), Vec::<String>::new());
    }
    Ok(())
}

async fn only_what_is_named_is_copied(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let (source, units) = filled(api, "source", &["a", "b"]).await?;
    let destination = api.file_repository("d").await?;
    let version = format!("{}versions/1/", href(&source));
    let line = |content: Value| {
        json!({"config": [{
            "source_repo_version": version, "dest_repo": href(&destination), "content": content,
        }]})
    };
    let task = copied(api, "/file/copy/", line(json!([]))).await?;
    assert_eq!(task.0["result"]["added_count"], 0);
    copied(api, "/tasks/file/copies/", line(json!([units[1]])))
        .await
        .err()
        .context("this path answers with the whole task")?;
    let task = api
        .post("/tasks/file/copies/", line(json!([units[1]])))
        .await?
        .json(202)?;
    api.wait(&href(&task)).await?.completed()?;
    let files = api
        .files_in(&api.latest_version(&destination).await?)
        .await?;
    assert_eq!(
        files.iter().map(href).collect::<Vec<_>>(),
        [units[1].as_str()]
    );
    Ok(())
}

async fn a_filter_chooses(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let (source, units) = filled(api, "source", &["a.iso", "b.iso", "c.txt"]).await?;
    let destination = api.file_repository("d").await?;
    let plan = |more: Value| {
        let mut plan = json!({
            "source_repository": href(&source), "destination_repository": href(&destination),
            "dry_run": true,
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            plan[key] = value.clone();
        }
        plan
    };
    let isos = "relative_path__endswith='.iso'";
    for more in [
        json!({"type": "file", "filter": isos}),
        json!({"filter": {"file": isos}}),
        json!({"filter": {"files": "relative_path='a.iso' OR relative_path='b.iso'"}}),
    ] {
        let task = copied(api, "/file/copy/", plan(more)).await?;
        assert_eq!(task.0["result"]["added_count"], 2, "{}", task.0);
    }
    let both = json!({"type": "file", "filter": isos, "content": [units[0], units[2]]});
    let task = copied(api, "/file/copy/", plan(both)).await?;
    assert_eq!(task.0["result"]["added"], json!([units[0]]));
    for wrong in [
        json!({"filter": isos}),
        json!({"type": "all", "filter": isos}),
        json!({"type": "file", "filter": "nonsense='x'"}),
        json!({"type": "file", "filter": "relative_path="}),
        json!({"filter": {"nothing": isos}}),
        json!({"filter": 7}),
    ] {
        let reply = api.post("/file/copy/", plan(wrong)).await?;
        reply.errors_of("filter")?;
    }
    Ok(())
}

async fn a_base_version_is_started_from(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let (source, units) = filled(api, "source", &["a"]).await?;
    let (destination, _) = filled(api, "d", &["x", "y"]).await?;
    let line = json!({"config": [{
        "source_repo_version": format!("{}versions/1/", href(&source)),
        "dest_repo": href(&destination), "dest_base_version": 0,
    }]});
    copied(api, "/file/copy/", line).await?;
    let files = api
        .files_in(&api.latest_version(&destination).await?)
        .await?;
    assert_eq!(files.iter().map(href).collect::<Vec<_>>(), units);
    Ok(())
}

async fn lines_with_one_destination_make_one_version(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let (one, _) = filled(api, "one", &["a"]).await?;
    let (other, _) = filled(api, "other", &["b"]).await?;
    let both = api.file_repository("both").await?;
    let third = api.file_repository("third").await?;
    let line = |from: &Value, to: &Value| json!({"source_repo_version": href(from), "dest_repo": href(to)});
    let config = json!({"config": [
        line(&one, &both), line(&other, &both), line(&one, &third),
    ]});
    let task = copied(api, "/file/copy/", config).await?;
    assert_eq!(task.created().len(), 2, "{}", task.0);
    let version = api.latest_version(&both).await?;
    assert_eq!(version["number"], 1);
    assert_eq!(api.files_in(&version).await?.len(), 2);
    assert_eq!(api.latest_number(&third).await?, 1);
    Ok(())
}

async fn two_for_one_place_are_refused(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let (source, _) = filled(api, "source", &["a"]).await?;
    let (other, destination) = (
        api.file_repository("other").await?,
        api.file_repository("d").await?,
    );
    let twin = href(&api.upload_file("a", b"another", None).await?);
    for repository in [&other, &destination] {
        api.modify(repository, json!({"add_content_units": [twin]}))
            .await?;
    }
    api.modify(&destination, json!({"remove_content_units": [twin]}))
        .await?;
    // Its twin comes of the base, then of another line; neither is in the newest version.
    let line =
        |from: &Value| json!({"source_repo_version": href(from), "dest_repo": href(&destination)});
    let mut based = line(&source);
    based["dest_base_version"] = 1.into();
    for config in [json!([based]), json!([line(&source), line(&other)])] {
        let reply = api.post("/file/copy/", json!({"config": config})).await?;
        let task = api.finish(reply).await?;
        let failure = task.failure()?;
        assert!(failure.contains("cannot be in one version"), "{failure}");
        assert_eq!(api.latest_number(&destination).await?, 2);
    }
    Ok(())
}

async fn a_dry_run_tells_and_changes_nothing(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let (source, units) = filled(api, "source", &["a"]).await?;
    let destination = api.file_repository("d").await?;
    let plan = json!({
        "source_repository": href(&source), "destination_repository": href(&destination),
        "dry_run": true,
    });
    let task = copied(api, "/file/copy/", plan).await?;
    assert_eq!(task.0["result"]["added"], json!(units));
    assert_eq!(task.0["result"]["dry_run"], true);
    assert_eq!(task.created(), Vec::<String>::new());
    assert_eq!(api.latest_number(&destination).await?, 0);
    Ok(())
}

async fn wrong_lines_are_named(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let (source, _) = filled(api, "source", &["a"]).await?;
    let destination = api.file_repository("d").await?;
    let (from, to) = (href(&source), href(&destination));
    for (field, wrong) in [
        ("config", json!({})),
        ("config", json!({"config": []})),
        ("config", json!({"config": [{"dest_repo": to}]})),
        (
            "config",
            json!({"config": [{"source_repo_version": from, "dest_repo": "x"}]}),
        ),
        ("dest_repo", json!({"source_repository": from})),
        (
            "type",
            json!({"source_repository": from, "destination_repository": to, "type": "x"}),
        ),
        (
            "types",
            json!({"source_repository": from, "destination_repository": to, "types": []}),
        ),
        (
            "dest_base_version",
            json!({"source_repository": from, "destination_repository": to, "dest_base_version": 7}),
        ),
        (
            "dependency_solving",
            json!({"source_repository": from, "destination_repository": to, "dependency_solving": true}),
        ),
        (
            "content",
            json!({"source_repository": from, "destination_repository": to, "content": ["x"]}),
        ),
    ] {
        let reply = api.post("/file/copy/", wrong).await?;
        reply.errors_of(field)?;
    }
    // What is not in the source is told, and the rest is copied.
    let stray = href(&api.upload_file("stray", b"y", None).await?);
    let plan = json!({
        "source_repository": from, "destination_repository": to, "content": [stray],
    });
    let copied = api.run_task("/file/copy/", plan).await?.completed()?;
    let result = &copied.0["result"];
    assert_eq!(result["added_count"], 0, "{result}");
    assert_eq!(result["unresolved_count"], 1, "{result}");
    let unresolved = &result["unresolved"][0];
    assert_eq!(text(&unresolved["wanted_by"]), stray);
    assert!(text(&unresolved["reason"]).contains("not in the source"));
    Ok(())
}

/// A server with the test plugin, and a repository with a tree of things.
async fn with_tree(test: &Test, count: u64) -> Result<(TestServer, Value)> {
    let directory = built_plugin("hostile.wasm")?;
    let folder = directory.parent().context("a plugin lies in a folder")?;
    let server = test.server().flag("--plugin-dir", folder).start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let repository = api
        .create("/repositories/hostile/hostile/", json!({"name": "tree"}))
        .await?;
    let remote = json!({"name": "tree", "url": upstream.hold("tree", &[])});
    let remote = api.create("/remotes/hostile/hostile/", remote).await?;
    let sync = json!({"remote": href(&remote), "behaviour": "tree", "count": count});
    api.run_task(&format!("{}sync/", href(&repository)), sync)
        .await?
        .completed()?;
    Ok((server, repository))
}

async fn branch(api: &Api, number: u64) -> Result<String> {
    let found = api
        .list(&format!("/content/hostile/things/?name=branch {number}"))
        .await?;
    Ok(href(found.first().context("no such thing")?))
}

async fn what_a_unit_refers_to_comes_along(test: Test) -> Result<()> {
    let (server, tree) = with_tree(&test, 15).await?;
    let api = server.api();
    let destination = api
        .create("/repositories/hostile/hostile/", json!({"name": "d"}))
        .await?;
    // Thing 1 needs 3 and 4, which need 7, 8, 9 and 10, which need what is not there.
    let root = branch(api, 1).await?;
    let plan = json!({
        "source_repository": href(&tree), "destination_repository": href(&destination),
        "content": [root], "dry_run": true,
    });
    let planned = copied(api, "/hostile/copy/", plan.clone()).await?;
    let mut real = plan;
    real["dry_run"] = false.into();
    let task = copied(api, "/hostile/copy/", real).await?;
    let (mut plan, mut outcome) = (planned.0["result"].clone(), task.0["result"].clone());
    plan["dry_run"] = Value::Null;
    outcome["dry_run"] = Value::Null;
    assert_eq!(plan, outcome, "a dry run tells the same");
    let result = &task.0["result"];
    assert_eq!(result["added_count"], 7, "{result}");
    assert_eq!(result["pulled_in_count"], 6, "{result}");
    assert_eq!(result["unresolved_count"], 8, "{result}");
    let child = branch(api, 3).await?;
    let pulled = result["pulled_in"].as_array().cloned().unwrap_or_default();
    let found = pulled.iter().find(|one| one["unit"] == child.as_str());
    let found = found.context("thing 3 comes along")?;
    assert_eq!(found["wanted_by"], root.as_str());
    assert!(text(&found["reason"]).contains("needs.things"), "{found}");
    let version = api.latest_version(&destination).await?;
    assert_eq!(
        version["content_summary"]["present"]["hostile.thing"]["count"],
        7
    );
    Ok(())
}

async fn what_is_missing_is_told(test: Test) -> Result<()> {
    let (server, tree) = with_tree(&test, 3).await?;
    let api = server.api();
    let destination = api
        .create("/repositories/hostile/hostile/", json!({"name": "d"}))
        .await?;
    let plan = json!({
        "source_repository": href(&tree), "destination_repository": href(&destination),
    });
    let task = copied(api, "/hostile/things/copy/", plan).await?;
    let result = &task.0["result"];
    assert_eq!(result["pulled_in_count"], 0, "all were chosen: {result}");
    assert_eq!(result["unresolved_count"], 4, "{result}");
    let unresolved = result["unresolved"].as_array().cloned().unwrap_or_default();
    let missing = unresolved
        .iter()
        .find(|one| one["missing"] == json!({"name": "branch 3"}));
    let missing = missing.context("what thing 1 needs is missing")?;
    assert_eq!(missing["wanted_by"], branch(api, 1).await?.as_str());
    Ok(())
}

async fn thousands_of_units_are_copied(test: Test) -> Result<()> {
    let (server, tree) = with_tree(&test, 20_000).await?;
    let api = server.api();
    let destination = api
        .create("/repositories/hostile/hostile/", json!({"name": "d"}))
        .await?;
    let root = branch(api, 0).await?;
    let plan = json!({
        "source_repository": href(&tree), "destination_repository": href(&destination),
        "content": [root],
    });
    let begun = Instant::now();
    let task = copied(api, "/hostile/copy/", plan).await?;
    println!("20,000 units by their references in {:?}", begun.elapsed());
    let result = &task.0["result"];
    assert_eq!(result["added_count"], 20_000);
    assert_eq!(result["pulled_in_count"], 19_999);
    let told = result["added"].as_array().map_or(0, Vec::len);
    assert!(told <= 1_000, "a task's row stays small: {told}");
    let version = api.latest_version(&destination).await?;
    assert_eq!(
        version["content_summary"]["present"]["hostile.thing"]["count"],
        20_000
    );
    Ok(())
}

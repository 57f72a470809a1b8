//! The OpenAPI document: what it says is so, it has all of Pulp's operations of files and
//! of the core, and it follows the plugins.

mod access;

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use http::Method;
use pith_tests::document::{Document, fill};
use pith_tests::{Api, Form, Test, href, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    the_document_is_for_anybody_and_of_the_root_that_was_asked,
    the_pages_need_nothing_from_elsewhere,
    every_operation_of_pulps_is_there_with_its_filters_and_fields,
    every_operation_of_pulps_answers_as_documented,
    every_documented_filter_is_taken,
    every_filter_is_documented,
    paths_are_called_as_pulp_calls_them,
);

/// Pulp's operations: what they are called, where they are, their query parameters, and
/// the fields of what they take and answer.
fn pulps() -> Result<Vec<Value>> {
    Ok(serde_json::from_str(include_str!(
        "../pulp-operations.json"
    ))?)
}

async fn the_document_is_for_anybody_and_of_the_root_that_was_asked(test: Test) -> Result<()> {
    let server = test.start().await?;
    let nobody = server.api().anonymous();
    for root in pith_tests::API_ROOTS {
        let reply = nobody.at_root(root).get("/docs/api.json").await?;
        let document = reply.ok()?;
        assert_eq!(document["openapi"], "3.0.3");
        let path = format!("{root}/repositories/file/file/");
        assert!(document["paths"][&path]["get"].is_object(), "{path}");
        let by_key = nobody.at_root(root).get("/docs/api.json?pk_path=1").await?;
        let by_key = by_key.ok()?;
        for (path, item) in by_key["paths"].as_object().into_iter().flatten() {
            let verbs = item.as_object().into_iter().flatten();
            let is_plugins = verbs
                .map(|(_, said)| &said["x-plugin"])
                .all(Value::is_string);
            assert!(is_plugins || path.starts_with(root), "{path}");
        }
        let tag = reply.header("etag").to_owned();
        let again = nobody
            .at_root(root)
            .get_with("/docs/api.json", &[("if-none-match", &tag)])
            .await?;
        assert_eq!(again.status(), 304, "{again}");
    }
    Ok(())
}

async fn the_pages_need_nothing_from_elsewhere(test: Test) -> Result<()> {
    let server = test.start().await?;
    let nobody = server.api().anonymous();
    for path in ["/docs/", "/docs", "/docs/page.js", "/docs/page.css"] {
        let reply = nobody.get(path).await?;
        assert_eq!(reply.status(), 200, "{reply}");
        let policy = reply.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        for foreign in ["http://", "https://", "src=\"//"] {
            assert!(
                !reply.text().contains(foreign),
                "{path} refers to {foreign}"
            );
        }
    }
    Ok(())
}

async fn every_operation_of_pulps_is_there_with_its_filters_and_fields(test: Test) -> Result<()> {
    let server = test.start().await?;
    let document = Document::read(server.api()).await?;
    let mut wrong = Vec::new();
    for theirs in pulps()? {
        let id = text(&theirs["id"]);
        let Ok(ours) = document.operation(id) else {
            wrong.push(format!("{id} is missing"));
            continue;
        };
        let place = (ours.method.as_str().to_ascii_lowercase(), ours.path.clone());
        if place
            != (
                text(&theirs["method"]).to_owned(),
                text(&theirs["path"]).to_owned(),
            )
        {
            wrong.push(format!("{id} is at {place:?}"));
        }
        let ours_query: BTreeSet<String> = ours.query().into_keys().collect();
        complain(&mut wrong, id, "parameter", &theirs["query"], &ours_query);
        let content = ours.said["requestBody"]["content"].as_object();
        let form = content.and_then(|content| content.values().next());
        let taken = form
            .map(|form| document.properties(&form["schema"]))
            .unwrap_or_default();
        complain(
            &mut wrong,
            id,
            "field of the request",
            &theirs["takes"],
            &taken,
        );
        for (status, fields) in theirs["answers"].as_object().into_iter().flatten() {
            // An update that Pulp may do with a task is done at once here.
            if status != "202" || ours.said["responses"]["200"].is_null() {
                let row = document.row_of_answer(ours, status);
                complain(&mut wrong, id, "field", fields, &document.properties(&row));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

fn complain(
    wrong: &mut Vec<String>,
    id: &str,
    what: &str,
    theirs: &Value,
    ours: &BTreeSet<String>,
) {
    let theirs = theirs.as_array().into_iter().flatten().map(text);
    let missing: Vec<&str> = theirs.filter(|name| !ours.contains(*name)).collect();
    if !missing.is_empty() {
        wrong.push(format!("{id}: no {what} {}", missing.join(", ")));
    }
}

/// One of everything.
struct Made {
    repository: Value,
    remote: Value,
    publication: Value,
    distribution: Value,
    unit: Value,
    task: String,
}

async fn make(api: &Api, tag: &str) -> Result<Made> {
    let repository = api.file_repository(&format!("repository {tag}")).await?;
    let name = format!("remote {tag}");
    let remote = api
        .file_remote(&name, "http://192.0.2.1/PULP_MANIFEST", "immediate")
        .await?;
    let unit = api
        .upload_file(&format!("a/{tag}"), tag.as_bytes(), Some(&repository))
        .await?;
    let publication = api.publish(&repository).await?;
    let name = format!("distribution-{tag}");
    let settings = json!({"name": name, "base_path": name, "publication": href(&publication)});
    let distribution = api.new_distribution(settings).await?;
    let tasks = api.get("/tasks/?limit=1").await?.ok()?;
    Ok(Made {
        repository,
        remote,
        publication,
        distribution,
        unit,
        task: href(&tasks["results"][0]),
    })
}

async fn every_operation_of_pulps_answers_as_documented(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let mut document = Document::read(api).await?;
    let made = make(api, "one").await?;
    lists_and_reads(api, &mut document, &made).await?;
    access::walked(api, &mut document, &made).await?;
    changes(api, &mut document, &made).await?;
    made_and_removed(api, &mut document).await?;
    let mut left: BTreeSet<String> = pulps()?
        .iter()
        .map(|one| text(&one["id"]).to_owned())
        .collect();
    left.retain(|id| !document.called().contains(id));
    ensure!(left.is_empty(), "nobody called {left:?}");
    Ok(())
}

/// Everything that changes nothing, for all operations, Pulp's or not.
async fn lists_and_reads(api: &Api, document: &mut Document, made: &Made) -> Result<()> {
    let version = format!("{}versions/1/", href(&made.repository));
    let worker = api.get("/workers/").await?.ok()?;
    let user = api.get("/users/").await?.ok()?;
    let known = [
        ("{file_file_repository_href}", href(&made.repository)),
        ("{file_file_repository_version_href}", version),
        ("{file_file_remote_href}", href(&made.remote)),
        ("{file_file_publication_href}", href(&made.publication)),
        ("{file_file_distribution_href}", href(&made.distribution)),
        ("{file_file_content_href}", href(&made.unit)),
        ("{artifact_href}", text(&made.unit["artifact"]).to_owned()),
        ("{task_href}", made.task.clone()),
        ("{worker_href}", href(&worker["results"][0])),
        ("{auth_user_href}", href(&user["results"][0])),
    ];
    let operations = document.operations().clone();
    for (id, operation) in operations {
        let json = &operation.said["responses"]["200"]["content"]["application/json"];
        if operation.method != Method::GET || json.is_null() {
            continue;
        }
        let found = known
            .iter()
            .find(|(parameter, _)| operation.path.starts_with(parameter));
        match found {
            Some((_, path)) => document.call(&id, path, None).await?,
            None if operation.path.contains('{') => continue,
            None => document.call(&id, "", None).await?,
        };
    }
    Ok(())
}

/// Everything that changes one that is there.
async fn changes(api: &Api, document: &mut Document, made: &Made) -> Result<()> {
    let label = json!({"key": "key", "value": "value"});
    for (prefix, one) in [
        ("repositories_file_file", &made.repository),
        ("remotes_file_file", &made.remote),
        ("distributions_file_file", &made.distribution),
        ("content_file_files", &made.unit),
    ] {
        let path = href(one);
        document
            .call(&format!("{prefix}_set_label"), &path, Some(label.clone()))
            .await?;
        let key = json!({"key": "key"});
        document
            .call(&format!("{prefix}_unset_label"), &path, Some(key))
            .await?;
        if prefix.starts_with("content") {
            continue;
        }
        let change = json!({"pulp_labels": {"a": "b"}});
        document
            .call(&format!("{prefix}_partial_update"), &path, Some(change))
            .await?;
        let whole = api.get(&path).await?.ok()?;
        document
            .call(&format!("{prefix}_update"), &path, Some(whole))
            .await?;
    }
    let repository = href(&made.repository);
    let remove = json!({"remove_content_units": [href(&made.unit)]});
    let modify = "repositories_file_file_modify";
    let accepted = document.call(modify, &repository, Some(remove)).await?;
    api.wait(text(&accepted["task"])).await?.completed()?;
    let version = format!("{repository}versions/1/");
    let repair = "repositories_file_file_versions_repair";
    let accepted = document.call(repair, &version, Some(json!({}))).await?;
    api.wait(text(&accepted["task"])).await?;
    document
        .call("repositories_file_file_versions_delete", &version, None)
        .await?;
    let settings = json!({"remote": href(&made.remote)});
    document
        .call("repositories_file_file_sync", &repository, Some(settings))
        .await?;
    // What is over cannot be cancelled: 409, with the task.
    let reply = api.patch(&made.task, json!({"state": "canceled"})).await?;
    ensure!(reply.status() == 409, "{reply}");
    Ok(())
}

/// An upload in one chunk, and one that is given up.
async fn uploaded(api: &Api, document: &mut Document) -> Result<()> {
    let size = json!({"size": 5});
    let upload = document
        .call("uploads_create", "", Some(size.clone()))
        .await?;
    let chunk = Form::new().file("file", "chunk", b"abcde");
    let range = [("content-range", "bytes 0-4/5")];
    let reply = api.put_form(&href(&upload), &range, chunk).await?;
    document.check("uploads_update", &reply)?;
    document.call("uploads_read", &href(&upload), None).await?;
    let sha256 = "36bbe50ed96841d10443bcb670d6554f0a34b761be67ec9c4a8ad2c0c44ca42c";
    let digest = json!({"sha256": sha256});
    let accepted = document
        .call("uploads_commit", &href(&upload), Some(digest))
        .await?;
    api.wait(text(&accepted["task"])).await?.completed()?;
    let other = document.call("uploads_create", "", Some(size)).await?;
    document.call("uploads_delete", &href(&other), None).await?;
    Ok(())
}

/// Everything that makes one, and what removes it.
async fn made_and_removed(api: &Api, document: &mut Document) -> Result<()> {
    let mut bytes = Form::new().file("file", "a.bin", b"stored by itself");
    let reply = api.post_form("/artifacts/", bytes).await?;
    let artifact = document.check("artifacts_create", &reply)?;
    document
        .call("artifacts_delete", &href(&artifact), None)
        .await?;

    uploaded(api, document).await?;
    bytes = Form::new()
        .text("relative_path", "b")
        .file("file", "b.bin", b"b");
    let reply = api.post_form("/content/file/files/", bytes).await?;
    document.check("content_file_files_create", &reply)?;
    api.finish(reply).await?.completed()?;
    bytes = Form::new()
        .text("relative_path", "c")
        .file("file", "c.bin", b"c");
    let reply = api.post_form("/content/file/files/upload/", bytes).await?;
    let unit = document.check("content_file_files_upload", &reply)?;
    assert_eq!(unit["relative_path"], "c");

    let name = json!({"name": "walked"});
    let repository = document
        .call("repositories_file_file_create", "", Some(name))
        .await?;
    let settings = json!({"name": "walked", "url": "http://192.0.2.1/x", "policy": "on_demand"});
    let remote = document
        .call("remotes_file_file_create", "", Some(settings))
        .await?;
    let settings = json!({"repository": href(&repository)});
    let accepted = document
        .call("publications_file_file_create", "", Some(settings))
        .await?;
    let task = api.wait(text(&accepted["task"])).await?.completed()?;
    let publication = task.created_one("/publications/")?;
    let settings = json!({"name": "walked", "base_path": "walked"});
    let accepted = document
        .call("distributions_file_file_create", "", Some(settings))
        .await?;
    let task = api.wait(text(&accepted["task"])).await?.completed()?;
    let distribution = task.created_one("/distributions/")?;
    document
        .call("distributions_file_file_delete", &distribution, None)
        .await?;
    document
        .call("publications_file_file_delete", &publication, None)
        .await?;
    document
        .call("remotes_file_file_delete", &href(&remote), None)
        .await?;
    document
        .call("repositories_file_file_delete", &href(&repository), None)
        .await?;

    let settings = json!({"username": "walker", "password": "long enough for it"});
    let user = document.call("users_create", "", Some(settings)).await?;
    document
        .call(
            "users_partial_update",
            &href(&user),
            Some(json!({"email": "a@b"})),
        )
        .await?;
    let whole = api.get(&href(&user)).await?.ok()?;
    document
        .call("users_update", &href(&user), Some(whole))
        .await?;
    document.call("users_delete", &href(&user), None).await?;
    document.call("login", "", Some(json!({}))).await?;
    let own = json!({"first_name": "A"});
    let me = document.call("login_update", "", Some(own)).await?;
    assert_eq!(me["first_name"], "A");
    document.call("logout", "", None).await?;

    document.call("orphans_delete", "", None).await?;
    let accepted = document
        .call("orphans_cleanup_cleanup", "", Some(json!({})))
        .await?;
    let task = text(&accepted["task"]).to_owned();
    api.wait(&task).await?.completed()?;
    document.call("tasks_delete", &task, None).await?;
    // A sync that does not come to its end by itself.
    let hanging = json!({"name": "hanging", "url": "http://192.0.2.1/x", "total_timeout": 60.0});
    let remote = api.create("/remotes/file/file/", hanging).await?;
    grouped_and_scheduled(api, document, &href(&remote)).await?;
    let repository = api.file_repository("hanging").await?;
    let sync = format!("{}sync/", href(&repository));
    let accepted = api
        .post(&sync, json!({"remote": href(&remote)}))
        .await?
        .json(202)?;
    let stop = json!({"state": "canceled"});
    let reply = api.patch(text(&accepted["task"]), stop).await?;
    ensure!([200, 409].contains(&reply.status()), "{reply}");
    if reply.status() == 200 {
        document.check("tasks_cancel", &reply)?;
    }
    Ok(())
}

/// Tasks that are made together, again and again, and removed by the thousand.
async fn grouped_and_scheduled(api: &Api, document: &mut Document, hanging: &str) -> Result<()> {
    let repository = api.file_repository("grouped").await?;
    let parameters = json!({"repository": href(&repository)});
    // A task that waits for another can be cancelled at any time.
    let hanging = json!({"repository": href(&repository), "remote": hanging});
    let tasks = json!({"tasks": [
        {"type": "file/syncs", "parameters": hanging},
        {"type": "file/modifications", "parameters": parameters},
    ]});
    let reply = api.post("/task-groups/", tasks).await?;
    let group = document.check("task_groups_create", &reply)?;
    document
        .call("task_groups_read", &href(&group), None)
        .await?;
    let stop = json!({"state": "canceled"});
    document
        .call("task_groups_cancel", &href(&group), Some(stop))
        .await?;
    let schedule = json!({
        "name": "documented", "type": "file/modifications", "parameters": parameters,
        "dispatch_interval": "1 00:00:00",
    });
    let schedule = api.create("/task-schedules/", schedule).await?;
    document
        .call("task_schedules_read", &href(&schedule), None)
        .await?;
    let before = json!({"finished_before": "2000-01-01T00:00:00Z"});
    document.call("tasks_purge", "", Some(before)).await?;
    Ok(())
}

/// A value that a filter takes, by its name and schema; `row` is one of the list.
fn value_for(name: &str, schema: &Value, made: &Made, row: &Value) -> String {
    let field = name.split("__").next().unwrap_or(name);
    if name.ends_with("__isnull") {
        return "true".to_owned();
    }
    let version = format!("{}versions/1/", href(&made.repository));
    let reference = match field {
        "repository_version"
        | "repository_version_added"
        | "repository_version_removed"
        | "added_between"
        | "removed_between" => version,
        "repository" | "content_object" | "for_object_type" => href(&made.repository),
        "remote" => href(&made.remote),
        "publication" => href(&made.publication),
        "with_content"
        | "latest_with_content"
        | "content"
        | "signed_collection"
        | "marked_collection" => href(&made.unit),
        "artifact" => text(&made.unit["artifact"]).to_owned(),
        "child_tasks" | "parent_task" | "task_group" | "created_resources" | "worker"
        | "last_task" => made.task.clone(),
        "pulp_href" | "prn" => match row[field].as_str() {
            Some(own) => own.to_owned(),
            None if field == "prn" => text(&made.repository["prn"]).to_owned(),
            None => href(&made.repository),
        },
        "pulp_id" if row["id"].is_u64() => row["id"].to_string(),
        "show_versions" => "latest".to_owned(),
        "pulp_label_select" => "a=b".to_owned(),
        _ => String::new(),
    };
    let is_pair = name.ends_with("__range") || name.ends_with("_between");
    let items = if schema["type"] == "array" {
        &schema["items"]
    } else {
        schema
    };
    let one = match (items["type"].as_str(), items["format"].as_str()) {
        _ if !reference.is_empty() => &reference,
        (Some("boolean"), _) => "true",
        (Some("integer" | "number"), _) => "1",
        (_, Some("date-time")) => "2026-01-31T12:00:00Z",
        (_, Some("uuid")) => "0190e2f4-0000-7000-8000-000000000001",
        _ => items["enum"][0].as_str().unwrap_or("ab"),
    };
    if is_pair {
        format!("{one},{one}")
    } else {
        one.to_owned()
    }
}

/// Where a list is: below a repository, if it is below anything but a user or a group.
async fn listed_at(api: &Api, path: &str, repository: &Value) -> Result<String> {
    let owner = if path.starts_with("{auth_user_href}") {
        href(&api.list("/users/").await?[0])
    } else if path.starts_with("{group_href}") {
        let known = api.list("/groups/").await?;
        match known.first() {
            Some(group) => href(group),
            None => href(&api.create("/groups/", json!({"name": "listed"})).await?),
        }
    } else {
        href(repository)
    };
    Ok(fill(path, &owner))
}

/// So many filters are asked for at once: each is looked at, and a refusal names it.
const TOGETHER: usize = 12;

async fn every_documented_filter_is_taken(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let made = make(api, "two").await?;
    api.create("/groups/", json!({"name": "filtered"})).await?;
    let document = Document::read(api).await?;
    let mut wrong = Vec::new();
    for (id, operation) in document.operations() {
        let answer = document.row_of_answer(operation, "200");
        if operation.method != Method::GET || answer.is_null() || !id.ends_with("_list") {
            continue;
        }
        let path = listed_at(api, &operation.path, &made.repository).await?;
        let row = api.get(&format!("{path}?limit=1")).await?.ok()?["results"][0].clone();
        let query = operation.query();
        let mut filters = Vec::new();
        for (name, schema) in &query {
            let value = match name.as_str() {
                // Of any field that the list has.
                "q" => match query.iter().find(|(name, _)| name.ends_with("__isnull")) {
                    Some((other, _)) => format!("{other}=true"),
                    None => continue,
                },
                // Another list has other summaries; an unknown one is answered with them.
                // It wants two fields of the type; the tests of Galaxy's API name them.
                "include_related" | "greatest" | "with" | "tell" => continue,
                _ => value_for(name, schema, &made, &row),
            };
            filters.push(format!("{name}={value}"));
        }
        for some in filters.chunks(TOGETHER) {
            let reply = api.get(&format!("{path}?{}", some.join("&"))).await?;
            if reply.status() != 200 {
                wrong.push(format!("{id}: {reply}"));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

async fn every_filter_is_documented(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let document = Document::read(api).await?;
    let repository = api.file_repository("filters").await?;
    let mut wrong = Vec::new();
    for (id, operation) in document.operations() {
        let query = operation.query();
        if operation.method != Method::GET || !query.contains_key("ordering") {
            continue;
        }
        let path = listed_at(api, &operation.path, &repository).await?;
        let refusal = api.get(&format!("{path}?no_such_filter=1")).await?;
        let told = refusal.errors_of("no_such_filter")?.join(" ");
        let names = told
            .split_once("Filters are: ")
            .and_then(|(_, rest)| rest.split_once('.'))
            .with_context(|| format!("{id}: {told}"))?
            .0;
        wrong.extend(
            names
                .split(", ")
                .filter(|name| !query.contains_key(*name))
                .map(|name| format!("{id}: {name} is not documented")),
        );
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

async fn paths_are_called_as_pulp_calls_them(test: Test) -> Result<()> {
    let server = test.start().await?;
    let reply = server.api().get("/docs/api.json").await?;
    let document = reply.ok()?;
    // Those that are not made of the names of plugin and type.
    for name in [
        "rpm_update_record",
        "rpm_package_group",
        "rpm_package_category",
        "rpm_package_environment",
        "rpm_package_langpacks",
        "rpm_modulemd_defaults",
        "rpm_repo_metadata_file",
        "rpm_uln_remote",
        "file_file_content",
    ] {
        let path = format!("{{{name}_href}}");
        assert!(document["paths"][&path]["get"].is_object(), "{path}");
    }
    let advisory = &document["paths"]["/pulp/api/v3/content/rpm/advisories/"];
    assert!(advisory["get"].is_object());
    Ok(())
}

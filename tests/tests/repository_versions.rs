//! Versions: numbered, immutable sets of units.

use anyhow::Result;
use pith_tests::{
    Api, Form, Test, added, href, names_of, on_both_databases, present, removed, text,
};
use serde_json::{Value, json};

on_both_databases!(
    modify_adds_and_removes,
    a_change_that_changes_nothing_makes_no_version,
    an_older_version_stays_what_it_was,
    a_base_version_is_where_a_change_begins,
    another_repositorys_version_can_be_the_base,
    the_newer_unit_takes_the_place_of_the_older,
    what_is_not_to_be_overwritten_stays,
    everything_can_be_removed_at_once,
    differences_are_listed,
    retention_keeps_the_newest,
    lowering_retention_removes_what_is_too_much,
    a_deleted_version_is_gone_and_the_others_are_not,
    the_last_version_cannot_be_deleted,
    a_number_is_never_used_twice,
    versions_are_listed_newest_first,
);

const FILE: &str = "file.file";

async fn upload(api: &Api, names: &[&str]) -> Result<Vec<String>> {
    let mut hrefs = Vec::new();
    for name in names {
        let unit = api.upload_file(name, name.as_bytes(), None).await?;
        hrefs.push(href(&unit));
    }
    Ok(hrefs)
}

async fn names_in(api: &Api, version: &Value) -> Result<String> {
    Ok(names_of(&api.files_in(version).await?).join(" "))
}

async fn modify_adds_and_removes(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let units = upload(api, &["a", "b", "c"]).await?;
    let version = api
        .modify(&repository, json!({"add_content_units": units[..2]}))
        .await?;
    assert_eq!(version["number"], 1);
    assert_eq!(names_in(api, &version).await?, "a b");
    let change = json!({"add_content_units": [units[2]], "remove_content_units": [units[0]]});
    let version = api.modify(&repository, change).await?;
    assert_eq!(version["number"], 2);
    assert_eq!(names_in(api, &version).await?, "b c");
    assert_eq!(present(&version, FILE), 2);
    assert_eq!(added(&version, FILE), 1);
    assert_eq!(removed(&version, FILE), 1);
    Ok(())
}

async fn a_change_that_changes_nothing_makes_no_version(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let units = upload(api, &["a", "b"]).await?;
    api.modify(&repository, json!({"add_content_units": [units[0]]}))
        .await?;
    for change in [
        json!({}),
        json!({"add_content_units": [units[0]]}),
        json!({"remove_content_units": [units[1]]}),
    ] {
        let path = format!("{}modify/", href(&repository));
        let task = api.run_task(&path, change.clone()).await?.completed()?;
        assert_eq!(task.created(), Vec::<String>::new(), "{change}");
        assert_eq!(api.latest_number(&repository).await?, 1, "{change}");
    }
    Ok(())
}

async fn an_older_version_stays_what_it_was(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let units = upload(api, &["a", "b", "c"]).await?;
    let mut versions = Vec::new();
    for change in [
        json!({"add_content_units": [units[0]]}),
        json!({"add_content_units": [units[1]]}),
        json!({"remove_content_units": [units[0]]}),
        // A unit that comes back is there again, and was not in between.
        json!({"add_content_units": [units[0], units[2]]}),
        json!({"remove_content_units": ["*"]}),
    ] {
        versions.push(api.modify(&repository, change).await?);
    }
    for (version, expected) in versions.iter().zip(["a", "a b", "b", "a b c", ""]) {
        assert_eq!(names_in(api, version).await?, expected, "{version}");
        let read = api.get(&href(version)).await?.ok()?;
        assert_eq!(read["content_summary"], version["content_summary"]);
    }
    Ok(())
}

async fn a_base_version_is_where_a_change_begins(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let units = upload(api, &["a", "b", "c"]).await?;
    let first = api
        .modify(&repository, json!({"add_content_units": units[..2]}))
        .await?;
    api.modify(&repository, json!({"remove_content_units": ["*"]}))
        .await?;
    let change = json!({"base_version": href(&first), "add_content_units": [units[2]]});
    let version = api.modify(&repository, change).await?;
    assert_eq!(version["number"], 3);
    assert_eq!(names_in(api, &version).await?, "a b c");
    assert_eq!(version["base_version"], first["pulp_href"]);
    Ok(())
}

async fn another_repositorys_version_can_be_the_base(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let units = upload(api, &["a", "b"]).await?;
    let base = api
        .modify(&repository, json!({"add_content_units": units}))
        .await?;
    let other = api.file_repository("other").await?;
    let version = api
        .modify(&other, json!({"base_version": href(&base)}))
        .await?;
    assert_eq!(names_in(api, &version).await?, "a b");
    Ok(())
}

async fn the_newer_unit_takes_the_place_of_the_older(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let old = api.upload_file("same", b"old", Some(&repository)).await?;
    let new = api.upload_file("same", b"new", Some(&repository)).await?;
    assert_ne!(href(&old), href(&new));
    let version = api.latest_version(&repository).await?;
    let files = api.files_in(&version).await?;
    assert_eq!(files.len(), 1, "a path is in a version once");
    assert_eq!(files[0]["sha256"], new["sha256"]);
    // And back again by hand.
    let version = api
        .modify(&repository, json!({"add_content_units": [href(&old)]}))
        .await?;
    let files = api.files_in(&version).await?;
    assert_eq!(files.len(), 1);
    assert_eq!(files[0]["sha256"], old["sha256"]);
    Ok(())
}

async fn what_is_not_to_be_overwritten_stays(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let old = href(&api.upload_file("a", b"old", None).await?);
    let new = href(&api.upload_file("a", b"new", None).await?);
    api.modify(&repository, json!({"add_content_units": [old]}))
        .await?;
    let path = format!("{}modify/", href(&repository));
    let change = json!({"add_content_units": [new], "overwrite": false});
    let task = api.run_task(&path, change).await?;
    let failure = task.failure()?;
    assert!(failure.contains("overwritten"), "{failure}");
    assert_eq!(api.latest_number(&repository).await?, 1);
    // The same holds for a file that is uploaded into the repository.
    let form = Form::new()
        .text("relative_path", "a")
        .text("repository", &href(&repository))
        .text("overwrite", "false")
        .file("file", "a", b"new");
    let reply = api.post_form("/content/file/files/", form).await?;
    let task = api.finish(reply).await?;
    let failure = task.failure()?;
    assert!(failure.contains("overwritten"), "{failure}");
    // What is taken out by name is not overwritten.
    let change = json!({
        "add_content_units": [new], "remove_content_units": [old], "overwrite": false,
    });
    let version = api.modify(&repository, change).await?;
    assert_eq!((added(&version, FILE), removed(&version, FILE)), (1, 1));
    Ok(())
}

async fn everything_can_be_removed_at_once(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let units = upload(api, &["a", "b", "c"]).await?;
    api.modify(&repository, json!({"add_content_units": units[..2]}))
        .await?;
    let change = json!({"remove_content_units": ["*"], "add_content_units": [units[2]]});
    let version = api.modify(&repository, change).await?;
    assert_eq!(names_in(api, &version).await?, "c");
    assert_eq!(removed(&version, FILE), 2);
    Ok(())
}

async fn differences_are_listed(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let units = upload(api, &["a", "b", "c", "d"]).await?;
    api.modify(&repository, json!({"add_content_units": units[..3]}))
        .await?;
    let change = json!({"add_content_units": [units[3]], "remove_content_units": units[..2]});
    let version = api.modify(&repository, change).await?;
    for (what, expected) in [("added", "d"), ("removed", "a b"), ("present", "c d")] {
        let list = text(&version["content_summary"][what][FILE]["href"]);
        assert!(!list.is_empty(), "{what}: {version}");
        assert_eq!(
            names_of(&api.list(list).await?).join(" "),
            expected,
            "{what}: {list}"
        );
    }
    Ok(())
}

async fn retention_keeps_the_newest(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let settings = json!({"name": "r", "retain_repo_versions": 2});
    let repository = api.create("/repositories/file/file/", settings).await?;
    let units = upload(api, &["a", "b", "c", "d"]).await?;
    for unit in &units {
        api.modify(&repository, json!({"add_content_units": [unit]}))
            .await?;
    }
    let versions = api.list(text(&repository["versions_href"])).await?;
    let numbers: Vec<_> = versions.iter().map(|version| &version["number"]).collect();
    assert_eq!(numbers, [4, 3]);
    assert_eq!(names_in(api, &versions[0]).await?, "a b c d");
    assert_eq!(names_in(api, &versions[1]).await?, "a b c");
    Ok(())
}

async fn lowering_retention_removes_what_is_too_much(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    for unit in upload(api, &["a", "b", "c"]).await? {
        api.modify(&repository, json!({"add_content_units": [unit]}))
            .await?;
    }
    api.change(&repository, json!({"retain_repo_versions": 1}))
        .await?;
    let versions = api.list(text(&repository["versions_href"])).await?;
    assert_eq!(versions.len(), 1);
    assert_eq!(names_in(api, &versions[0]).await?, "a b c");
    Ok(())
}

async fn a_deleted_version_is_gone_and_the_others_are_not(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let units = upload(api, &["a", "b", "c"]).await?;
    let mut versions = Vec::new();
    for change in [
        json!({"add_content_units": units[..2]}),
        json!({"add_content_units": [units[2]], "remove_content_units": [units[0]]}),
        json!({"remove_content_units": [units[1]]}),
    ] {
        versions.push(api.modify(&repository, change).await?);
    }
    api.remove(&versions[1]).await?;
    assert_eq!(api.get(&href(&versions[1])).await?.status(), 404);
    assert_eq!(names_in(api, &versions[0]).await?, "a b");
    assert_eq!(names_in(api, &versions[2]).await?, "c");
    // What was changed in the deleted version now counts for the next one.
    let last = api.get(&href(&versions[2])).await?.ok()?;
    assert_eq!(added(&last, FILE), 1);
    assert_eq!(removed(&last, FILE), 2);
    // The newest can go too; the one before it is the newest then.
    api.remove(&versions[2]).await?;
    assert_eq!(api.latest_number(&repository).await?, 1);
    Ok(())
}

async fn the_last_version_cannot_be_deleted(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let version = api.latest_version(&repository).await?;
    let reply = api.delete(&href(&version)).await?;
    let refused = match reply.status() {
        400..=499 => true,
        _ => api.finish(reply).await?.state() == "failed",
    };
    assert!(refused);
    assert_eq!(api.get(&href(&version)).await?.status(), 200);
    Ok(())
}

async fn a_number_is_never_used_twice(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let units = upload(api, &["a", "b"]).await?;
    let version = api
        .modify(&repository, json!({"add_content_units": [units[0]]}))
        .await?;
    api.remove(&version).await?;
    let version = api
        .modify(&repository, json!({"add_content_units": [units[1]]}))
        .await?;
    assert_eq!(version["number"], 2);
    assert_eq!(names_in(api, &version).await?, "b");
    Ok(())
}

async fn versions_are_listed_newest_first(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    for unit in upload(api, &["a", "b"]).await? {
        api.modify(&repository, json!({"add_content_units": [unit]}))
            .await?;
    }
    let numbers = |versions: &[Value]| -> Vec<u64> {
        versions
            .iter()
            .filter_map(|version| version["number"].as_u64())
            .collect()
    };
    let versions = api.list(text(&repository["versions_href"])).await?;
    assert_eq!(numbers(&versions), [2, 1, 0]);
    let path = format!("{}?number=1", text(&repository["versions_href"]));
    assert_eq!(numbers(&api.list(&path).await?), [1]);
    assert_eq!(api.list("/repository_versions/").await?.len(), 3);
    let absent = format!("{}99/", text(&repository["versions_href"]));
    assert_eq!(api.get(&absent).await?.status(), 404);
    Ok(())
}

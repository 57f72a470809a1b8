//! Repositories: made, read, changed, deleted.

use anyhow::Result;
use pith_tests::{Test, href, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    a_new_repository_has_an_empty_version,
    a_repository_is_read_as_it_was_made,
    a_repository_is_changed_in_part_or_whole,
    a_deleted_repository_takes_its_versions_along,
    a_repository_of_another_type_does_not_exist,
    repositories_of_all_types_are_listed_together,
);

async fn a_new_repository_has_an_empty_version(test: Test) -> Result<()> {
    let server = test.start().await?;
    let repository = server.api().file_repository("new").await?;
    let versions_href = format!("{}versions/", href(&repository));
    assert_eq!(repository["versions_href"], *versions_href);
    assert_eq!(
        repository["latest_version_href"],
        *format!("{versions_href}0/")
    );
    assert!(
        text(&repository["prn"]).starts_with("prn:file.filerepository:"),
        "{repository}"
    );
    let version = server.api().latest_version(&repository).await?;
    assert_eq!(version["number"], 0);
    assert_eq!(version["repository"], repository["pulp_href"]);
    let summary = json!({"added": {}, "removed": {}, "present": {}});
    assert_eq!(version["content_summary"], summary);
    Ok(())
}

async fn a_repository_is_read_as_it_was_made(test: Test) -> Result<()> {
    let server = test.start().await?;
    let settings = json!({
        "name": "with everything", "description": "ünïcödé \u{1f980}",
        "retain_repo_versions": 3, "autopublish": true, "manifest": "MANIFEST",
        "pulp_labels": {"a": "b"},
    });
    let made = server
        .api()
        .create("/repositories/file/file/", settings.clone())
        .await?;
    let read = server.api().get(&href(&made)).await?.ok()?;
    assert_eq!(made, read);
    for (field, value) in settings.as_object().into_iter().flatten() {
        assert_eq!(read[field], *value, "{field}");
    }
    let plain = server.api().file_repository("plain").await?;
    assert_eq!(plain["manifest"], "PULP_MANIFEST");
    assert_eq!(plain["autopublish"], false);
    for field in ["description", "remote", "retain_repo_versions"] {
        assert_eq!(plain[field], Value::Null, "{field}");
    }
    Ok(())
}

async fn a_repository_is_changed_in_part_or_whole(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let settings = json!({"name": "a", "description": "first", "retain_repo_versions": 2});
    let repository = api.create("/repositories/file/file/", settings).await?;
    let changed = api
        .change(&repository, json!({"description": "second"}))
        .await?;
    assert_eq!(changed["description"], "second");
    assert_eq!(changed["retain_repo_versions"], 2);
    assert_ne!(
        changed["pulp_last_updated"],
        repository["pulp_last_updated"]
    );
    assert_eq!(changed["pulp_created"], repository["pulp_created"]);
    let reply = api.put(&href(&repository), json!({"name": "b"})).await?;
    if reply.status() != 200 {
        api.finish(reply).await?.completed()?;
    }
    let replaced = api.get(&href(&repository)).await?.ok()?;
    assert_eq!(replaced["name"], "b");
    let changed = api
        .change(&repository, json!({"description": null}))
        .await?;
    assert_eq!(changed["description"], Value::Null);
    Ok(())
}

async fn a_deleted_repository_takes_its_versions_along(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("short-lived").await?;
    let unit = api.upload_file("a.txt", b"a", Some(&repository)).await?;
    let version = api.latest_version(&repository).await?;
    let reply = api.delete(&href(&repository)).await?;
    api.finish(reply).await?.completed()?;
    assert_eq!(api.get(&href(&repository)).await?.status(), 404);
    assert_eq!(api.get(&href(&version)).await?.status(), 404);
    assert_eq!(
        api.get(&href(&unit)).await?.status(),
        200,
        "units outlive repositories"
    );
    assert_eq!(api.delete(&href(&repository)).await?.status(), 404);
    // The name is free again, and the numbers begin anew.
    let again = api.file_repository("short-lived").await?;
    assert_eq!(api.latest_number(&again).await?, 0);
    Ok(())
}

async fn a_repository_of_another_type_does_not_exist(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("a").await?;
    let elsewhere = href(&repository).replace("/repositories/", "/remotes/");
    for path in [
        &*elsewhere,
        "/repositories/file/file/not-a-number/",
        "/repositories/absent/absent/",
    ] {
        let document = api.get(path).await?.json(404)?;
        assert!(document["detail"].is_string(), "{document}");
    }
    Ok(())
}

async fn repositories_of_all_types_are_listed_together(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    api.file_repository("one").await?;
    api.file_repository("two").await?;
    let all = api.list("/repositories/?ordering=name").await?;
    let names: Vec<_> = all.iter().map(|one| text(&one["name"])).collect();
    assert_eq!(names, ["one", "two"]);
    Ok(())
}

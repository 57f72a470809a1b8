//! Publications: what clients see of one version.

use anyhow::Result;
use pith_tests::upstream::{Manifest, ManifestLine};
use pith_tests::{Test, href, on_both_databases, text};
use serde_json::json;

on_both_databases!(
    a_publication_has_a_manifest_of_its_version,
    a_manifest_can_have_another_name,
    an_older_version_can_be_published,
    autopublish_publishes_what_is_new,
    a_publication_is_chosen_by_its_version,
    a_deleted_publication_is_not_served,
    an_empty_version_is_published_empty,
    a_publication_wants_a_repository_or_a_version,
);

async fn a_publication_has_a_manifest_of_its_version(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    api.upload_file("b, with a comma.txt", b"bb", Some(&repository))
        .await?;
    api.upload_file("a/deep.txt", b"a", Some(&repository))
        .await?;
    let publication = api.publish(&repository).await?;
    assert_eq!(publication["repository"], repository["pulp_href"]);
    let version = api.latest_version(&repository).await?;
    assert_eq!(publication["repository_version"], version["pulp_href"]);
    assert_eq!(publication["manifest"], "PULP_MANIFEST");
    api.distribute("served", &repository).await?;
    let manifest = server.fetch_bytes("served/PULP_MANIFEST").await?;
    let manifest = Manifest::parse(std::str::from_utf8(&manifest)?)?.sorted();
    let expected = [
        ManifestLine::of("a/deep.txt", b"a"),
        ManifestLine::of("b, with a comma.txt", b"bb"),
    ];
    assert_eq!(manifest.0, expected);
    Ok(())
}

async fn a_manifest_can_have_another_name(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    api.upload_file("a.txt", b"a", Some(&repository)).await?;
    let settings = json!({"repository": href(&repository), "manifest": "LIST_OF_FILES"});
    let task = api
        .run_task("/publications/file/file/", settings)
        .await?
        .completed()?;
    let publication = api.get(&task.created_one("/publications/")?).await?.ok()?;
    assert_eq!(publication["manifest"], "LIST_OF_FILES");
    let settings =
        json!({"name": "served", "base_path": "served", "publication": href(&publication)});
    api.new_distribution(settings).await?;
    assert_eq!(server.fetch("served/LIST_OF_FILES").await?.status(), 200);
    assert_eq!(server.fetch("served/PULP_MANIFEST").await?.status(), 404);
    Ok(())
}

async fn an_older_version_can_be_published(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    api.upload_file("a.txt", b"a", Some(&repository)).await?;
    let first = api.latest_version(&repository).await?;
    api.upload_file("b.txt", b"b", Some(&repository)).await?;
    let settings = json!({"repository_version": href(&first)});
    let task = api
        .run_task("/publications/file/file/", settings)
        .await?
        .completed()?;
    let settings = json!({
        "name": "old", "base_path": "old", "publication": task.created_one("/publications/")?,
    });
    api.new_distribution(settings).await?;
    assert_eq!(server.fetch("old/a.txt").await?.status(), 200);
    assert_eq!(server.fetch("old/b.txt").await?.status(), 404);
    Ok(())
}

async fn autopublish_publishes_what_is_new(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.autopublishing_repository("r").await?;
    api.distribute("served", &repository).await?;
    api.upload_file("a.txt", b"first", Some(&repository))
        .await?;
    server
        .fetch_until("served/a.txt", |reply| reply.text() == "first")
        .await?;
    api.upload_file("a.txt", b"second", Some(&repository))
        .await?;
    server
        .fetch_until("served/a.txt", |reply| reply.text() == "second")
        .await?;
    let version = api.latest_version(&repository).await?;
    let path = format!(
        "/publications/file/file/?repository_version={}",
        href(&version)
    );
    assert_eq!(api.list(&path).await?.len(), 1);
    // A change that changes nothing publishes nothing.
    let count = api.list("/publications/file/file/").await?.len();
    api.modify(&repository, json!({})).await?;
    assert_eq!(api.list("/publications/file/file/").await?.len(), count);
    Ok(())
}

async fn a_publication_is_chosen_by_its_version(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let one = api.file_repository("one").await?;
    let other = api.file_repository("other").await?;
    let publication = api.publish(&one).await?;
    api.publish(&other).await?;
    let path = format!("/publications/file/file/?repository={}", href(&one));
    let found = api.list(&path).await?;
    assert_eq!(found.len(), 1);
    assert_eq!(href(&found[0]), href(&publication));
    let version = text(&publication["repository_version"]);
    let path = format!("/publications/?repository_version={version}");
    assert_eq!(api.list(&path).await?.len(), 1);
    Ok(())
}

async fn a_deleted_publication_is_not_served(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    api.upload_file("a.txt", b"a", Some(&repository)).await?;
    let publication = api.publish(&repository).await?;
    let distribution = api.distribute("served", &repository).await?;
    assert_eq!(server.fetch("served/a.txt").await?.status(), 200);
    assert_eq!(api.delete(&href(&publication)).await?.status(), 204);
    server
        .fetch_until("served/a.txt", |reply| reply.status() == 404)
        .await?;
    assert_eq!(api.get(&href(&distribution)).await?.status(), 200);
    Ok(())
}

async fn an_empty_version_is_published_empty(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    api.publish(&repository).await?;
    api.distribute("served", &repository).await?;
    assert_eq!(server.fetch_bytes("served/PULP_MANIFEST").await?.len(), 0);
    Ok(())
}

async fn a_publication_wants_a_repository_or_a_version(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let version = api.latest_version(&repository).await?;
    let both = json!({"repository": href(&repository), "repository_version": href(&version)});
    for document in [json!({}), both] {
        let reply = api.post("/publications/file/file/", document).await?;
        assert_eq!(reply.status(), 400, "{reply}");
    }
    Ok(())
}

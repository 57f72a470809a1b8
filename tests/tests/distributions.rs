//! Distributions: which base path serves what, and how soon a change is seen.

use anyhow::Result;
use pith_tests::{Api, Test, TestServer, href, on_both_databases, text};
use serde_json::{Value, json};

on_both_databases!(
    a_distribution_is_read_as_it_was_made,
    base_paths_do_not_overlap,
    a_base_path_is_a_relative_path,
    a_new_distribution_is_served_within_a_second,
    a_changed_distribution_is_served_within_a_second,
    a_deleted_distribution_is_gone_within_a_second,
    a_repository_is_served_by_its_newest_publication,
    a_distribution_of_nothing_serves_nothing,
    a_distribution_serves_one_thing,
    hidden_distributions_are_not_listed,
);

const PATH: &str = "/distributions/file/file/";

async fn published(api: &Api, name: &str, content: &[u8]) -> Result<Value> {
    let repository = api.autopublishing_repository(name).await?;
    api.upload_file("a.txt", content, Some(&repository)).await?;
    Ok(repository)
}

async fn a_distribution_is_read_as_it_was_made(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let settings = json!({
        "name": "d", "base_path": "some/deep/path", "repository": href(&repository),
        "pulp_labels": {"a": "b"}, "hidden": true,
    });
    let made = api.new_distribution(settings.clone()).await?;
    for (field, value) in settings.as_object().into_iter().flatten() {
        assert_eq!(made[field], *value, "{field}");
    }
    assert_eq!(made["publication"], Value::Null);
    assert!(
        text(&made["base_url"]).ends_with("/pulp/content/some/deep/path/"),
        "{made}"
    );
    assert!(
        text(&made["prn"]).starts_with("prn:file.filedistribution:"),
        "{made}"
    );
    let found = api
        .list(&format!("{PATH}?base_path=some/deep/path"))
        .await?;
    assert_eq!(found, [made]);
    Ok(())
}

async fn base_paths_do_not_overlap(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let made = api
        .new_distribution(json!({"name": "first", "base_path": "a/b"}))
        .await?;
    for base_path in ["a/b", "a", "a/b/c", "a/b/c/d"] {
        let reply = api
            .post(PATH, json!({"name": "second", "base_path": base_path}))
            .await?;
        assert!(
            !reply.errors_of("base_path")?.is_empty(),
            "{base_path}: {reply}"
        );
    }
    // Only whole segments count, and a distribution does not overlap itself.
    for (name, base_path) in [("second", "a/bc"), ("third", "a/c"), ("fourth", "ab")] {
        api.new_distribution(json!({"name": name, "base_path": base_path}))
            .await?;
    }
    let reply = api
        .patch(&href(&made), json!({"base_path": "a/c/d"}))
        .await?;
    assert!(!reply.errors_of("base_path")?.is_empty(), "{reply}");
    let moved = api
        .change(&made, json!({"base_path": "a/b/deeper"}))
        .await?;
    assert_eq!(moved["base_path"], "a/b/deeper");
    Ok(())
}

async fn a_base_path_is_a_relative_path(test: Test) -> Result<()> {
    let server = test.start().await?;
    for base_path in [
        "/a", "a/", "a//b", "../a", "a/../b", "", "a b\u{0}", "a/./b",
    ] {
        let document = json!({"name": "d", "base_path": base_path});
        let reply = server.api().post(PATH, document).await?;
        assert!(
            !reply.errors_of("base_path")?.is_empty(),
            "{base_path:?}: {reply}"
        );
    }
    Ok(())
}

async fn a_new_distribution_is_served_within_a_second(test: Test) -> Result<()> {
    let server = test.start().await?;
    let repository = published(server.api(), "r", b"a").await?;
    // The 404 before must not be remembered for long.
    assert_eq!(server.fetch("late/a.txt").await?.status(), 404);
    let settings = json!({"name": "late", "base_path": "late", "repository": href(&repository)});
    server.api().new_distribution(settings).await?;
    server
        .fetch_until("late/a.txt", |reply| reply.text() == "a")
        .await?;
    Ok(())
}

async fn a_changed_distribution_is_served_within_a_second(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let one = published(api, "one", b"one").await?;
    let other = published(api, "other", b"other").await?;
    let distribution = api.distribute("served", &one).await?;
    assert_eq!(server.fetch("served/a.txt").await?.text(), "one");
    api.change(&distribution, json!({"repository": href(&other)}))
        .await?;
    server
        .fetch_until("served/a.txt", |reply| reply.text() == "other")
        .await?;
    api.change(&distribution, json!({"base_path": "moved"}))
        .await?;
    server
        .fetch_until("moved/a.txt", |reply| reply.text() == "other")
        .await?;
    server
        .fetch_until("served/a.txt", |reply| reply.status() == 404)
        .await?;
    Ok(())
}

async fn a_deleted_distribution_is_gone_within_a_second(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = published(api, "r", b"a").await?;
    let distribution = api.distribute("served", &repository).await?;
    assert_eq!(server.fetch("served/a.txt").await?.status(), 200);
    let reply = api.delete(&href(&distribution)).await?;
    api.finish(reply).await?.completed()?;
    server
        .fetch_until("served/a.txt", |reply| reply.status() == 404)
        .await?;
    assert_eq!(api.get(&href(&distribution)).await?.status(), 404);
    Ok(())
}

async fn a_repository_is_served_by_its_newest_publication(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    api.distribute("served", &repository).await?;
    api.upload_file("a.txt", b"first", Some(&repository))
        .await?;
    assert_eq!(
        server.fetch("served/a.txt").await?.status(),
        404,
        "nothing is published"
    );
    api.publish(&repository).await?;
    server
        .fetch_until("served/a.txt", |reply| reply.text() == "first")
        .await?;
    api.upload_file("a.txt", b"second", Some(&repository))
        .await?;
    assert_eq!(
        server.fetch("served/a.txt").await?.text(),
        "first",
        "until it is published"
    );
    api.publish(&repository).await?;
    server
        .fetch_until("served/a.txt", |reply| reply.text() == "second")
        .await?;
    Ok(())
}

async fn a_distribution_of_nothing_serves_nothing(test: Test) -> Result<()> {
    let server = test.start().await?;
    server
        .api()
        .new_distribution(json!({"name": "d", "base_path": "empty"}))
        .await?;
    for path in ["empty/", "empty/a.txt", "empty/PULP_MANIFEST"] {
        let reply = server.fetch(path).await?;
        assert_eq!(reply.status(), 404, "{reply}");
    }
    Ok(())
}

async fn a_distribution_serves_one_thing(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let publication = api.publish(&repository).await?;
    let document = json!({
        "name": "d", "base_path": "d",
        "repository": href(&repository), "publication": href(&publication),
    });
    let reply = api.post(PATH, document).await?;
    assert_eq!(reply.status(), 400, "{reply}");
    Ok(())
}

async fn listed(server: &TestServer) -> Result<String> {
    let reply = server.fetch("").await?;
    assert_eq!(reply.status(), 200, "{reply}");
    Ok(reply.text())
}

async fn hidden_distributions_are_not_listed(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = published(api, "r", b"a").await?;
    api.distribute("seen", &repository).await?;
    let settings = json!({
        "name": "unseen", "base_path": "unseen", "repository": href(&repository), "hidden": true,
    });
    api.new_distribution(settings).await?;
    server
        .fetch_until("", |reply| reply.text().contains("seen/"))
        .await?;
    let page = listed(&server).await?;
    assert!(!page.contains("unseen"), "{page}");
    assert_eq!(
        server.fetch("unseen/a.txt").await?.status(),
        200,
        "hidden, not closed"
    );
    Ok(())
}

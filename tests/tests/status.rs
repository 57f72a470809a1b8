//! `GET status/`: what anybody may know of the server.

use std::time::Duration;

use anyhow::Result;
use http::Method;
use pith_tests::{Test, on_both_databases, text};
use serde_json::Value;

on_both_databases!(
    anybody_may_read_the_status,
    the_status_names_the_plugins_and_the_workers,
    a_path_that_is_nothing_is_a_404_with_a_detail,
    a_server_without_work_does_not_compute,
    a_correlation_id_comes_back_if_it_is_a_uuid,
);

async fn anybody_may_read_the_status(test: Test) -> Result<()> {
    let server = test.start().await?;
    let status = server.api().anonymous().get("/status/").await?.ok()?;
    assert_eq!(status["database_connection"]["connected"], true);
    assert_eq!(status["domain_enabled"], false);
    for field in [
        "versions",
        "online_workers",
        "online_api_apps",
        "online_content_apps",
    ] {
        assert!(status[field].is_array(), "{field} is missing: {status}");
    }
    for field in ["storage", "content_settings"] {
        assert!(status[field].is_object(), "{field} is missing: {status}");
    }
    assert_eq!(
        status["content_settings"]["content_path_prefix"],
        "/pulp/content/"
    );
    Ok(())
}

async fn the_status_names_the_plugins_and_the_workers(test: Test) -> Result<()> {
    let server = test.start().await?;
    let status = server.api().get("/status/").await?.ok()?;
    let components: Vec<_> = status["versions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|version| text(&version["component"]))
        .collect();
    assert!(components.contains(&"core"), "{status}");
    assert!(components.contains(&"file"), "{status}");
    let worker = &status["online_workers"][0];
    assert!(worker["name"].is_string(), "{status}");
    assert!(worker["last_heartbeat"].is_string(), "{status}");
    Ok(())
}

async fn a_path_that_is_nothing_is_a_404_with_a_detail(test: Test) -> Result<()> {
    let server = test.start().await?;
    let document = server.api().get("/no/such/thing/").await?.json(404)?;
    assert!(document["detail"].is_string(), "{document}");
    let reply = server.request(Method::GET, "/favicon.ico").await?;
    assert_eq!(reply.status(), 404, "{reply}");
    let document: Value = server
        .api()
        .post("/status/", Value::Null)
        .await?
        .json(405)?;
    assert!(document["detail"].is_string(), "{document}");
    Ok(())
}

async fn a_server_without_work_does_not_compute(test: Test) -> Result<()> {
    let server = test.start().await?;
    // What is left to do after the start is done soon.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = server.computed()?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let computed = server.computed()?.saturating_sub(before);
    // Heartbeats and looks at clocks; a loop that never rests takes seconds.
    assert!(computed < Duration::from_millis(300), "{computed:?} of 3 s");
    Ok(())
}

async fn a_correlation_id_comes_back_if_it_is_a_uuid(test: Test) -> Result<()> {
    let server = test.start().await?;
    for (given, is_taken) in [
        ("deadbeefdeadbeefdeadbeefdeadbeef", true),
        ("0190e2f4-0000-7000-8000-000000000001", true),
        ("deadbeefdeadbeefdeadbeefdeadxxxx", false),
        ("a line", false),
        ("", false),
    ] {
        let headers = [("correlation-id", given)];
        let reply = server.api().get_with("/status/", &headers).await?;
        let answered = reply.header("correlation-id");
        assert_eq!(answered == given, is_taken, "{given}: {answered}");
        assert!(!answered.is_empty());
    }
    Ok(())
}

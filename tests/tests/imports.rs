//! Units made of uploads, and of files at an address.

use std::time::Duration;

use anyhow::Result;
use pith_tests::upstream::{Misbehaviour, Upstream, sha256_hex};
use pith_tests::{Form, Test, href, on_both_databases, stored_digests, text};
use serde_json::{Value, json};

on_both_databases!(
    an_upload_is_imported_more_than_once,
    an_import_says_what_it_does_not_understand,
    a_unit_is_what_its_key_says,
    an_import_that_waits_keeps_its_upload,
    a_file_is_fetched_from_its_address,
    a_fetched_file_is_what_the_client_says,
    a_file_comes_from_one_place,
    private_addresses_are_not_asked,
);

const CONTENT: &str = "/content/file/files/";

async fn an_upload_is_imported_more_than_once(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let sending = api.begin_upload(b"twice").await?;
    for (number, unit_type) in ["file.file", "file", "files"].into_iter().enumerate() {
        let order = json!({
            "upload_id": sending.id, "unit_type_id": unit_type,
            "unit_key": {"relative_path": format!("{number}.txt")},
            "unit_metadata": null, "override_config": {},
            "repository": href(&repository),
        });
        let task = api.run_task("/import_upload/", order).await?.completed()?;
        let unit = api.get(&task.created_one("/content/")?).await?.ok()?;
        assert_eq!(unit["sha256"], *sha256_hex(b"twice"));
    }
    assert_eq!(api.latest_number(&repository).await?, 3);
    assert_eq!(stored_digests(server.data_directory())?.len(), 1);
    // Nothing of it is taken away while it may be imported again.
    let order = json!({"orphan_protection_time": 0});
    api.run_task("/orphans/cleanup/", order)
        .await?
        .completed()?;
    api.import(&sending.id, json!({"relative_path": "again"}))
        .await?
        .completed()?;
    Ok(())
}

async fn an_import_says_what_it_does_not_understand(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let sending = api.begin_upload(b"abc").await?;
    let good = json!({
        "upload_id": sending.id, "unit_type_id": "file.file",
        "unit_key": {"relative_path": "a"},
    });
    for (field, value) in [
        ("upload_id", json!("x")),
        ("unit_type_id", json!("no.such")),
        ("unit_key", json!({"relative_path": "a", "odd": 1})),
        ("unit_key", json!("text")),
        ("unit_metadata", json!({"odd": 1})),
        ("unit_metadata", json!({"relative_path": "b"})),
        ("override_config", json!({"sha256": "a"})),
        (
            "repository",
            json!("/pulp/api/v3/repositories/file/file/x/"),
        ),
        ("odd", json!(1)),
    ] {
        let mut order = good.clone();
        order[field] = value;
        let reply = api.post("/import_upload", order).await?;
        assert!(!reply.errors_of(field)?.is_empty(), "{reply}");
    }
    for field in ["upload_id", "unit_type_id", "unit_key"] {
        let mut order = good.clone();
        order.as_object_mut().map(|order| order.remove(field));
        let reply = api.post("/import_upload", order).await?;
        assert!(!reply.errors_of(field)?.is_empty(), "{reply}");
    }
    let mut order = good.clone();
    order["unit_key"] = json!({});
    let reply = api.post("/import_upload", order).await?;
    assert!(!reply.errors_of("relative_path")?.is_empty(), "{reply}");
    let mut order = good;
    order["upload_id"] = json!("0190e2f4-0000-7000-8000-000000000001");
    assert_eq!(api.post("/import_upload", order).await?.status(), 404);
    Ok(())
}

async fn a_unit_is_what_its_key_says(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let sending = api.begin_upload(b"abc").await?;
    let key = json!({"relative_path": "a", "sha256": sha256_hex(b"xyz")});
    let failed = api.import(&sending.id, key).await?;
    assert!(failed.failure()?.contains("sha256"), "{}", failed.0);
    let key = json!({"relative_path": "a", "sha256": sha256_hex(b"abc")});
    api.import(&sending.id, key).await?.completed()?;
    Ok(())
}

async fn an_import_that_waits_keeps_its_upload(test: Test) -> Result<()> {
    let server = test
        .server()
        .environment("PITH_UPLOADS__EXPIRE_AFTER", "2s")
        .start()
        .await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let url = upstream.bad(Misbehaviour::Slow(20_000));
    let remote = api.file_remote("u", &url, "immediate").await?;
    let sync = format!("{}sync/", href(&repository));
    let busy = api
        .start_task(&sync, json!({"remote": href(&remote)}))
        .await?;
    api.wait_until_running(&busy).await?;
    let sending = api.begin_upload(b"patient").await?;
    let order = json!({
        "upload_id": sending.id, "unit_type_id": "file.file",
        "unit_key": {"relative_path": "a"}, "repository": href(&repository),
    });
    let waiting = api.start_task("/import_upload", order).await?;
    // Two seconds to live, one of grace, one until somebody looks.
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(api.get(&waiting).await?.ok()?["state"], "waiting");
    api.cancel(&busy).await?.ok()?;
    let task = api.wait(&waiting).await?.completed()?;
    let unit = api.get(&task.created_one("/content/")?).await?.ok()?;
    assert_eq!(unit["sha256"], *sha256_hex(b"patient"));
    Ok(())
}

/// A held file and its address.
fn held(upstream: &Upstream, bytes: &[u8]) -> String {
    let manifest = upstream.hold("held", &[("some.bin", bytes)]);
    manifest.replace("PULP_MANIFEST", "some.bin")
}

async fn a_file_is_fetched_from_its_address(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let url = held(&upstream, b"from afar");
    let config = json!({"username": "ada", "password": "hush hush", "max_retries": 0});
    let form = Form::new()
        .text("relative_path", "a.bin")
        .text("file_url", &url)
        .text("downloader_config", &config.to_string());
    let reply = api.post_form(CONTENT, form).await?;
    let task = api.finish(reply).await?.completed()?;
    assert!(!task.0.to_string().contains("hush"), "{}", task.0);
    let unit = api.get(&task.created_one("/content/")?).await?.ok()?;
    assert_eq!(unit["sha256"], *sha256_hex(b"from afar"));
    // The same as a typed task.
    let order = json!({"relative_path": "b.bin", "file_url": url, "size": 9});
    let task = api.post("/tasks/file/uploads/", order).await?.json(202)?;
    api.wait(text(&task["pulp_href"])).await?.completed()?;
    Ok(())
}

async fn a_fetched_file_is_what_the_client_says(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let url = held(&upstream, b"from afar");
    let order = |field: &str, value: Value| {
        let mut order = json!({"relative_path": "a.bin", "file_url": url});
        order[field] = value;
        order
    };
    for (field, value) in [
        ("sha256", json!(sha256_hex(b"other"))),
        ("md5", json!("900150983cd24fb0d6963f7d28e17f72")),
        ("size", json!(8)),
    ] {
        let task = api.run_task(CONTENT, order(field, value)).await?;
        assert!(task.failure()?.contains("some.bin"), "{}", task.0);
    }
    assert_eq!(
        stored_digests(server.data_directory())?,
        Vec::<String>::new()
    );
    let right = order("sha256", json!(sha256_hex(b"from afar")));
    api.run_task(CONTENT, right).await?.completed()?;
    for (field, value) in [
        ("file_url", json!("ftp://example.org/a")),
        ("file_url", json!("http://ada:hush@example.org/a")),
        ("sha256", json!("abc")),
        ("size", json!(-1)),
    ] {
        let reply = api.post(CONTENT, order(field, value)).await?;
        assert!(!reply.errors_of(field)?.is_empty(), "{reply}");
    }
    let reply = api
        .post(
            CONTENT,
            order("downloader_config", json!({"proxy_url": "x"})),
        )
        .await?;
    assert!(!reply.errors_of("downloader_config.proxy_url")?.is_empty());
    let reply = api
        .post(CONTENT, order("downloader_config", json!({"odd": 1})))
        .await?;
    assert!(!reply.errors_of("downloader_config.odd")?.is_empty());
    Ok(())
}

async fn a_file_comes_from_one_place(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let form = Form::new()
        .text("relative_path", "a")
        .text("file_url", &held(&upstream, b"there"))
        .file("file", "f", b"here");
    let reply = api.post_form(CONTENT, form).await?;
    assert!(!reply.errors_of("non_field_errors")?.is_empty(), "{reply}");
    let reply = api.post(CONTENT, json!({"relative_path": "a"})).await?;
    assert!(!reply.errors_of("non_field_errors")?.is_empty(), "{reply}");
    let order = json!({"relative_path": "a", "downloader_config": {"max_retries": 1}});
    let reply = api.post(CONTENT, order).await?;
    assert!(!reply.errors_of("downloader_config")?.is_empty(), "{reply}");
    for (field, value) in [("size", "5"), ("sha256", &*sha256_hex(b"there"))] {
        let form = Form::new()
            .text("relative_path", "a")
            .text(field, value)
            .file("file", "f", b"here");
        let reply = api.post_form(CONTENT, form).await?;
        assert_eq!(reply.status(), 400, "{field}: {reply}");
    }
    assert_eq!(
        stored_digests(server.data_directory())?,
        Vec::<String>::new()
    );
    Ok(())
}

async fn private_addresses_are_not_asked(test: Test) -> Result<()> {
    let server = test
        .server()
        .environment("PITH_DENY_PRIVATE_ADDRESSES", "true")
        .start()
        .await?;
    let upstream = Upstream::start().await?;
    let url = held(&upstream, b"secret");
    let order = json!({"relative_path": "a", "file_url": url});
    let task = server.api().run_task(CONTENT, order).await?;
    assert!(task.failure()?.contains("may not be asked"), "{}", task.0);
    assert_eq!(upstream.recorded().len(), 0);
    Ok(())
}

//! A disk that is full or broken: a clear error, and a server that goes on.

use anyhow::Result;
use pith_tests::upstream::Upstream;
use pith_tests::{Form, Test, on_both_databases, verify_stored_artifacts};
use serde_json::json;

on_both_databases!(
    a_full_disk_fails_the_sync_and_nothing_is_half,
    a_full_disk_refuses_an_upload,
    a_broken_write_fails_the_sync_and_the_next_one_heals,
    a_broken_rename_fails_the_sync_and_the_next_one_heals,
    a_broken_disk_sync_fails_the_sync_and_the_next_one_heals,
    a_file_that_cannot_be_written_fails_its_task,
    an_upload_that_cannot_be_written_is_refused,
    a_fetch_that_cannot_be_kept_is_served_or_broken,
);

/// Far more than the database needs here, far less than the large file.
const LARGEST_FILE: u64 = 24 << 20;
const TOO_LARGE: u64 = 40 << 20;

/// The server fails on purpose where this says so.
const FAULTS: &str = "PITH_DISK_FAULTS";

async fn a_full_disk_fails_the_sync_and_nothing_is_half(test: Test) -> Result<()> {
    let mut server = test
        .server()
        .environment(FAULTS, "enospc-after=150000")
        .start()
        .await?;
    let upstream = Upstream::start().await?;
    let repository = server.api().file_repository("r").await?;
    let remote = server
        .api()
        .file_remote("u", &upstream.generated(100, 5000), "immediate")
        .await?;
    let task = server.api().try_sync(&repository, &remote, false).await?;
    assert!(
        task.failure()?.to_lowercase().contains("full"),
        "{}",
        task.0
    );
    assert_eq!(server.api().latest_number(&repository).await?, 0);
    verify_stored_artifacts(server.data_directory())?;
    server.stop().await?;
    let server = test.server().beside(&server).start().await?;
    server.api().sync(&repository, &remote).await?;
    assert_eq!(verify_stored_artifacts(server.data_directory())?, 100);
    Ok(())
}

async fn a_full_disk_refuses_an_upload(test: Test) -> Result<()> {
    let server = test
        .server()
        .environment(FAULTS, "enospc-after=100000")
        .start()
        .await?;
    let form = Form::new().file("file", "large.bin", &vec![7_u8; 300_000]);
    let reply = server.api().post_form("/artifacts/", form).await?;
    let document = reply.json(507)?;
    assert!(
        document["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("full")),
        "{reply}"
    );
    assert_eq!(server.api().list("/artifacts/").await?.len(), 0);
    assert_eq!(server.api().get("/status/").await?.status(), 200);
    Ok(())
}

async fn a_broken_write_fails_the_sync_and_the_next_one_heals(test: Test) -> Result<()> {
    fails_and_heals(test, "eio-write=7").await
}

async fn a_broken_rename_fails_the_sync_and_the_next_one_heals(test: Test) -> Result<()> {
    fails_and_heals(test, "eio-rename=7").await
}

async fn a_broken_disk_sync_fails_the_sync_and_the_next_one_heals(test: Test) -> Result<()> {
    fails_and_heals(test, "eio-sync=1").await
}

async fn fails_and_heals(test: Test, faults: &str) -> Result<()> {
    let server = test.server().environment(FAULTS, faults).start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let repository = api.autopublishing_repository("r").await?;
    let remote = api
        .file_remote("u", &upstream.generated(60, 5000), "immediate")
        .await?;
    let task = api.try_sync(&repository, &remote, false).await?;
    let description = task.failure()?.to_lowercase();
    let says = ["input/output", "i/o", "disk", "os error 5"];
    assert!(
        says.iter().any(|word| description.contains(word)),
        "{}",
        task.0
    );
    assert_eq!(api.latest_number(&repository).await?, 0);
    // The fault strikes once.
    api.sync(&repository, &remote).await?;
    api.distribute("served", &repository).await?;
    for number in 1..=60 {
        let bytes = server.fetch_bytes(&format!("served/{number}.iso")).await?;
        assert_eq!(bytes.len(), 5000);
    }
    assert_eq!(
        verify_stored_artifacts(server.data_directory())?,
        61,
        "and the manifest"
    );
    Ok(())
}

async fn a_file_that_cannot_be_written_fails_its_task(test: Test) -> Result<()> {
    let server = test.server().largest_file(LARGEST_FILE).start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let remote = api
        .file_remote("large", &upstream.generated(1, TOO_LARGE), "immediate")
        .await?;
    let task = api.try_sync(&repository, &remote, false).await?;
    let description = task.failure()?;
    assert!(
        description.to_lowercase().contains("too large"),
        "why? {description}"
    );
    assert_eq!(api.latest_number(&repository).await?, 0);
    verify_stored_artifacts(server.data_directory())?;
    // Smaller files still fit, and nothing of the large one is left in their way.
    let remote = api
        .file_remote("small", &upstream.generated(10, 1000), "immediate")
        .await?;
    api.sync(&repository, &remote).await?;
    assert_eq!(verify_stored_artifacts(server.data_directory())?, 10);
    Ok(())
}

async fn an_upload_that_cannot_be_written_is_refused(test: Test) -> Result<()> {
    let server = test.server().largest_file(LARGEST_FILE).start().await?;
    let bytes = vec![7_u8; usize::try_from(TOO_LARGE)?];
    let form = Form::new().file("file", "large.bin", &bytes);
    let reply = server.api().post_form("/artifacts/", form).await?;
    assert!(matches!(reply.status(), 500 | 507), "{reply}");
    assert_eq!(server.api().list("/artifacts/").await?.len(), 0);
    assert_eq!(verify_stored_artifacts(server.data_directory())?, 0);
    let form = Form::new().file("file", "small.bin", b"small");
    server
        .api()
        .post_form("/artifacts/", form)
        .await?
        .json(201)?;
    Ok(())
}

async fn a_fetch_that_cannot_be_kept_is_served_or_broken(test: Test) -> Result<()> {
    let server = test.server().largest_file(LARGEST_FILE).start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    api.mirrored("served", &upstream.generated(1, TOO_LARGE), "on_demand")
        .await?;
    let reply = server.fetch("served/1.iso").await?;
    if reply.is_clean_success() {
        assert_eq!(reply.body().len() as u64, TOO_LARGE);
    }
    verify_stored_artifacts(server.data_directory())?;
    let repository = api.file_repository("after").await?;
    api.modify(&repository, json!({})).await?;
    Ok(())
}

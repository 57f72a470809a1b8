//! A disk that takes no more: a clear error, and a server that goes on.

use anyhow::Result;
use pith_tests::upstream::Upstream;
use pith_tests::{Form, Test, on_both_databases, verify_stored_artifacts};
use serde_json::json;

on_both_databases!(
    a_file_that_cannot_be_written_fails_its_task,
    an_upload_that_cannot_be_written_is_refused,
    a_fetch_that_cannot_be_kept_is_served_or_broken,
);

/// Far more than the database needs here, far less than the large file.
const LARGEST_FILE: u64 = 24 << 20;
const TOO_LARGE: u64 = 40 << 20;

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
    assert!(description.contains("1.iso"), "which file? {description}");
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

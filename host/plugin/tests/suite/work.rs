//! The file plugin does its work: what goes in comes out on the host's side.

use std::sync::Arc;

use pith_fixture_upstream::Upstream;
use serde_json::json;

use crate::house::House;

#[tokio::test]
async fn a_sync_stages_and_adds_what_the_upstream_lists() {
    let house = House::start().await;
    let plugin = house.plugin("file").await;
    let upstream = Upstream::start().await.unwrap();
    let url = upstream.generated(2_500, 16);
    let params = json!({ "mirror": true, "optimize": true });
    let synced = house.sync(&plugin, &url, params).await.unwrap();
    assert_eq!(synced.added, 2_500);
    assert!(synced.task.progress.json().is_array());
}

#[tokio::test]
async fn an_error_of_the_upstream_reaches_the_task() {
    let house = House::start().await;
    let plugin = house.plugin("file").await;
    let upstream = Upstream::start().await.unwrap();
    let url = upstream.url("/bad/not-found/PULP_MANIFEST");
    let params = json!({ "mirror": true, "optimize": true });
    let error = house.sync(&plugin, &url, params).await.unwrap_err();
    assert_eq!(error.code, "not-found", "{error}");
    assert!(
        error.description.contains("/bad/not-found/PULP_MANIFEST"),
        "{error}"
    );
    assert_eq!(error.export.as_deref(), Some("syncer.sync"));
    assert!(error.frames.is_empty());
}

#[tokio::test]
async fn an_upload_becomes_a_unit() {
    let house = House::start().await;
    let plugin = house.plugin("file").await;
    let params = json!({ "relative_path": "a/b.txt" });
    let units = house
        .upload(&plugin, "b.txt", b"hello", params)
        .await
        .unwrap();
    assert_eq!(units, 1);
}

#[tokio::test]
async fn a_publication_gets_its_files() {
    let house = House::start().await;
    let plugin = house.plugin("file").await;
    let params = json!({ "manifest": "PULP_MANIFEST" });
    let publication = house.publish(&plugin, params).await.unwrap();
    let finished = publication.finish().await.unwrap();
    assert!(format!("{finished:?}").contains("files: 1"), "{finished:?}");
}

#[tokio::test]
async fn what_a_plugin_does_not_export_is_left_to_the_host() {
    let house = House::start().await;
    let plugin = house.plugin("hostile").await;
    let error = house.publish(&plugin, json!({})).await.unwrap_err();
    assert_eq!(error.code, "unsupported");
    assert_eq!(error.export.as_deref(), Some("publisher.publish"));
    assert_eq!(Arc::strong_count(&plugin), 1);
}

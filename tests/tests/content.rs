//! Content: units made of an upload or of an artifact.

use anyhow::Result;
use pith_tests::upstream::sha256_hex;
use pith_tests::{Form, Test, href, on_both_databases, present, text};

on_both_databases!(
    an_uploaded_file_becomes_a_unit,
    a_unit_is_made_of_an_artifact,
    a_unit_can_go_straight_into_a_repository,
    the_same_file_is_the_same_unit,
    the_same_bytes_at_another_path_are_another_unit,
    unsafe_paths_are_refused,
    a_unit_needs_a_path_and_bytes,
    many_uploads_at_once_make_one_unit,
);

const PATH: &str = "/content/file/files/";

async fn an_uploaded_file_becomes_a_unit(test: Test) -> Result<()> {
    let server = test.start().await?;
    let bytes = b"some bytes of mine";
    let unit = server
        .api()
        .upload_file("deep/down/file.txt", bytes, None)
        .await?;
    assert_eq!(unit["relative_path"], "deep/down/file.txt");
    assert_eq!(unit["sha256"], *sha256_hex(bytes));
    assert!(
        text(&unit["prn"]).starts_with("prn:file.filecontent:"),
        "{unit}"
    );
    let artifact = server.api().get(text(&unit["artifact"])).await?.ok()?;
    assert_eq!(artifact["size"], bytes.len());
    assert_eq!(artifact["sha256"], unit["sha256"]);
    Ok(())
}

async fn a_unit_is_made_of_an_artifact(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let form = Form::new().file("file", "a.bin", b"an artifact first");
    let artifact = api.post_form("/artifacts/", form).await?.json(201)?;
    let form = Form::new()
        .text("artifact", &href(&artifact))
        .text("relative_path", "a.txt");
    let reply = api.post_form(PATH, form).await?;
    let task = api.finish(reply).await?.completed()?;
    let unit = api.get(&task.created_one("/content/")?).await?.ok()?;
    assert_eq!(unit["artifact"], artifact["pulp_href"]);
    assert_eq!(unit["sha256"], artifact["sha256"]);
    Ok(())
}

async fn a_unit_can_go_straight_into_a_repository(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let unit = api.upload_file("a.txt", b"a", Some(&repository)).await?;
    let version = api.latest_version(&repository).await?;
    assert_eq!(version["number"], 1);
    assert_eq!(present(&version, "file.file"), 1);
    assert_eq!(href(&api.files_in(&version).await?[0]), href(&unit));
    Ok(())
}

async fn the_same_file_is_the_same_unit(test: Test) -> Result<()> {
    let server = test.start().await?;
    let one = server.api().upload_file("a.txt", b"a", None).await?;
    let other = server.api().upload_file("a.txt", b"a", None).await?;
    assert_eq!(href(&one), href(&other));
    assert_eq!(server.api().list(PATH).await?.len(), 1);
    Ok(())
}

async fn the_same_bytes_at_another_path_are_another_unit(test: Test) -> Result<()> {
    let server = test.start().await?;
    let one = server.api().upload_file("a.txt", b"same", None).await?;
    let other = server.api().upload_file("b.txt", b"same", None).await?;
    assert_ne!(href(&one), href(&other));
    assert_eq!(one["artifact"], other["artifact"]);
    assert_eq!(server.api().list("/artifacts/").await?.len(), 1);
    Ok(())
}

async fn unsafe_paths_are_refused(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let long = "a/".repeat(5000);
    for path in [
        "../up.txt",
        "a/../../b",
        "/etc/passwd",
        "a//b",
        "",
        "a/./b",
        "a\0b",
        "a/",
        &long,
    ] {
        let form = Form::new()
            .text("relative_path", path)
            .file("file", "x", b"x");
        let reply = api.post_form(PATH, form).await?;
        let refused = match reply.status() {
            400 => true,
            202 => api.finish(reply).await?.state() == "failed",
            _ => false,
        };
        assert!(refused, "{path:?} was taken");
    }
    assert_eq!(api.list(PATH).await?.len(), 0);
    Ok(())
}

async fn a_unit_needs_a_path_and_bytes(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let reply = api
        .post_form(PATH, Form::new().file("file", "x", b"x"))
        .await?;
    assert!(!reply.errors_of("relative_path")?.is_empty(), "{reply}");
    let reply = api
        .post_form(PATH, Form::new().text("relative_path", "a"))
        .await?;
    assert_eq!(reply.status(), 400, "{reply}");
    let absent = "/pulp/api/v3/artifacts/00000000-0000-7000-8000-000000000000/";
    let form = Form::new()
        .text("relative_path", "a")
        .text("artifact", absent);
    let reply = api.post_form(PATH, form).await?;
    assert!(!reply.errors_of("artifact")?.is_empty(), "{reply}");
    Ok(())
}

async fn many_uploads_at_once_make_one_unit(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let uploads = (0..12).map(|_| api.upload_file("a.txt", b"the very same", None));
    let units = futures::future::try_join_all(uploads).await?;
    for unit in &units {
        assert_eq!(href(unit), href(&units[0]));
    }
    assert_eq!(api.list("/artifacts/").await?.len(), 1);
    Ok(())
}

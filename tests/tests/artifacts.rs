//! Artifacts: bytes by digest.

use anyhow::Result;
use pith_tests::upstream::sha256_hex;
use pith_tests::{Form, Test, href, on_both_databases, stored_digests, text};
use serde_json::json;

on_both_databases!(
    an_artifact_is_known_by_its_digest,
    wrong_digests_and_sizes_are_refused,
    the_same_bytes_are_stored_once,
    an_artifact_is_found_by_digest,
    an_artifact_in_use_is_not_deleted,
    an_empty_file_is_a_file,
    an_artifact_without_a_file_is_refused,
    a_broken_form_is_refused,
);

const PATH: &str = "/artifacts/";

fn form(bytes: &[u8]) -> Form {
    Form::new().file("file", "some.bin", bytes)
}

async fn an_artifact_is_known_by_its_digest(test: Test) -> Result<()> {
    let server = test.start().await?;
    let bytes = vec![7_u8; 300_000];
    let digest = sha256_hex(&bytes);
    let right = form(&bytes).text("sha256", &digest).text("size", "300000");
    let artifact = server.api().post_form(PATH, right).await?.json(201)?;
    assert_eq!(artifact["sha256"], *digest);
    assert_eq!(artifact["size"], 300_000);
    assert!(
        text(&artifact["prn"]).starts_with("prn:core.artifact:"),
        "{artifact}"
    );
    assert_eq!(server.api().get(&href(&artifact)).await?.ok()?, artifact);
    assert_eq!(stored_digests(server.data_directory())?, [digest]);
    assert_eq!(server.api().delete(&href(&artifact)).await?.status(), 204);
    assert_eq!(server.api().get(&href(&artifact)).await?.status(), 404);
    assert_eq!(
        stored_digests(server.data_directory())?,
        Vec::<String>::new()
    );
    Ok(())
}

async fn wrong_digests_and_sizes_are_refused(test: Test) -> Result<()> {
    let server = test.start().await?;
    let bytes = b"some bytes";
    let other = sha256_hex(b"other bytes");
    for (field, value) in [
        ("sha256", other.as_str()),
        ("sha256", "abc"),
        ("sha512", &other.repeat(2)),
        ("size", "9"),
        ("size", "-1"),
    ] {
        let reply = server
            .api()
            .post_form(PATH, form(bytes).text(field, value))
            .await?;
        assert_eq!(reply.status(), 400, "{field}={value}: {reply}");
        assert!(reply.text().contains(field), "{field}={value}: {reply}");
    }
    assert_eq!(server.api().list(PATH).await?.len(), 0);
    assert_eq!(
        stored_digests(server.data_directory())?,
        Vec::<String>::new()
    );
    Ok(())
}

async fn the_same_bytes_are_stored_once(test: Test) -> Result<()> {
    let server = test.start().await?;
    let artifact = server
        .api()
        .post_form(PATH, form(b"same"))
        .await?
        .json(201)?;
    let reply = server.api().post_form(PATH, form(b"same")).await?;
    assert_eq!(reply.status(), 400, "{reply}");
    assert!(reply.text().contains(text(&artifact["sha256"])), "{reply}");
    assert_eq!(server.api().list(PATH).await?.len(), 1);
    assert_eq!(stored_digests(server.data_directory())?.len(), 1);
    // The bytes may come again with a unit.
    let unit = server.api().upload_file("same.txt", b"same", None).await?;
    assert_eq!(unit["artifact"], artifact["pulp_href"]);
    Ok(())
}

async fn an_artifact_is_found_by_digest(test: Test) -> Result<()> {
    let server = test.start().await?;
    server
        .api()
        .post_form(PATH, form(b"one"))
        .await?
        .json(201)?;
    server
        .api()
        .post_form(PATH, form(b"two"))
        .await?
        .json(201)?;
    let digest = sha256_hex(b"two");
    let found = server
        .api()
        .list(&format!("{PATH}?sha256={digest}"))
        .await?;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["size"], 3);
    Ok(())
}

async fn an_artifact_in_use_is_not_deleted(test: Test) -> Result<()> {
    let server = test.start().await?;
    let unit = server.api().upload_file("a.txt", b"in use", None).await?;
    let artifact = text(&unit["artifact"]);
    let reply = server.api().delete(artifact).await?;
    assert_eq!(reply.status(), 409, "{reply}");
    assert_eq!(server.api().get(artifact).await?.status(), 200);
    Ok(())
}

async fn an_empty_file_is_a_file(test: Test) -> Result<()> {
    let server = test.start().await?;
    let artifact = server.api().post_form(PATH, form(b"")).await?.json(201)?;
    assert_eq!(artifact["size"], 0);
    assert_eq!(artifact["sha256"], *sha256_hex(b""));
    Ok(())
}

async fn an_artifact_without_a_file_is_refused(test: Test) -> Result<()> {
    let server = test.start().await?;
    let reply = server
        .api()
        .post_form(PATH, Form::new().text("size", "1"))
        .await?;
    assert!(!reply.errors_of("file")?.is_empty(), "{reply}");
    let reply = server.api().post(PATH, json!({"size": 1})).await?;
    assert!(matches!(reply.status(), 400 | 415), "{reply}");
    Ok(())
}

async fn a_broken_form_is_refused(test: Test) -> Result<()> {
    let server = test.start().await?;
    let kind = "multipart/form-data; boundary=xyz";
    for body in [
        "",
        "--xyz",
        "--xyz\r\n\r\n",
        "--xyz\r\nContent-Disposition: form-data\r\n\r\na",
    ] {
        let reply = server.api().post_bytes(PATH, kind, body).await?;
        assert_eq!(reply.status(), 400, "{body:?}: {reply}");
    }
    let reply = server
        .api()
        .post_bytes(PATH, "multipart/form-data", "a")
        .await?;
    assert!(matches!(reply.status(), 400 | 415), "{reply}");
    assert_eq!(
        stored_digests(server.data_directory())?,
        Vec::<String>::new()
    );
    Ok(())
}

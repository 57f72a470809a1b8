//! Pulp's uploads: a size first, then chunks in any order, then the commit.

use anyhow::Result;
use pith_tests::upstream::sha256_hex;
use pith_tests::{Api, Form, Test, href, on_both_databases, stored_digests, text};
use serde_json::{Value, json};

on_both_databases!(
    chunks_in_any_order_make_an_artifact,
    an_upload_shows_its_chunks,
    a_chunk_in_the_place_of_another_wins,
    a_bad_chunk_changes_nothing,
    a_chunk_is_what_its_range_says,
    a_commit_wants_all_bytes_and_the_right_digest,
    the_same_bytes_are_the_same_artifact,
    an_empty_upload_is_committed,
    an_upload_becomes_a_unit,
    an_upload_is_given_up,
);

const PATH: &str = "/uploads/";

async fn begin(api: &Api, size: usize) -> Result<String> {
    Ok(href(&api.create(PATH, json!({"size": size})).await?))
}

async fn commit(api: &Api, upload: &str, bytes: &[u8]) -> Result<pith_tests::Task> {
    let order = json!({"sha256": sha256_hex(bytes)});
    api.run_task(&format!("{upload}commit/"), order).await
}

fn sample(size: usize) -> Vec<u8> {
    let byte = |at: usize| u8::try_from((at * 7 + at / 251) % 256).unwrap_or_default();
    (0..size).map(byte).collect()
}

async fn chunks_in_any_order_make_an_artifact(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    for (name, order) in [
        ("forwards", [0, 1, 2, 3, 4]),
        ("backwards", [4, 3, 2, 1, 0]),
        ("mixed", [1, 0, 4, 2, 3]),
        ("with a hole until the end", [0, 1, 3, 4, 2]),
    ] {
        let mut bytes = sample(1_000_000);
        bytes.extend_from_slice(name.as_bytes());
        let chunks: Vec<&[u8]> = bytes.chunks(bytes.len() / 5 + 1).collect();
        let upload = begin(api, bytes.len()).await?;
        for number in order {
            let first = number * chunks[0].len();
            let reply = api
                .put_range(&upload, first, chunks[number], bytes.len())
                .await?;
            assert_eq!(href(&reply.ok()?), upload, "{name}");
        }
        let task = commit(api, &upload, &bytes).await?.completed()?;
        let artifact = api.get(&task.created_one("/artifacts/")?).await?.ok()?;
        assert_eq!(artifact["sha256"], *sha256_hex(&bytes), "{name}");
        assert_eq!(artifact["size"], bytes.len(), "{name}");
        assert_eq!(api.get(&upload).await?.status(), 404, "{name}");
    }
    assert_eq!(
        pith_tests::verify_stored_artifacts(server.data_directory())?,
        4
    );
    let left = std::fs::read_dir(server.data_directory().join("upload"))?;
    assert_eq!(left.count(), 0, "files of uploads that were committed");
    Ok(())
}

async fn an_upload_shows_its_chunks(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let upload = begin(api, 30).await?;
    api.put_range(&upload, 20, &[2; 10], 30).await?.ok()?;
    api.put_range(&upload, 0, &[0; 10], 30).await?.ok()?;
    let shown = api.get(&upload).await?.ok()?;
    assert_eq!(shown["size"], 30);
    assert_eq!(shown["completed"], Value::Null);
    assert!(
        text(&shown["prn"]).starts_with("prn:core.upload:"),
        "{shown}"
    );
    let expected = json!([{"offset": 0, "size": 10}, {"offset": 20, "size": 10}]);
    assert_eq!(shown["chunks"], expected);
    begin(api, 40).await?;
    let sizes = |rows: Vec<Value>| -> Vec<u64> {
        let mut sizes: Vec<_> = rows.iter().filter_map(|row| row["size"].as_u64()).collect();
        sizes.sort_unstable();
        sizes
    };
    assert_eq!(sizes(api.list(PATH).await?), [30, 40]);
    assert_eq!(sizes(api.list("/uploads/?size__gt=30").await?), [40]);
    assert_eq!(sizes(api.list("/uploads/?size__range=1,30").await?), [30]);
    let filter = format!("/uploads/?pulp_href__in={upload}");
    assert_eq!(sizes(api.list(&filter).await?), [30]);
    for size in [json!(-1), json!("x"), Value::Null] {
        let reply = api.post(PATH, json!({"size": size})).await?;
        assert!(!reply.errors_of("size")?.is_empty(), "{reply}");
    }
    assert!(
        !api.post(PATH, json!({}))
            .await?
            .errors_of("size")?
            .is_empty()
    );
    Ok(())
}

async fn a_chunk_in_the_place_of_another_wins(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let upload = begin(api, 30).await?;
    api.put_range(&upload, 0, &[1; 20], 30).await?.ok()?;
    api.put_range(&upload, 20, &[2; 10], 30).await?.ok()?;
    // The same again, then another one over half of it.
    api.put_range(&upload, 20, &[3; 10], 30).await?.ok()?;
    api.put_range(&upload, 10, &[4; 15], 30).await?.ok()?;
    let shown = api.get(&upload).await?.ok()?;
    assert_eq!(
        shown["chunks"],
        json!([{"offset": 10, "size": 15}]),
        "{shown}"
    );
    api.put_range(&upload, 0, &[5; 10], 30).await?.ok()?;
    api.put_range(&upload, 25, &[6; 5], 30).await?.ok()?;
    let bytes = [&[5; 10][..], &[4; 15], &[6; 5]].concat();
    commit(api, &upload, &bytes).await?.completed()?;
    assert_eq!(
        stored_digests(server.data_directory())?,
        [sha256_hex(&bytes)]
    );
    Ok(())
}

async fn a_bad_chunk_changes_nothing(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let upload = begin(api, 6).await?;
    api.put_range(&upload, 0, b"abc", 6).await?.ok()?;
    let before = api.get(&upload).await?.ok()?["chunks"].clone();
    let wrong = sha256_hex(b"xyz");
    let range = [("Content-Range", "bytes 3-5/6")];
    for form in [
        Form::new().text("sha256", &wrong).file("file", "f", b"def"),
        Form::new().file("file", "f", b"def").text("sha256", &wrong),
        Form::new().text("sha256", "abc").file("file", "f", b"def"),
        Form::new().file("file", "f", b"def").text("odd", "x"),
    ] {
        let reply = api.put_form(&upload, &range, form).await?;
        assert_eq!(reply.status(), 400, "{reply}");
        assert_eq!(api.get(&upload).await?.ok()?["chunks"], before);
    }
    let right = sha256_hex(b"def");
    for form in [
        Form::new().text("sha256", &right).file("file", "f", b"def"),
        Form::new().file("file", "f", b"def").text("sha256", &right),
    ] {
        api.put_form(&upload, &range, form).await?.ok()?;
    }
    commit(api, &upload, b"abcdef").await?.completed()?;
    Ok(())
}

async fn a_chunk_is_what_its_range_says(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let upload = begin(api, 10).await?;
    let form = || Form::new().file("file", "f", b"abcde");
    for range in [
        "bytes 0-3/10",
        "bytes 0-5/10",
        "bytes 0-4/11",
        "bytes 6-10/10",
        "bytes 4-0/10",
        "bytes */10",
        "abc",
    ] {
        let reply = api
            .put_form(&upload, &[("Content-Range", range)], form())
            .await?;
        assert_eq!(reply.status(), 400, "{range}: {reply}");
    }
    assert_eq!(api.put_form(&upload, &[], form()).await?.status(), 400);
    let range = [("Content-Range", "bytes 0-4/10")];
    let empty = Form::new().text("sha256", &sha256_hex(b""));
    let reply = api.put_form(&upload, &range, empty).await?;
    assert!(!reply.errors_of("file")?.is_empty(), "{reply}");
    let twice = form().file("file", "f", b"abcde");
    assert_eq!(api.put_form(&upload, &range, twice).await?.status(), 400);
    assert_eq!(api.get(&upload).await?.ok()?["chunks"], json!([]));
    api.put_form(&upload, &range, form()).await?.ok()?;
    Ok(())
}

async fn a_commit_wants_all_bytes_and_the_right_digest(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let upload = begin(api, 6).await?;
    api.put_range(&upload, 3, b"def", 6).await?.ok()?;
    let failed = commit(api, &upload, b"abcdef").await?;
    assert!(failed.failure()?.contains("byte 0"), "{}", failed.0);
    api.put_range(&upload, 0, b"abc", 6).await?.ok()?;
    let failed = commit(api, &upload, b"other!").await?;
    assert!(failed.failure()?.contains("digest"), "{}", failed.0);
    assert_eq!(
        stored_digests(server.data_directory())?,
        Vec::<String>::new()
    );
    let path = format!("{upload}commit/");
    for order in [json!({}), json!({"sha256": "abc"})] {
        let reply = api.post(&path, order).await?;
        assert!(!reply.errors_of("sha256")?.is_empty(), "{reply}");
    }
    commit(api, &upload, b"abcdef").await?.completed()?;
    Ok(())
}

async fn the_same_bytes_are_the_same_artifact(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let form = Form::new().file("file", "f", b"same bytes");
    let artifact = api.post_form("/artifacts/", form).await?.json(201)?;
    let upload = begin(api, 10).await?;
    api.put_range(&upload, 0, b"same bytes", 10).await?.ok()?;
    let task = commit(api, &upload, b"same bytes").await?.completed()?;
    assert_eq!(task.created_one("/artifacts/")?, href(&artifact));
    assert_eq!(stored_digests(server.data_directory())?.len(), 1);
    pith_tests::verify_stored_artifacts(server.data_directory())?;
    Ok(())
}

async fn an_empty_upload_is_committed(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let upload = begin(api, 0).await?;
    let task = commit(api, &upload, b"").await?.completed()?;
    let artifact = api.get(&task.created_one("/artifacts/")?).await?.ok()?;
    assert_eq!(artifact["size"], 0);
    Ok(())
}

async fn an_upload_becomes_a_unit(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.file_repository("r").await?;
    let upload = begin(api, 8).await?;
    api.put_range(&upload, 0, b"in parts", 8).await?.ok()?;
    let form = |digest: &str| {
        Form::new()
            .text("upload", &upload)
            .text("relative_path", "a.txt")
            .text("repository", &href(&repository))
            .text("sha256", digest)
    };
    let path = "/content/file/files/";
    let wrong = api.post_form(path, form(&sha256_hex(b"x"))).await?;
    assert!(api.finish(wrong).await?.failure()?.contains("digest"));
    let right = api.post_form(path, form(&sha256_hex(b"in parts"))).await?;
    let task = api.finish(right).await?.completed()?;
    let unit = api.get(&task.created_one("/content/")?).await?.ok()?;
    assert_eq!(unit["sha256"], *sha256_hex(b"in parts"));
    assert_eq!(api.latest_number(&repository).await?, 1);
    assert_eq!(api.get(&upload).await?.status(), 404, "it was used up");
    let again = api.post_form(path, form(&sha256_hex(b"in parts"))).await?;
    assert!(!again.errors_of("upload")?.is_empty(), "{again}");
    Ok(())
}

async fn an_upload_is_given_up(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let upload = begin(api, 6).await?;
    api.put_range(&upload, 0, b"abc", 6).await?.ok()?;
    assert_eq!(api.delete(&upload).await?.status(), 204);
    assert_eq!(api.get(&upload).await?.status(), 404);
    assert_eq!(api.delete(&upload).await?.status(), 404);
    assert_eq!(api.put_range(&upload, 3, b"def", 6).await?.status(), 404);
    assert_eq!(api.list(PATH).await?.len(), 0);
    Ok(())
}

//! Uploads whose chunks follow one another: `PUT upload`.

use std::time::Duration;

use anyhow::Result;
use futures::future::try_join_all;
use http::Method;
use pith_tests::upstream::sha256_hex;
use pith_tests::{Sending, Test, on_a_shared_database, on_both_databases, text};
use serde_json::json;
use tokio::time::sleep;

on_both_databases!(
    chunks_make_a_file,
    a_chunk_elsewhere_is_ignored,
    a_damaged_chunk_changes_nothing,
    one_of_many_senders_wins,
    a_chunk_that_breaks_off_changes_nothing,
    chunks_may_come_in_pieces,
    chunks_that_are_too_large_or_compressed_are_refused,
    there_is_nothing_but_sending,
    users_have_so_much_and_no_more,
    uploads_expire,
);

on_a_shared_database!(chunks_go_to_any_server, two_servers_take_one_chunk_once,);

async fn chunks_make_a_file(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let reply = api.put_bytes("/upload", &[], "hello ").await?.ok()?;
    let sending = Sending::of(&reply)?;
    assert_eq!(sending.offset, 6);
    let expires = text(&reply["expires"]);
    assert!(
        expires.ends_with(" +0000") && expires.len() == "Tue, 19 Jul 2011 21:55:38 +0000".len(),
        "{reply}"
    );
    // With a slash it is the same path, and so below the other root.
    let path = format!("/api/v3/upload/?upload_id={}&offset=6", sending.id);
    let answer = api.put_bytes(&path, &[], "world").await?.ok()?;
    assert_eq!(Sending::of(&answer)?.offset, 11);
    assert_eq!(answer["expires"], reply["expires"], "it is never extended");
    let key = json!({"relative_path": "a.txt"});
    let task = api.import(&sending.id, key).await?.completed()?;
    let unit = api.get(&task.created_one("/content/")?).await?.ok()?;
    assert_eq!(unit["sha256"], *sha256_hex(b"hello world"));
    // What it became takes no more.
    let reply = api.send_chunk(&sending.id, 11, b"!").await?;
    assert_eq!(reply.status(), 409, "{reply}");
    pith_tests::verify_stored_artifacts(server.data_directory())?;
    Ok(())
}

async fn a_chunk_elsewhere_is_ignored(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let sending = api.begin_upload(b"0123456789").await?;
    for offset in [0, 9, 11, u64::MAX] {
        let reply = api.send_chunk(&sending.id, offset, b"abc").await?;
        assert_eq!(Sending::of(&reply.json(400)?)?, sending, "{offset}");
    }
    for offset in ["", "&offset=", "&offset=-1", "&offset=x"] {
        let path = format!("/upload?upload_id={}{offset}", sending.id);
        let reply = api.put_bytes(&path, &[], "abc").await?;
        assert_eq!(Sending::of(&reply.json(400)?)?, sending, "{offset}");
    }
    // A large repeat is answered too, not cut off.
    let large = vec![7; 20_000_000];
    let reply = api.send_chunk(&sending.id, 0, &large).await?;
    assert_eq!(Sending::of(&reply.json(400)?)?, sending);
    assert_eq!(api.send_next(&sending, b"abc").await?.offset, 13);
    let unknown = "0190e2f4-0000-7000-8000-000000000001";
    assert_eq!(api.send_chunk(unknown, 0, b"a").await?.status(), 404);
    let reply = api.send_chunk("../../etc/passwd", 0, b"a").await?;
    assert!(!reply.errors_of("upload_id")?.is_empty(), "{reply}");
    let reply = api.put_bytes("/upload?offset=5", &[], "a").await?;
    assert!(!reply.errors_of("upload_id")?.is_empty(), "{reply}");
    Ok(())
}

async fn a_damaged_chunk_changes_nothing(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    // Of "abc".
    let right = [
        (
            "Digest",
            "SHA-256=ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
        ),
        (
            "Content-Digest",
            "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:",
        ),
        ("Content-MD5", "kAFQmDzST7DWlj99KOF/cg=="),
        (
            "sha256",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
    ];
    for header in right {
        let reply = api.put_bytes("/upload", &[header], "abd").await?;
        assert_eq!(reply.status(), 400, "{header:?}: {reply}");
    }
    let mut sending = Sending::of(&api.put_bytes("/upload", &right, "abc").await?.ok()?)?;
    for header in right {
        let path = format!("/upload?upload_id={}&offset={}", sending.id, sending.offset);
        let reply = api.put_bytes(&path, &[header], "abd").await?;
        assert_eq!(reply.status(), 400, "{header:?}: {reply}");
        assert_eq!(api.ask_offset(&sending.id).await?, sending, "{header:?}");
        sending = Sending::of(&api.put_bytes(&path, &[header], "abc").await?.ok()?)?;
    }
    for header in [
        ("Digest", "SHA-256"),
        ("Content-MD5", "x"),
        ("sha256", "abc"),
    ] {
        let reply = api.put_bytes("/upload", &[header], "abc").await?;
        assert!(
            !reply.errors_of(&header.0.to_lowercase())?.is_empty(),
            "{reply}"
        );
    }
    let key = json!({"relative_path": "a", "sha256": sha256_hex(&b"abc".repeat(5))});
    api.import(&sending.id, key).await?.completed()?;
    Ok(())
}

async fn one_of_many_senders_wins(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let mut sending = api.begin_upload(b"").await?;
    let mut expected = Vec::new();
    for round in 0..4_u8 {
        let senders = (0..16_u8).map(|sender| {
            let (api, sending) = (api.clone(), sending.clone());
            async move {
                let chunk = vec![round * 16 + sender; 200_000 + usize::from(sender)];
                let reply = api.send_chunk(&sending.id, sending.offset, &chunk).await?;
                anyhow::Ok((chunk, reply))
            }
        });
        let replies = try_join_all(senders).await?;
        let (winner, reply) = {
            let mut won = replies.iter().filter(|(_, reply)| reply.status() == 200);
            let winner = won.next().expect("one wins");
            assert!(won.next().is_none(), "only one wins");
            winner
        };
        sending = Sending::of(&reply.ok()?)?;
        for (chunk, reply) in replies.iter().filter(|(chunk, _)| chunk != winner) {
            let told = Sending::of(&reply.json(400)?)?;
            assert_eq!(told, sending, "{}", chunk[0]);
        }
        expected.extend_from_slice(winner);
    }
    let key = json!({"relative_path": "a", "sha256": sha256_hex(&expected)});
    api.import(&sending.id, key).await?.completed()?;
    pith_tests::verify_stored_artifacts(server.data_directory())?;
    Ok(())
}

async fn a_chunk_that_breaks_off_changes_nothing(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let sending = api.begin_upload(b"begin").await?;
    let head = format!(
        "PUT /api/v3/upload?upload_id={}&offset=5 HTTP/1.1\r\nContent-Length: 3000000",
        sending.id
    );
    server.send_raw(&head, &vec![1; 2_000_000], false).await?;
    assert_eq!(api.ask_offset(&sending.id).await?, sending);
    let sending = api.send_next(&sending, b" end").await?;
    let key = json!({"relative_path": "a", "sha256": sha256_hex(b"begin end")});
    api.import(&sending.id, key).await?.completed()?;
    pith_tests::verify_stored_artifacts(server.data_directory())?;
    Ok(())
}

async fn chunks_may_come_in_pieces(test: Test) -> Result<()> {
    let server = test.start().await?;
    let head = "PUT /api/v3/upload HTTP/1.1\r\nTransfer-Encoding: chunked";
    let answer = server
        .send_raw(head, b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n", true)
        .await?;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("\"offset\":7"), "{answer}");
    let broken = server.send_raw(head, b"3\r\nabc\r\nx\r\n", true).await?;
    // The connection may be too broken for an answer; nothing is kept in any case.
    assert!(!broken.starts_with("HTTP/1.1 2"), "{broken}");
    sleep(Duration::from_millis(200)).await;
    let files = std::fs::read_dir(server.data_directory().join("upload"))?;
    assert_eq!(files.count(), 1);
    Ok(())
}

async fn chunks_that_are_too_large_or_compressed_are_refused(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let head = "PUT /api/v3/upload HTTP/1.1\r\nContent-Length: 150000001";
    let answer = server.send_raw(head, b"", true).await?;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    let sending = api.begin_upload(b"a").await?;
    let path = format!("/upload?upload_id={}&offset=1", sending.id);
    let reply = api
        .put_bytes(&path, &[("Content-Encoding", "gzip")], "x")
        .await?;
    assert_eq!(reply.status(), 415, "{reply}");
    assert_eq!(api.ask_offset(&sending.id).await?, sending);
    Ok(())
}

async fn there_is_nothing_but_sending(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let sending = api.begin_upload(b"a").await?;
    for method in [Method::GET, Method::DELETE, Method::POST] {
        let reply = server.request(method.clone(), "/api/v3/upload").await?;
        assert!(matches!(reply.status(), 401 | 405), "{method}: {reply}");
    }
    assert_eq!(api.get("/upload").await?.status(), 405);
    assert_eq!(api.delete("/upload").await?.status(), 405);
    let href = format!("/uploads/{}/", sending.id);
    assert_eq!(api.get(&href).await?.status(), 404);
    assert_eq!(api.delete(&href).await?.status(), 404);
    assert_eq!(api.list("/uploads/").await?.len(), 0);
    let nobody = api.anonymous();
    assert_eq!(nobody.put_bytes("/upload", &[], "a").await?.status(), 401);
    Ok(())
}

async fn users_have_so_much_and_no_more(test: Test) -> Result<()> {
    let server = test
        .server()
        .environment("PITH_UPLOADS__MOST_OPEN", "3")
        .environment("PITH_UPLOADS__MOST_BYTES", "1000")
        .start()
        .await?;
    let api = server.api();
    let first = api.begin_upload(&[1; 400]).await?;
    let second = api.begin_upload(&[2; 400]).await?;
    let reply = api.send_chunk(&first.id, 400, &[1; 201]).await?;
    assert_eq!(reply.status(), 413, "{reply}");
    assert_eq!(api.ask_offset(&first.id).await?, first);
    let reply = api.post("/uploads/", json!({"size": 201})).await?;
    assert_eq!(reply.status(), 413, "{reply}");
    api.send_next(&first, &[1; 200]).await?;
    api.begin_upload(b"").await?;
    let reply = api.put_bytes("/upload", &[], "").await?;
    assert_eq!(reply.status(), 429, "{reply}");
    // What became a file counts no more.
    let key = json!({"relative_path": "a"});
    api.import(&second.id, key).await?.completed()?;
    api.begin_upload(&[3; 400]).await?;
    Ok(())
}

async fn uploads_expire(test: Test) -> Result<()> {
    let server = test
        .server()
        .environment("PITH_UPLOADS__EXPIRE_AFTER", "2s")
        .start()
        .await?;
    let api = server.api();
    let sending = api.begin_upload(b"soon gone").await?;
    let files = || {
        let folder = server.data_directory().join("upload");
        anyhow::Ok(std::fs::read_dir(folder)?.count())
    };
    assert_eq!(files()?, 1);
    sleep(Duration::from_millis(2100)).await;
    let reply = api.send_chunk(&sending.id, 9, b"!").await?;
    assert_eq!(reply.status(), 404, "{reply}");
    for _ in 0..100 {
        if files()? == 0 {
            return Ok(());
        }
        sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("the file of an upload that expired is still there")
}

async fn chunks_go_to_any_server(test: Test) -> Result<()> {
    let one = test.start().await?;
    let other = test.server().beside(&one).start().await?;
    let mut sending = one.api().begin_upload(b"").await?;
    let mut expected = Vec::new();
    for number in 0..20_u8 {
        let server = if number % 2 == 0 { &one } else { &other };
        let chunk = vec![number; 100_000];
        sending = server.api().send_next(&sending, &chunk).await?;
        expected.extend_from_slice(&chunk);
    }
    let key = json!({"relative_path": "a", "sha256": sha256_hex(&expected)});
    other.api().import(&sending.id, key).await?.completed()?;
    Ok(())
}

async fn two_servers_take_one_chunk_once(test: Test) -> Result<()> {
    let one = test.start().await?;
    let other = test.server().beside(&one).start().await?;
    let mut sending = one.api().begin_upload(b"").await?;
    let mut expected = Vec::new();
    for round in 0..5_u8 {
        let senders = (0..8_u8).map(|sender| {
            let server = if sender % 2 == 0 { &one } else { &other };
            let sending = sending.clone();
            async move {
                let chunk = vec![round * 8 + sender; 500_000];
                let reply = server
                    .api()
                    .send_chunk(&sending.id, sending.offset, &chunk)
                    .await?;
                anyhow::Ok((chunk, reply))
            }
        });
        let replies = try_join_all(senders).await?;
        let won: Vec<_> = replies
            .iter()
            .filter(|(_, reply)| reply.status() == 200)
            .collect();
        assert_eq!(won.len(), 1);
        expected.extend_from_slice(&won[0].0);
        sending = Sending::of(&won[0].1.ok()?)?;
    }
    let key = json!({"relative_path": "a", "sha256": sha256_hex(&expected)});
    one.api().import(&sending.id, key).await?.completed()?;
    Ok(())
}

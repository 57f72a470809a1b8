//! Files that are fetched when a client asks: once, verified, and never half.

use std::time::Duration;

use anyhow::{Context, Result};
use pith_tests::upstream::{FileMisbehaviour, Misbehaviour, Upstream, sha256_hex};
use pith_tests::{Reply, Test, TestServer, on_both_databases, stored_digests, text};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

on_both_databases!(
    a_file_on_demand_is_fetched_once,
    a_streamed_file_is_fetched_each_time_and_not_kept,
    a_head_says_the_size_without_fetching,
    a_range_of_what_is_not_here_yet,
    a_listing_fetches_nothing,
    clients_at_once_share_one_fetch,
    a_bad_file_never_ends_well,
    a_bad_file_never_ends_well_when_streamed,
    a_bad_file_is_well_once_the_upstream_is,
    a_silent_upstream_does_not_hold_a_client_for_ever,
    an_endless_file_is_cut,
    a_client_that_leaves_spoils_nothing,
    without_its_upstream_what_is_kept_is_served,
);

/// What is stored beside the manifest that Pith itself made for a base path.
async fn kept(server: &TestServer, base_path: &str) -> Result<Vec<String>> {
    let manifest = sha256_hex(
        &server
            .fetch_bytes(&format!("{base_path}/PULP_MANIFEST"))
            .await?,
    );
    let mut digests = stored_digests(server.data_directory())?;
    digests.retain(|digest| *digest != manifest);
    Ok(digests)
}

async fn a_file_on_demand_is_fetched_once(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    server
        .api()
        .mirrored("served", &upstream.generated(2, 150_000), "on_demand")
        .await?;
    let path = "/generated/2x150000/1.iso";
    assert_eq!(upstream.requests(path), 0);
    let first = server.fetch("served/1.iso").await?;
    let again = server.fetch("served/1.iso").await?;
    assert_eq!(first.bytes()?, again.bytes()?);
    assert_eq!(first.header("etag"), again.header("etag"));
    assert_eq!(first.header("content-length"), "150000");
    assert_eq!(upstream.requests(path), 1);
    assert_eq!(kept(&server, "served").await?, [sha256_hex(first.bytes()?)]);
    Ok(())
}

async fn a_streamed_file_is_fetched_each_time_and_not_kept(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    server
        .api()
        .mirrored("served", &upstream.generated(1, 150_000), "streamed")
        .await?;
    let first = server.fetch_bytes("served/1.iso").await?;
    let again = server.fetch_bytes("served/1.iso").await?;
    assert_eq!(first, again);
    assert_eq!(upstream.requests("/generated/1x150000/1.iso"), 2);
    assert_eq!(kept(&server, "served").await?, Vec::<String>::new());
    Ok(())
}

async fn a_head_says_the_size_without_fetching(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    server
        .api()
        .mirrored("served", &upstream.generated(1, 150_000), "on_demand")
        .await?;
    let head = server.fetch_head("served/1.iso").await?;
    assert_eq!(head.status(), 200);
    assert_eq!(head.header("content-length"), "150000");
    let tag = head.header("etag").to_owned();
    let reply = server
        .fetch_with("served/1.iso", &[("if-none-match", &tag)])
        .await?;
    assert_eq!(reply.status(), 304, "the digest is known: {reply}");
    assert_eq!(upstream.requests("/generated/1x150000/1.iso"), 0);
    Ok(())
}

async fn a_range_of_what_is_not_here_yet(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    for policy in ["on_demand", "streamed"] {
        // Other bytes for each policy, so that neither finds what the other kept.
        let url = upstream.url(&format!(
            "/generated/1x150000@{}/PULP_MANIFEST",
            policy.len()
        ));
        server.api().mirrored(policy, &url, policy).await?;
        let path = format!("{policy}/1.iso");
        let part = server
            .fetch_with(&path, &[("range", "bytes=100000-100099")])
            .await?;
        assert_eq!(part.status(), 206, "{policy}: {part}");
        assert!(!part.is_cut_off(), "{policy}: {part}");
        let whole = server.fetch_bytes(&path).await?;
        assert_eq!(part.body()[..], whole[100_000..100_100], "{policy}");
        let reply = server
            .fetch_with(&path, &[("range", "bytes=150000-")])
            .await?;
        assert_eq!(reply.status(), 416, "{policy}: {reply}");
    }
    Ok(())
}

async fn a_listing_fetches_nothing(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    server
        .api()
        .mirrored("served", &upstream.generated(3, 1000), "on_demand")
        .await?;
    let page = server.fetch("served/").await?.text();
    assert!(page.contains("3.iso\""), "{page}");
    assert_eq!(server.fetch("served/4.iso").await?.status(), 404);
    assert_eq!(
        upstream.requests_under("/generated/"),
        1,
        "the manifest alone"
    );
    Ok(())
}

async fn clients_at_once_share_one_fetch(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    // 200 kilobytes, one a few milliseconds: all clients come while it is under way.
    let url = upstream.bad(Misbehaviour::File(FileMisbehaviour::Slow(5)));
    let mirrored = server.api().mirrored("served", &url, "on_demand").await?;
    let version = server.api().latest_version(&mirrored.repository).await?;
    let path = format!(
        "/content/file/files/?repository_version={}&relative_path=bad.bin",
        text(&version["pulp_href"]),
    );
    let file = server.api().list(&path).await?.remove(0);
    let replies =
        futures::future::try_join_all((0..20).map(|_| server.fetch("served/bad.bin"))).await?;
    for reply in &replies {
        assert_eq!(file["sha256"], *sha256_hex(reply.bytes()?));
    }
    assert_eq!(upstream.requests("/bad/file-slow-5/bad.bin"), 1);
    Ok(())
}

async fn a_bad_file_never_ends_well(test: Test) -> Result<()> {
    never_ends_well(test, "on_demand").await
}

async fn a_bad_file_never_ends_well_when_streamed(test: Test) -> Result<()> {
    never_ends_well(test, "streamed").await
}

/// A remote that gives up soon, its repository and its distribution.
async fn impatient_mirror(
    server: &TestServer,
    upstream: &Upstream,
    misbehaviour: FileMisbehaviour,
    policy: &str,
) -> Result<String> {
    let api = server.api();
    let name = format!("{misbehaviour}");
    let url = upstream.bad(Misbehaviour::File(misbehaviour));
    let repository = api.autopublishing_repository(&name).await?;
    let remote = api.impatient_remote(&name, &url, policy).await?;
    api.sync(&repository, &remote).await?;
    api.distribute(&name, &repository).await?;
    Ok(format!("{name}/bad.bin"))
}

async fn never_ends_well(test: Test, policy: &str) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    for misbehaviour in FileMisbehaviour::AT_ONCE {
        let path = impatient_mirror(&server, &upstream, misbehaviour, policy).await?;
        for _ in 0..2 {
            let reply = server.fetch(&path).await?;
            assert!(
                !reply.is_clean_success(),
                "{misbehaviour} ended well: {}",
                about(&reply)
            );
            let is_told = reply.is_cut_off() || reply.status() >= 500;
            assert!(is_told, "{misbehaviour}: {}", about(&reply));
        }
        let range = [("range", "bytes=0-9")];
        let reply = server.fetch_with(&path, &range).await?;
        // A part may be right where the whole is not, but nothing of it is kept.
        assert!(
            reply.status() != 200 || reply.is_cut_off(),
            "{misbehaviour}: {}",
            about(&reply)
        );
        let good = path.replace("bad.bin", "good.txt");
        assert_eq!(server.fetch(&good).await?.status(), 200, "{misbehaviour}");
    }
    // All manifests list the same two files and are the same.
    let kept = kept(&server, "not-found").await?;
    let expected = usize::from(policy == "on_demand");
    assert_eq!(
        kept.len(),
        expected,
        "only good.txt is worth keeping: {kept:?}"
    );
    Ok(())
}

fn about(reply: &Reply) -> String {
    let cut_off = if reply.is_cut_off() { ", cut off" } else { "" };
    format!(
        "{} with {} bytes{cut_off}",
        reply.status(),
        reply.body().len()
    )
}

async fn a_bad_file_is_well_once_the_upstream_is(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let path =
        impatient_mirror(&server, &upstream, FileMisbehaviour::Flaky(4), "on_demand").await?;
    for _ in 0..10 {
        let reply = server.fetch(&path).await?;
        if reply.is_clean_success() {
            assert_eq!(reply.body().len(), 200_000);
            return Ok(());
        }
        assert!(
            reply.is_cut_off() || reply.status() >= 500,
            "{}",
            about(&reply)
        );
    }
    anyhow::bail!("a failure is remembered for ever");
}

async fn a_silent_upstream_does_not_hold_a_client_for_ever(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let path = impatient_mirror(&server, &upstream, FileMisbehaviour::Stalled, "on_demand").await?;
    let fetching = server.fetch(&path);
    let reply = tokio::time::timeout(Duration::from_secs(20), fetching)
        .await
        .context("the client still waits")??;
    assert!(!reply.is_clean_success(), "{}", about(&reply));
    Ok(())
}

async fn an_endless_file_is_cut(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let path = impatient_mirror(&server, &upstream, FileMisbehaviour::Endless, "on_demand").await?;
    let reply = server.fetch(&path).await?;
    assert!(!reply.is_clean_success(), "{}", about(&reply));
    assert!(
        reply.body().len() <= 200_000,
        "more than the manifest says: {}",
        about(&reply)
    );
    Ok(())
}

async fn a_client_that_leaves_spoils_nothing(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let path = impatient_mirror(&server, &upstream, FileMisbehaviour::Slow(3), "on_demand").await?;
    let address = server.base_url().trim_start_matches("http://");
    for _ in 0..3 {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET /pulp/content/{path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut beginning = [0_u8; 500];
        stream.read_exact(&mut beginning).await?;
        drop(stream);
    }
    let bytes = server.fetch_bytes(&path).await?;
    assert_eq!(bytes.len(), 200_000);
    assert_eq!(kept(&server, "slow-3").await?, [sha256_hex(&bytes)]);
    Ok(())
}

async fn without_its_upstream_what_is_kept_is_served(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let url = upstream.generated(2, 1000);
    let repository = api.autopublishing_repository("served").await?;
    let remote = api.impatient_remote("u", &url, "on_demand").await?;
    api.sync(&repository, &remote).await?;
    api.distribute("served", &repository).await?;
    let kept = server.fetch_bytes("served/1.iso").await?;
    upstream.stop().await;
    assert_eq!(server.fetch_bytes("served/1.iso").await?, kept);
    let reply = server.fetch("served/2.iso").await?;
    assert!(
        reply.status() >= 500 || reply.is_cut_off(),
        "{}",
        about(&reply)
    );
    let reply = server.fetch("served/PULP_MANIFEST").await?;
    assert_eq!(reply.status(), 200, "{reply}");
    Ok(())
}

//! The upstream as a client sees it, byte by byte over a socket.

use std::time::Duration;

use anyhow::{Context, Result};
use pith_fixture_upstream::{
    FileMisbehaviour, Manifest, Misbehaviour, PROTECTED_HEADER, Upstream, sha256_hex,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Head and body, or as much of them as came.
async fn get(upstream: &Upstream, path: &str, headers: &str) -> Result<(String, Vec<u8>)> {
    let mut stream = TcpStream::connect(upstream.address()).await?;
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: fixture\r\n{headers}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    let end = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .context("no head")?;
    let body = bytes.split_off(end + 4);
    Ok((String::from_utf8(bytes)?.to_ascii_lowercase(), body))
}

#[tokio::test]
async fn a_generated_repository_is_what_its_manifest_says() -> Result<()> {
    let upstream = Upstream::start().await?;
    let (head, manifest) = get(&upstream, "/generated/2x70000/PULP_MANIFEST", "").await?;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let manifest = Manifest::parse(std::str::from_utf8(&manifest)?)?;
    assert_eq!(manifest.0.len(), 2);
    for line in &manifest.0 {
        let (_, bytes) = get(&upstream, &format!("/generated/2x70000/{}", line.path), "").await?;
        assert_eq!(bytes.len().to_string(), line.size);
        assert_eq!(sha256_hex(&bytes), line.sha256);
    }
    assert_eq!(upstream.requests("/generated/2x70000/1.iso"), 1);
    assert_eq!(upstream.requests_under("/generated/"), 3);
    Ok(())
}

#[tokio::test]
async fn a_held_repository_can_change() -> Result<()> {
    let upstream = Upstream::start().await?;
    upstream.hold("tree", &[("a.txt", b"one")]);
    let (head, body) = get(&upstream, "/held/tree/a.txt", "").await?;
    assert_eq!(body, b"one");
    let tag = head
        .lines()
        .find_map(|line| line.strip_prefix("etag: "))
        .context("no tag")?;
    let condition = format!("If-None-Match: {tag}\r\n");
    let (head, body) = get(&upstream, "/held/tree/a.txt", &condition).await?;
    assert!(head.starts_with("http/1.1 304"), "{head}");
    assert!(body.is_empty());
    upstream.hold("tree", &[("a.txt", b"two")]);
    let (head, body) = get(&upstream, "/held/tree/a.txt", &condition).await?;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert_eq!(body, b"two");
    Ok(())
}

#[tokio::test]
async fn a_directory_is_served_with_ranges() -> Result<()> {
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("a.txt"), b"0123456789")?;
    let upstream = Upstream::start_with_directory(directory.path().to_owned()).await?;
    let (head, body) = get(&upstream, "/a.txt", "Range: bytes=2-4\r\n").await?;
    assert!(head.starts_with("http/1.1 206"), "{head}");
    assert!(head.contains("content-range: bytes 2-4/10"), "{head}");
    assert_eq!(body, b"234");
    let (head, _) = get(&upstream, "/a.txt", "Range: bytes=20-\r\n").await?;
    assert!(head.starts_with("http/1.1 416"), "{head}");
    let (head, _) = get(&upstream, "/%2e%2e/etc/passwd", "").await?;
    assert!(head.starts_with("http/1.1 400"), "{head}");
    Ok(())
}

#[tokio::test]
async fn a_truncated_body_is_shorter_than_promised() -> Result<()> {
    let upstream = Upstream::start().await?;
    let path = format!(
        "/bad/{}/bad.bin",
        Misbehaviour::File(FileMisbehaviour::Truncated)
    );
    let (head, body) = get(&upstream, &path, "").await?;
    assert!(head.contains("content-length: 200000"), "{head}");
    assert_eq!(body.len(), 100_000);
    Ok(())
}

#[tokio::test]
async fn a_flaky_file_comes_in_the_end() -> Result<()> {
    let upstream = Upstream::start().await?;
    let path = format!(
        "/bad/{}/bad.bin",
        Misbehaviour::File(FileMisbehaviour::Flaky(2))
    );
    for expected in ["503", "503", "200"] {
        let (head, _) = get(&upstream, &path, "").await?;
        assert!(head.starts_with(&format!("http/1.1 {expected}")), "{head}");
    }
    Ok(())
}

#[tokio::test]
async fn a_redirect_loop_goes_on() -> Result<()> {
    let upstream = Upstream::start().await?;
    let path = format!("/bad/{}/PULP_MANIFEST", Misbehaviour::RedirectLoop);
    let (head, _) = get(&upstream, &format!("{path}?round=41"), "").await?;
    assert!(head.contains("round=42"), "{head}");
    Ok(())
}

#[tokio::test]
async fn a_stalled_answer_does_not_come_and_is_counted() -> Result<()> {
    let upstream = Upstream::start().await?;
    let path = format!("/bad/{}/PULP_MANIFEST", Misbehaviour::Stalled);
    let waiting = get(&upstream, &path, "");
    assert!(
        tokio::time::timeout(Duration::from_millis(200), waiting)
            .await
            .is_err()
    );
    assert_eq!(upstream.peak_in_flight(), 1);
    Ok(())
}

#[tokio::test]
async fn the_protected_repository_wants_its_header() -> Result<()> {
    let upstream = Upstream::start().await?;
    let (head, _) = get(&upstream, "/protected/header/PULP_MANIFEST", "").await?;
    assert!(head.starts_with("http/1.1 403"), "{head}");
    let (name, value) = PROTECTED_HEADER;
    let header = format!("{name}: {value}\r\n");
    let (head, _) = get(&upstream, "/protected/header/PULP_MANIFEST", &header).await?;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let (head, _) = get(&upstream, "/protected/basic/PULP_MANIFEST", "").await?;
    assert!(head.contains("www-authenticate: basic"), "{head}");
    Ok(())
}

#[tokio::test]
async fn a_stopped_upstream_refuses() -> Result<()> {
    let upstream = Upstream::start().await?;
    let address = upstream.address();
    upstream.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
    Ok(())
}

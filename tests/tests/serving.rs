//! What clients get below `/pulp/content/`: ranges, validators, listings.

use anyhow::{Context, Result};
use http::Method;
use pith_tests::{Test, TestServer, href, on_both_databases, upstream::Upstream};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

on_both_databases!(
    a_file_is_served_with_its_size_and_validators,
    head_says_what_get_would,
    one_range_is_a_part,
    ranges_are_cut_or_refused,
    several_ranges_come_in_parts,
    an_unchanged_file_is_not_sent_again,
    a_range_is_of_the_version_that_the_client_knows,
    a_tag_changes_with_the_bytes,
    a_folder_is_listed,
    names_in_a_listing_do_no_harm,
    what_is_not_there_is_a_404,
    paths_do_not_lead_out,
    only_reading_is_allowed,
    a_large_file_is_served_whole,
    many_readers_are_served_at_once,
);

const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz";

/// Serves the alphabet at `served/deep/alphabet.txt`.
async fn serve(server: &TestServer) -> Result<()> {
    let api = server.api();
    let repository = api.autopublishing_repository("served").await?;
    api.upload_file("deep/alphabet.txt", ALPHABET, Some(&repository))
        .await?;
    api.distribute("served", &repository).await?;
    Ok(())
}

const PATH: &str = "served/deep/alphabet.txt";

async fn a_file_is_served_with_its_size_and_validators(test: Test) -> Result<()> {
    let server = test.start().await?;
    serve(&server).await?;
    let reply = server.fetch(PATH).await?;
    assert_eq!(&reply.bytes()?[..], ALPHABET);
    assert_eq!(reply.header("content-length"), "26");
    assert_eq!(reply.header("accept-ranges"), "bytes");
    assert!(reply.header("etag").starts_with('"'), "{reply}");
    assert!(
        reply.header("content-type").starts_with("text/plain"),
        "{:?}",
        reply.headers()
    );
    assert!(
        !reply.header("cache-control").is_empty(),
        "{:?}",
        reply.headers()
    );
    assert!(
        reply.header("last-modified").ends_with("GMT"),
        "{:?}",
        reply.headers()
    );
    Ok(())
}

async fn head_says_what_get_would(test: Test) -> Result<()> {
    let server = test.start().await?;
    serve(&server).await?;
    let get = server.fetch(PATH).await?;
    let head = server.fetch_head(PATH).await?;
    assert_eq!(head.status(), 200);
    assert!(head.body().is_empty());
    for header in [
        "content-length",
        "etag",
        "content-type",
        "last-modified",
        "accept-ranges",
    ] {
        assert_eq!(head.header(header), get.header(header), "{header}");
    }
    assert_eq!(server.fetch_head("served/nothing").await?.status(), 404);
    Ok(())
}

async fn one_range_is_a_part(test: Test) -> Result<()> {
    let server = test.start().await?;
    serve(&server).await?;
    for (range, expected, content_range) in [
        ("bytes=0-3", "abcd", "bytes 0-3/26"),
        ("bytes=23-", "xyz", "bytes 23-25/26"),
        ("bytes=-2", "yz", "bytes 24-25/26"),
        ("bytes=25-100", "z", "bytes 25-25/26"),
        ("bytes=-100", "abcdefghijklmnopqrstuvwxyz", "bytes 0-25/26"),
    ] {
        let reply = server.fetch_with(PATH, &[("range", range)]).await?;
        assert_eq!(reply.status(), 206, "{range}: {reply}");
        assert_eq!(reply.text(), expected, "{range}");
        assert_eq!(reply.header("content-range"), content_range);
        assert_eq!(reply.header("content-length"), expected.len().to_string());
    }
    Ok(())
}

async fn ranges_are_cut_or_refused(test: Test) -> Result<()> {
    let server = test.start().await?;
    serve(&server).await?;
    for range in ["bytes=26-", "bytes=100-200", "bytes=-0"] {
        let reply = server.fetch_with(PATH, &[("range", range)]).await?;
        assert_eq!(reply.status(), 416, "{range}: {reply}");
        assert_eq!(reply.header("content-range"), "bytes */26");
    }
    // What is no range in bytes is no range.
    for range in ["lines=1-2", "bytes=x-y", "bytes=5-2", "bytes"] {
        let reply = server.fetch_with(PATH, &[("range", range)]).await?;
        assert!(matches!(reply.status(), 200 | 416), "{range}: {reply}");
    }
    Ok(())
}

async fn several_ranges_come_in_parts(test: Test) -> Result<()> {
    let server = test.start().await?;
    serve(&server).await?;
    let reply = server
        .fetch_with(PATH, &[("range", "bytes=0-1, 24-")])
        .await?;
    assert_eq!(reply.status(), 206, "{reply}");
    let kind = reply.header("content-type").to_owned();
    let boundary = kind
        .strip_prefix("multipart/byteranges; boundary=")
        .with_context(|| kind.clone())?;
    let body = reply.text();
    let delimiter = format!("--{}", boundary.trim_matches('"'));
    let parts: Vec<&str> = body.split(&delimiter).collect();
    assert_eq!(parts.len(), 4, "a beginning, two parts and an end: {body}");
    for (part, range, bytes) in [(1, "bytes 0-1/26", "ab"), (2, "bytes 24-25/26", "yz")] {
        let (head, content) = parts[part]
            .split_once("\r\n\r\n")
            .context("no head in a part")?;
        assert!(
            head.to_lowercase()
                .contains(&format!("content-range: {range}")),
            "{head}"
        );
        assert_eq!(content.trim_end_matches("\r\n"), bytes);
    }
    assert!(parts[3].starts_with("--"), "{body}");
    // A thousand tiny ranges are an attack, not a wish.
    let many: Vec<String> = (0..1000)
        .map(|number| format!("{}-", number % 26))
        .collect();
    let range = format!("bytes={}", many.join(","));
    let reply = server.fetch_with(PATH, &[("range", &range)]).await?;
    assert!(matches!(reply.status(), 200 | 416), "{}", reply.status());
    assert!(
        reply.body().len() <= ALPHABET.len(),
        "{} bytes",
        reply.body().len()
    );
    Ok(())
}

async fn an_unchanged_file_is_not_sent_again(test: Test) -> Result<()> {
    let server = test.start().await?;
    serve(&server).await?;
    let first = server.fetch(PATH).await?;
    let (tag, date) = (first.header("etag"), first.header("last-modified"));
    let listed = format!("\"other\", {tag}");
    let weak = format!("W/{tag}");
    for header in [
        ("if-none-match", tag),
        ("if-none-match", &listed),
        ("if-none-match", &weak),
        ("if-none-match", "*"),
        ("if-modified-since", date),
    ] {
        let reply = server.fetch_with(PATH, &[header]).await?;
        assert_eq!(reply.status(), 304, "{header:?}: {reply}");
        assert!(reply.body().is_empty(), "{header:?}");
        assert_eq!(reply.header("etag"), tag, "{header:?}");
    }
    for header in [
        ("if-none-match", "\"other\""),
        ("if-modified-since", "Mon, 01 Jan 2001 00:00:00 GMT"),
        ("if-modified-since", "yesterday"),
    ] {
        assert_eq!(
            server.fetch_with(PATH, &[header]).await?.status(),
            200,
            "{header:?}"
        );
    }
    Ok(())
}

async fn a_range_is_of_the_version_that_the_client_knows(test: Test) -> Result<()> {
    let server = test.start().await?;
    serve(&server).await?;
    let tag = server.fetch(PATH).await?.header("etag").to_owned();
    let known = [("range", "bytes=0-1"), ("if-range", &*tag)];
    assert_eq!(server.fetch_with(PATH, &known).await?.status(), 206);
    let stale = [("range", "bytes=0-1"), ("if-range", "\"another\"")];
    let reply = server.fetch_with(PATH, &stale).await?;
    assert_eq!(reply.status(), 200, "{reply}");
    assert_eq!(&reply.bytes()?[..], ALPHABET);
    Ok(())
}

async fn a_tag_changes_with_the_bytes(test: Test) -> Result<()> {
    let server = test.start().await?;
    serve(&server).await?;
    let before = server.fetch(PATH).await?.header("etag").to_owned();
    let repository = server
        .api()
        .list("/repositories/file/file/")
        .await?
        .remove(0);
    server
        .api()
        .upload_file("deep/alphabet.txt", "αβγ".as_bytes(), Some(&repository))
        .await?;
    server
        .fetch_until(PATH, |reply| reply.text() == "αβγ")
        .await?;
    let reply = server
        .fetch_with(PATH, &[("if-none-match", &before)])
        .await?;
    assert_eq!(reply.text(), "αβγ");
    assert_ne!(reply.header("etag"), before);
    Ok(())
}

async fn a_folder_is_listed(test: Test) -> Result<()> {
    let server = test.start().await?;
    serve(&server).await?;
    let reply = server.fetch("served/").await?;
    assert_eq!(reply.status(), 200, "{reply}");
    assert!(
        reply.header("content-type").starts_with("text/html"),
        "{:?}",
        reply.headers()
    );
    for link in ["deep/\"", "PULP_MANIFEST\""] {
        assert!(reply.text().contains(link), "{link}: {reply}");
    }
    let deeper = server.fetch("served/deep/").await?;
    assert!(deeper.text().contains("alphabet.txt\""), "{deeper}");
    assert!(!deeper.text().contains("PULP_MANIFEST"), "{deeper}");
    // Relative links need the slash at the end.
    for path in ["served", "served/deep"] {
        let reply = server.fetch(path).await?;
        assert!(matches!(reply.status(), 301 | 302 | 307 | 308), "{reply}");
        assert!(
            reply.header("location").ends_with(&format!("{path}/")),
            "{:?}",
            reply.headers()
        );
    }
    Ok(())
}

async fn names_in_a_listing_do_no_harm(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let name = "<img src=x onerror=alert(1)>&\"'.txt";
    let url = upstream.hold("tree", &[(name, b"harmless")]);
    server.api().mirrored("served", &url, "immediate").await?;
    let page = server.fetch("served/").await?.text();
    assert!(!page.contains("<img"), "{page}");
    assert!(page.contains("&lt;img"), "{page}");
    let encoded = "%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E%26%22%27.txt";
    assert_eq!(
        server.fetch(&format!("served/{encoded}")).await?.text(),
        "harmless"
    );
    // The link of the listing leads to the file.
    let link = page
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .find(|link| link.contains("onerror"))
        .context("no link to the file")?;
    let link = link
        .replace("&amp;", "&")
        .replace("&#39;", "'")
        .replace("&#x27;", "'");
    assert_eq!(
        server.fetch(&format!("served/{link}")).await?.text(),
        "harmless"
    );
    Ok(())
}

async fn what_is_not_there_is_a_404(test: Test) -> Result<()> {
    let server = test.start().await?;
    serve(&server).await?;
    for path in [
        "nowhere/",
        "nowhere/a.txt",
        "served/nothing.txt",
        "served/deep/alphabet.txt/",
        "served/deep/alphabet.txt/more",
        "served/Deep/alphabet.txt",
        "serve/d/alphabet.txt",
        "served/deep/alphabet.tx",
    ] {
        let reply = server.fetch(path).await?;
        assert_eq!(reply.status(), 404, "{reply}");
        assert!(
            !reply.header("cache-control").contains("immutable"),
            "{:?}",
            reply.headers()
        );
    }
    Ok(())
}

/// The status of a request whose path no client library has tidied up.
async fn status_of_raw_path(server: &TestServer, path: &str) -> Result<u16> {
    let address = server.base_url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await?;
    let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).context("no status")?;
    Ok(status.parse()?)
}

async fn paths_do_not_lead_out(test: Test) -> Result<()> {
    let server = test.start().await?;
    serve(&server).await?;
    for path in [
        "served/..%2f..%2f..%2fetc%2fpasswd",
        "served/../../../../etc/passwd",
        "served/%2e%2e/%2e%2e/etc/passwd",
        "served/deep/../deep/alphabet.txt%00",
        "served//etc/passwd",
        "served/%ff%fe",
        "served/%zz",
        "../api/v3/status/",
        "%2e%2e/%2e%2e/pulp/api/v3/status/",
    ] {
        let status = status_of_raw_path(&server, &format!("/pulp/content/{path}")).await?;
        assert!(matches!(status, 400 | 404), "{path}: {status}");
    }
    Ok(())
}

async fn only_reading_is_allowed(test: Test) -> Result<()> {
    let server = test.start().await?;
    serve(&server).await?;
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        let reply = server
            .request(method, &format!("/pulp/content/{PATH}"))
            .await?;
        assert_eq!(reply.status(), 405, "{reply}");
    }
    assert_eq!(&server.fetch_bytes(PATH).await?[..], ALPHABET);
    Ok(())
}

async fn a_large_file_is_served_whole(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let mirrored = api
        .mirrored("large", &upstream.generated(1, 20_000_000), "immediate")
        .await?;
    let version = api.latest_version(&mirrored.repository).await?;
    let file = &api.files_in(&version).await?[0];
    let bytes = server.fetch_bytes("large/1.iso").await?;
    assert_eq!(bytes.len(), 20_000_000);
    assert_eq!(file["sha256"], *pith_tests::upstream::sha256_hex(&bytes));
    let reply = server
        .fetch_with("large/1.iso", &[("range", "bytes=10000000-10000099")])
        .await?;
    assert_eq!(reply.body()[..], bytes[10_000_000..10_000_100]);
    Ok(())
}

async fn many_readers_are_served_at_once(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.autopublishing_repository("served").await?;
    let units: Vec<String> = futures::future::try_join_all((0..10).map(|number| async move {
        let name = format!("{number}.txt");
        let unit = api.upload_file(&name, name.as_bytes(), None).await?;
        anyhow::Ok(href(&unit))
    }))
    .await?;
    api.modify(&repository, json!({"add_content_units": units}))
        .await?;
    api.distribute("served", &repository).await?;
    server
        .fetch_until("served/0.txt", |reply| reply.status() == 200)
        .await?;
    let readers = (0..200).map(|number| {
        let (server, name) = (&server, format!("{}.txt", number % 10));
        async move {
            let reply = server.fetch(&format!("served/{name}")).await?;
            anyhow::ensure!(reply.text() == name, "{reply}");
            Ok(())
        }
    });
    futures::future::try_join_all(readers).await?;
    Ok(())
}

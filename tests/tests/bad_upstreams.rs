//! Upstreams that are wrong: the task says where and what, and nothing that was served changes.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use pith_tests::upstream::{FileMisbehaviour, Misbehaviour, Upstream};
use pith_tests::{Test, TestServer, on_both_databases, stored_digests, verify_stored_artifacts};
use serde_json::{Value, json};

on_both_databases!(
    a_wrong_manifest_changes_nothing,
    a_wrong_file_changes_nothing,
    a_wrong_path_does_not_lead_out,
    a_line_of_a_gigabyte_does_not_fill_the_memory,
    an_endless_manifest_comes_to_an_end,
    an_upstream_that_is_slow_can_be_canceled,
    the_link_local_address_is_no_upstream,
    a_wrong_upstream_is_forgotten_when_it_is_right,
);

/// A repository that is served, and that a bad sync must not harm.
struct Mirror<'a> {
    server: &'a TestServer,
    repository: Value,
}

impl<'a> Mirror<'a> {
    async fn new(server: &'a TestServer, upstream: &Upstream) -> Result<Self> {
        let url = upstream.hold("before", &[("kept.txt", b"as it was")]);
        let mirrored = server.api().mirrored("served", &url, "immediate").await?;
        Ok(Self {
            server,
            repository: mirrored.repository,
        })
    }

    /// Syncs from a URL, which must fail, and gives the error.
    async fn refuse(&self, name: &str, url: &str, policy: &str) -> Result<String> {
        let api = self.server.api();
        let before = api.latest_version(&self.repository).await?;
        let remote = api.impatient_remote(name, url, policy).await?;
        let task = api.try_sync(&self.repository, &remote, true).await?;
        let description = task.failure().with_context(|| name.to_owned())?.to_owned();
        let made = task.created();
        assert!(made.is_empty(), "{name} made {made:?}");
        assert_eq!(
            api.latest_version(&self.repository).await?,
            before,
            "{name}"
        );
        for path in ["served/kept.txt", "served/PULP_MANIFEST"] {
            assert_eq!(
                self.server.fetch(path).await?.status(),
                200,
                "{name}: {path}"
            );
        }
        assert_eq!(
            self.server.fetch("served/kept.txt").await?.text(),
            "as it was",
            "{name}"
        );
        api.remove(&remote).await?;
        Ok(description)
    }
}

/// Words of which an error must have one, whatever else it says.
fn words_of_manifest(misbehaviour: Misbehaviour) -> &'static [&'static str] {
    match misbehaviour {
        Misbehaviour::NotFound => &["404"],
        Misbehaviour::ServerError => &["500"],
        Misbehaviour::Truncated => TRUNCATED,
        Misbehaviour::RedirectLoop => &["redirect"],
        Misbehaviour::LinkLocalRedirect => &["169.254.169.254"],
        Misbehaviour::ParentPath | Misbehaviour::AbsolutePath => &["outside.txt"],
        Misbehaviour::DuplicatePath => &["good.txt"],
        Misbehaviour::NotUtf8 => &["utf-8"],
        Misbehaviour::LoginPage => &["html"],
        Misbehaviour::NegativeSize => &["-17"],
        Misbehaviour::HugeSize => &["99999999999999999999"],
        Misbehaviour::MalformedLine => &["there is no comma here"],
        Misbehaviour::ShortDigest => &["abc123"],
        other => unreachable!("{other} does not fail at once"),
    }
}

fn words_of_file(misbehaviour: FileMisbehaviour) -> &'static [&'static str] {
    match misbehaviour {
        FileMisbehaviour::NotFound => &["404"],
        FileMisbehaviour::ServerError => &["500"],
        FileMisbehaviour::Truncated | FileMisbehaviour::BrokenChunks => TRUNCATED,
        FileMisbehaviour::WrongDigest => &["sha256", "digest", "checksum"],
        FileMisbehaviour::Longer | FileMisbehaviour::Shorter => &["200000", "size", "bytes"],
        FileMisbehaviour::RedirectLoop => &["redirect"],
        FileMisbehaviour::LinkLocalRedirect => &["169.254.169.254"],
        other => unreachable!("{other} does not fail at once"),
    }
}

const TRUNCATED: &[&str] = &[
    "early",
    "ended",
    "before",
    "incomplete",
    "cut",
    "truncated",
    "closed",
    "short",
    "broke",
];

fn assert_says(description: &str, name: &str, url: &str, words: &[&str]) {
    assert!(
        description.contains(url),
        "{name} does not name {url}: {description}"
    );
    let lower = description.replace(url, "").to_lowercase();
    let says = words.iter().any(|word| lower.contains(word));
    assert!(
        says,
        "{name} does not say what was wrong ({words:?}): {description}"
    );
}

async fn a_wrong_manifest_changes_nothing(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let mirror = Mirror::new(&server, &upstream).await?;
    for misbehaviour in Misbehaviour::IN_MANIFEST {
        let name = misbehaviour.to_string();
        let url = upstream.bad(misbehaviour);
        // No file is needed to see that a manifest is wrong.
        for policy in ["immediate", "on_demand"] {
            let description = mirror.refuse(&name, &url, policy).await?;
            assert_says(&description, &name, &url, words_of_manifest(misbehaviour));
        }
    }
    Ok(())
}

async fn a_wrong_file_changes_nothing(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let mirror = Mirror::new(&server, &upstream).await?;
    for misbehaviour in FileMisbehaviour::AT_ONCE {
        let name = misbehaviour.to_string();
        let manifest = upstream.bad(Misbehaviour::File(misbehaviour));
        let description = mirror.refuse(&name, &manifest, "immediate").await?;
        let url = manifest.replace("PULP_MANIFEST", "bad.bin");
        assert_says(&description, &name, &url, words_of_file(misbehaviour));
    }
    verify_stored_artifacts(server.data_directory())?;
    Ok(())
}

async fn a_wrong_path_does_not_lead_out(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let mirror = Mirror::new(&server, &upstream).await?;
    for misbehaviour in [Misbehaviour::ParentPath, Misbehaviour::AbsolutePath] {
        let name = misbehaviour.to_string();
        mirror
            .refuse(&name, &upstream.bad(misbehaviour), "immediate")
            .await?;
    }
    // The file would have come to lie beside the data folder, or below it.
    let mut folders = vec![test.directory().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            assert_ne!(
                entry.file_name(),
                "outside.txt",
                "{}",
                entry.path().display()
            );
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    let units = server
        .api()
        .list("/content/file/files/?relative_path__contains=outside")
        .await?;
    assert_eq!(units.len(), 0);
    Ok(())
}

async fn a_line_of_a_gigabyte_does_not_fill_the_memory(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let mirror = Mirror::new(&server, &upstream).await?;
    let before = server.peak_memory_mib()?;
    let url = upstream.bad(Misbehaviour::LongLine);
    let description = mirror.refuse("long-line", &url, "immediate").await?;
    assert_says(
        &description,
        "long-line",
        &url,
        &["long", "limit", "large", "more than"],
    );
    // What `before` counts of the kernel's may have gone since.
    let grown = server.peak_memory_mib()?.saturating_sub(before);
    assert!(grown < 200, "{grown} MiB for a line");
    Ok(())
}

async fn an_endless_manifest_comes_to_an_end(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let mirror = Mirror::new(&server, &upstream).await?;
    let before = server.peak_memory_mib()?;
    let url = upstream.bad(Misbehaviour::Endless);
    // The first missing file ends it, while the plugin goes on reading lines.
    let description = mirror.refuse("endless", &url, "immediate").await?;
    let missing = url.replace("PULP_MANIFEST", "missing-");
    assert_says(&description, "endless", &missing, &["404"]);
    // What `before` counts of the kernel's may have gone since.
    let grown = server.peak_memory_mib()?.saturating_sub(before);
    assert!(grown < 300, "{grown} MiB for an endless manifest");
    Ok(())
}

async fn an_upstream_that_is_slow_can_be_canceled(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let mirror = Mirror::new(&server, &upstream).await?;
    let file = FileMisbehaviour::Slow(1000);
    for (name, misbehaviour) in [
        ("slow manifest", Misbehaviour::Slow(1000)),
        ("silent manifest", Misbehaviour::Stalled),
        ("slow file", Misbehaviour::File(file)),
        ("silent file", Misbehaviour::File(FileMisbehaviour::Stalled)),
    ] {
        let remote = api
            .file_remote(name, &upstream.bad(misbehaviour), "immediate")
            .await?;
        let path = format!("{}sync/", pith_tests::href(&mirror.repository));
        let body = json!({"remote": pith_tests::href(&remote)});
        upstream.forget_requests();
        let task = api.start_task(&path, body).await?;
        api.wait_until_running(&task).await?;
        while upstream.recorded().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let asked = Instant::now();
        api.cancel(&task).await?.ok()?;
        let ended = api.wait(&task).await?;
        assert_eq!(ended.state(), "canceled", "{name}: {}", ended.0);
        assert!(
            asked.elapsed() < Duration::from_secs(1),
            "{name}: {:?}",
            asked.elapsed()
        );
    }
    assert_eq!(api.latest_number(&mirror.repository).await?, 1);
    Ok(())
}

async fn the_link_local_address_is_no_upstream(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let mirror = Mirror::new(&server, &upstream).await?;
    for (number, url) in [
        "http://169.254.169.254/PULP_MANIFEST",
        "http://[::ffff:169.254.169.254]/PULP_MANIFEST",
        "http://2852039166/PULP_MANIFEST",
        "http://0xa9fea9fe/PULP_MANIFEST",
        "http://[fe80::1]/PULP_MANIFEST",
    ]
    .into_iter()
    .enumerate()
    {
        let settings = json!({"name": format!("probe {number}"), "url": url});
        let reply = server.api().post("/remotes/file/file/", settings).await?;
        if reply.status() == 400 {
            continue;
        }
        let remote = reply.json(201)?;
        server.api().remove(&remote).await?;
        let started = Instant::now();
        let description = mirror
            .refuse(&format!("sync {number}"), url, "immediate")
            .await?;
        assert!(
            started.elapsed() < Duration::from_secs(2),
            "{url} was tried: {description}"
        );
        let says = [
            "not allowed",
            "link-local",
            "refuse",
            "forbid",
            "may not",
            "must not",
            "no upstream",
        ];
        assert!(
            says.iter().any(|word| description.contains(word)),
            "{url}: {description}"
        );
    }
    Ok(())
}

async fn a_wrong_upstream_is_forgotten_when_it_is_right(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let mirror = Mirror::new(&server, &upstream).await?;
    let api = server.api();
    let url = upstream.bad(Misbehaviour::File(FileMisbehaviour::WrongDigest));
    let remote = api.impatient_remote("u", &url, "immediate").await?;
    api.try_sync(&mirror.repository, &remote, false)
        .await?
        .failure()?;
    let url = upstream.hold("right", &[("good.txt", b"well"), ("bad.bin", b"well too")]);
    let remote = api.change(&remote, json!({"url": url})).await?;
    api.try_sync(&mirror.repository, &remote, true)
        .await?
        .completed()?;
    server
        .fetch_until("served/bad.bin", |reply| reply.text() == "well too")
        .await?;
    let stored = stored_digests(server.data_directory())?;
    assert!(verify_stored_artifacts(server.data_directory())? == stored.len());
    Ok(())
}

//! Tokens of remotes: sent as they are, or exchanged for others that do not last.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, ensure};
use pith_tests::ansible::{Collection, GalaxyServer};
use pith_tests::upstream::{ACCESS_TOKEN, TOKEN, Upstream};
use pith_tests::{Test, href, on_both_databases};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

on_both_databases!(
    other_remotes_are_kept_and_not_synced_from,
    a_token_opens_the_upstream,
    a_token_is_exchanged_for_another,
    a_token_is_never_shown,
    an_exchange_that_fails_is_named,
);

const REMOTES: &str = "/remotes/ansible/collection/";

/// Exchanges tokens for others, and counts.
struct Exchange {
    url: String,
    given: Arc<AtomicUsize>,
}

impl Exchange {
    /// The first token is one that ran out, unless `fresh`.
    async fn start(fresh: bool) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/auth/token", listener.local_addr()?);
        let given = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&given);
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let mut request = Vec::new();
                let body = format!(
                    "grant_type=refresh_token&client_id=cloud-services&refresh_token={TOKEN}"
                );
                let mut chunk = [0; 4096];
                while !String::from_utf8_lossy(&request).ends_with(&body) {
                    match connection.read(&mut chunk).await {
                        Ok(length) if length > 0 => request.extend_from_slice(&chunk[..length]),
                        _ => break,
                    }
                }
                let number = counted.fetch_add(1, Ordering::SeqCst);
                let token = if fresh || number > 0 {
                    ACCESS_TOKEN
                } else {
                    "ran-out"
                };
                let answer = json!({"access_token": token, "expires_in": 300}).to_string();
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    answer.len()
                );
                let _ = connection.write_all((head + &answer).as_bytes()).await;
            }
        });
        Ok(Self { url, given })
    }
}

fn galaxy(upstream: &Upstream, name: &str) -> Result<String> {
    GalaxyServer::of(vec![Collection::new("zoo", "owls", "1.0.0")]).hold(upstream, name)
}

async fn a_token_opens_the_upstream(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let url = galaxy(&upstream, "for-token")?;
    let api = server.api();
    // Who has a token needs no name.
    let settings = json!({"token": TOKEN, "username": "u", "password": "p"});
    let mirror = api.ansible_mirror("zoo", &url, settings).await?;
    api.sync_ansible(&mirror, json!({})).await?.completed()?;
    assert_eq!(
        api.collections_of(&mirror.repository).await?,
        ["zoo.owls 1.0.0"]
    );
    let remote = href(&mirror.remote);
    api.patch(&remote, json!({"token": null})).await?.ok()?;
    let task = api
        .sync_ansible(&mirror, json!({"optimize": false}))
        .await?;
    ensure!(task.failure()?.contains("401 Unauthorized"), "{task:?}");
    Ok(())
}

async fn a_token_is_exchanged_for_another(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let url = galaxy(&upstream, "for-bearer")?;
    let api = server.api();
    for (name, fresh, exchanges) in [("fresh", true, 1), ("stale", false, 2)] {
        let exchange = Exchange::start(fresh).await?;
        let settings = json!({"token": TOKEN, "auth_url": exchange.url});
        let mirror = api.ansible_mirror(name, &url, settings).await?;
        api.sync_ansible(&mirror, json!({})).await?.completed()?;
        let found = api.collections_of(&mirror.repository).await?;
        assert_eq!(found, ["zoo.owls 1.0.0"]);
        assert_eq!(exchange.given.load(Ordering::SeqCst), exchanges, "{name}");
    }
    Ok(())
}

async fn a_token_is_never_shown(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let settings = json!({"name": "zoo", "url": "https://example.org/", "token": TOKEN});
    let remote = api.create(REMOTES, settings).await?;
    let is_set = |remote: &Value| {
        let hidden = remote["hidden_fields"].as_array().cloned();
        let mut hidden = hidden.unwrap_or_default().into_iter();
        hidden.find(|field| field["name"] == "token")
    };
    assert_eq!(
        is_set(&remote),
        Some(json!({"name": "token", "is_set": true}))
    );
    let shown = api.get(&href(&remote)).await?.ok()?;
    let listed = api.list(REMOTES).await?;
    for text in [
        remote.to_string(),
        shown.to_string(),
        json!(listed).to_string(),
    ] {
        ensure!(!text.contains(TOKEN), "{text}");
        ensure!(!text.contains("\"token\":"), "{text}");
    }
    ensure!(!server.log()?.contains(TOKEN), "the log has the token");
    // Other types of remotes have none.
    let other = json!({"name": "f", "url": "https://example.org/", "token": TOKEN});
    let reply = api.post("/remotes/file/file/", other).await?;
    assert_eq!(reply.errors_of("token")?, ["Unexpected field."]);
    let other = json!({"name": "f", "url": "https://example.org/"});
    let other = api.create("/remotes/file/file/", other).await?;
    assert_eq!(is_set(&other), None);
    let alone = json!({"name": "a", "url": "https://example.org/",
        "auth_url": "https://example.org/auth"});
    let reply = api.post(REMOTES, alone).await?;
    let said = "When specifying 'auth_url' you must also specify 'token'.";
    assert_eq!(reply.errors_of("non_field_errors")?, [said]);
    Ok(())
}

async fn an_exchange_that_fails_is_named(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let url = galaxy(&upstream, "for-bearer")?;
    let api = server.api();
    let auth_url = upstream.url("/held/for-bearer/nothing");
    let settings = json!({"token": TOKEN, "auth_url": auth_url, "max_retries": 0});
    let mirror = api.ansible_mirror("zoo", &url, settings).await?;
    let task = api.sync_ansible(&mirror, json!({})).await?;
    let failure = task.failure()?;
    let said = format!("POST {auth_url}: the upstream answered 405");
    ensure!(failure.contains(&said), "{failure}\nlacks {said}");
    ensure!(!failure.contains(TOKEN), "{failure}");
    Ok(())
}

async fn other_remotes_are_kept_and_not_synced_from(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let repository = api.ansible_repository("zoo").await?;
    let url = "http://localhost:1/api/";
    for (kind, settings, field, value) in [
        ("role", json!({}), "policy", json!("immediate")),
        ("git", json!({"git_ref": "main"}), "git_ref", json!("main")),
        ("git", json!({}), "metadata_only", json!(false)),
    ] {
        let mut settings = settings;
        settings["name"] = format!("{kind}-{field}").into();
        settings["url"] = url.into();
        let path = format!("/remotes/ansible/{kind}/");
        let remote = api.create(&path, settings).await?;
        assert_eq!(remote[field], value, "{remote}");
        let sync = format!("{}sync/", href(&repository));
        let task = api
            .run_task(&sync, json!({"remote": href(&remote)}))
            .await?;
        let failure = task.failure()?;
        assert!(
            failure.contains(&format!("is a {kind} remote")),
            "{failure}"
        );
    }
    let odd = json!({"name": "odd", "url": url, "requirements_file": "collections: []"});
    assert_eq!(api.post("/remotes/ansible/role/", odd).await?.status(), 400);
    Ok(())
}

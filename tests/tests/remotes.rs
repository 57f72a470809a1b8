//! Remotes: settings that are shown, and secrets that are not.

use anyhow::Result;
use pith_tests::upstream::{PROTECTED_HEADER, PROTECTED_PASSWORD, PROTECTED_USER, Upstream};
use pith_tests::{Test, href, on_both_databases, present, text};
use serde_json::{Value, json};

on_both_databases!(
    a_remote_is_read_as_it_was_made,
    secrets_are_never_shown,
    secrets_are_changed_and_taken_away,
    credentials_open_a_protected_upstream,
    headers_open_a_protected_upstream,
    credentials_stay_with_the_upstream_they_are_for,
    credentials_may_not_stand_in_a_url_that_is_shown,
    a_deleted_remote_leaves_its_content,
);

const SECRETS: [&str; 5] = [
    "client_key",
    "username",
    "password",
    "proxy_username",
    "proxy_password",
];

fn set_secrets(remote: &Value) -> Vec<&str> {
    remote["hidden_fields"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|field| field["is_set"] == true)
        .map(|field| text(&field["name"]))
        .collect()
}

async fn a_remote_is_read_as_it_was_made(test: Test) -> Result<()> {
    let server = test.start().await?;
    let settings = json!({
        "name": "a", "url": "http://127.0.0.1:1/PULP_MANIFEST", "policy": "on_demand",
        "download_concurrency": 7, "max_retries": 2, "total_timeout": 90.5,
        "connect_timeout": 4.0, "sock_connect_timeout": 5.0, "sock_read_timeout": 6.0,
        "rate_limit": 100, "tls_validation": false, "proxy_url": "http://127.0.0.1:2",
        "pulp_labels": {"a": "b"},
    });
    let made = server
        .api()
        .create("/remotes/file/file/", settings.clone())
        .await?;
    let read = server.api().get(&href(&made)).await?.ok()?;
    assert_eq!(made, read);
    for (field, value) in settings.as_object().into_iter().flatten() {
        assert_eq!(read[field], *value, "{field}");
    }
    let settings = json!({"name": "plain", "url": "http://127.0.0.1:1/PULP_MANIFEST"});
    let plain = server.api().create("/remotes/file/file/", settings).await?;
    assert_eq!(plain["policy"], "immediate");
    assert_eq!(plain["tls_validation"], true);
    for field in [
        "download_concurrency",
        "max_retries",
        "total_timeout",
        "proxy_url",
        "ca_cert",
    ] {
        assert_eq!(plain[field], Value::Null, "{field}");
    }
    Ok(())
}

async fn secrets_are_never_shown(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let mut settings = json!({"name": "a", "url": "http://127.0.0.1:1/PULP_MANIFEST"});
    for secret in SECRETS {
        settings[secret] = json!(format!("the-{secret}-value"));
    }
    settings["client_key"] =
        json!("-----BEGIN PRIVATE KEY-----\nthe-client_key-value\n-----END PRIVATE KEY-----");
    let remote = api.create("/remotes/file/file/", settings).await?;
    assert_eq!(set_secrets(&remote), SECRETS, "{remote}");
    let shown = [
        remote.to_string(),
        api.get(&href(&remote)).await?.text(),
        api.get("/remotes/file/file/").await?.text(),
        api.get("/remotes/").await?.text(),
        api.get("/tasks/").await?.text(),
        server.log()?,
    ];
    for secret in SECRETS {
        assert!(remote.get(secret).is_none(), "{secret} is a field");
        for text in &shown {
            assert!(
                !text.contains(&format!("the-{secret}-value")),
                "{secret} in {text}"
            );
        }
    }
    // Nor do they lie on the disk as they are.
    for entry in std::fs::read_dir(server.data_directory())? {
        let path = entry?.path();
        if path.is_file() {
            let bytes = std::fs::read(&path)?;
            let found = bytes
                .windows(18)
                .any(|window| window == b"the-password-value");
            assert!(!found, "a password in {}", path.display());
        }
    }
    Ok(())
}

async fn secrets_are_changed_and_taken_away(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let url = "http://127.0.0.1:1/PULP_MANIFEST";
    let remote = api.file_remote("a", url, "immediate").await?;
    assert_eq!(set_secrets(&remote), Vec::<&str>::new());
    let change = json!({"username": "u", "password": "p"});
    let remote = api.change(&remote, change).await?;
    assert_eq!(set_secrets(&remote), ["username", "password"]);
    let remote = api.change(&remote, json!({"policy": "streamed"})).await?;
    assert_eq!(
        set_secrets(&remote),
        ["username", "password"],
        "the others stay"
    );
    let remote = api
        .change(&remote, json!({"username": null, "password": null}))
        .await?;
    assert_eq!(set_secrets(&remote), Vec::<&str>::new());
    Ok(())
}

async fn credentials_open_a_protected_upstream(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let url = upstream.url("/protected/basic/PULP_MANIFEST");
    let repository = api.file_repository("r").await?;
    let remote = api.file_remote("a", &url, "immediate").await?;
    let task = api.try_sync(&repository, &remote, false).await?;
    assert!(task.failure()?.contains("401"), "{}", task.0);
    let change = json!({"username": PROTECTED_USER, "password": PROTECTED_PASSWORD});
    let remote = api.change(&remote, change).await?;
    let task = api.sync(&repository, &remote).await?;
    assert_eq!(
        present(&api.latest_version(&repository).await?, "file.file"),
        1
    );
    assert!(
        !task.0.to_string().contains(PROTECTED_PASSWORD),
        "{}",
        task.0
    );
    assert!(
        !server.log()?.contains(PROTECTED_PASSWORD),
        "the password is in the log"
    );
    let remote = api.change(&remote, json!({"password": "wrong"})).await?;
    let task = api.try_sync(&repository, &remote, false).await?;
    assert!(task.failure()?.contains("401"), "{}", task.0);
    Ok(())
}

async fn headers_open_a_protected_upstream(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let (name, value) = PROTECTED_HEADER;
    let settings = json!({
        "name": "a", "url": upstream.url("/protected/header/PULP_MANIFEST"),
        "headers": [{name: value}],
    });
    let remote = api.create("/remotes/file/file/", settings).await?;
    let repository = api.file_repository("r").await?;
    api.sync(&repository, &remote).await?;
    assert_eq!(
        present(&api.latest_version(&repository).await?, "file.file"),
        1
    );
    Ok(())
}

async fn credentials_stay_with_the_upstream_they_are_for(test: Test) -> Result<()> {
    let server = test.start().await?;
    let (upstream, elsewhere) = (Upstream::start().await?, Upstream::start().await?);
    let api = server.api();
    let target = elsewhere.hold("tree", &[("a.txt", b"a")]);
    let url = upstream.hold_redirect("tree", "PULP_MANIFEST", &target);
    let settings = json!({
        "name": "a", "url": url, "username": PROTECTED_USER, "password": PROTECTED_PASSWORD,
    });
    let remote = api.create("/remotes/file/file/", settings).await?;
    let repository = api.file_repository("r").await?;
    // Whether the redirect is followed or refused: nothing secret goes there.
    api.try_sync(&repository, &remote, false).await?;
    assert!(
        upstream.recorded()[0].authorization.is_some(),
        "the upstream itself is told"
    );
    for request in elsewhere.recorded() {
        assert_eq!(request.authorization, None, "{request:?}");
    }
    Ok(())
}

async fn credentials_may_not_stand_in_a_url_that_is_shown(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let settings = json!({"name": "a", "url": "http://user:in-the-url@127.0.0.1:1/PULP_MANIFEST"});
    let reply = api.post("/remotes/file/file/", settings).await?;
    if reply.status() == 201 {
        let remote = reply.json(201)?;
        assert!(!remote.to_string().contains("in-the-url"), "{remote}");
    } else {
        assert!(!reply.errors_of("url")?.is_empty(), "{reply}");
    }
    Ok(())
}

async fn a_deleted_remote_leaves_its_content(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let url = upstream.hold("tree", &[("a.txt", b"a"), ("b.txt", b"b")]);
    let mirrored = api.mirrored("served", &url, "on_demand").await?;
    assert_eq!(&server.fetch_bytes("served/a.txt").await?[..], b"a");
    api.change(
        &mirrored.repository,
        json!({"remote": href(&mirrored.remote)}),
    )
    .await?;
    api.remove(&mirrored.remote).await?;
    let repository = api.get(&href(&mirrored.repository)).await?.ok()?;
    assert_eq!(repository["remote"], Value::Null);
    assert_eq!(
        &server.fetch_bytes("served/a.txt").await?[..],
        b"a",
        "what is stored stays"
    );
    // What was never fetched has nowhere to come from now.
    let reply = server.fetch("served/b.txt").await?;
    assert!(!reply.is_clean_success(), "{reply}");
    Ok(())
}

//! Where an RPM repository comes from: lists of mirrors, metalinks, and addresses that want
//! something special.

use anyhow::{Result, ensure};
use pith_tests::rpm::{RpmMirror, RpmRepository};
use pith_tests::upstream::{
    NETWORK_PASSWORD, NETWORK_USER, PROTECTED_HEADER, Upstream, sha256_hex,
};
use pith_tests::{Test, TestServer, href, on_both_databases};
use serde_json::{Value, json};

on_both_databases!(
    a_list_of_mirrors_leads_to_one_that_answers,
    a_metalink_tells_an_old_mirror,
    mirrors_are_told_nothing_of_the_remote,
    a_list_without_mirrors_is_told,
    a_token_goes_with_each_address,
    what_is_there_already_can_be_had_from_the_next_upstream_too,
    a_channel_of_a_network_has_its_own_address,
    a_channel_is_synced_in_a_session,
    a_session_that_is_refused_is_told_without_secrets,
    a_session_stays_with_its_server,
);

/// What a list of mirrors is held as.
const LIST: &str = "mirrorlist";

/// A mirror of what a list at `upstream` leads to.
async fn by_list(server: &TestServer, upstream: &Upstream, list: &str) -> Result<RpmMirror> {
    upstream.hold("lists", &[(LIST, list.as_bytes())]);
    let url = upstream.url(&format!("/held/lists/{LIST}"));
    let mirror = server.api().rpm_mirror("zoo", &url, "on_demand").await?;
    server.api().serve_rpm(&mirror).await?;
    Ok(mirror)
}

async fn a_list_of_mirrors_leads_to_one_that_answers(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let (lists, first, second) = (
        Upstream::start().await?,
        Upstream::start().await?,
        Upstream::start().await?,
    );
    let theirs = RpmRepository::of(&[("bear", "1")]);
    // The one has the list of indexes and nothing else.
    let all = theirs.all_files();
    let repomd = all.iter().find(|(path, _)| path == "repodata/repomd.xml");
    let (path, bytes) = repomd.expect("a list of indexes");
    first.hold("zoo", &[(path, bytes)]);
    let list = format!(
        "# mirrors\n{}\n{}\n{}\n",
        first.url("/held/none/"),
        first.url("/held/zoo/"),
        theirs.hold(&second, "zoo"),
    );
    let mirror = by_list(&server, &lists, &list).await?;
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    assert_eq!(first.requests("/held/none/repodata/repomd.xml"), 1);
    assert_eq!(first.requests("/held/zoo/repodata/primary.xml"), 1);
    assert_eq!(second.requests("/held/zoo/repodata/primary.xml"), 1);
    let package = &theirs.packages[0];
    server
        .fetch_until(&format!("zoo/{}", package.path()), |reply| {
            *reply.body() == package.bytes
        })
        .await?;
    // The same list again: nothing to do.
    second.forget_requests();
    let task = api.sync_rpm(&mirror, json!({})).await?.completed()?;
    assert!(task.created().is_empty(), "{}", task.0);
    assert_eq!(second.requests_under("/held/zoo/repodata/primary"), 0);
    Ok(())
}

async fn a_metalink_tells_an_old_mirror(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let (lists, old, new) = (
        Upstream::start().await?,
        Upstream::start().await?,
        Upstream::start().await?,
    );
    RpmRepository::of(&[("bear", "1")]).hold(&old, "zoo");
    let theirs = RpmRepository::of(&[("bear", "1"), ("bear", "2")]);
    let url = theirs.hold(&new, "zoo");
    let all = theirs.all_files();
    let repomd = all.iter().find(|(path, _)| path == "repodata/repomd.xml");
    let metalink = |hash: &str| {
        format!(
            "<?xml version=\"1.0\"?>\n<metalink version=\"3.0\"><files><file name=\"repomd.xml\">\
             <verification><hash type=\"sha256\">{hash}</hash></verification><resources>\
             <url protocol=\"http\" preference=\"90\">{}</url>\
             <url protocol=\"http\" preference=\"100\">{}</url>\
             </resources></file></files></metalink>",
            format_args!("{url}repodata/repomd.xml"),
            old.url("/held/zoo/repodata/repomd.xml"),
        )
    };
    let right = metalink(&sha256_hex(&repomd.expect("a list of indexes").1));
    let mirror = by_list(&server, &lists, &right).await?;
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    assert_eq!(old.requests("/held/zoo/repodata/repomd.xml"), 1);
    assert_eq!(api.rpm_units(&mirror, "packages").await?.len(), 2);
    let wrong = metalink(&sha256_hex(b"another"));
    lists.hold("lists", &[(LIST, wrong.as_bytes())]);
    let task = api.sync_rpm(&mirror, json!({"optimize": false})).await?;
    assert!(
        task.failure()?
            .contains("is not what the metalink describes"),
        "{}",
        task.0
    );
    Ok(())
}

async fn mirrors_are_told_nothing_of_the_remote(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let (lists, other) = (Upstream::start().await?, Upstream::start().await?);
    let theirs = RpmRepository::of(&[("bear", "1")]);
    let mirror = by_list(&server, &lists, &theirs.hold(&other, "zoo")).await?;
    let (name, value) = PROTECTED_HEADER;
    let settings = json!({"headers": [{name: value}], "username": "u", "password": "hush-1"});
    api.patch(&href(&mirror.remote), settings).await?.ok()?;
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    let path = theirs.packages[0].path();
    server
        .fetch_until(&format!("zoo/{path}"), |reply| reply.status() == 200)
        .await?;
    let has = |request: &pith_tests::upstream::RecordedRequest| {
        (
            request.headers.contains_key(name),
            request.headers.contains_key("authorization"),
        )
    };
    let asked = lists.recorded();
    assert!(
        asked.iter().any(|request| has(request) == (true, true)),
        "{asked:?}"
    );
    let asked = other.recorded();
    assert!(asked.len() >= 5, "{asked:?}");
    assert!(
        asked.iter().all(|request| has(request) == (false, false)),
        "{asked:?}"
    );
    Ok(())
}

async fn a_list_without_mirrors_is_told(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let mirror = by_list(&server, &upstream, "# nothing\nftp://host/\n").await?;
    let task = server.api().sync_rpm(&mirror, json!({})).await?;
    assert!(
        task.failure()?.contains("names no mirror by HTTP"),
        "{}",
        task.0
    );
    // A repository that is not there is told as such, and not as a list.
    let url = upstream.url("/held/none/");
    let settings = json!({"url": url});
    server
        .api()
        .patch(&href(&mirror.remote), settings)
        .await?
        .ok()?;
    let task = server.api().sync_rpm(&mirror, json!({})).await?;
    assert!(
        task.failure()?
            .contains("none/repodata/repomd.xml: the upstream answered 404"),
        "{}",
        task.0
    );
    Ok(())
}

async fn a_token_goes_with_each_address(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let theirs = RpmRepository::of(&[("bear", "1")]);
    let url = theirs.hold(&upstream, "zoo");
    let api = server.api();
    let mirror = api.rpm_mirror("zoo", &url, "on_demand").await?;
    let settings = json!({"sles_auth_token": "abc123"});
    api.patch(&href(&mirror.remote), settings).await?.ok()?;
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    api.serve_rpm(&mirror).await?;
    server
        .fetch_bytes(&format!("zoo/{}", theirs.packages[0].path()))
        .await?;
    let asked = upstream.recorded();
    assert!(asked.len() >= 5, "{asked:?}");
    for request in asked {
        assert_eq!(request.query, "abc123", "{request:?}");
    }
    Ok(())
}

async fn what_is_there_already_can_be_had_from_the_next_upstream_too(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let (first, second) = (Upstream::start().await?, Upstream::start().await?);
    let theirs = RpmRepository::of(&[("bear", "1"), ("owl", "2")]);
    let mirror = api
        .rpm_mirror("zoo", &theirs.hold(&first, "zoo"), "on_demand")
        .await?;
    api.serve_rpm(&mirror).await?;
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    // The same at another address; the one before is gone.
    let url = theirs.hold(&second, "zoo");
    let remote = href(&mirror.remote);
    api.patch(&remote, json!({"url": url})).await?.ok()?;
    first.hold("zoo", &[]);
    let task = api.sync_rpm(&mirror, json!({})).await?.completed()?;
    assert!(task.created().is_empty(), "the same units: {}", task.0);
    let bear = &theirs.packages[0];
    let upstream_path = format!("/held/zoo/{}", bear.upstream_path());
    server
        .fetch_until(&format!("zoo/{}", bear.path()), |reply| {
            *reply.body() == bear.bytes
        })
        .await?;
    assert_eq!(second.requests(&upstream_path), 1);
    // What is there without its bytes is not enough for a remote that fetches at once.
    let immediate = json!({"policy": "immediate"});
    api.patch(&remote, immediate).await?.ok()?;
    let again = json!({"optimize": false});
    for _ in 0..2 {
        api.sync_rpm(&mirror, again.clone()).await?.completed()?;
        for package in &theirs.packages {
            let path = format!("/held/zoo/{}", package.upstream_path());
            assert_eq!(second.requests(&path), 1, "{path}");
        }
    }
    Ok(())
}

const ULN: &str = "/remotes/rpm/uln/";

async fn a_channel_of_a_network_has_its_own_address(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let channel = json!({
        "name": "patches", "url": "uln://ovm2_2.1.1_i386_patch",
        "username": "user", "password": "changeme",
    });
    let remote = api.create(ULN, channel.clone()).await?;
    assert_eq!(remote["uln_server_base_url"], Value::Null);
    assert!(!remote.to_string().contains("changeme"), "{remote}");
    let base = json!({"uln_server_base_url": "https://linux.example.com/"});
    let changed = api.change(&remote, base).await?;
    assert_eq!(changed["uln_server_base_url"], "https://linux.example.com/");
    for (field, value) in [
        ("url", "http://a/"),
        ("username", ""),
        ("password", ""),
        ("uln_server_base_url", "ftp://a/"),
    ] {
        let mut wrong = channel.clone();
        wrong["name"] = "wrong".into();
        if value.is_empty() {
            wrong.as_object_mut().map(|wrong| wrong.remove(field));
        } else {
            wrong[field] = value.into();
        }
        let reply = api.post(ULN, wrong).await?;
        assert!(!reply.errors_of(field)?.is_empty(), "{reply}");
    }
    // Other remotes have no channels.
    let mut wrong = channel;
    wrong["name"] = "plain".into();
    let reply = api.post("/remotes/rpm/rpm/", wrong).await?;
    assert!(!reply.errors_of("url")?.is_empty(), "{reply}");
    Ok(())
}

/// A remote of a channel, and a repository for it.
async fn channel(server: &TestServer, name: &str, settings: Value) -> Result<RpmMirror> {
    let api = server.api();
    let mut remote = json!({
        "name": name, "url": format!("uln://{name}"), "policy": "on_demand",
        "username": NETWORK_USER, "password": NETWORK_PASSWORD, "max_retries": 1,
    });
    for (field, value) in settings.as_object().into_iter().flatten() {
        remote[field] = value.clone();
    }
    let repository = json!({"name": name, "autopublish": true});
    Ok(RpmMirror {
        remote: api.create(ULN, remote).await?,
        repository: api.create("/repositories/rpm/rpm/", repository).await?,
    })
}

async fn a_channel_is_synced_in_a_session(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    let theirs = RpmRepository::of(&[("bear", "1"), ("owl", "2")]);
    theirs.hold(&upstream, "zoo");
    let base = json!({"uln_server_base_url": upstream.url("/network")});
    let mirror = channel(&server, "zoo", base).await?;
    api.sync_rpm(&mirror, json!({})).await?.completed()?;
    assert_eq!(api.rpm_units(&mirror, "packages").await?.len(), 2);
    assert_eq!(upstream.network_logins(), 1, "one session for all files");

    // A session that ended is begun anew, by a sync and by who asks for a package.
    upstream.end_network_sessions();
    let whole = json!({"optimize": false});
    api.sync_rpm(&mirror, whole).await?.completed()?;
    assert_eq!(upstream.network_logins(), 2);
    api.serve_rpm(&mirror).await?;
    for package in &theirs.packages {
        upstream.end_network_sessions();
        let served = server
            .fetch_bytes(&format!("zoo/{}", package.path()))
            .await?;
        assert_eq!(served, package.bytes);
    }
    assert_eq!(upstream.network_logins(), 4);
    let key = "session-000";
    let log = server.log()?;
    for secret in [NETWORK_PASSWORD, key] {
        ensure!(!log.contains(secret), "the log has {secret:?}");
    }
    Ok(())
}

async fn a_session_that_is_refused_is_told_without_secrets(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let api = server.api();
    RpmRepository::of(&[("bear", "1")]).hold(&upstream, "zoo");
    let network = upstream.url("/network");
    for (name, settings, words) in [
        (
            "wrong",
            json!({"uln_server_base_url": network, "password": "wrong-password-77"}),
            "gives no session for the remote's username and password",
        ),
        (
            "page",
            json!({"uln_server_base_url": upstream.url("/elsewhere")}),
            "405",
        ),
        (
            "absent",
            json!({"uln_server_base_url": "http://127.0.0.1:9/"}),
            "no connection to the upstream",
        ),
    ] {
        let mirror = channel(&server, name, settings).await?;
        let failed = api.sync_rpm(&mirror, json!({})).await?;
        let why = failed.failure()?;
        ensure!(why.contains(words), "{name}: {why}");
        ensure!(why.contains("rpc/api"), "{name}: {why}");
        for secret in ["wrong-password-77", NETWORK_PASSWORD, NETWORK_USER] {
            ensure!(!failed.0.to_string().contains(secret), "{name}: {why}");
        }
    }
    ensure!(
        !server.log()?.contains("wrong-password-77"),
        "the log tells"
    );
    assert_eq!(upstream.network_logins(), 0);
    Ok(())
}

async fn a_session_stays_with_its_server(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let elsewhere = Upstream::start().await?;
    let target = RpmRepository::of(&[("bear", "1")]).hold(&elsewhere, "zoo");
    RpmRepository::of(&[("bear", "1")]).hold(&upstream, "zoo");
    let target = format!("{target}repodata/repomd.xml");
    upstream.hold_redirect("zoo", "repodata/repomd.xml", &target);
    let base = json!({"uln_server_base_url": upstream.url("/network/")});
    let mirror = channel(&server, "zoo", base).await?;
    let failed = server.api().sync_rpm(&mirror, json!({})).await?;
    let why = failed.failure()?;
    ensure!(why.contains("redirected to another host"), "{why}");
    assert_eq!(
        elsewhere.recorded().len(),
        0,
        "another host learned the key"
    );
    Ok(())
}

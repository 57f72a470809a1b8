//! Plugins that answer requests as they must not: each spoils its own answer alone, and
//! reaches nothing that is not its own.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use pith_tests::{Api, Test, TestServer, built_plugin, on_both_databases, text};
use serde_json::json;

on_both_databases!(
    an_answer_that_does_not_come_is_an_error,
    an_answer_takes_no_liberties,
    a_route_reaches_nothing_that_is_not_its_plugins,
    a_route_asks_with_the_standing_of_its_client,
    what_a_site_serves_tells_nothing_of_other_repositories,
    routes_that_hang_leave_others_in_peace,
    a_place_has_one_plugin,
);

async fn start(test: &Test) -> Result<TestServer> {
    let folder: PathBuf = test.path("plugins");
    std::fs::create_dir_all(&folder)?;
    std::fs::copy(built_plugin("hostile.wasm")?, folder.join("hostile.wasm"))?;
    // Soon reached; the server's own limit is meant for honest plugins.
    let hurry = ("PITH_PLUGIN_CPU_SECONDS", "1");
    let builder = test.server().flag("--plugin-dir", folder);
    builder.environment(hurry.0, hurry.1).start().await
}

async fn does(api: &Api, what: &str) -> Result<pith_tests::Reply> {
    api.get(&format!("/api/hostile/does/{what}/")).await
}

async fn an_answer_that_does_not_come_is_an_error(test: Test) -> Result<()> {
    let server = start(&test).await?;
    let nobody = server.api().anonymous();
    assert_eq!(does(&nobody, "well").await?.text(), "an answer");
    for what in ["loop", "memory", "panic", "recurse"] {
        let reply = does(&nobody, what).await?;
        let status = reply.status();
        ensure!((500..600).contains(&status), "{what}: {status}");
        let body = reply.json(status)?;
        ensure!(!text(&body["detail"]).is_empty(), "{what}: {body}");
        ensure!(
            !reply.text().contains("asked to panic"),
            "the plugin's own words are for the log: {body}"
        );
        assert_eq!(does(&nobody, "well").await?.status(), 200, "after {what}");
        server.api().get("/status/").await?.ok()?;
    }
    does(&nobody, "nothing").await?.json(404)?;
    let elsewhere = server.api().get("/api/hostile/elsewhere/").await?;
    elsewhere.json(404)?;
    let odd = server
        .api()
        .post("/api/hostile/does/well/", json!({}))
        .await?;
    odd.json(405)?;
    assert_eq!(odd.header("allow"), "GET, HEAD, OPTIONS");
    Ok(())
}

async fn an_answer_takes_no_liberties(test: Test) -> Result<()> {
    let server = start(&test).await?;
    let nobody = server.api().anonymous();
    for what in ["html", "cookie", "clear", "policy", "origin", "length"] {
        let reply = does(&nobody, what).await?;
        assert_eq!(reply.text(), "an answer", "{what}");
        for absent in [
            "set-cookie",
            "clear-site-data",
            "access-control-allow-origin",
        ] {
            assert!(!reply.headers().contains_key(absent), "{what}: {absent}");
        }
        assert_eq!(reply.header("content-length"), "9", "{what}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        let policies: Vec<_> = reply
            .headers()
            .get_all("content-security-policy")
            .iter()
            .collect();
        assert_eq!(policies, ["default-src 'none'; sandbox"], "{what}");
    }
    for what in ["split", "status", "nonsense", "headers"] {
        let reply = does(&nobody, what).await?;
        assert_eq!(reply.status(), 500, "{what}");
        assert!(!reply.headers().contains_key("set-cookie"), "{what}");
    }
    Ok(())
}

fn call(method: &str, path: &str, body: Option<&str>) -> String {
    let query = serde_urlencoded::to_string([("path", Some(path)), ("body", body)]);
    format!(
        "/api/hostile/calls/{method}/?{}",
        query.expect("a query string")
    )
}

async fn a_route_reaches_nothing_that_is_not_its_plugins(test: Test) -> Result<()> {
    let server = start(&test).await?;
    // Even an administrator's request does not lend what he may do elsewhere.
    let api = server.api();
    let user = r#"{"username": "eve", "password": "a long password", "is_superuser": true}"#;
    let repository = r#"{"name": "taken"}"#;
    for (method, path, body) in [
        ("POST", "users/", Some(user)),
        ("POST", "tokens/", Some(r#"{"name": "stolen"}"#)),
        ("POST", "login/", None),
        ("POST", "groups/", Some(r#"{"name": "wheel"}"#)),
        ("GET", "components/", None),
        ("GET", "roles/", None),
        ("GET", "signing-services/", None),
        ("GET", "artifacts/", None),
        ("GET", "repositories/", None),
        ("GET", "repositories/file/file/", None),
        ("POST", "repositories/file/file/", Some(repository)),
        (
            "POST",
            "repositories/hostile/../file/file/",
            Some(repository),
        ),
        (
            "POST",
            "repositories/hostile/%2e%2e/file/file/",
            Some(repository),
        ),
        (
            "POST",
            "repositories/hostile/%2E%2E%2Ffile/file/",
            Some(repository),
        ),
        ("POST", "repositories//file/file/", Some(repository)),
        ("DELETE", "tasks/hostile/../../users/1/", None),
        ("POST", "orphans/cleanup/", Some("{}")),
        (
            "POST",
            "task-groups/",
            Some(r#"{"tasks": [{"type": "file/syncs", "params": {}}]}"#),
        ),
    ] {
        let reply = api.post(&call(method, path, body), json!(null)).await?;
        assert_eq!(reply.status(), 403, "{method} {path}: {}", reply.text());
    }
    for list in [
        "/users/?username=eve",
        "/tokens/",
        "/groups/",
        "/repositories/",
    ] {
        let list = api.get(list).await?.ok()?;
        assert_eq!(list["count"], 0, "{list}");
    }
    let own = call("POST", "repositories/hostile/hostile/", Some(repository));
    let made = api.post(&own, json!(null)).await?.ok()?;
    assert_eq!(made["status"], 201, "{made}");

    // What only looks changes nothing, whoever looks.
    let other = call(
        "POST",
        "repositories/hostile/hostile/",
        Some(r#"{"name": "b"}"#),
    );
    api.get(&other).await?.json(403)?;
    assert_eq!(api.get("/repositories/").await?.ok()?["count"], 1);
    Ok(())
}

async fn a_route_asks_with_the_standing_of_its_client(test: Test) -> Result<()> {
    let server = start(&test).await?;
    let admin = server.api();
    admin
        .create("/repositories/hostile/hostile/", json!({"name": "private"}))
        .await?;
    let user = json!({"username": "ann", "password": "a long password"});
    admin.create("/users/", user).await?;
    let ann = admin.with_password("ann", "a long password");
    let list = call("GET", "repositories/hostile/hostile/", None);
    let mut seen = Vec::new();
    for api in [admin, &ann, &admin.anonymous()] {
        let answer = api.get(&list).await?.ok()?;
        let list: serde_json::Value =
            serde_json::from_str(text(&answer["body"])).context("a list")?;
        seen.push((answer["status"].clone(), list["count"].clone()));
    }
    assert_eq!(
        seen,
        [
            (json!(200), json!(1)),
            (json!(200), json!(0)),
            (json!(401), json!(null))
        ]
    );
    let make = call(
        "POST",
        "repositories/hostile/hostile/",
        Some(r#"{"name": "c"}"#),
    );
    let refused = ann.post(&make, json!(null)).await?.ok()?;
    assert_eq!(refused["status"], 403, "{refused}");
    ensure!(admin.anonymous().post(&make, json!(null)).await?.status() == 401);
    Ok(())
}

async fn what_a_site_serves_tells_nothing_of_other_repositories(test: Test) -> Result<()> {
    let server = start(&test).await?;
    let api = server.api();
    let public = api
        .create("/repositories/hostile/hostile/", json!({"name": "public"}))
        .await?;
    let private = api
        .create("/repositories/hostile/hostile/", json!({"name": "private"}))
        .await?;
    let distribution = json!({
        "name": "public", "base_path": "public",
        "repository_version": public["latest_version_href"],
    });
    api.run_task("/distributions/hostile/hostile/", distribution)
        .await?
        .completed()?;
    let ask = |query: &str| {
        let query = serde_urlencoded::to_string([("query", query)]);
        format!(
            "/api/hostile/site/public/?{}",
            query.expect("a query string")
        )
    };
    let nobody = api.anonymous();
    assert_eq!(nobody.get(&ask("name=a")).await?.ok()?["count"], 0);
    let version = text(&private["latest_version_href"]);
    for query in [
        format!("repository_version={version}"),
        format!("repository_version_added={version}"),
        format!("repository%5Fversion__in={version}"),
        format!("added_between={version},{version}"),
        format!("q=NOT repository_version={version}"),
    ] {
        let refused = nobody.get(&ask(&query)).await?.json(400)?;
        let detail = text(&refused["detail"]);
        ensure!(detail.contains("other versions"), "{query}: {refused}");
    }
    nobody.get("/api/hostile/site/private/").await?.json(404)?;
    Ok(())
}

async fn routes_that_hang_leave_others_in_peace(test: Test) -> Result<()> {
    let server = start(&test).await?;
    let nobody = server.api().anonymous();
    let hanging: Vec<_> = (0..28)
        .map(|_| {
            let nobody = nobody.clone();
            tokio::spawn(async move { does(&nobody, "loop").await.map(|reply| reply.status()) })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let asked = Instant::now();
    nobody.get("/api/galaxy/").await?.ok()?;
    ensure!(
        asked.elapsed() < Duration::from_secs(5),
        "another plugin's route took {:?}",
        asked.elapsed()
    );
    for one in hanging {
        let status = one.await??;
        ensure!((500..600).contains(&status), "{status}");
    }
    assert_eq!(does(&nobody, "well").await?.status(), 200);
    Ok(())
}

async fn a_place_has_one_plugin(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let squatter = std::fs::read(built_plugin("squatter.wasm")?)?;
    let refused = api
        .post_bytes("/components/", "application/wasm", squatter)
        .await?;
    let problem = refused.json(409)?;
    assert_eq!(problem["gate"], "compatibility", "{problem}");
    let detail = text(&problem["detail"]);
    ensure!(
        detail.contains("/api/galaxy/v3/auth") && detail.contains("ansible"),
        "{detail}"
    );
    Ok(())
}

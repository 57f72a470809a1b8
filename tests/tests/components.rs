//! Components: plugins listed, loaded, changed and removed at run time.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use pith_tests::{
    Api, Reply, Test, TestServer, built_plugin, href, on_a_shared_database, on_both_databases, text,
};
use serde_json::{Value, json};

on_both_databases!(
    the_components_are_listed,
    a_component_is_loaded_and_reloaded,
    what_is_wrong_is_refused_with_its_gate,
    a_build_that_does_not_fit_is_refused,
    a_new_field_is_migrated,
    units_from_before_get_a_new_order_key,
    keys_that_do_not_come_spoil_their_own_question_alone,
    a_component_survives_a_restart,
    a_component_is_disabled_and_enabled,
    limits_are_set_and_hold,
    a_component_is_removed_when_nothing_needs_it,
    a_built_in_plugin_comes_back,
    only_administrators_see_components,
    a_plugin_directory_is_watched,
);

on_a_shared_database!(the_other_server_takes_a_component_up);

const WASM: &str = "application/wasm";

async fn send(api: &Api, file: &str) -> Result<Reply> {
    let bytes = std::fs::read(built_plugin(file)?)?;
    api.post_bytes("/components/", WASM, bytes).await
}

async fn load(api: &Api, file: &str, status: u16) -> Result<Value> {
    send(api, file).await?.json(status)
}

async fn the_components_are_listed(test: Test) -> Result<()> {
    let server = test.start().await?;
    let all = server.api().list("/components/").await?;
    let file = all
        .iter()
        .find(|one| one["name"] == "file")
        .expect("the file plugin is built in");
    assert_eq!(file["status"], "active", "{file}");
    assert_eq!(file["origin"], "builtin");
    assert_eq!(file["generation"], 1);
    assert_eq!(file["abilities"], json!(["sync", "upload", "publish"]));
    assert_eq!(file["content_types"], json!(["file.file"]));
    assert!(text(&file["digest"]).starts_with("sha256:"), "{file}");
    assert_eq!(file["limits"]["cpu_seconds"], 600);
    server.api().upload_file("a", b"a", None).await?;
    let read = server.api().get(&href(file)).await?.ok()?;
    assert_eq!(read["used"]["calls"], 1, "{read}");
    assert!(read["used"]["largest_memory_bytes"].as_u64() > Some(1 << 20));
    assert_eq!(server.api().get("/components/none/").await?.status(), 404);
    let page = server.api().get("/components/?limit=1&fields=name").await?;
    assert_eq!(page.ok()?["results"], json!([{"name": "ansible"}]));
    Ok(())
}

async fn a_component_is_loaded_and_reloaded(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    assert_eq!(api.get("/repositories/shelf/shelf/").await?.status(), 404);
    let one = load(api, "shelf_one.wasm", 201).await?;
    assert_eq!(
        (&one["version"], &one["generation"]),
        (&json!("1.0.0"), &json!(1))
    );
    api.create("/repositories/shelf/shelf/", json!({"name": "r"}))
        .await?;
    let routes = api.get("/").await?.ok()?.to_string();
    assert!(routes.contains("repositories/shelf/shelf/"), "{routes}");

    let two = load(api, "shelf_two.wasm", 200).await?;
    assert_eq!(
        (&two["version"], &two["generation"]),
        (&json!("2.0.0"), &json!(2))
    );
    let types = api.get("/tasks/shelf/").await?.ok()?.to_string();
    assert!(types.contains("Fill the shelf 2.0.0"), "{types}");
    // The same again changes nothing.
    let again = load(api, "shelf_two.wasm", 200).await?;
    assert_eq!(again["generation"], 2);
    Ok(())
}

/// A component with nothing in it but one import.
fn importing(name: &str) -> Vec<u8> {
    let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
    bytes.extend([7, 3, 1, 0x42, 0]);
    let length = u8::try_from(name.len()).expect("a short name");
    bytes.extend([10, length + 5, 1, 0, length]);
    bytes.extend(name.as_bytes());
    bytes.extend([5, 0]);
    bytes
}

async fn what_is_wrong_is_refused_with_its_gate(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let whole = std::fs::read(built_plugin("shelf_one.wasm")?)?;
    let mut damaged = whole.clone();
    let middle = damaged.len() / 3;
    damaged[middle..middle + 64].fill(0xff);
    for (bytes, status, gates) in [
        (b"#!/bin/sh\n".to_vec(), 400, &["component"][..]),
        (Vec::new(), 400, &["component"]),
        (whole[..whole.len() / 2].to_vec(), 400, &["component"]),
        (damaged, 400, &["component", "compile", "link"]),
        (importing("wasi:http/types@0.2.3"), 400, &["imports"]),
        (importing("demo:own/thing@1.0.0"), 400, &["imports"]),
        (b"\0asm\x0d\0\x01\0".to_vec(), 400, &["exports"]),
        (vec![0; (64 << 20) + 1], 413, &["size"]),
    ] {
        let problem = api.post_bytes("/components/", WASM, bytes).await?;
        let problem = problem.json(status)?;
        assert!(
            gates.contains(&text(&problem["gate"])),
            "{gates:?}: {problem}"
        );
        let detail = text(&problem["detail"]);
        assert!(
            detail.contains(&format!("`{}`", text(&problem["gate"]))),
            "{problem}"
        );
    }
    let lying = load(api, "shelf_lying.wasm", 400).await?;
    assert_eq!(lying["gate"], "exports");
    assert!(text(&lying["detail"]).contains("publications"), "{lying}");

    let wrong = format!("/components/?digest=sha256:{}", "0".repeat(64));
    let refused = api.post_bytes(&wrong, WASM, whole.clone()).await?;
    assert_eq!(refused.json(400)?["gate"], "digest");
    let odd = api
        .post_bytes("/components/?digest=md5:1", WASM, whole.clone())
        .await?;
    assert!(!odd.errors_of("digest")?.is_empty());
    let text_plain = api.post_bytes("/components/", "text/plain", whole).await?;
    assert_eq!(text_plain.status(), 415);
    assert_eq!(api.get("/repositories/shelf/shelf/").await?.status(), 404);
    api.get("/status/").await?.ok()?;
    Ok(())
}

async fn a_build_that_does_not_fit_is_refused(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    load(api, "shelf_two.wasm", 201).await?;
    for (file, words) in [
        ("shelf_rekeyed.wasm", "natural key"),
        ("shelf_one.wasm", "lost the field \"note\""),
    ] {
        let refused = load(api, file, 409).await?;
        assert_eq!(refused["gate"], "compatibility");
        assert!(text(&refused["detail"]).contains(words), "{refused}");
        let shelf = api.get("/components/shelf/").await?.ok()?;
        assert_eq!(
            (&shelf["version"], &shelf["status"]),
            (&json!("2.0.0"), &json!("active"))
        );
        assert_eq!(shelf["problem"]["gate"], "compatibility");
    }
    api.create("/repositories/shelf/shelf/", json!({"name": "r"}))
        .await?;
    let better = load(api, "shelf_three.wasm", 200).await?;
    assert!(better["problem"].is_null(), "{better}");
    Ok(())
}

/// Fills a repository with books of the build in service.
async fn fill(api: &Api, repository: &Value, remote: &Value) -> Result<()> {
    let path = format!("{}sync/", href(repository));
    api.run_task(&path, json!({"remote": href(remote), "count": 5}))
        .await?
        .completed()?;
    Ok(())
}

async fn repository_and_remote(api: &Api, url: &str) -> Result<(Value, Value)> {
    let repository = api
        .create("/repositories/shelf/shelf/", json!({"name": "r"}))
        .await?;
    let remote = api
        .create("/remotes/shelf/shelf/", json!({"name": "r", "url": url}))
        .await?;
    Ok((repository, remote))
}

async fn a_new_field_is_migrated(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    load(api, "shelf_one.wasm", 201).await?;
    let (repository, remote) = repository_and_remote(api, "http://127.0.0.1:9/").await?;
    fill(api, &repository, &remote).await?;
    load(api, "shelf_two.wasm", 200).await?;
    let old = api.list("/content/shelf/books/").await?;
    assert_eq!(old.len(), 5);
    assert!(old.iter().all(|book| book["note"].is_null()), "{old:?}");
    fill(api, &repository, &remote).await?;
    let new = api
        .list("/content/shelf/books/?note=note of 2.0.0 0 3")
        .await?;
    assert_eq!(new.len(), 1, "{new:?}");
    assert_eq!(new[0]["build"], "2.0.0");
    Ok(())
}

async fn units_from_before_get_a_new_order_key(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    load(api, "shelf_two.wasm", 201).await?;
    let repository = json!({"name": "r"});
    let repository = api.create("/repositories/shelf/shelf/", repository).await?;
    let remote = json!({"name": "r", "url": server.base_url()});
    let remote = api.create("/remotes/shelf/shelf/", remote).await?;
    let sync = format!("{}sync/", href(&repository));
    // More than go together, and titles of which texts have another order.
    let params = json!({"remote": href(&remote), "count": 1_100});
    api.run_task(&sync, params).await?.completed()?;
    load(api, "shelf_sorted.wasm", 200).await?;
    let path = "/content/shelf/books/?ordering=title&limit=3&title__gt=2.0.0%200%2099";
    let page = api.get(path).await?.ok()?;
    assert_eq!(page["count"], 1_000, "{page}");
    let titles: Vec<&str> = page["results"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|book| text(&book["title"]))
        .collect();
    assert_eq!(titles, ["2.0.0 0 100", "2.0.0 0 101", "2.0.0 0 102"]);
    let new = json!({"remote": href(&remote), "prefix": "2.0.0 0 999"});
    api.run_task(&sync, new).await?.completed()?;
    let path = "/content/shelf/books/?title__range=2.0.0%200%20998,2.0.0%200%201000";
    assert_eq!(api.list(path).await?.len(), 4, "one is new");

    let keyless = json!({"remote": href(&remote), "prefix": "keyless"});
    let failed = api.run_task(&sync, keyless).await?;
    assert!(failed.failure()?.contains("title_order"), "{}", failed.0);
    let reply = api.get("/content/shelf/books/?title__lt=what%3F").await?;
    let detail = reply.json(400)?;
    assert!(detail.to_string().contains("question mark"), "{detail}");
    let shelf = api.get("/components/shelf/").await?.ok()?;
    assert_eq!(shelf["abilities"], json!(["sync", "order"]));
    Ok(())
}

async fn keys_that_do_not_come_spoil_their_own_question_alone(test: Test) -> Result<()> {
    // Soon reached; the server's own limit is meant for honest plugins.
    let hurry = test.server().environment("PITH_PLUGIN_CPU_SECONDS", "1");
    let server = hurry.start().await?;
    let api = server.api();
    load(api, "shelf_sorted.wasm", 201).await?;
    for title in ["panic!", "loop!", "few!", "long!"] {
        let path = format!("/content/shelf/books/?title__gt={title}");
        let refused = api.get(&path).await?.json(500)?;
        assert!(!refused.to_string().contains("asked to"), "{refused}");
        let other = api.get("/content/shelf/books/?title__gt=a").await?.ok()?;
        assert_eq!(other["count"], 0, "after {title}");
    }
    // More than it may have at once: other calls go on.
    let loops: Vec<_> = (0..8)
        .map(|_| {
            let api = api.clone();
            let path = "/content/shelf/books/?title__gt=loop!";
            tokio::spawn(async move { api.get(path).await.map(|reply| reply.status()) })
        })
        .collect();
    api.upload_file("honest.txt", b"honest", None).await?;
    let packages = "/content/rpm/packages/?version__gt=1";
    api.get(packages).await?.ok()?;
    for one in loops {
        let status = one.await??;
        assert!((500..=503).contains(&status), "{status}");
    }
    Ok(())
}

async fn a_component_survives_a_restart(test: Test) -> Result<()> {
    let mut server = test.start().await?;
    load(server.api(), "shelf_one.wasm", 201).await?;
    load(server.api(), "shelf_two.wasm", 200).await?;
    server.kill_hard().await?;
    server.restart().await?;
    let shelf = server.api().get("/components/shelf/").await?.ok()?;
    assert_eq!(
        (&shelf["version"], &shelf["generation"]),
        (&json!("2.0.0"), &json!(2))
    );
    assert_eq!(shelf["status"], "active");
    let file = server.api().get("/components/file/").await?.ok()?;
    assert_eq!(file["generation"], 1, "a start is no reload");
    Ok(())
}

async fn a_component_is_disabled_and_enabled(test: Test) -> Result<()> {
    let mut server = test.start().await?;
    load(server.api(), "shelf_one.wasm", 201).await?;
    let path = "/repositories/shelf/shelf/";
    server.api().create(path, json!({"name": "r"})).await?;
    let off = server
        .api()
        .patch("/components/shelf/", json!({"enabled": false}))
        .await?
        .ok()?;
    assert_eq!(off["status"], "disabled");
    assert_eq!(server.api().get(path).await?.status(), 404);
    server.stop().await?;
    server.restart().await?;
    let api = server.api();
    let off = api.get("/components/shelf/").await?.ok()?;
    assert_eq!(off["status"], "disabled", "also after a restart");
    assert_eq!(api.get(path).await?.status(), 404);
    api.patch("/components/shelf/", json!({"enabled": true}))
        .await?
        .ok()?;
    assert_eq!(api.list(path).await?.len(), 1);
    Ok(())
}

async fn limits_are_set_and_hold(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    load(api, "hostile.wasm", 201).await?;
    let limits = json!({"limits": {"cpu_seconds": 1, "memory_bytes": 32 << 20}});
    let set = api.patch("/components/hostile/", limits).await?.ok()?;
    assert_eq!(set["limits"]["cpu_seconds"], 1, "{set}");
    assert_eq!(set["generation"], 1, "the same build");
    let repository = api
        .create("/repositories/hostile/hostile/", json!({"name": "h"}))
        .await?;
    let remote = json!({"name": "h", "url": "http://127.0.0.1:9/"});
    let remote = api.create("/remotes/hostile/hostile/", remote).await?;
    for (behaviour, words) in [("loop", "1 s"), ("memory", "32 MiB")] {
        let path = format!("{}sync/", href(&repository));
        let body = json!({"remote": href(&remote), "behaviour": behaviour});
        let task = api.run_task(&path, body).await?;
        assert!(task.failure()?.contains(words), "{}", task.failure()?);
    }
    let used = api.get("/components/hostile/").await?.ok()?;
    assert_eq!(used["used"]["traps"], 2, "{used}");
    for wrong in [
        json!({"cpu": 1}),
        json!({"memory_bytes": 1}),
        json!({"handles": "x"}),
    ] {
        let reply = api
            .patch("/components/hostile/", json!({"limits": wrong}))
            .await?;
        assert!(!reply.errors_of("limits")?.is_empty());
    }
    let back = api
        .patch(
            "/components/hostile/",
            json!({"limits": {"cpu_seconds": null}}),
        )
        .await?
        .ok()?;
    assert_eq!(back["limits"]["cpu_seconds"], 600);
    assert_eq!(back["limits"]["memory_bytes"], 32 << 20);
    Ok(())
}

async fn a_component_is_removed_when_nothing_needs_it(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    load(api, "shelf_two.wasm", 201).await?;
    let repository = api
        .create("/repositories/shelf/shelf/", json!({"name": "r"}))
        .await?;
    let refused = api.delete("/components/shelf/").await?.json(409)?;
    assert!(
        text(&refused["detail"]).contains("1 repositories"),
        "{refused}"
    );
    api.remove(&repository).await?;
    assert_eq!(api.delete("/components/shelf/").await?.status(), 204);
    assert_eq!(api.get("/components/shelf/").await?.status(), 404);
    assert_eq!(api.get("/repositories/shelf/shelf/").await?.status(), 404);
    // Its tables went too, so another line of builds can begin.
    load(api, "shelf_rekeyed.wasm", 201).await?;
    Ok(())
}

async fn a_built_in_plugin_comes_back(test: Test) -> Result<()> {
    let server = test.start().await?;
    let api = server.api();
    let refused = api.delete("/components/file/").await?.json(409)?;
    assert!(text(&refused["detail"]).contains("disable"), "{refused}");
    Ok(())
}

async fn only_administrators_see_components(test: Test) -> Result<()> {
    let server = test.start().await?;
    let user = json!({"username": "ada", "password": "adas-password-1"});
    server.api().create("/users/", user).await?;
    let ada = server.api().with_password("ada", "adas-password-1");
    assert_eq!(ada.get("/components/").await?.status(), 403);
    assert_eq!(send(&ada, "shelf_one.wasm").await?.status(), 403);
    let anonymous = server.api().anonymous();
    assert_eq!(anonymous.get("/components/").await?.status(), 401);
    Ok(())
}

async fn until(api: &Api, path: &str, is_wanted: impl Fn(&Reply) -> bool) -> Result<Reply> {
    let started = Instant::now();
    loop {
        let reply = api.get(path).await?;
        if is_wanted(&reply) {
            return Ok(reply);
        }
        ensure!(started.elapsed() < Duration::from_secs(20), "still {reply}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn has_version(version: &'static str) -> impl Fn(&Reply) -> bool {
    move |reply| {
        reply
            .json(200)
            .is_ok_and(|shelf| shelf["version"] == version && shelf["status"] == "active")
    }
}

fn rename_into_place(file: &str, folder: &Path) -> Result<()> {
    let hidden = folder.join(".shelf.wasm.new");
    std::fs::copy(built_plugin(file)?, &hidden)?;
    std::fs::rename(&hidden, folder.join("shelf.wasm"))?;
    Ok(())
}

async fn a_plugin_directory_is_watched(test: Test) -> Result<()> {
    let mut server = test.start().await?;
    let folder = server.data_directory().join("plugins");
    let path = "/components/shelf/";
    rename_into_place("shelf_one.wasm", &folder)?;
    let shelf = until(server.api(), path, has_version("1.0.0"))
        .await?
        .ok()?;
    assert_eq!(shelf["origin"], "directory");

    // Written bit by bit: no half of it is taken up.
    let bytes = std::fs::read(built_plugin("shelf_two.wasm")?)?;
    for end in [bytes.len() / 3, bytes.len() / 2, bytes.len()] {
        std::fs::write(folder.join("shelf.wasm"), &bytes[..end])?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    until(server.api(), path, has_version("2.0.0")).await?;

    // What fails its gates is told of, and the old one goes on.
    rename_into_place("shelf_rekeyed.wasm", &folder)?;
    let gate = |reply: &Reply| {
        reply
            .ok()
            .is_ok_and(|shelf| shelf["problem"]["gate"] == "compatibility")
    };
    let shelf = until(server.api(), path, gate).await?.ok()?;
    assert_eq!(shelf["version"], "2.0.0");
    std::fs::write(folder.join("broken.wasm"), b"no component")?;
    let shown = |reply: &Reply| reply.text().contains("broken");
    let all = until(server.api(), "/components/", shown).await?.ok()?;
    let broken = all["results"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|one| one["name"] == "broken");
    let broken = broken.expect("it is listed");
    assert_eq!(broken["status"], "refused");
    assert_eq!(broken["problem"]["gate"], "component");
    assert!(server.log()?.contains("broken.wasm"));

    // A start finds what was in service, whatever lies in the directory now.
    server.stop().await?;
    server.restart().await?;
    let shelf = server.api().get(path).await?.ok()?;
    assert_eq!(
        (&shelf["version"], &shelf["generation"]),
        (&json!("2.0.0"), &json!(2))
    );
    let refused = server.api().delete(path).await?.json(409)?;
    assert!(text(&refused["detail"]).contains("shelf.wasm"), "{refused}");
    std::fs::remove_file(folder.join("shelf.wasm"))?;
    until(server.api(), path, |reply| reply.status() == 404).await?;
    Ok(())
}

async fn loaded_within(server: &TestServer, version: &'static str, limit: Duration) -> Result<()> {
    let started = Instant::now();
    until(server.api(), "/components/shelf/", has_version(version)).await?;
    ensure!(started.elapsed() < limit, "it took {:?}", started.elapsed());
    Ok(())
}

async fn the_other_server_takes_a_component_up(test: Test) -> Result<()> {
    let one = test.start().await?;
    let other = test.server().beside(&one).start().await?;
    load(one.api(), "shelf_one.wasm", 201).await?;
    loaded_within(&other, "1.0.0", Duration::from_secs(5)).await?;
    let path = "/repositories/shelf/shelf/";
    other.api().create(path, json!({"name": "r"})).await?;
    load(other.api(), "shelf_two.wasm", 200).await?;
    loaded_within(&one, "2.0.0", Duration::from_secs(5)).await?;
    let types = |reply: &Reply| reply.text().contains("Fill the shelf 2.0.0");
    until(one.api(), "/tasks/shelf/", types).await?;
    one.api()
        .patch("/components/shelf/", json!({"enabled": false}))
        .await?
        .ok()?;
    until(other.api(), path, |reply| reply.status() == 404).await?;
    Ok(())
}

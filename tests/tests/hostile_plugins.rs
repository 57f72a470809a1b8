//! Plugins that misbehave: each ends its own task and disturbs nothing else.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use pith_tests::upstream::Upstream;
use pith_tests::{
    ServerBuilder, Task, Test, TestServer, built_plugin, href, on_both_databases, text,
};
use serde_json::{Value, json};

on_both_databases!(
    the_hostile_plugin_can_behave,
    an_endless_loop_is_ended,
    an_endless_loop_can_be_canceled,
    a_memory_bomb_is_refused,
    a_panic_is_reported,
    a_trap_is_reported,
    an_endless_recursion_is_ended,
    a_forged_reference_is_refused,
    fields_that_do_not_fit_are_refused,
    a_path_that_leads_out_is_refused,
    another_origin_is_refused,
    units_that_nobody_wants_do_no_harm,
    too_large_a_batch_is_refused,
    units_are_renewed_as_they_are_or_not_at_all,
    a_flood_of_words_does_no_harm,
    a_read_byte_by_byte_is_borne,
    what_one_plugin_does_another_does_not_feel,
    a_broken_component_is_not_loaded,
);

/// A limit that is reached soon; the server's own is meant for honest plugins.
const CPU_LIMIT: (&str, &str) = ("PITH_PLUGIN_CPU_SECONDS", "2");

struct Hostile {
    server: TestServer,
    upstream: Upstream,
    repository: Value,
    remote: Value,
}

/// The built plugin, alone in a folder.
fn plugin_folder(test: &Test) -> Result<PathBuf> {
    let folder = test.path("plugins");
    std::fs::create_dir_all(&folder)?;
    std::fs::copy(built_plugin("hostile.wasm")?, folder.join("hostile.wasm"))?;
    Ok(folder)
}

impl Hostile {
    async fn start(test: &Test) -> Result<Self> {
        Self::start_with(test.server().flag("--plugin-dir", plugin_folder(test)?)).await
    }

    /// With little time for computing.
    async fn start_in_a_hurry(test: &Test) -> Result<Self> {
        let (name, value) = CPU_LIMIT;
        let builder = test.server().flag("--plugin-dir", plugin_folder(test)?);
        Self::start_with(builder.environment(name, value)).await
    }

    async fn start_with(builder: ServerBuilder) -> Result<Self> {
        let server = builder.start().await?;
        let upstream = Upstream::start().await?;
        let api = server.api();
        let repository = api
            .create("/repositories/hostile/hostile/", json!({"name": "hostile"}))
            .await?;
        let url = upstream.hold("bait", &[("bait.txt", &vec![b'x'; 100_000])]);
        let settings = json!({"name": "hostile", "url": url.replace("PULP_MANIFEST", "bait.txt")});
        let remote = api.create("/remotes/hostile/hostile/", settings).await?;
        Ok(Self {
            server,
            upstream,
            repository,
            remote,
        })
    }

    async fn begin(&self, behaviour: &str, parameters: Value) -> Result<String> {
        let path = format!("{}sync/", href(&self.repository));
        let mut body = json!({"remote": href(&self.remote), "behaviour": behaviour});
        for (name, value) in parameters.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        self.server.api().start_task(&path, body).await
    }

    async fn run(&self, behaviour: &str) -> Result<Task> {
        let task = self.begin(behaviour, json!({})).await?;
        self.server.api().wait(&task).await
    }

    /// Runs what must fail, and gives the error; nothing of it may be left.
    async fn fail(&self, behaviour: &str) -> Result<Value> {
        let task = self.run(behaviour).await?;
        task.failure().with_context(|| behaviour.to_owned())?;
        self.is_unharmed()
            .await
            .with_context(|| format!("after {behaviour}"))?;
        Ok(task.0["error"].clone())
    }

    /// The server answers, its repository is what it was, and other plugins work.
    async fn is_unharmed(&self) -> Result<()> {
        let api = self.server.api();
        ensure!(
            api.latest_number(&self.repository).await? == 0,
            "a version was made"
        );
        api.get("/status/").await?.ok()?;
        let honest = api.upload_file("honest.txt", b"honest", None).await?;
        ensure!(honest["relative_path"] == "honest.txt", "{honest}");
        Ok(())
    }
}

fn assert_names_the_plugin(error: &Value) {
    assert_eq!(error["plugin"], "hostile", "{error}");
    assert!(!text(&error["version"]).is_empty(), "{error}");
}

fn assert_says(error: &Value, words: &[&str]) {
    let description = text(&error["description"]).to_lowercase();
    assert!(
        words.iter().any(|word| description.contains(word)),
        "{words:?}: {error}"
    );
}

async fn the_hostile_plugin_can_behave(test: Test) -> Result<()> {
    let hostile = Hostile::start(&test).await?;
    let task = hostile.begin("ok", json!({"count": 2500})).await?;
    hostile.server.api().wait(&task).await?.completed()?;
    let version = hostile
        .server
        .api()
        .latest_version(&hostile.repository)
        .await?;
    assert_eq!(pith_tests::present(&version, "hostile.thing"), 2500);
    let things = hostile
        .server
        .api()
        .get("/content/hostile/things/?limit=1")
        .await?
        .ok()?;
    assert_eq!(things["count"], 2500);
    Ok(())
}

async fn an_endless_loop_is_ended(test: Test) -> Result<()> {
    let hostile = Hostile::start_in_a_hurry(&test).await?;
    let started = Instant::now();
    let error = hostile.fail("loop").await?;
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "{:?}",
        started.elapsed()
    );
    assert_names_the_plugin(&error);
    assert_says(&error, &["cpu", "time", "budget", "limit"]);
    Ok(())
}

async fn an_endless_loop_can_be_canceled(test: Test) -> Result<()> {
    let hostile = Hostile::start(&test).await?;
    let api = hostile.server.api();
    let task = hostile.begin("loop", json!({})).await?;
    api.wait_until_running(&task).await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let asked = Instant::now();
    api.cancel(&task).await?.ok()?;
    let ended = api.wait(&task).await?;
    assert_eq!(ended.state(), "canceled", "{}", ended.0);
    assert!(
        asked.elapsed() < Duration::from_secs(1),
        "{:?}",
        asked.elapsed()
    );
    hostile.is_unharmed().await
}

async fn a_memory_bomb_is_refused(test: Test) -> Result<()> {
    let hostile = Hostile::start(&test).await?;
    let error = hostile.fail("memory").await?;
    assert_names_the_plugin(&error);
    assert_says(&error, &["memory", " mb", " mib"]);
    let peak = hostile.server.peak_memory_mib()?;
    assert!(peak < 1500, "{peak} MiB");
    Ok(())
}

async fn a_panic_is_reported(test: Test) -> Result<()> {
    let hostile = Hostile::start(&test).await?;
    let error = hostile.fail("panic").await?;
    assert_names_the_plugin(&error);
    assert_says(&error, &["panic"]);
    assert!(
        error.to_string().contains("asked to panic"),
        "the message is kept: {error}"
    );
    Ok(())
}

async fn a_trap_is_reported(test: Test) -> Result<()> {
    let hostile = Hostile::start(&test).await?;
    let error = hostile.fail("trap").await?;
    assert_names_the_plugin(&error);
    assert_eq!(error["code"], "trap", "{error}");
    assert!(text(&error["export"]).contains("sync"), "{error}");
    assert!(
        error["frames"]
            .as_array()
            .is_some_and(|frames| !frames.is_empty()),
        "{error}"
    );
    Ok(())
}

async fn an_endless_recursion_is_ended(test: Test) -> Result<()> {
    let hostile = Hostile::start(&test).await?;
    let error = hostile.fail("stack").await?;
    assert_names_the_plugin(&error);
    assert_says(&error, &["stack", "memory", "out of bounds"]);
    Ok(())
}

async fn a_forged_reference_is_refused(test: Test) -> Result<()> {
    let hostile = Hostile::start(&test).await?;
    let error = hostile.fail("forged-ref").await?;
    assert_names_the_plugin(&error);
    assert_says(&error, &["unit"]);
    Ok(())
}

async fn fields_that_do_not_fit_are_refused(test: Test) -> Result<()> {
    let hostile = Hostile::start(&test).await?;
    assert_says(&hostile.fail("bad-fields").await?, &["name"]);
    assert_says(&hostile.fail("bad-json").await?, &["json"]);
    assert_says(&hostile.fail("no-key").await?, &["no field", "name"]);
    Ok(())
}

async fn a_path_that_leads_out_is_refused(test: Test) -> Result<()> {
    let hostile = Hostile::start(&test).await?;
    assert_says(&hostile.fail("bad-path").await?, &["../../etc/passwd"]);
    Ok(())
}

async fn another_origin_is_refused(test: Test) -> Result<()> {
    let hostile = Hostile::start(&test).await?;
    let elsewhere = Upstream::start().await?;
    let urls = [
        elsewhere.hold("secret", &[("a", b"a")]),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        format!("{}/status/", hostile.server.base_url()),
        "file:///etc/passwd".to_owned(),
    ];
    for url in urls {
        let task = hostile.begin("other-origin", json!({"url": url})).await?;
        let task = hostile.server.api().wait(&task).await?;
        let description = task.failure()?;
        assert!(description.contains(&url), "{url}: {description}");
    }
    assert_eq!(elsewhere.recorded(), [], "nothing was asked there");
    assert_eq!(hostile.upstream.requests_under("/held/secret"), 0);
    hostile.is_unharmed().await
}

async fn units_that_nobody_wants_do_no_harm(test: Test) -> Result<()> {
    let hostile = Hostile::start(&test).await?;
    let api = hostile.server.api();
    let task = hostile.begin("flood", json!({"count": 50_000})).await?;
    api.wait(&task).await?.completed()?;
    hostile.is_unharmed().await?;
    api.run_task("/orphans/cleanup/", json!({"orphan_protection_time": 0}))
        .await?
        .completed()?;
    assert_eq!(
        api.get("/content/hostile/things/?limit=1").await?.ok()?["count"],
        0
    );
    Ok(())
}

async fn too_large_a_batch_is_refused(test: Test) -> Result<()> {
    let hostile = Hostile::start(&test).await?;
    assert_says(
        &hostile.fail("too-many").await?,
        &["1000", "1,000", "batch", "many"],
    );
    assert_says(&hostile.fail("recall-too-many").await?, &["1001"]);
    let elsewhere = hostile.fail("recall-elsewhere").await?;
    assert_says(&elsewhere, &["hostile.package"]);
    Ok(())
}

async fn units_are_renewed_as_they_are_or_not_at_all(test: Test) -> Result<()> {
    let hostile = Hostile::start(&test).await?;
    assert_says(&hostile.fail("renew-forged").await?, &["reference 42"]);
    assert_says(&hostile.fail("renew-too-many").await?, &["1001"]);
    let api = hostile.server.api();
    let task = hostile.begin("ok", json!({"count": 250})).await?;
    api.wait(&task).await?.completed()?;
    let error = hostile.run("renew-rekeyed").await?;
    assert_says(&error.0["error"], &["other keys"]);
    let things = async || {
        let path = "/content/hostile/things/?ordering=pulp_created&limit=1000";
        api.get(path).await?.ok()
    };
    let before = things().await?;
    assert_eq!(before["results"][0]["needs"], json!(null), "{before}");

    for changed in [250, 0] {
        let task = hostile.run("renew").await?.completed()?;
        assert_eq!(task.done("sync.renewing"), Some(changed), "{}", task.0);
    }
    let after = things().await?;
    for (old, new) in before["results"]
        .as_array()
        .into_iter()
        .flatten()
        .zip(after["results"].as_array().into_iter().flatten())
    {
        let mut expected = old.clone();
        expected["needs"] = json!([{"things": [{"name": old["name"]}]}]);
        assert_eq!(*new, expected);
    }
    assert_eq!(api.latest_number(&hostile.repository).await?, 1);
    Ok(())
}

async fn a_flood_of_words_does_no_harm(test: Test) -> Result<()> {
    let hostile = Hostile::start(&test).await?;
    for behaviour in ["log-flood", "progress-flood"] {
        // Whether it is borne or ended is the server's choice.
        hostile.run(behaviour).await?;
        hostile.is_unharmed().await?;
    }
    let logged = hostile.server.log()?.len();
    assert!(
        logged < 100_000_000,
        "{logged} bytes of log for 10 GB of words"
    );
    let peak = hostile.server.peak_memory_mib()?;
    assert!(peak < 1500, "{peak} MiB");
    Ok(())
}

async fn a_read_byte_by_byte_is_borne(test: Test) -> Result<()> {
    let hostile = Hostile::start(&test).await?;
    let task = hostile.run("sleepless-read").await?.completed()?;
    assert_eq!(task.done("sync.reading"), Some(100_000), "{}", task.0);
    Ok(())
}

async fn what_one_plugin_does_another_does_not_feel(test: Test) -> Result<()> {
    let hostile = Hostile::start(&test).await?;
    let api = hostile.server.api();
    let looping = hostile.begin("loop", json!({})).await?;
    api.wait_until_running(&looping).await?;
    let url = hostile.upstream.generated(20, 1000);
    api.mirrored("served", &url, "immediate").await?;
    assert_eq!(hostile.server.fetch("served/20.iso").await?.status(), 200);
    let slowest = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..20 {
            let asked = Instant::now();
            api.get("/status/").await?.ok()?;
            slowest = slowest.max(asked.elapsed());
        }
        anyhow::Ok(slowest)
    };
    let slowest = slowest.await?;
    assert!(
        slowest < Duration::from_secs(1),
        "{slowest:?} for the status"
    );
    assert_eq!(api.get(&looping).await?.ok()?["state"], "running");
    api.cancel(&looping).await?.ok()?;
    assert_eq!(api.wait(&looping).await?.state(), "canceled");
    Ok(())
}

async fn a_broken_component_is_not_loaded(test: Test) -> Result<()> {
    let folder = plugin_folder(&test)?;
    let whole = std::fs::read(folder.join("hostile.wasm"))?;
    std::fs::write(folder.join("half.wasm"), &whole[..whole.len() / 2])?;
    std::fs::write(folder.join("text.wasm"), b"this is no component")?;
    std::fs::write(folder.join("empty.wasm"), b"")?;
    std::fs::write(folder.join("notes.txt"), b"not a plugin at all")?;
    let server = test.server().flag("--plugin-dir", &folder).start().await?;
    let log = server.log()?;
    for name in ["half.wasm", "text.wasm", "empty.wasm"] {
        assert!(log.contains(name), "nothing is said about {name}:\n{log}");
    }
    // The others are loaded all the same.
    server
        .api()
        .create("/repositories/hostile/hostile/", json!({"name": "r"}))
        .await?;
    server.api().file_repository("r2").await?;
    Ok(())
}

//! The command line as a client of a running server.

use std::process::Output;

use anyhow::{Context, Result};
use pith_tests::upstream::Upstream;
use pith_tests::{Test, TestServer, built_plugin, on_both_databases, without_a_database};
use serde_json::Value;

on_both_databases!(
    a_repository_is_mirrored_and_served,
    files_are_uploaded,
    resources_are_made_changed_and_deleted,
    tasks_are_listed_and_waited_for,
    plugins_are_added_and_removed,
    what_goes_wrong_is_said_in_words,
);

without_a_database!(
    a_plugin_is_checked_without_a_server,
    an_absent_server_is_explained,
    shells_can_complete,
);

fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(!text.contains("panicked at"), "{text}");
    text
}

/// Runs a command that must go well.
async fn does(server: &TestServer, arguments: &[&str]) -> Result<String> {
    let output = server.client(arguments).await?;
    anyhow::ensure!(output.status.success(), "{arguments:?}: {}", said(&output));
    Ok(said(&output))
}

/// Runs a command that must fail, and gives what it says.
async fn fails(server: &TestServer, arguments: &[&str]) -> Result<String> {
    let output = server.client(arguments).await?;
    anyhow::ensure!(!output.status.success(), "{arguments:?}: {}", said(&output));
    Ok(said(&output))
}

async fn json_of(server: &TestServer, arguments: &[&str]) -> Result<Value> {
    let all = [arguments, &["--json"]].concat();
    let output = server.client(&all).await?;
    anyhow::ensure!(output.status.success(), "{arguments:?}: {}", said(&output));
    serde_json::from_slice(&output.stdout).with_context(|| said(&output))
}

async fn a_repository_is_mirrored_and_served(test: Test) -> Result<()> {
    let server = test.start().await?;
    let upstream = Upstream::start().await?;
    let url = upstream.hold("bait", &[("a.txt", b"aaa"), ("b.txt", b"bb")]);
    does(&server, &["remote", "create", "up", "--from", &url]).await?;
    let create = [
        "repository",
        "create",
        "files",
        "--remote",
        "up",
        "--autopublish",
    ];
    does(&server, &create).await?;
    let text = does(&server, &["sync", "files"]).await?;
    assert!(text.contains("completed"), "{text}");
    does(
        &server,
        &["distribution", "create", "files", "--repository", "files"],
    )
    .await?;
    server
        .fetch_until("files/a.txt", |reply| reply.text() == "aaa")
        .await?;
    let text = does(
        &server,
        &["content", "list", "file", "--repository", "files"],
    )
    .await?;
    assert!(
        text.contains("RELATIVE_PATH") && text.contains("b.txt"),
        "{text}"
    );
    let rows = json_of(&server, &["content", "list", "file/files"]).await?;
    assert_eq!(rows.as_array().map(Vec::len), Some(2), "{rows}");
    let text = does(&server, &["publish", "files", "--version", "1"]).await?;
    assert!(text.contains("/publications/file/file/"), "{text}");
    let versions = json_of(&server, &["repository", "versions", "files"]).await?;
    assert_eq!(versions.as_array().map(Vec::len), Some(2), "{versions}");
    Ok(())
}

async fn files_are_uploaded(test: Test) -> Result<()> {
    let server = test.start().await?;
    does(&server, &["repository", "create", "r", "--autopublish"]).await?;
    does(
        &server,
        &["distribution", "create", "r", "--repository", "r"],
    )
    .await?;
    let mut large = vec![b'x'; 9_000_000];
    large[8_999_999] = b'!';
    for (name, bytes) in [("large.bin", &large[..]), ("empty.txt", b"")] {
        std::fs::write(test.path(name), bytes)?;
    }
    let large = test.path("large.bin").display().to_string();
    let empty = test.path("empty.txt").display().to_string();
    let text = does(&server, &["upload", &large, &empty, "--repository", "r"]).await?;
    assert_eq!(text.matches("completed").count(), 2, "{text}");
    let moved = ["upload", &empty, "--repository", "r", "--path", "a/b.txt"];
    does(&server, &moved).await?;
    let is_large = |reply: &pith_tests::Reply| {
        reply.status() == 200 && reply.body().len() == 9_000_000 && reply.body().ends_with(b"!")
    };
    server.fetch_until("r/large.bin", is_large).await?;
    server
        .fetch_until("r/a/b.txt", |reply| reply.status() == 200)
        .await?;
    let absent = test.path("absent").display().to_string();
    let text = fails(&server, &["upload", &absent]).await?;
    assert!(text.contains("cannot be read"), "{text}");
    Ok(())
}

async fn resources_are_made_changed_and_deleted(test: Test) -> Result<()> {
    let server = test.start().await?;
    let create = ["repository", "create", "a", "--description", "first"];
    does(&server, &create).await?;
    does(&server, &["repository", "create", "b"]).await?;
    let text = does(&server, &["repository", "list"]).await?;
    assert!(text.contains("NAME") && text.contains("first"), "{text}");
    let filtered = ["repository", "list", "--filter", "name__startswith=b"];
    let rows = json_of(&server, &filtered).await?;
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");
    let update = [
        "repository",
        "update",
        "a",
        "--set",
        "retain_repo_versions=2",
    ];
    does(&server, &update).await?;
    let shown = json_of(&server, &["repository", "show", "a"]).await?;
    assert_eq!(shown["retain_repo_versions"], 2);
    does(&server, &["repository", "delete", "a"]).await?;
    let text = fails(&server, &["repository", "show", "a"]).await?;
    assert!(text.contains("no repository \"a\""), "{text}");
    Ok(())
}

async fn tasks_are_listed_and_waited_for(test: Test) -> Result<()> {
    let server = test.start().await?;
    does(
        &server,
        &["remote", "create", "up", "--from", "http://127.0.0.1:9/"],
    )
    .await?;
    does(&server, &["repository", "create", "r"]).await?;
    let background = ["sync", "r", "--remote", "up", "--background"];
    let href = does(&server, &background).await?;
    let text = fails(&server, &["task", "wait", href.trim()]).await?;
    assert!(text.contains("failed"), "{text}");
    let rows = json_of(&server, &["task", "list", "--state", "failed"]).await?;
    assert_eq!(rows[0]["state"], "failed", "{rows}");
    let text = does(&server, &["task", "show", href.trim()]).await?;
    assert!(text.contains("file"), "{text}");
    let text = fails(&server, &["sync", "r", "--remote", "up"]).await?;
    assert!(text.contains("failed:"), "it says why: {text}");
    Ok(())
}

async fn plugins_are_added_and_removed(test: Test) -> Result<()> {
    let server = test.start().await?;
    let one = built_plugin("shelf_one.wasm")?.display().to_string();
    let text = does(&server, &["plugin", "add", &one]).await?;
    assert!(
        text.contains("plugin shelf 1.0.0 is active as generation 1"),
        "{text}"
    );
    let text = does(&server, &["plugin", "list"]).await?;
    assert!(text.contains("shelf") && text.contains("builtin"), "{text}");
    let text = does(&server, &["plugin", "disable", "shelf"]).await?;
    assert!(text.contains("disabled"), "{text}");
    does(&server, &["plugin", "enable", "shelf"]).await?;
    let lying = built_plugin("shelf_lying.wasm")?.display().to_string();
    let text = fails(&server, &["plugin", "add", &lying]).await?;
    assert!(text.contains("`exports`"), "{text}");
    let shown = json_of(&server, &["plugin", "show", "shelf"]).await?;
    assert_eq!(shown["version"], "1.0.0", "the old one goes on");
    does(&server, &["plugin", "remove", "shelf"]).await?;
    let text = fails(&server, &["plugin", "show", "shelf"]).await?;
    assert!(text.contains("Not found"), "{text}");
    Ok(())
}

async fn what_goes_wrong_is_said_in_words(test: Test) -> Result<()> {
    let server = test.start().await?;
    let text = fails(&server, &["sync", "nothing"]).await?;
    assert!(text.contains("no repository \"nothing\""), "{text}");
    let wrong = [
        "remote",
        "create",
        "up",
        "--from",
        "x",
        "--policy",
        "sometimes",
    ];
    let text = fails(&server, &wrong).await?;
    assert!(text.contains("url:") && text.contains("policy:"), "{text}");
    let text = fails(&server, &["repository", "list", "--token", "none"]).await?;
    assert!(text.contains("--username"), "{text}");
    let text = fails(&server, &["content", "list", "cheese"]).await?;
    assert!(text.contains("cheese"), "{text}");
    Ok(())
}

async fn a_plugin_is_checked_without_a_server(test: Test) -> Result<()> {
    let two = built_plugin("shelf_two.wasm")?.display().to_string();
    let output = pith_tests::run_binary(&["plugin", "check", &two]).await?;
    assert!(output.status.success(), "{}", said(&output));
    for words in [
        "shelf 2.0.0",
        "sync",
        "pith:plugin/host",
        "shelf.book",
        "note",
    ] {
        assert!(said(&output).contains(words), "{words}: {}", said(&output));
    }
    let output = pith_tests::run_binary(&["plugin", "check", &two, "--json"]).await?;
    let document: Value = serde_json::from_slice(&output.stdout)?;
    let fields = &document["content_types"][0]["schema"]["properties"];
    assert!(fields["note"].is_object(), "{document}");

    let broken = test.path("broken.wasm");
    std::fs::write(&broken, b"no component")?;
    let broken = broken.display().to_string();
    let output = pith_tests::run_binary(&["plugin", "check", &broken]).await?;
    assert!(!output.status.success());
    assert!(said(&output).contains("`component`"), "{}", said(&output));
    Ok(())
}

async fn an_absent_server_is_explained(_: Test) -> Result<()> {
    let arguments = ["task", "list", "--url", "http://127.0.0.1:9"];
    let output = pith_tests::run_binary(&arguments).await?;
    assert!(!output.status.success());
    let text = said(&output);
    assert!(
        text.contains("no server answers") && text.contains("--url"),
        "{text}"
    );
    Ok(())
}

async fn shells_can_complete(_: Test) -> Result<()> {
    for shell in ["bash", "zsh", "fish"] {
        let output = pith_tests::run_binary(&["completion", shell]).await?;
        assert!(output.status.success(), "{}", said(&output));
        assert!(said(&output).contains("repository"), "{shell}");
    }
    Ok(())
}

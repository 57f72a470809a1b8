//! Plugins that do what none may: each ends with a clear error and disturbs nothing else.

use std::time::{Duration, Instant};

use pith_fixture_upstream::{Misbehaviour, Upstream};
use pith_plugin::Limits;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::house::House;

fn with_cpu(cpu: Duration) -> Limits {
    Limits {
        cpu,
        ..Limits::default()
    }
}

#[tokio::test]
async fn an_endless_loop_ends_at_its_budget() {
    let house = House::start().await;
    let plugin = house
        .plugin_with("hostile", with_cpu(Duration::from_millis(300)))
        .await;
    let error = house.misbehave(&plugin, "loop").await.unwrap_err();
    assert_eq!(error.code, "limit");
    assert_eq!(
        error.description,
        "plugin hostile computed for 300 ms, which is its limit"
    );
    assert_eq!(error.plugin.as_deref(), Some("hostile"));
    assert_eq!(error.version.as_deref(), Some(plugin.version()));
    assert_eq!(error.export.as_deref(), Some("syncer.sync"));
    assert_eq!(house.engine.instances(), 0);
}

#[tokio::test]
async fn an_endless_loop_ends_when_it_is_cancelled() {
    let house = House::start().await;
    let plugin = house.plugin("hostile").await;
    let cancel = CancellationToken::new();
    let params = json!({ "behaviour": "loop", "count": 0, "url": null });
    let call = house.sync_until(&plugin, "http://127.0.0.1:9/", params, cancel.clone());
    let stop = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        cancel.cancel();
        Instant::now()
    };
    // On one thread: the loop leaves room for others, or this would never come back.
    let (ended, cancelled) = tokio::join!(call, stop);
    assert_eq!(ended.unwrap_err().code, "cancelled");
    assert!(cancelled.elapsed() < Duration::from_millis(500));
}

#[tokio::test]
async fn a_memory_bomb_ends_at_its_limit() {
    let house = House::start().await;
    let limits = Limits {
        memory_bytes: 32 << 20,
        ..Limits::default()
    };
    let plugin = house.plugin_with("hostile", limits).await;
    let error = house.misbehave(&plugin, "memory").await.unwrap_err();
    assert_eq!(error.code, "limit");
    let said = &error.description;
    assert!(said.starts_with("plugin hostile wanted "), "{said}");
    assert!(said.ends_with(" of memory, its limit is 32 MiB"), "{said}");
}

#[tokio::test]
async fn panics_and_traps_say_what_and_where() {
    let house = House::start().await;
    let plugin = house.plugin("hostile").await;
    let error = house.misbehave(&plugin, "panic").await.unwrap_err();
    assert_eq!(error.code, "trap");
    let said = &error.description;
    assert!(
        said.starts_with("plugin hostile ended: panicked at "),
        "{said}"
    );
    assert!(said.ends_with("the plugin was asked to panic"), "{said}");
    assert!(!error.frames.is_empty());

    let error = house.misbehave(&plugin, "trap").await.unwrap_err();
    assert_eq!(error.code, "trap");
    assert!(!error.frames.is_empty() && error.frames.len() <= 20);

    let error = house.misbehave(&plugin, "stack").await.unwrap_err();
    assert_eq!(error.code, "trap");
    let said = &error.description;
    assert!(said.starts_with("plugin hostile trapped: "), "{said}");
    assert!(said.contains("endless recursion"), "{said}");
    assert_eq!(error.frames.len(), 20);

    // None of it is felt by the next.
    assert_eq!(house.misbehave(&plugin, "ok").await.unwrap().added, 10);
}

#[tokio::test]
async fn what_was_not_given_cannot_be_used() {
    let house = House::start().await;
    let plugin = house.plugin("hostile").await;
    for (behaviour, code, word) in [
        ("forged-ref", "invalid", "reference"),
        ("bad-fields", "invalid", "name"),
        (
            "bad-json",
            "invalid",
            "a draft of hostile.thing are not a JSON object",
        ),
        ("bad-path", "invalid", "../../etc/passwd"),
        ("too-many", "limit", "1001"),
    ] {
        let error = house.misbehave(&plugin, behaviour).await.unwrap_err();
        assert_eq!(error.code, code, "{behaviour}: {error}");
        assert!(error.description.contains(word), "{behaviour}: {error}");
    }
    let params = json!({ "behaviour": "other-origin", "count": 0, "url": "http://127.0.0.1:10/" });
    let error = house
        .sync(&plugin, "http://127.0.0.1:9/", params)
        .await
        .unwrap_err();
    assert_eq!(error.code, "denied", "{error}");
}

#[tokio::test]
async fn floods_are_bounded_and_do_no_harm() {
    let house = House::start().await;
    let plugin = house.plugin("hostile").await;
    for behaviour in ["log-flood", "progress-flood"] {
        house.misbehave(&plugin, behaviour).await.unwrap();
    }
}

#[tokio::test]
async fn time_spent_waiting_is_not_computing_but_ends_too() {
    let house = House::start().await;
    let upstream = Upstream::start().await.unwrap();
    let url = upstream.bad(Misbehaviour::Slow(50));
    let params = json!({ "behaviour": "sleepless-read", "count": 0, "url": null });

    let limits = Limits {
        cpu: Duration::from_millis(200),
        wall: Duration::from_secs(2),
        ..Limits::default()
    };
    let plugin = house.plugin_with("hostile", limits).await;
    let began = Instant::now();
    let error = house.sync(&plugin, &url, params).await.unwrap_err();
    assert_eq!(error.code, "limit");
    assert_eq!(
        error.description,
        "plugin hostile was not done after 2 s, which is its limit"
    );
    assert!(began.elapsed() < Duration::from_secs(3));
    assert_eq!(house.engine.instances(), 0);
}

#[tokio::test]
async fn waiting_for_an_upstream_can_be_cancelled() {
    let house = House::start().await;
    let upstream = Upstream::start().await.unwrap();
    let url = upstream.bad(Misbehaviour::Stalled);
    let plugin = house.plugin("hostile").await;
    let params = json!({ "behaviour": "sleepless-read", "count": 0, "url": null });
    let cancel = CancellationToken::new();
    let call = house.sync_until(&plugin, &url, params, cancel.clone());
    let stop = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        cancel.cancel();
        Instant::now()
    };
    let (ended, cancelled) = tokio::join!(call, stop);
    assert_eq!(ended.unwrap_err().code, "cancelled");
    assert!(cancelled.elapsed() < Duration::from_millis(500));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_calls_than_seats_wait_for_their_turn() {
    let house = std::sync::Arc::new(House::start().await);
    let plugin = house.plugin("hostile").await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (house, plugin) = (house.clone(), plugin.clone());
        calls.spawn(async move { house.misbehave(&plugin, "panic").await.unwrap_err().code });
    }
    while let Some(code) = calls.join_next().await {
        assert_eq!(code.unwrap(), "trap");
    }
    assert_eq!(house.engine.instances(), 0);
}

//! What does not become a plugin, and what is said about it.

use pith_plugin::{Abilities, Gate, Limits};

use crate::house::{House, components};

async fn refusal(house: &House, bytes: Vec<u8>, limits: Limits) -> (Gate, String) {
    let refused = house
        .loader
        .load("candidate", bytes.into(), limits)
        .await
        .expect_err("refused");
    assert_eq!(refused.source, "candidate");
    (refused.gate, refused.reason)
}

fn bytes_of(name: &str) -> Vec<u8> {
    std::fs::read(components().join(name)).unwrap()
}

#[tokio::test]
async fn a_component_becomes_a_plugin_with_what_it_exports() {
    let house = House::start().await;
    let file = house.plugin("file").await;
    assert_eq!(file.name(), "file");
    assert_eq!(file.digest().len(), 64);
    let all = Abilities {
        sync: true,
        upload: true,
        publish: true,
        ..Abilities::default()
    };
    assert_eq!(file.abilities(), all);
    assert_eq!(
        file.descriptor().content_types[0].full_name("file"),
        "file.file"
    );

    let hostile = house.plugin("hostile").await;
    let some = Abilities {
        sync: true,
        serve: true,
        ..Abilities::default()
    };
    assert_eq!(hostile.abilities(), some);
    assert_eq!(house.engine.instances(), 0);
}

#[tokio::test]
async fn what_is_no_component_is_refused() {
    let house = House::start().await;
    let module = b"\0asm\x01\0\0\0".to_vec();
    let refuse = |bytes| refusal(&house, bytes, Limits::default());
    assert_eq!(refuse(module).await.0, Gate::Component);
    assert_eq!(refuse(b"#!/bin/sh\n".to_vec()).await.0, Gate::Component);
    assert_eq!(refuse(Vec::new()).await.0, Gate::Component);
    let mut half = bytes_of("file.wasm");
    half.truncate(half.len() / 2);
    assert_eq!(refuse(half).await.0, Gate::Component);

    let empty = b"\0asm\x0d\0\x01\0".to_vec();
    let (gate, reason) = refuse(empty).await;
    assert_eq!(gate, Gate::Exports);
    assert!(reason.contains("pith:plugin/describe@0.1.0"), "{reason}");
}

#[tokio::test]
async fn what_is_not_valid_inside_does_not_compile() {
    let house = House::start().await;
    let whole = bytes_of("file.wasm");
    let mut gates = Vec::new();
    // Some of these places are in the headers of something; code comes soon, and data after it.
    for sixteenth in 1..16 {
        let mut bytes = whole.clone();
        let at = bytes.len() / 16 * sixteenth;
        bytes[at..at + 64].fill(0xff);
        gates.push(refusal(&house, bytes, Limits::default()).await.0);
        if gates.contains(&Gate::Compile) {
            return;
        }
    }
    panic!("nothing of it is code: {gates:?}");
}

#[tokio::test]
async fn a_component_of_another_contract_is_refused_by_name() {
    let house = House::start().await;
    let other = replaced(
        bytes_of("file.wasm"),
        b"pith:plugin/log@0.1.0",
        b"pith:plugin/log@0.7.0",
    );
    let (gate, reason) = refusal(&house, other, Limits::default()).await;
    assert_eq!(gate, Gate::Imports);
    assert!(reason.contains("pith:plugin/log@0.7.0"), "{reason}");

    let foreign = replaced(
        bytes_of("file.wasm"),
        b"pith:plugin/log@0.1.0",
        b"evil:plugin/log@0.1.0",
    );
    let (gate, reason) = refusal(&house, foreign, Limits::default()).await;
    assert_eq!(gate, Gate::Imports);
    assert!(reason.contains("evil:plugin/log@0.1.0"), "{reason}");
}

#[tokio::test]
async fn a_component_that_is_too_large_is_not_even_read() {
    let house = House::start().await;
    let limits = Limits {
        component_bytes: 1024,
        ..Limits::default()
    };
    let path = components().join("file.wasm");
    let refused = house
        .loader
        .load_file(&path, limits)
        .await
        .expect_err("refused");
    assert_eq!(refused.gate, Gate::Size);
    assert!(refused.reason.ends_with("the limit is 1 KiB"), "{refused}");

    let missing = components().join("missing.wasm");
    let refused = house
        .loader
        .load_file(&missing, Limits::default())
        .await
        .expect_err("refused");
    assert_eq!(refused.gate, Gate::Read);
}

#[tokio::test]
async fn describe_runs_within_its_limits() {
    let house = House::start().await;
    // How much memory the component is born with is its compiler's choice: the first limit
    // that lets it be made leaves nothing for what it does then, which is more than it is born
    // with.
    let mut pages = 1;
    let (gate, reason) = loop {
        let limits = Limits {
            memory_bytes: pages * (64 << 10),
            ..Limits::default()
        };
        let (gate, reason) = refusal(&house, bytes_of("hostile.wasm"), limits).await;
        assert!(reason.contains(" of memory, its limit is "), "{reason}");
        if gate != Gate::Probe {
            break (gate, reason);
        }
        pages += 1;
    };
    assert_eq!(gate, Gate::Describe, "{reason}");
    assert!(pages > 1, "a component without memory: {reason}");
}

/// Puts a text of the same length in place of every other.
fn replaced(mut bytes: Vec<u8>, old: &[u8], new: &[u8]) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let mut at = 0;
    while let Some(found) = bytes[at..]
        .windows(old.len())
        .position(|window| window == old)
    {
        at += found;
        bytes[at..at + new.len()].copy_from_slice(new);
    }
    bytes
}

//! Generations: a reload is a swap, and whoever runs keeps what he began with.

use std::sync::Arc;

use pith_plugin::{Limits, Plugins};

use crate::house::{House, components};

#[tokio::test]
async fn a_reload_is_a_swap() {
    let house = House::start().await;
    let load = async || {
        let path = components().join("hostile.wasm");
        house
            .loader
            .load_file(&path, Limits::default())
            .await
            .unwrap()
    };
    let plugins = Plugins::default();
    let mut changes = plugins.changes();
    assert!(plugins.current("hostile").is_none());

    let first = plugins.install(load().await);
    assert_eq!(first.number(), 1);
    assert!(changes.has_changed().unwrap());
    changes.mark_unchanged();
    let before = plugins.all();

    let second = plugins.install(load().await);
    assert_eq!(second.number(), 2);
    assert!(changes.has_changed().unwrap());
    assert!(Arc::ptr_eq(&plugins.current("hostile").unwrap(), &second));
    assert!(Arc::ptr_eq(&before["hostile"], &first));

    let removed = plugins.remove("hostile").unwrap();
    assert!(Arc::ptr_eq(&removed, &second));
    assert!(plugins.current("hostile").is_none());
    assert!(plugins.remove("hostile").is_none());
    assert_eq!(plugins.install(load().await).number(), 3);
}

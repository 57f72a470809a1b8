//! Real components in the real engine: built from source, against a database and a store.

#![expect(
    clippy::unwrap_used,
    reason = "a test that fails at an unwrap says where and why"
)]

mod gates;
mod house;
mod life;
mod limits;
mod work;

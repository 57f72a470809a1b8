//! The plugins that the binary brings.

/// Names and components, as `build.rs` found them.
pub(crate) static EMBEDDED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

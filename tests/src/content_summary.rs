//! What a version's `content_summary` says.

use serde_json::Value;

/// How many units of a type the version has.
pub fn present(version: &Value, content_type: &str) -> u64 {
    count(version, "present", content_type)
}

/// How many the version has that the one before it had not.
pub fn added(version: &Value, content_type: &str) -> u64 {
    count(version, "added", content_type)
}

/// How many the one before it had that the version has not.
pub fn removed(version: &Value, content_type: &str) -> u64 {
    count(version, "removed", content_type)
}

/// A type of which there is nothing is not listed.
fn count(version: &Value, what: &str, content_type: &str) -> u64 {
    version["content_summary"][what][content_type]["count"]
        .as_u64()
        .unwrap_or_default()
}

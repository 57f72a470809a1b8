//! Conditional requests: whether the client has these bytes already.

use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, HeaderValue, header};

use super::find::Stored;

/// Whether the client's copy is these bytes.
pub(crate) fn is_unchanged(stored: &Stored, headers: &HeaderMap) -> bool {
    // The tag decides where there is one; the date is for clients that know no tags.
    if let Some(tags) = headers.get(header::IF_NONE_MATCH) {
        return matches_tag(tags, &stored.etag);
    }
    headers
        .get(header::IF_MODIFIED_SINCE)
        .is_some_and(|date| !is_newer(stored, date))
}

/// Whether a range may be served: the rest of the client's copy must be these bytes.
pub(crate) fn range_applies(stored: &Stored, headers: &HeaderMap) -> bool {
    match headers.get(header::IF_RANGE) {
        None => true,
        Some(value) if value.as_bytes().starts_with(b"\"") => *value == stored.etag,
        Some(date) => *date == stored.last_modified,
    }
}

fn matches_tag(tags: &HeaderValue, etag: &HeaderValue) -> bool {
    let (Ok(tags), Ok(etag)) = (tags.to_str(), etag.to_str()) else {
        return false;
    };
    tags.split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

fn is_newer(stored: &Stored, date: &HeaderValue) -> bool {
    let Some(date) = date
        .to_str()
        .ok()
        .and_then(|text| httpdate::parse_http_date(text).ok())
    else {
        return true;
    };
    UNIX_EPOCH + Duration::from_secs(stored.modified) > date
}

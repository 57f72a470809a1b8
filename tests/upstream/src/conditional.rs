//! Conditional requests and ranges: what of an entity a request wants.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE,
};
use http::{HeaderMap, Response, StatusCode};

use crate::answer::{Answer, AnswerBody, build, whole};

/// What is known of the bytes before any of them is read.
#[derive(Clone, Debug)]
pub(crate) struct Entity {
    pub(crate) length: u64,
    /// With its quotes.
    pub(crate) etag: String,
    pub(crate) last_modified: SystemTime,
    pub(crate) content_type: &'static str,
}

/// Answers a request for an entity. `open` gives the bytes of a range and is
/// called only when some are wanted.
pub(crate) async fn answer<F>(
    entity: Entity,
    headers: &HeaderMap,
    open: impl FnOnce(Range<u64>) -> F,
) -> std::io::Result<Answer>
where
    F: Future<Output = std::io::Result<AnswerBody>>,
{
    let head = Response::builder()
        .header(ETAG, &entity.etag)
        .header(LAST_MODIFIED, httpdate::fmt_http_date(entity.last_modified))
        .header(ACCEPT_RANGES, "bytes");
    if is_unmodified(&entity, headers) {
        return Ok(build(head.status(StatusCode::NOT_MODIFIED), whole("")));
    }
    let head = head.header(CONTENT_TYPE, entity.content_type);
    match wanted_range(&entity, headers) {
        Wanted::Whole => {
            let body = open(0..entity.length).await?;
            Ok(build(head.header(CONTENT_LENGTH, entity.length), body))
        }
        Wanted::Part(range) => {
            let span = format!("bytes {}-{}/{}", range.start, range.end - 1, entity.length);
            let head = head
                .status(StatusCode::PARTIAL_CONTENT)
                .header(CONTENT_RANGE, span)
                .header(CONTENT_LENGTH, range.end - range.start);
            Ok(build(head, open(range).await?))
        }
        Wanted::Nothing => {
            let head = head
                .status(StatusCode::RANGE_NOT_SATISFIABLE)
                .header(CONTENT_RANGE, format!("bytes */{}", entity.length));
            Ok(build(head, whole("")))
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    Part(Range<u64>),
    Nothing,
}

fn is_unmodified(entity: &Entity, headers: &HeaderMap) -> bool {
    if let Some(tags) = text(headers, IF_NONE_MATCH) {
        return tags.trim() == "*"
            || tags
                .split(',')
                .any(|tag| tag.trim().trim_start_matches("W/") == entity.etag);
    }
    text(headers, IF_MODIFIED_SINCE)
        .and_then(|since| httpdate::parse_http_date(since).ok())
        .is_some_and(|since| whole_seconds(entity.last_modified) <= since)
}

fn wanted_range(entity: &Entity, headers: &HeaderMap) -> Wanted {
    let Some(range) = text(headers, RANGE).and_then(|range| range.strip_prefix("bytes=")) else {
        return Wanted::Whole;
    };
    if text(headers, IF_RANGE).is_some_and(|validator| validator != entity.etag) {
        return Wanted::Whole;
    }
    let Some((first, last)) = range.split_once('-') else {
        return Wanted::Whole;
    };
    // Several ranges are answered with the whole, which the protocol allows.
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1),
        (Ok(first), Err(_)) if last.is_empty() => first..entity.length,
        (Err(_), Ok(suffix)) if first.is_empty() => {
            entity.length.saturating_sub(suffix)..entity.length
        }
        _ => return Wanted::Whole,
    };
    let range = range.start..range.end.min(entity.length);
    if range.is_empty() {
        Wanted::Nothing
    } else {
        Wanted::Part(range)
    }
}

fn text(headers: &HeaderMap, name: http::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// HTTP dates have no fractions of a second.
fn whole_seconds(time: SystemTime) -> SystemTime {
    let seconds = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity() -> Entity {
        Entity {
            length: 100,
            etag: "\"tag\"".to_owned(),
            last_modified: SystemTime::UNIX_EPOCH + Duration::from_millis(1_000_500),
            content_type: "text/plain",
        }
    }

    fn headers(pairs: &[(http::HeaderName, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().expect("a header value")))
            .collect()
    }

    fn wanted(range: &str) -> Wanted {
        wanted_range(&entity(), &headers(&[(RANGE, range)]))
    }

    #[test]
    fn ranges_are_cut_to_the_entity() {
        assert_eq!(wanted("bytes=0-9"), Wanted::Part(0..10));
        assert_eq!(wanted("bytes=90-"), Wanted::Part(90..100));
        assert_eq!(wanted("bytes=-5"), Wanted::Part(95..100));
        assert_eq!(wanted("bytes=90-500"), Wanted::Part(90..100));
        assert_eq!(wanted("bytes=100-"), Wanted::Nothing);
        assert_eq!(wanted("bytes=9-3"), Wanted::Whole);
        assert_eq!(wanted("lines=1-2"), Wanted::Whole);
    }

    #[test]
    fn a_range_of_another_entity_is_ignored() {
        let stale = headers(&[(RANGE, "bytes=0-9"), (IF_RANGE, "\"other\"")]);
        assert_eq!(wanted_range(&entity(), &stale), Wanted::Whole);
    }

    #[test]
    fn tags_are_compared_before_dates() {
        assert!(is_unmodified(
            &entity(),
            &headers(&[(IF_NONE_MATCH, "\"a\", W/\"tag\"")])
        ));
        let date = httpdate::fmt_http_date(entity().last_modified);
        assert!(is_unmodified(
            &entity(),
            &headers(&[(IF_MODIFIED_SINCE, &date)])
        ));
        let both = headers(&[(IF_NONE_MATCH, "\"a\""), (IF_MODIFIED_SINCE, &date)]);
        assert!(!is_unmodified(&entity(), &both));
    }
}

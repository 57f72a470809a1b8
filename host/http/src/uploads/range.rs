//! `Content-Range` of a chunk: `bytes 0-999/5000`.

use std::ops::Range;

use http::HeaderMap;
use http::header::CONTENT_RANGE;
use pith_content::upload::LARGEST_CHUNK;

use crate::chunk::too_large;
use crate::error::{Error, Result};

/// The name of the header in messages, as Pulp writes it.
const NAME: &str = "Content-Range";

/// Where a chunk belongs in an upload of `size` bytes.
pub(super) fn parse(headers: &HeaderMap, size: u64) -> Result<Range<u64>> {
    let mut values = headers.get_all(CONTENT_RANGE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Error::invalid(NAME, "One such header is required."));
    };
    let parsed = value.to_str().ok().and_then(parts);
    let Some((first, last, total)) = parsed else {
        return Err(Error::invalid(
            NAME,
            "Expected the first byte, the last byte and the size, as in bytes 0-999/5000.",
        ));
    };
    if total.is_some_and(|total| total != size) {
        return Err(Error::invalid(
            NAME,
            format!("The upload has {size} bytes, and the header says otherwise."),
        ));
    }
    if last < first || last >= size {
        return Err(Error::invalid(
            NAME,
            format!("The range {first}-{last} is none of an upload of {size} bytes."),
        ));
    }
    let range = first..last + 1;
    if range.end - range.start > LARGEST_CHUNK {
        return Err(too_large());
    }
    Ok(range)
}

/// First byte, last byte, and the size unless it is `*`.
fn parts(text: &str) -> Option<(u64, u64, Option<u64>)> {
    let (unit, rest) = text.trim().split_once(' ')?;
    let (range, total) = rest.trim().split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let total = match total.trim() {
        "*" => None,
        total => Some(number(total)?),
    };
    unit.eq_ignore_ascii_case("bytes").then_some((
        number(first.trim())?,
        number(last.trim())?,
        total,
    ))
}

/// Digits and nothing else.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &'static str) -> Result<Range<u64>> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_RANGE, http::HeaderValue::from_static(text));
        parse(&headers, 5000)
    }

    #[test]
    fn a_range_is_within_the_upload() {
        assert_eq!(of("bytes 0-999/5000").unwrap(), 0..1000);
        assert_eq!(of("bytes 4999-4999/*").unwrap(), 4999..5000);
        for bad in [
            "",
            "bytes",
            "bytes 0-999",
            "bytes */5000",
            "bytes 0-999/4000",
            "bytes 1000-999/5000",
            "bytes 4000-5000/5000",
            "bytes -1-5/5000",
            "bytes +1-5/5000",
            "lines 0-999/5000",
            "bytes 0-99999999999999999999/5000",
        ] {
            assert!(of(bad).is_err(), "{bad:?}");
        }
        assert!(parse(&HeaderMap::new(), 5000).is_err());
    }
}

//! A body while it arrives: bounded, and checked before its end is reached.

use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use reqwest::header::{CONTENT_LENGTH, ETAG, LAST_MODIFIED};
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;

use crate::error::{Error, Result};
use crate::fetch::without_credentials;

/// An upstream that sends less than this in a [`WINDOW`] holds a place that others
/// could use.
const LEAST_IN_WINDOW: u64 = 1024;

/// How long an upstream is watched before it is called too slow.
const WINDOW: Duration = Duration::from_mins(1);

/// What a body must be.
#[derive(Debug)]
pub(super) struct Check {
    /// For messages.
    pub(super) url: String,
    pub(super) max_size: u64,
    pub(super) size: Option<u64>,
    pub(super) digest: Option<pith_storage::Digest>,
}

/// A body while it arrives.
#[derive(Debug)]
pub struct Body {
    response: reqwest::Response,
    unchanged: bool,
    url: String,
    check: Check,
    hasher: Option<pith_storage::MultiHasher>,
    left: Bytes,
    received: u64,
    window: (Instant, u64),
    ended: bool,
    /// Held until the body is dropped: the upstream sees no more connections than that.
    _place: OwnedSemaphorePermit,
}

impl Body {
    pub(super) fn new(
        response: reqwest::Response,
        unchanged: bool,
        check: Check,
        place: OwnedSemaphorePermit,
    ) -> Result<Self> {
        let announced = response
            .headers()
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if let Some(announced) = announced.filter(|_| !unchanged) {
            if announced > check.max_size {
                return Err(too_large(&check));
            }
            if let Some(size) = check.size
                && size != announced
            {
                return Err(wrong_size(&check.url, size, announced));
            }
        }
        let hasher = check
            .digest
            .as_ref()
            .map(|digest| pith_storage::MultiHasher::new(&[digest.algorithm()]));
        Ok(Self {
            url: without_credentials(response.url()),
            response,
            unchanged,
            check,
            hasher,
            left: Bytes::new(),
            received: 0,
            window: (Instant::now(), 0),
            ended: unchanged,
            _place: place,
        })
    }

    /// The upstream said that nothing changed.
    pub fn unchanged(&self) -> bool {
        self.unchanged
    }

    /// Where the body came from, after redirects.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A header of the answer.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let value = self.response.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    /// The headers of the answer.
    pub(crate) fn headers(&self) -> &reqwest::header::HeaderMap {
        self.response.headers()
    }

    /// What to ask with the next time.
    pub(super) fn validators(&self) -> Option<Value> {
        let text = |name| {
            let value = self.response.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let (etag, last_modified) = (text(ETAG), text(LAST_MODIFIED));
        (etag.is_some() || last_modified.is_some())
            .then(|| json!({"etag": etag, "last_modified": last_modified}))
    }

    /// At most `max` bytes; empty at the end.
    pub async fn read(&mut self, max: usize) -> Result<Bytes> {
        if self.left.is_empty() {
            self.left = self.chunk().await?;
        }
        let length = self.left.len().min(max.max(1));
        let bytes = self.left.slice(..length);
        self.left.advance(length);
        Ok(bytes)
    }

    /// The next bytes as they came; empty at the end, when all checks have passed.
    pub async fn chunk(&mut self) -> Result<Bytes> {
        while !self.ended {
            let chunk = self.response.chunk().await.map_err(|error| {
                super::failure::Failure::transport("GET", self.response.url(), &error).error
            })?;
            let Some(chunk) = chunk else {
                self.ended = true;
                self.check_end()?;
                break;
            };
            if chunk.is_empty() {
                continue;
            }
            self.received += chunk.len() as u64;
            self.check_so_far()?;
            if let Some(hasher) = &mut self.hasher {
                hasher.update(&chunk);
            }
            return Ok(chunk);
        }
        Ok(Bytes::new())
    }

    /// All of it, for a body that was announced to be small.
    pub async fn collect(mut self) -> Result<Bytes> {
        let first = self.chunk().await?;
        if first.is_empty() {
            return Ok(first);
        }
        let second = self.chunk().await?;
        if second.is_empty() {
            return Ok(first);
        }
        let mut all = Vec::with_capacity(first.len() + second.len());
        all.extend_from_slice(&first);
        all.extend_from_slice(&second);
        loop {
            let next = self.chunk().await?;
            if next.is_empty() {
                return Ok(all.into());
            }
            all.extend_from_slice(&next);
        }
    }

    fn check_so_far(&mut self) -> Result<()> {
        if self.received > self.check.max_size {
            return Err(too_large(&self.check));
        }
        if let Some(size) = self.check.size
            && self.received > size
        {
            return Err(Error::upstream(format!(
                "GET {}: wrong size: expected {size} bytes, but more came",
                self.check.url
            )));
        }
        let (since, before) = self.window;
        if since.elapsed() > WINDOW {
            if self.received - before < LEAST_IN_WINDOW {
                return Err(Error::unavailable(format!(
                    "GET {}: the upstream was too slow: {} bytes in the last {} seconds",
                    self.check.url,
                    self.received - before,
                    since.elapsed().as_secs()
                )));
            }
            self.window = (Instant::now(), self.received);
        }
        Ok(())
    }

    fn check_end(&mut self) -> Result<()> {
        if let Some(size) = self.check.size
            && size != self.received
        {
            return Err(wrong_size(&self.check.url, size, self.received));
        }
        if let (Some(expected), Some(hasher)) = (&self.check.digest, self.hasher.take()) {
            let digests = hasher.finish();
            let actual = digests.get(expected.algorithm()).unwrap_or_default();
            if actual != expected.as_bytes() {
                return Err(Error::upstream(format!(
                    "GET {}: wrong digest: expected {expected}, but the bytes have {}:{}",
                    self.check.url,
                    expected.algorithm(),
                    hex::encode(actual)
                )));
            }
        }
        Ok(())
    }
}

fn too_large(check: &Check) -> Error {
    Error::limit(format!(
        "GET {}: the body is larger than the {} bytes that were expected at most",
        check.url, check.max_size
    ))
}

fn wrong_size(url: &str, expected: u64, actual: u64) -> Error {
    Error::upstream(format!(
        "GET {url}: wrong size: expected {expected} bytes, but there are {actual}"
    ))
}

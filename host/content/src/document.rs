//! What a plugin reads of its upstream: a body while it arrives, or spooled and decoded.

use std::sync::Arc;

use bytes::{Buf, Bytes};
use pith_storage::{Incoming, Reader};

use crate::Services;
use crate::decode::Decoding;
use crate::error::{Error, Result};
use crate::fetch::{self, Body, Remote};
use crate::ingest;
use crate::references::{HeldArtifact, References};

/// The longest list of mirrors.
const MAX_FOLLOWED: usize = 1 << 20;

/// An opened document.
pub struct Document {
    services: Services,
    remote: Remote,
    references: Arc<References>,
    /// None once it is spooled, which frees the connection.
    body: Option<Body>,
    head: Head,
    spooled: Option<Spooled>,
}

/// What is known of an answer before its body.
struct Head {
    unchanged: bool,
    url: String,
    headers: reqwest::header::HeaderMap,
}

struct Spooled {
    bytes: Arc<dyn Reader>,
    /// The temporary file, until it is kept.
    incoming: Option<Incoming>,
    kept: Option<u64>,
    offset: u64,
    decoding: Option<Decoding>,
    /// Decoded and not yet read.
    left: Bytes,
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document")
            .field("url", &self.head.url)
            .finish_non_exhaustive()
    }
}

impl Document {
    pub(crate) fn new(
        services: Services,
        remote: Remote,
        references: Arc<References>,
        body: Body,
    ) -> Self {
        let head = Head {
            unchanged: body.unchanged(),
            url: body.url().to_owned(),
            headers: body.headers().clone(),
        };
        Self {
            services,
            remote,
            references,
            body: Some(body),
            head,
            spooled: None,
        }
    }

    /// The upstream said that nothing changed.
    pub fn unchanged(&self) -> bool {
        self.head.unchanged
    }

    /// Where the body came from, after redirects.
    pub fn url(&self) -> &str {
        &self.head.url
    }

    /// A header of the answer.
    pub fn header(&self, name: &str) -> Option<String> {
        let value = self.head.headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    /// Whether it holds a connection to the upstream.
    pub fn is_connected(&self) -> bool {
        self.body.is_some()
    }

    /// At most `max` bytes; empty at the end.
    pub async fn read(&mut self, max: usize) -> Result<Bytes> {
        if let Some(body) = &mut self.body {
            return body.read(max).await;
        }
        let spooled = self.spooled.as_mut().ok_or_else(failed)?;
        let Some(decoding) = &mut spooled.decoding else {
            let bytes = spooled.bytes.read_at(spooled.offset, max).await?;
            spooled.offset += bytes.len() as u64;
            return Ok(bytes);
        };
        if spooled.left.is_empty() {
            spooled.left = decoding.next().await?;
        }
        let length = spooled.left.len().min(max.max(1));
        let bytes = spooled.left.slice(..length);
        spooled.left.advance(length);
        Ok(bytes)
    }

    /// Takes the whole body into a temporary file, or goes back to its beginning.
    pub async fn spool(&mut self) -> Result<()> {
        if let Some(spooled) = &mut self.spooled {
            spooled.offset = 0;
            spooled.decoding = None;
            spooled.left = Bytes::new();
            return Ok(());
        }
        let body = self.body.take().ok_or_else(failed)?;
        let (mut body, mut writer) = (body, self.services.store.create(&[]));
        loop {
            let chunk = body.chunk().await?;
            if chunk.is_empty() {
                break;
            }
            writer.write(chunk).await?;
        }
        let incoming = writer.finish(&pith_storage::Expected::nothing()).await?;
        self.spooled = Some(Spooled {
            bytes: incoming.open()?,
            incoming: Some(incoming),
            kept: None,
            offset: 0,
            decoding: None,
            left: Bytes::new(),
        });
        Ok(())
    }

    /// From its beginning on, `read` gives decoded bytes, at most so many.
    pub async fn decode(&mut self, max_size: u64) -> Result<()> {
        self.spool().await?;
        let url = self.head.url.clone();
        let spooled = self.spooled.as_mut().ok_or_else(failed)?;
        spooled.decoding = Some(Decoding::start(Arc::clone(&spooled.bytes), url, max_size));
        Ok(())
    }

    /// Lets the task ask the hosts of these addresses, which the body names.
    pub async fn follow(&self, urls: &[String]) -> Result<()> {
        let spooled = self.spooled.as_ref();
        let spooled = spooled
            .ok_or_else(|| Error::invalid("only a body that was spooled can be followed"))?;
        let length = usize::try_from(spooled.bytes.length()).unwrap_or(usize::MAX);
        if length > MAX_FOLLOWED {
            return Err(Error::limit(format!(
                "{} is no list of mirrors: it has more than {MAX_FOLLOWED} bytes",
                self.head.url
            )));
        }
        let text = spooled.bytes.read_at(0, length).await?;
        let text = String::from_utf8_lossy(&text);
        for url in urls {
            // As XML has it.
            let escaped = url.replace('&', "&amp;");
            if !text.contains(url.as_str()) && !text.contains(&escaped) {
                let from = &self.head.url;
                return Err(Error::denied(format!("{from} does not name {url}")));
            }
            self.remote.allow(&fetch::parse_url(url)?)?;
        }
        Ok(())
    }

    /// Keeps the body in the store, encoded as it came; a reference to it.
    pub async fn keep(&mut self) -> Result<u64> {
        let spooled = self
            .spooled
            .as_mut()
            .ok_or_else(|| Error::invalid("only a body that was spooled can be kept"))?;
        if let Some(kept) = spooled.kept {
            return Ok(kept);
        }
        let incoming = spooled.incoming.take().ok_or_else(failed)?;
        let (sha256, size) = (incoming.sha256().0, incoming.size());
        let (database, store) = (&self.services.database, self.services.store.as_ref());
        let rows = ingest::ingest(database, store, vec![incoming]).await?;
        let id = *rows
            .first()
            .ok_or_else(|| Error::internal("a stored file has no row"))?;
        let held = HeldArtifact { id, sha256, size };
        let reference = self.references.mint_artifact(Some(held));
        spooled.kept = Some(reference);
        Ok(reference)
    }
}

fn failed() -> Error {
    Error::invalid("the body could not be taken into a file before; open it again")
}

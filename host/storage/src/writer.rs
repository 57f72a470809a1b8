//! Writing one file: its bytes are hashed and stored side by side, in constant memory.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

use crate::blocking::Lane;
use crate::digest::Algorithm;
use crate::directory::Shared;
use crate::error::{Context as _, Error, Result};
use crate::expected::Expected;
use crate::growing::{Growing, Progress};
use crate::hasher::MultiHasher;
use crate::incoming::{Incoming, Stored, TemporaryFile};
use crate::store::Writer;

/// How much is gathered before it is hashed and written: about a millisecond of work, so that
/// handing it to another thread does not count. Twice this is a writer's memory.
pub(crate) const GATHERED: usize = 1 << 20;

/// The same for the number of chunks: a flood of tiny ones costs more memory than their bytes.
pub(crate) const GATHERED_CHUNKS: usize = 4096;

/// After so many bytes the kernel is asked to begin writing them, so that little is left for a sync.
pub(crate) const WRITEBACK: u64 = 8 << 20;

/// From this size on, a file is synced by itself. Smaller ones share one sync of the file system.
pub(crate) const LARGE: u64 = 16 << 20;

/// Writes into the temporary folder.
#[derive(Debug)]
pub(crate) struct DirectoryWriter {
    gathered: Vec<Bytes>,
    gathered_length: usize,
    length: u64,
    limit: u64,
    failed: Option<Error>,
    hashing: Lane<MultiHasher>,
    storing: Lane<Storing>,
    progress: Arc<watch::Sender<Progress>>,
}

/// The file, which is made with the first bytes.
#[derive(Debug)]
struct Storing {
    shared: Arc<Shared>,
    temporary: Option<TemporaryFile>,
    written: u64,
    written_back: u64,
    progress: Arc<watch::Sender<Progress>>,
}

impl DirectoryWriter {
    pub(crate) fn new(shared: &Arc<Shared>, algorithms: &[Algorithm]) -> Self {
        let progress = Arc::new(watch::Sender::new(Progress::default()));
        Self {
            gathered: Vec::new(),
            gathered_length: 0,
            length: 0,
            limit: u64::MAX,
            failed: None,
            hashing: Lane::Idle(MultiHasher::new(algorithms)),
            storing: Lane::Idle(Storing {
                shared: Arc::clone(shared),
                temporary: None,
                written: 0,
                written_back: 0,
                progress: Arc::clone(&progress),
            }),
            progress,
        }
    }

    async fn take(&mut self, bytes: Bytes) -> Result<()> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.length += bytes.len() as u64;
        if self.length > self.limit {
            return Err(Error::SizeMismatch {
                expected: self.limit,
                actual: self.length,
                at_least: true,
            });
        }
        self.gathered_length += bytes.len();
        self.gathered.push(bytes);
        let much = self.gathered_length >= GATHERED || self.gathered.len() >= GATHERED_CHUNKS;
        // Whoever follows the file wants every byte as it comes.
        if much || self.progress.receiver_count() > 0 {
            self.flush().await?;
        }
        Ok(())
    }

    /// Hands what was gathered to the two lanes. If it is given up while it waits, nothing is lost.
    async fn flush(&mut self) -> Result<()> {
        self.hashing.settle().await?;
        self.storing.settle().await?;
        let hashed = std::mem::take(&mut self.gathered);
        let stored = hashed.clone();
        self.gathered_length = 0;
        self.hashing
            .start(move |hasher| {
                for chunk in hashed {
                    hasher.update(&chunk);
                }
                Ok(())
            })
            .await?;
        self.storing
            .start(move |storing| storing.append(&stored))
            .await
    }

    async fn complete(mut self, expected: &Expected) -> Result<Incoming> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.flush().await?;
        let hasher = self.hashing.end().await?;
        self.storing.settle().await?;
        let stored = Stored {
            digests: hasher.finish(),
            size: self.length,
        };
        expected.check(&stored.digests, stored.size)?;
        // Whoever follows the file need not wait for the disk.
        self.progress
            .send_modify(|progress| progress.end = Some(Ok(())));
        if stored.size >= LARGE {
            self.storing.start(Storing::sync).await?;
        }
        let storing = self.storing.end().await?;
        // The first flush made it, if it had bytes or not.
        let temporary = storing.temporary.ok_or(Error::Abandoned)?;
        Ok(Incoming { stored, temporary })
    }
}

#[async_trait]
impl Writer for DirectoryWriter {
    fn limit(&mut self, size: u64) {
        self.limit = size;
    }

    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let result = self.take(bytes).await;
        if let Err(error) = &result {
            self.failed = Some(error.clone());
            announce(&self.progress, error);
        }
        result
    }

    fn reader(&mut self) -> Growing {
        Growing::follow(&self.progress)
    }

    async fn finish(self: Box<Self>, expected: &Expected) -> Result<Incoming> {
        let progress = Arc::clone(&self.progress);
        let result = self.complete(expected).await;
        if let Err(error) = &result {
            announce(&progress, error);
        }
        result
    }
}

impl Storing {
    fn append(&mut self, chunks: &[Bytes]) -> Result<()> {
        let mut temporary = match self.temporary.take() {
            Some(temporary) => temporary,
            None => TemporaryFile::create(&self.shared).context("make a temporary file")?,
        };
        temporary.append(chunks).context("write a temporary file")?;
        self.written += chunks.iter().map(|chunk| chunk.len() as u64).sum::<u64>();
        self.progress.send_modify(|progress| {
            progress.file = temporary.file().cloned();
            progress.written = self.written;
        });
        if self.written - self.written_back >= WRITEBACK {
            temporary.start_writeback(self.written_back);
            self.written_back = self.written;
        }
        self.temporary = Some(temporary);
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        match &mut self.temporary {
            Some(temporary) => temporary.sync().context("bring a file to the disk"),
            None => Ok(()),
        }
    }
}

/// Tells whoever follows the file why it ends; what ended well stays so.
fn announce(progress: &watch::Sender<Progress>, error: &Error) {
    progress.send_modify(|progress| {
        if progress.end.is_none() {
            progress.end = Some(Err(error.clone()));
        }
    });
}

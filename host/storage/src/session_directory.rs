//! A session in a directory store: chunks are hashed and written side by side, in constant memory.

use std::io::{self, Seek as _, SeekFrom};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use bytes::Bytes;

use crate::blocking::{Lane, blocking};
use crate::digest::{Algorithm, Digests};
use crate::error::{Context as _, Error, Result};
use crate::hasher::MultiHasher;
use crate::incoming::{Incoming, Stored, TemporaryFile};
use crate::reader;
use crate::resumable::ResumableHasher;
use crate::session::{Chunk, ChunkPlan, Session};
use crate::session_file::SessionFile;
use crate::writer::{GATHERED, GATHERED_CHUNKS, WRITEBACK};

/// Holds a session's file.
#[derive(Debug)]
pub(crate) struct DirectorySession {
    file: Arc<SessionFile>,
    length: u64,
    chunk: Option<Writing>,
}

/// A chunk that is under way.
#[derive(Debug)]
struct Writing {
    offset: u64,
    length: u64,
    gathered: Vec<Bytes>,
    gathered_length: usize,
    hashing: Lane<Hashing>,
    storing: Lane<Storing>,
}

#[derive(Debug)]
struct Hashing {
    whole: Option<ResumableHasher>,
    chunk: Option<MultiHasher>,
}

#[derive(Debug)]
struct Storing {
    file: Arc<SessionFile>,
    /// Where the next bytes go.
    at: u64,
    written_back: u64,
}

impl DirectorySession {
    pub(crate) fn new(file: SessionFile) -> Result<Self> {
        let length = file
            .file
            .metadata()
            .context("look at the file of an upload")?
            .len();
        Ok(Self {
            file: Arc::new(file),
            length,
            chunk: None,
        })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&SessionFile) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let file = Arc::clone(&self.file);
        blocking(move || work(&file)).await
    }
}

impl Writing {
    /// Hands what was gathered to the two lanes.
    async fn flush(&mut self) -> Result<()> {
        self.hashing.settle().await?;
        self.storing.settle().await?;
        if self.gathered.is_empty() {
            return Ok(());
        }
        let hashed = std::mem::take(&mut self.gathered);
        let stored = hashed.clone();
        self.gathered_length = 0;
        self.hashing
            .start(move |hashing| {
                for piece in hashed {
                    hashing.update(&piece);
                }
                Ok(())
            })
            .await?;
        self.storing
            .start(move |storing| storing.append(&stored))
            .await
    }
}

impl Hashing {
    fn update(&mut self, piece: &[u8]) {
        if let Some(hasher) = &mut self.whole {
            hasher.update(piece);
        }
        if let Some(hasher) = &mut self.chunk {
            hasher.update(piece);
        }
    }
}

impl Storing {
    fn append(&mut self, pieces: &[Bytes]) -> Result<()> {
        let SessionFile { shared, file, .. } = &*self.file;
        let mut position = file;
        position
            .seek(SeekFrom::Start(self.at))
            .and_then(|_| shared.file_system.append(file, pieces))
            .context("write the file of an upload")?;
        self.at += pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
        if self.at - self.written_back >= WRITEBACK {
            let length = self.at - self.written_back;
            shared
                .file_system
                .start_writeback(file, self.written_back, length);
            self.written_back = self.at;
        }
        Ok(())
    }
}

#[async_trait]
impl Session for DirectorySession {
    fn length(&self) -> u64 {
        self.length
    }

    fn is_contested(&self) -> bool {
        self.file.turn.is_contested()
    }

    fn keep(&mut self) {
        self.file.is_new.store(false, Ordering::Relaxed);
    }

    fn begin(&mut self, plan: ChunkPlan) {
        self.chunk = Some(Writing {
            offset: plan.offset,
            length: 0,
            gathered: Vec::new(),
            gathered_length: 0,
            hashing: Lane::Idle(Hashing {
                whole: plan.hasher,
                chunk: (!plan.algorithms.is_empty()).then(|| MultiHasher::new(&plan.algorithms)),
            }),
            storing: Lane::Idle(Storing {
                file: Arc::clone(&self.file),
                at: plan.offset,
                written_back: plan.offset,
            }),
        });
    }

    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let chunk = self.chunk.as_mut().ok_or(Error::Abandoned)?;
        chunk.length += bytes.len() as u64;
        chunk.gathered_length += bytes.len();
        chunk.gathered.push(bytes);
        if chunk.gathered_length >= GATHERED || chunk.gathered.len() >= GATHERED_CHUNKS {
            chunk.flush().await?;
        }
        Ok(())
    }

    async fn end(&mut self) -> Result<Chunk> {
        let mut chunk = self.chunk.take().ok_or(Error::Abandoned)?;
        chunk.flush().await?;
        let hashing = chunk.hashing.end().await?;
        chunk.storing.end().await?;
        self.length = self.length.max(chunk.offset + chunk.length);
        Ok(Chunk {
            length: chunk.length,
            hasher: hashing.whole,
            digests: hashing.chunk.map(MultiHasher::finish),
        })
    }

    async fn hash(
        &mut self,
        mut hasher: ResumableHasher,
        range: Range<u64>,
    ) -> Result<ResumableHasher> {
        self.blocking(move |session| {
            reader::for_each(&session.file, range, |piece| hasher.update(piece))
                .context("read the file of an upload")?;
            Ok(hasher)
        })
        .await
    }

    async fn digest(&mut self, range: Range<u64>, algorithms: &[Algorithm]) -> Result<Digests> {
        let mut hasher = MultiHasher::new(algorithms);
        self.blocking(move |session| {
            reader::for_each(&session.file, range, |piece| hasher.update(piece))
                .context("read the file of an upload")?;
            Ok(hasher.finish())
        })
        .await
    }

    async fn sync(&mut self) -> Result<()> {
        self.blocking(|session| {
            let shared = &session.shared;
            let file_system = &shared.file_system;
            file_system
                .sync_file(&session.file)
                .and_then(|()| file_system.sync_directory(shared.folders.sessions()))
                .context("bring the file of an upload to the disk")
        })
        .await
    }

    async fn seal(&mut self, stored: Stored) -> Result<Incoming> {
        let is_longer = self.length > stored.size;
        let incoming = self
            .blocking(move |session| {
                let temporary = seal(session, stored.size, is_longer)
                    .context("bring an uploaded file to the disk")?;
                Ok(Incoming { stored, temporary })
            })
            .await?;
        self.length = incoming.size();
        Ok(incoming)
    }
}

fn seal(session: &SessionFile, size: u64, is_longer: bool) -> io::Result<TemporaryFile> {
    let SessionFile { shared, file, .. } = session;
    if is_longer {
        shared.file_system.truncate(file, size)?;
    }
    shared.file_system.sync_file(file)?;
    let name = session.name.to_string();
    if let Some(linked) = TemporaryFile::link(shared, shared.folders.sessions(), &name, size)? {
        return Ok(linked);
    }
    // A file system without links: the bytes are there twice for a moment.
    TemporaryFile::copy(shared, file, size)
}

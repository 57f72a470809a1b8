//! Decodes a file on a thread of its own, a little ahead of whoever reads it.

use std::io::{self, BufReader, Read};
use std::sync::Arc;

use bytes::Bytes;
use pith_storage::Reader;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::error::{Error, Result};

/// What is read from the file at once.
const READ: usize = 256 << 10;

/// What is handed over at once.
const CHUNK: usize = 256 << 10;

/// Chunks that may wait: enough that neither side stands still.
const AHEAD: usize = 4;

/// A frame may ask for a window of 2^27 bytes; indexes are written with far smaller ones,
/// and several are open at once.
const ZSTD_WINDOW_LOG: u32 = 25;

/// `xz -9` needs 65 MiB.
const XZ_MEMORY: u64 = 80 << 20;

/// Decoded bytes, while they are made. Dropping it ends the thread.
#[derive(Debug)]
pub(crate) struct Decoding {
    chunks: mpsc::Receiver<Result<Bytes>>,
}

impl Decoding {
    /// Begins at the file's beginning; `url` names it in errors.
    pub(crate) fn start(file: Arc<dyn Reader>, url: String, max_size: u64) -> Self {
        let (sender, chunks) = mpsc::channel(AHEAD);
        let runtime = Handle::current();
        tokio::task::spawn_blocking(move || {
            let file = StoredFile {
                file,
                offset: 0,
                runtime,
            };
            if let Err(error) = run(file, &url, max_size, &sender) {
                // Whoever read has gone, or hears why.
                let _ = sender.blocking_send(Err(error));
            }
        });
        Self { chunks }
    }

    /// The next chunk; empty at the end.
    pub(crate) async fn next(&mut self) -> Result<Bytes> {
        self.chunks.recv().await.unwrap_or_else(|| Ok(Bytes::new()))
    }
}

fn run(
    file: StoredFile,
    url: &str,
    max_size: u64,
    sender: &mpsc::Sender<Result<Bytes>>,
) -> Result<()> {
    let mut file = BufReader::with_capacity(READ, file);
    let wrong = |error: io::Error| match error.downcast::<Error>() {
        Ok(ours) => ours,
        Err(error) => Error::upstream(format!("the body of {url} cannot be decoded: {error}")),
    };
    let mut decoder = decoder(&mut file).map_err(wrong)?;
    let mut total = 0_u64;
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        decoder
            .by_ref()
            .take(CHUNK as u64)
            .read_to_end(&mut chunk)
            .map_err(wrong)?;
        if chunk.is_empty() {
            return Ok(());
        }
        total += chunk.len() as u64;
        if total > max_size {
            return Err(Error::limit(format!(
                "the body of {url} has more than the {max_size} decoded bytes that were expected at most"
            )));
        }
        if sender.blocking_send(Ok(chunk.into())).is_err() {
            return Ok(());
        }
    }
}

/// By the first bytes, for names and headers lie.
fn decoder<'a>(file: &'a mut BufReader<StoredFile>) -> io::Result<Box<dyn Read + 'a>> {
    use io::BufRead as _;
    let first = file.fill_buf()?;
    Ok(match first {
        [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(file)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            let stream = liblzma::stream::Stream::new_stream_decoder(
                XZ_MEMORY,
                liblzma::stream::CONCATENATED,
            )
            .map_err(io::Error::from)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(file, stream))
        }
        [b'B', b'Z', b'h', ..] => Box::new(bzip2::bufread::MultiBzDecoder::new(file)),
        _ => Box::new(file),
    })
}

/// A stored file as `std::io` has it.
struct StoredFile {
    file: Arc<dyn Reader>,
    offset: u64,
    runtime: Handle,
}

impl Read for StoredFile {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let bytes = self
            .runtime
            .block_on(self.file.read_at(self.offset, target.len()))
            .map_err(|error| io::Error::other(Error::from(error)))?;
        target[..bytes.len()].copy_from_slice(&bytes);
        self.offset += bytes.len() as u64;
        Ok(bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use async_trait::async_trait;

    use super::*;
    use crate::error::Code;

    struct InMemory(Bytes);

    #[async_trait]
    impl Reader for InMemory {
        fn length(&self) -> u64 {
            self.0.len() as u64
        }

        async fn read_at(&self, offset: u64, length: usize) -> pith_storage::Result<Bytes> {
            let offset = usize::try_from(offset).expect("small").min(self.0.len());
            let end = (offset + length).min(self.0.len());
            Ok(self.0.slice(offset..end))
        }

        fn as_file(&self) -> Option<&Arc<std::fs::File>> {
            None
        }
    }

    async fn decode(bytes: Vec<u8>, max_size: u64) -> Result<Vec<u8>> {
        let file = Arc::new(InMemory(bytes.into()));
        let mut decoding = Decoding::start(file, "http://u/x".into(), max_size);
        let mut all = Vec::new();
        loop {
            let chunk = decoding.next().await?;
            if chunk.is_empty() {
                return Ok(all);
            }
            all.extend_from_slice(&chunk);
        }
    }

    fn encoded(text: &[u8]) -> Vec<Vec<u8>> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text).expect("written");
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
        xz.write_all(text).expect("written");
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bzip2.write_all(text).expect("written");
        vec![
            gzip.finish().expect("finished"),
            zstd::encode_all(text, 1).expect("encoded"),
            xz.finish().expect("finished"),
            bzip2.finish().expect("finished"),
        ]
    }

    #[tokio::test]
    async fn every_encoding_is_told_by_its_first_bytes() {
        let text = b"a line of text\n".repeat(60_000);
        let size = text.len() as u64;
        for bytes in encoded(&text).into_iter().chain([text.clone()]) {
            assert_eq!(decode(bytes.clone(), size).await, Ok(text.clone()));
            let error = decode(bytes, size - 1).await.expect_err("too large");
            assert_eq!(error.code, Code::Limit);
        }
        assert_eq!(decode(Vec::new(), 0).await, Ok(Vec::new()));
    }

    #[tokio::test]
    async fn damaged_bodies_are_the_upstreams_fault() {
        for mut bytes in encoded(&b"0123456789abcdef".repeat(4096)) {
            bytes.truncate(bytes.len() / 2);
            let error = decode(bytes, u64::MAX).await.expect_err("cut short");
            assert_eq!(error.code, Code::Upstream, "{error}");
            assert!(error.message.contains("http://u/x"), "{error}");
        }
    }
}

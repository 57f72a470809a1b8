//! Where a path's bytes are, remembered; and small bodies, kept in memory.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use moka::sync::Cache;
use pith_db::served::{self, FileSet};
use pith_db::{Database, Result};
use pith_model::Timestamp;
use pith_storage::{Reader, Sha256Digest, Store};

use super::Failure;

/// Up to this size a body is kept: indexes, signatures and small files, which is what
/// is asked for most. Larger ones come from the page cache at little more cost.
const SMALL: u64 = 64 << 10;

/// Memory for small bodies.
const SMALL_BODIES: u64 = 48 << 20;

/// Paths that are remembered; some 200 bytes each.
const PATHS: u64 = 100_000;

/// Open files that are remembered.
const OPEN_FILES: u64 = 256;

/// Stored bytes with the headers that go with them.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) sha256: Sha256Digest,
    pub(crate) size: u64,
    pub(crate) etag: HeaderValue,
    pub(crate) last_modified: HeaderValue,
    /// In seconds since 1970.
    pub(crate) modified: u64,
    pub(crate) media_type: HeaderValue,
}

/// Where the bytes of a path are.
#[derive(Clone, Debug)]
pub(crate) enum Located {
    Stored(Arc<Stored>),
    Upstream { unit_artifact: i64 },
}

/// Finds, and remembers what it found.
pub(crate) struct Locator {
    paths: Cache<(FileSet, Box<str>), Arc<Stored>>,
    small: Cache<Sha256Digest, Bytes>,
    open: Cache<Sha256Digest, Arc<dyn Reader>>,
}

impl std::fmt::Debug for Locator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Locator").finish_non_exhaustive()
    }
}

impl Default for Locator {
    fn default() -> Self {
        Self {
            paths: Cache::new(PATHS),
            small: Cache::builder()
                .max_capacity(SMALL_BODIES)
                .weigher(|_, bytes: &Bytes| u32::try_from(bytes.len() + 128).unwrap_or(u32::MAX))
                .build(),
            open: Cache::builder()
                .max_capacity(OPEN_FILES)
                // So that a file that is cleaned up gives its space back.
                .time_to_idle(std::time::Duration::from_secs(30))
                .build(),
        }
    }
}

impl Locator {
    /// Finds a path; only what is stored is remembered, for the rest may be any moment.
    pub(crate) async fn locate(
        &self,
        database: &Database,
        files: FileSet,
        path: &str,
    ) -> Result<Option<Located>> {
        let key = (files, Box::from(path));
        if let Some(stored) = self.paths.get(&key) {
            return Ok(Some(Located::Stored(stored)));
        }
        let mut connection = database.read().await?;
        let Some(found) = served::find(&mut connection, files, path).await? else {
            return Ok(None);
        };
        let Some(bytes) = found.stored else {
            return Ok(found
                .unit_artifact
                .map(|unit_artifact| Located::Upstream { unit_artifact }));
        };
        let Ok(sha256) = <[u8; 32]>::try_from(bytes.sha256.as_slice()) else {
            return Ok(None);
        };
        let stored = Arc::new(stored(
            Sha256Digest(sha256),
            u64::try_from(bytes.size).unwrap_or(0),
            Timestamp(bytes.created),
            found.media_type.as_deref(),
            path,
        ));
        self.paths.insert(key, Arc::clone(&stored));
        Ok(Some(Located::Stored(stored)))
    }

    /// What is known of bytes that are upstream, where their index gave both size and
    /// digest.
    pub(crate) async fn announced(
        &self,
        database: &Database,
        unit_artifact: i64,
        path: &str,
    ) -> Result<Option<Stored>> {
        let mut connection = database.read().await?;
        let sources = pith_db::remote_artifact::sources(&mut connection, unit_artifact).await?;
        Ok(sources.iter().find_map(|source| {
            let size = u64::try_from(source.size?).ok()?;
            let digest = source
                .digests
                .iter()
                .find_map(|one| one.strip_prefix("sha256:"))?;
            Some(stored(
                digest.parse().ok()?,
                size,
                Timestamp::now(),
                None,
                path,
            ))
        }))
    }

    /// The whole body, if it is small.
    pub(crate) async fn small_body(
        &self,
        store: &dyn Store,
        stored: &Stored,
    ) -> Result<Option<Bytes>, Failure> {
        if stored.size > SMALL {
            return Ok(None);
        }
        if let Some(bytes) = self.small.get(&stored.sha256) {
            return Ok(Some(bytes));
        }
        let reader = store.open(&stored.sha256).await?;
        let length = usize::try_from(stored.size).unwrap_or(0);
        let bytes = reader.read_at(0, length).await?;
        if bytes.len() != length {
            return Err(damaged(stored));
        }
        self.small.insert(stored.sha256, bytes.clone());
        Ok(Some(bytes))
    }

    /// The file.
    pub(crate) async fn open(
        &self,
        store: &dyn Store,
        stored: &Stored,
    ) -> Result<Arc<dyn Reader>, Failure> {
        if let Some(reader) = self.open.get(&stored.sha256) {
            return Ok(reader);
        }
        let reader = store.open(&stored.sha256).await?;
        if reader.length() != stored.size {
            return Err(damaged(stored));
        }
        self.open.insert(stored.sha256, Arc::clone(&reader));
        Ok(reader)
    }
}

fn damaged(stored: &Stored) -> Failure {
    pith_content::Error::internal(format!(
        "the stored file {} has another size than its row; repair the repository version",
        stored.sha256
    ))
    .into()
}

/// The headers that go with bytes.
pub(crate) fn stored(
    sha256: Sha256Digest,
    size: u64,
    created: Timestamp,
    media_type: Option<&str>,
    path: &str,
) -> Stored {
    let modified = created.system_time();
    let text = |text: String, other: &'static str| {
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(other))
    };
    Stored {
        sha256,
        size,
        // The digest itself: equal tags mean equal bytes, whatever the path.
        etag: text(format!("\"{sha256}\""), "\"\""),
        last_modified: text(httpdate::fmt_http_date(modified), ""),
        modified: u64::try_from(created.0 / 1_000_000).unwrap_or(0),
        media_type: self::media_type(media_type, path),
    }
}

/// As the plugin said, or by the end of the name.
pub(crate) fn media_type(said: Option<&str>, path: &str) -> HeaderValue {
    if let Some(value) = said.and_then(|said| HeaderValue::try_from(said).ok()) {
        return value;
    }
    let guess = mime_guess::from_path(path).first_raw();
    HeaderValue::from_static(guess.unwrap_or("application/octet-stream"))
}

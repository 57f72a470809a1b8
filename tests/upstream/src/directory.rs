//! Serves the files of a directory.

use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use http::{HeaderMap, StatusCode};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use crate::answer::{Answer, pieces, text};
use crate::conditional::{self, Entity};

/// Large enough that reading 50 MiB does not wait for the thread pool too often.
const READ_SIZE: usize = 256 * 1024;

/// Answers with the file at a decoded path, which begins with a slash.
pub(crate) async fn answer(root: &Path, path: &str, headers: &HeaderMap) -> io::Result<Answer> {
    let Some(place) = place_below(root, path) else {
        return Ok(text(
            StatusCode::BAD_REQUEST,
            "not a path below the directory",
        ));
    };
    let not_found = || Ok(text(StatusCode::NOT_FOUND, "no such file"));
    let Ok(mut file) = File::open(&place).await else {
        return not_found();
    };
    let metadata = file.metadata().await?;
    if !metadata.is_file() {
        return not_found();
    }
    let last_modified = metadata.modified()?;
    let age = last_modified
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let entity = Entity {
        length: metadata.len(),
        etag: format!("\"{:x}-{:x}\"", metadata.len(), age.as_nanos()),
        last_modified,
        content_type: "application/octet-stream",
    };
    conditional::answer(entity, headers, |range| async move {
        file.seek(SeekFrom::Start(range.start)).await?;
        let part = file.take(range.end - range.start);
        Ok(pieces(ReaderStream::with_capacity(part, READ_SIZE)))
    })
    .await
}

fn place_below(root: &Path, path: &str) -> Option<PathBuf> {
    let mut place = root.to_owned();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        if part == "." || part == ".." || part.contains('\0') {
            return None;
        }
        place.push(part);
    }
    Some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out() {
        let root = Path::new("/srv");
        assert_eq!(place_below(root, "/a//b"), Some("/srv/a/b".into()));
        assert_eq!(place_below(root, "/a/../../etc/passwd"), None);
    }
}

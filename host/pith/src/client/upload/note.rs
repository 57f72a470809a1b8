//! A note of an upload that is under way, so that the next call goes on where this one ended.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// The note of one file on one server; where there is no place for notes, nothing is noted.
#[derive(Debug)]
pub(super) struct Note(Option<PathBuf>);

impl Note {
    /// The note of a file as it is now: one that changed is another upload.
    pub(super) fn of(server: &str, file: &Path, metadata: &fs::Metadata) -> Self {
        let Some(folder) = folder() else {
            return Self(None);
        };
        let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
        let (size, second, nano) = (metadata.len(), metadata.mtime(), metadata.mtime_nsec());
        let text = format!("{server}\n{}\n{size} {second} {nano}", file.display());
        let digest = Sha256::digest(text);
        let name = digest[..12].iter().map(|byte| format!("{byte:02x}"));
        Self(Some(folder.join(name.collect::<String>())))
    }

    /// The upload that was under way.
    pub(super) fn read(&self) -> Option<String> {
        let text = fs::read_to_string(self.0.as_ref()?).ok()?;
        let id = text.trim();
        (!id.is_empty()).then(|| id.to_owned())
    }

    /// An upload is under way. Without the note the next call begins anew, nothing worse.
    pub(super) fn write(&self, id: &str) {
        if let Some(path) = &self.0 {
            let folder = path.parent().unwrap_or(path);
            let _ = fs::create_dir_all(folder).and_then(|()| fs::write(path, id));
        }
    }

    /// It is over.
    pub(super) fn forget(&self) {
        if let Some(path) = &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

fn folder() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| {
            let home = PathBuf::from(std::env::var_os("HOME")?);
            Some(home.join(".local").join("state"))
        })?;
    Some(state.join("pith").join("uploads"))
}

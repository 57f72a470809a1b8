//! Looks at stored bytes behind the server's back.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use pith_fixture_upstream::sha256_hex;

/// The stored artifacts below a data folder, as the digests that their names promise.
///
/// Stored files are called `<2 hex digits>/<62 hex digits>`, wherever the store is.
pub fn stored_digests(data_directory: &Path) -> Result<Vec<String>> {
    let mut digests: Vec<_> = stored_files(data_directory)?
        .into_iter()
        .map(|(digest, _)| digest)
        .collect();
    digests.sort();
    Ok(digests)
}

/// Reads every stored artifact and compares it with its name; how many there are.
pub fn verify_stored_artifacts(data_directory: &Path) -> Result<usize> {
    let files = stored_files(data_directory)?;
    for (digest, path) in &files {
        let actual = sha256_hex(&fs::read(path)?);
        ensure!(
            actual == *digest,
            "{} holds the bytes of {actual}",
            path.display()
        );
    }
    Ok(files.len())
}

/// Whether bytes with this digest are stored, right or wrong.
pub fn is_stored(data_directory: &Path, digest: &str) -> bool {
    stored_digests(data_directory)
        .is_ok_and(|all| all.binary_search_by(|one| (**one).cmp(digest)).is_ok())
}

fn stored_files(data_directory: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    let mut folders = vec![data_directory.to_owned()];
    while let Some(folder) = folders.pop() {
        let shard = folder
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if let Some(shard) = shard.as_deref().filter(|name| is_hex(name, 2)) {
                let name = entry.file_name().to_string_lossy().into_owned();
                if is_hex(&name, 62) {
                    found.push((format!("{shard}{name}"), entry.path()));
                }
            }
        }
    }
    Ok(found)
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

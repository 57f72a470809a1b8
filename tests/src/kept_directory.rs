//! A folder per test, removed when the test succeeds and kept when it does not.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process::target_directory;

#[derive(Debug)]
pub(crate) struct KeptDirectory(PathBuf);

impl KeptDirectory {
    /// Makes the folder of a test, empty: what an earlier run kept is gone.
    pub(crate) fn create(test_name: &str) -> Result<Self> {
        let path = target_directory()?
            .join("pith-tests")
            .join(test_name.replace("::", "."));
        if path.exists() {
            fs::remove_dir_all(&path)
                .with_context(|| format!("cannot empty {}", path.display()))?;
        }
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn remove(&self) {
        // What cannot be removed now is removed by the next run.
        let _ = fs::remove_dir_all(&self.0);
    }
}

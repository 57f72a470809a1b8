//! Compiled plugins that one test hands to the next: compiling takes longer than most tests.
//!
//! An entry's name has its component's digest and what the engine is, so that an entry is
//! right for whoever asks for it. The server looks at each before it runs it.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::process::target_directory;

fn shared() -> Result<PathBuf> {
    Ok(target_directory()?.join("pith-tests-compiled"))
}

/// Gives a new data folder what other tests have compiled.
pub(crate) fn lend(data_directory: &Path) -> Result<()> {
    if data_directory.exists() {
        return Ok(());
    }
    link_all(&shared()?, &data_directory.join("compiled"))
}

/// Keeps what a server has compiled for other tests.
pub(crate) fn keep(data_directory: &Path) -> Result<()> {
    link_all(&data_directory.join("compiled"), &shared()?)
}

fn link_all(from: &Path, to: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(from) else {
        return Ok(());
    };
    DirBuilder::new().recursive(true).mode(0o700).create(to)?;
    for entry in entries.flatten() {
        if entry.path().extension().is_some_and(|it| it == "code") {
            // It is there already, or gone again; then it is compiled.
            let _ = fs::hard_link(entry.path(), to.join(entry.file_name()));
        }
    }
    Ok(())
}

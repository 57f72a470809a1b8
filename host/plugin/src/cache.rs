//! Compiled code on disk, so that a component is compiled once and then loaded in a
//! millisecond.
//!
//! Invariant: code that is mapped from here was written by this user, for exactly this
//! engine, and is whole: whoever could write into the directory could run code in the server.

use std::fs::{self, DirBuilder, File, Permissions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use wasmtime::component::Component;

use crate::compile::Compiler;
use crate::engine::Engine;

/// Ends the name of an entry.
const ENDING: &str = "code";

/// Follows the code in an entry: its own SHA-256.
const SEAL: usize = 32;

/// Entries that nobody used are kept this long: those of other versions of the server, and
/// of other builds of a plugin, for a way back.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// A directory of compiled code.
#[derive(Clone, Debug)]
pub struct Cache {
    directory: PathBuf,
    /// What the engine's version, configuration and processor mean for compiled code.
    engine: String,
    compiler: Compiler,
}

/// How a component came to be ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Compiled,
    Cached,
}

impl Cache {
    /// Opens the directory, made if need be, for this engine.
    ///
    /// # Errors
    /// When it cannot be made, or belongs to somebody else.
    pub fn open(directory: impl Into<PathBuf>, engine: &Engine) -> io::Result<Self> {
        let directory = directory.into();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory)?;
        let owner = fs::metadata(&directory)?.uid();
        if owner != rustix::process::geteuid().as_raw() {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!(
                    "the directory of compiled plugins {} belongs to another user (uid {owner}); \
                     what lies there would be run as code, so it must be this server's own",
                    directory.display()
                ),
            ));
        }
        fs::set_permissions(&directory, Permissions::from_mode(0o700))?;
        let cache = Self {
            directory,
            engine: fingerprint(engine),
            compiler: Compiler::Here,
        };
        cache.sweep();
        Ok(cache)
    }

    /// The same, with what is not there compiled by this one.
    #[must_use]
    pub fn compiled_by(self, compiler: Compiler) -> Self {
        Self { compiler, ..self }
    }

    /// The component ready to run, compiled only if it has to be. Takes seconds when it
    /// does: not for a thread that serves.
    pub(crate) fn component(
        &self,
        engine: &Engine,
        digest: &str,
        bytes: &[u8],
    ) -> wasmtime::Result<(Component, Source)> {
        let path = self.path(digest);
        match load(engine, &path) {
            Ok(component) => return Ok((component, Source::Cached)),
            Err(Miss::Absent) => {}
            Err(Miss::Unusable(reason)) => tracing::warn!(
                path = %path.display(),
                reason,
                "the compiled code in {} cannot be used ({reason}) and is made anew",
                path.display()
            ),
        }
        let code = self.compiler.compile(engine, bytes)?;
        // What is mapped from the file can leave memory whenever the system wants it to.
        let stored = self
            .store(&path, &code)
            .map_err(|error| error.to_string())
            .and_then(|()| load(engine, &path).map_err(|miss| miss.to_string()));
        match stored {
            Ok(mapped) => Ok((mapped, Source::Compiled)),
            Err(reason) => {
                tracing::warn!(
                    path = %path.display(),
                    reason,
                    "the compiled code {} could not be kept ({reason}); it is made anew at the next start",
                    path.display()
                );
                Ok((take(engine, &code)?, Source::Compiled))
            }
        }
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.directory
            .join(format!("{digest}-{}.{ENDING}", self.engine))
    }

    /// Nobody ever sees half an entry; one that a crash left torn does not match its seal.
    fn store(&self, path: &Path, code: &[u8]) -> io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix("compiling-")
            .tempfile_in(&self.directory)?;
        file.write_all(code)?;
        file.write_all(&Sha256::digest(code))?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    /// Removes what nobody used for long, and what a crash left half made.
    fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.directory) else {
            return;
        };
        for entry in entries.flatten() {
            let age = entry
                .metadata()
                .and_then(|metadata| metadata.modified())
                .map(|modified| SystemTime::now().duration_since(modified));
            if matches!(age, Ok(Ok(age)) if age > KEPT) {
                // If it stays, it only takes room.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Why an entry was not loaded.
#[derive(Debug, thiserror::Error)]
enum Miss {
    #[error("it is not there")]
    Absent,
    #[error("{0}")]
    Unusable(String),
}

fn load(engine: &Engine, path: &Path) -> Result<Component, Miss> {
    match is_whole(path) {
        Ok(true) => {}
        Ok(false) => return Err(Miss::Unusable("it is damaged".into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Miss::Absent),
        Err(error) => return Err(Miss::Unusable(error.to_string())),
    }
    let component = map(engine, path).map_err(|error| Miss::Unusable(format!("{error:#}")))?;
    // Says that the entry is in use; if it cannot be said, it is made anew in a month.
    let _ = File::open(path).and_then(|file| file.set_modified(SystemTime::now()));
    Ok(component)
}

#[expect(
    unsafe_code,
    reason = "mapping compiled code is running it. The file is this user's own, in a directory \
              that is closed to others; it ends with its own digest, which was just checked; it is \
              never written in place, only replaced by rename; and wasmtime refuses code of another \
              version or configuration"
)]
fn map(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: as the reason above says, the file has what wasmtime's compiler gave.
    unsafe { Component::deserialize_file(engine.wasmtime(), path) }
}

#[expect(
    unsafe_code,
    reason = "taking compiled code is running it. It comes from this program's own compiler, a moment ago"
)]
fn take(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: as the reason above says, the bytes are what wasmtime's compiler gave.
    unsafe { Component::deserialize(engine.wasmtime(), code) }
}

/// Whether a file ends with the digest of what comes before.
fn is_whole(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let Some(code) = length.checked_sub(SEAL as u64) else {
        return Ok(false);
    };
    let mut hash = Sha256::new();
    // Large enough that system calls do not count, small enough for a thread's stack.
    let mut chunk = vec![0; 256 << 10];
    let mut body = (&file).take(code);
    loop {
        match body.read(&mut chunk)? {
            0 => break,
            read => hash.update(&chunk[..read]),
        }
    }
    let mut seal = [0; SEAL];
    file.read_exact(&mut seal)?;
    Ok(hash.finalize().as_slice() == seal)
}

/// 16 hexadecimal digits that change with anything that compiled code depends on. An
/// accident would not hurt: the code names its engine as well, and wasmtime checks.
fn fingerprint(engine: &Engine) -> String {
    let mut hash = Fingerprint(Sha256::new());
    // It covers wasmtime's version, the target, the settings and the features.
    engine
        .wasmtime()
        .precompile_compatibility_hash()
        .hash(&mut hash);
    hex::encode(&hash.0.finalize()[..8])
}

struct Fingerprint(Sha256);

impl Hasher for Fingerprint {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        unreachable!("the whole digest is taken instead")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest component: a header and nothing in it.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn entries(directory: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(directory).expect("a directory");
        entries
            .map(|entry| entry.expect("an entry").path())
            .collect()
    }

    fn open() -> (tempfile::TempDir, Engine, Cache) {
        let directory = tempfile::tempdir().expect("a directory");
        let engine = Engine::on_demand().expect("an engine");
        let cache = Cache::open(directory.path().join("code"), &engine).expect("a cache");
        (directory, engine, cache)
    }

    #[test]
    fn a_component_is_compiled_once() {
        let (_directory, engine, cache) = open();
        let source = |digest| cache.component(&engine, digest, EMPTY).expect("ready").1;
        assert_eq!(source("one"), Source::Compiled);
        assert_eq!(source("one"), Source::Cached);
        assert_eq!(source("two"), Source::Compiled);
        assert_eq!(entries(&cache.directory).len(), 2);
    }

    #[test]
    fn a_damaged_entry_is_made_anew() {
        let (_directory, engine, cache) = open();
        let source = || cache.component(&engine, "one", EMPTY).expect("ready").1;
        source();
        let path = cache.path("one");
        let whole = fs::read(&path).expect("an entry");

        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 1;
        for damaged in [&flipped, &whole[..whole.len() - 1], &whole[..10], &[][..]] {
            fs::write(&path, damaged).expect("damaged");
            assert_eq!(source(), Source::Compiled);
            assert_eq!(source(), Source::Cached);
        }
    }

    #[test]
    fn code_of_another_engine_is_not_used() {
        let (_directory, engine, cache) = open();
        cache.component(&engine, "one", EMPTY).expect("ready");
        let mut config = wasmtime::Config::new();
        config.epoch_interruption(false);
        let other = wasmtime::Engine::new(&config).expect("an engine");
        let code = other.precompile_component(EMPTY).expect("compiled");
        cache.store(&cache.path("one"), &code).expect("stored");
        let source = cache.component(&engine, "one", EMPTY).expect("ready").1;
        assert_eq!(source, Source::Compiled);
    }

    #[test]
    fn the_directory_is_closed_to_others() {
        let (_directory, engine, cache) = open();
        fs::set_permissions(&cache.directory, Permissions::from_mode(0o777)).expect("set");
        let cache = Cache::open(&cache.directory, &engine).expect("a cache");
        let mode = fs::metadata(&cache.directory).expect("metadata").mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn what_cannot_be_kept_still_runs() {
        let (_directory, engine, cache) = open();
        fs::remove_dir(&cache.directory).expect("removed");
        let source = cache.component(&engine, "one", EMPTY).expect("ready").1;
        assert_eq!(source, Source::Compiled);
    }
}

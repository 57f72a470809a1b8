//! Runs a signing program, for a bounded time, and reads what it made.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};

use crate::error::{Error, Result};

/// Long enough for a security module far away, short enough that a program that asks for a
/// passphrase at no terminal is found out.
const TIME_LIMIT: Duration = Duration::from_mins(1);

/// What a program may print.
const MAX_PRINTED: u64 = 64 << 10;

/// The largest signature or key.
const MAX_FILE: u64 = 1 << 20;

/// How Pulp's programs are told which key is meant, and what kind of name that is: `v4`, or
/// `keyid`, if it was given with one.
const FINGERPRINT: &str = "PULP_SIGNING_KEY_FINGERPRINT";
const FINGERPRINT_TYPE: &str = "PULP_SIGNING_FINGERPRINT_TYPE";

/// What a program made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Detached, in ASCII armor.
    pub signature: Vec<u8>,
    /// The public key, where the program says where it is.
    pub key: Option<Vec<u8>>,
}

#[derive(Debug, Deserialize)]
struct Answer {
    signature: PathBuf,
    key: Option<PathBuf>,
}

/// Has a program sign a file.
///
/// # Errors
/// In words that name the program and what it did.
pub async fn run(script: &Path, fingerprint: Option<&str>, file: &Path) -> Result<Signed> {
    run_for(TIME_LIMIT, script, fingerprint, file).await
}

async fn run_for(
    limit: Duration,
    script: &Path,
    fingerprint: Option<&str>,
    file: &Path,
) -> Result<Signed> {
    let answer: Answer = ask(limit, script, fingerprint, file)
        .await?
        .map_err(|error| unexpected(script, "\"file\" and \"signature\"", &error))?;
    let read = async |path: &Path, what: &str| {
        read(&folder_of(file).join(path))
            .await
            .map_err(|error| unreadable(script, what, path, &error))
    };
    let key = match &answer.key {
        Some(path) => Some(read(path, "key").await?),
        None => None,
    };
    Ok(Signed {
        signature: read(&answer.signature, "signature").await?,
        key,
    })
}

/// Has a program write a signature into a file. Where the signed file is, which may be the
/// same, stands in this property of its answer.
///
/// # Errors
/// In words that name the program and what it did.
pub async fn write_into(
    script: &Path,
    fingerprint: &str,
    file: &Path,
    property: &str,
) -> Result<PathBuf> {
    let answer = answer(script, fingerprint, file).await?;
    let Some(path) = answer.get(property).and_then(Value::as_str) else {
        return Err(Error::internal(format!(
            "{} was expected to print JSON with {property:?}",
            script.display()
        )));
    };
    let signed = folder_of(file).join(path);
    let found = tokio::fs::metadata(&signed).await;
    found.map_err(|error| unreadable(script, property, Path::new(path), &error))?;
    Ok(signed)
}

/// What a program answers that writes a signature into a file.
pub(super) async fn answer(
    script: &Path,
    fingerprint: &str,
    file: &Path,
) -> Result<Map<String, Value>> {
    ask(TIME_LIMIT, script, Some(fingerprint), file)
        .await?
        .map_err(|error| unexpected(script, "the place of what it signed", &error))
}

fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("/"))
}

fn unexpected(script: &Path, what: &str, error: &serde_json::Error) -> Error {
    let name = script.display();
    Error::internal(format!(
        "{name} was expected to print JSON with {what}: {error}"
    ))
}

fn unreadable(script: &Path, what: &str, path: &Path, error: &std::io::Error) -> Error {
    let (name, path) = (script.display(), path.display());
    Error::internal(format!(
        "the {what} {path} of {name} cannot be read: {error}"
    ))
}

/// Calls a program with a file, and reads what it prints.
async fn ask<T: DeserializeOwned>(
    limit: Duration,
    script: &Path,
    fingerprint: Option<&str>,
    file: &Path,
) -> Result<serde_json::Result<T>> {
    let mut command = Command::new(script);
    command
        .arg(file)
        .current_dir(folder_of(file))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    // What the server was told in its environment is not the program's.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PITH_") {
            command.env_remove(name);
        }
    }
    command.env_remove(FINGERPRINT).env_remove(FINGERPRINT_TYPE);
    if let Some(key) = fingerprint {
        let (kind, fingerprint) = super::kind_of_key(key);
        command.env(FINGERPRINT, fingerprint);
        command.envs(kind.map(|kind| (FINGERPRINT_TYPE, kind)));
    }
    let name = script.display();
    let child = command
        .spawn()
        .map_err(|error| Error::internal(format!("{name} cannot be started: {error}")))?;
    let ended = tokio::time::timeout(limit, end(child)).await;
    let (status, printed, complaint) = ended
        .map_err(|_| {
            let seconds = limit.as_secs();
            Error::limit(format!("{name} did not end within {seconds} seconds"))
        })?
        .map_err(|error| Error::internal(format!("{name} was lost: {error}")))?;
    if !status.success() {
        return Err(Error::internal(format!(
            "{name} failed ({status}){}",
            told(&complaint)
        )));
    }
    Ok(serde_json::from_slice(&printed))
}

/// Waits for a program and for what it prints.
async fn end(mut child: Child) -> std::io::Result<(ExitStatus, Vec<u8>, Vec<u8>)> {
    // Whoever waits no longer wants the program's own children gone too.
    let mut group = Group(child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)));
    let (printed, complaint) = tokio::join!(
        bounded(child.stdout.take(), MAX_PRINTED),
        bounded(child.stderr.take(), MAX_PRINTED)
    );
    let status = child.wait().await?;
    group.0 = None;
    Ok((status, printed?, complaint?))
}

async fn bounded(from: Option<impl AsyncRead + Unpin>, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(most).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

async fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let file = tokio::fs::File::open(path).await?;
    let bytes = bounded(Some(file), MAX_FILE + 1).await?;
    if bytes.is_empty() {
        return Err(std::io::Error::other("it is empty"));
    }
    if bytes.len() as u64 > MAX_FILE {
        let message = format!("it is larger than {MAX_FILE} bytes");
        return Err(std::io::Error::other(message));
    }
    Ok(bytes)
}

/// The last line of what a program complained of.
fn told(complaint: &[u8]) -> String {
    let text = String::from_utf8_lossy(complaint);
    let last = text.lines().rfind(|line| !line.trim().is_empty());
    last.map_or_else(String::new, |line| {
        let line: String = line.trim().chars().take(300).collect();
        format!(": {line}")
    })
}

/// Processes that end when this is dropped.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    async fn signed_by(script: &str) -> Result<Signed> {
        let folder = tempfile::tempdir().expect("a folder");
        let (program, file) = (folder.path().join("sign"), folder.path().join("file"));
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("written");
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("allowed");
        std::fs::write(&file, "text").expect("written");
        run_for(Duration::from_secs(2), &program, Some("v4:AB"), &file).await
    }

    #[tokio::test]
    async fn a_program_says_where_its_signature_is() {
        let script = "printf '%s %s of %s' $PULP_SIGNING_FINGERPRINT_TYPE \
                      $PULP_SIGNING_KEY_FINGERPRINT $(cat $1) >$1.asc\n\
                      printf '{\"file\": \"%s\", \"signature\": \"file.asc\"}' $1";
        let signed = signed_by(script).await.expect("signed");
        assert_eq!(signed.signature, b"v4 AB of text");
        assert_eq!(signed.key, None);
    }

    #[tokio::test]
    async fn what_went_wrong_is_told() {
        for (script, words) in [
            ("echo no key >&2; exit 3", "no key"),
            ("echo signed", "was expected to print JSON"),
            (r#"echo '{"signature": "none"}'"#, "signature none"),
            (r#": >e; echo '{"signature": "e"}'"#, "it is empty"),
            ("sleep 60 & sleep 60", "did not end within 2 seconds"),
        ] {
            let error = signed_by(script).await.expect_err(script);
            assert!(error.message.contains(words), "{script}: {error}");
        }
        let error = run(Path::new("/none"), None, Path::new("/tmp/x")).await;
        let error = error.expect_err("there is no such program");
        assert!(error.message.contains("cannot be started"), "{error}");
    }
}

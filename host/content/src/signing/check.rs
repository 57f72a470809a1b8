//! Checks a signing program before it is taken into service: what it signs must fit its
//! public key. `gpg` is asked, with a home of its own that only has this key; signing itself
//! does not need it.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use super::program::{answer, run};
use super::temporary_folder;
use crate::error::{Error, Result};

/// A program that signs as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// In ASCII armor.
    pub public_key: String,
    /// Of the key itself, not of a part of it that signs.
    pub fingerprint: String,
}

/// Has a program sign something, and checks the signature. Without a key, the one that the
/// program names counts.
pub async fn check(script: &Path, public_key: Option<String>) -> Result<Checked> {
    let folder = temporary_folder()?;
    let home = folder.path();
    let written = |error: std::io::Error| {
        Error::internal(format!("no file could be made for signing: {error}"))
    };
    let fingerprint = match &public_key {
        Some(key) => Some(fingerprint_of(home, key).await?),
        None => None,
    };
    let signing = temporary_folder()?;
    let file = signing.path().join("check");
    std::fs::write(&file, "Pith checks a signing service.\n").map_err(written)?;
    let signed = run(script, fingerprint.as_deref(), &file).await?;
    let public_key = match (public_key, signed.key) {
        (Some(key), _) => key,
        (None, Some(key)) => String::from_utf8(key)
            .map_err(|_| Error::invalid("the key that the program names is not ASCII armored"))?,
        (None, None) => {
            return Err(Error::invalid(
                "the program names no \"key\" in its answer; give the public key",
            ));
        }
    };
    let fingerprint = match fingerprint {
        Some(fingerprint) => fingerprint,
        None => fingerprint_of(home, &public_key).await?,
    };
    let key = home.join("key");
    std::fs::write(&key, &public_key).map_err(written)?;
    gpg(home, &["--import"], &[&key]).await?;
    let signature = home.join("signature");
    std::fs::write(&signature, &signed.signature).map_err(written)?;
    let verified = gpg(
        home,
        &["--status-fd", "1", "--verify"],
        &[&signature, &file],
    )
    .await;
    let verified = verified.map_err(|error| {
        Error::invalid(format!(
            "its signature does not fit the public key: {error}"
        ))
    })?;
    if !verified.contains("[GNUPG:] VALIDSIG ") {
        return Err(Error::invalid("its signature does not fit the public key"));
    }
    Ok(Checked {
        public_key,
        fingerprint,
    })
}

/// Has a program write a signature into a copy of a file. Whether that is one, only those can
/// say who know files of its kind.
pub async fn check_writing(script: &Path, public_key: String, sample: &Path) -> Result<Checked> {
    let folder = temporary_folder()?;
    let fingerprint = fingerprint_of(folder.path(), &public_key).await?;
    let signing = temporary_folder()?;
    let name = sample.file_name().unwrap_or("check".as_ref());
    let file = signing.path().join(name);
    let before = std::fs::read(sample).map_err(|error| {
        let sample = sample.display();
        Error::invalid(format!("the file {sample} cannot be read: {error}"))
    })?;
    std::fs::write(&file, &before)
        .map_err(|error| Error::internal(format!("no file could be made for signing: {error}")))?;
    let answer = answer(script, &fingerprint, &file).await?;
    let places = answer.values().filter_map(Value::as_str);
    let mut signed = places.filter_map(|place| std::fs::read(signing.path().join(place)).ok());
    if !signed.any(|signed| signed != before) {
        return Err(Error::invalid(
            "its answer names no file that is another one than it was given",
        ));
    }
    Ok(Checked {
        public_key,
        fingerprint,
    })
}

/// The fingerprint of the one key in a text.
async fn fingerprint_of(home: &Path, key: &str) -> Result<String> {
    const WRONG: &str = "an ASCII armored public key was expected";
    if !key.contains("-----BEGIN PGP PUBLIC KEY BLOCK-----") {
        return Err(Error::invalid(WRONG));
    }
    let file = home.join("shown");
    std::fs::write(&file, key)
        .map_err(|error| Error::internal(format!("no file could be made: {error}")))?;
    let shown = gpg(home, &["--with-colons", "--show-keys"], &[&file]).await?;
    let mut fingerprints = Vec::new();
    let mut lines = shown.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("pub:") {
            let line = lines.find(|line| line.starts_with("fpr:"));
            fingerprints.extend(line.and_then(|line| line.split(':').nth(9)));
        }
    }
    match fingerprints.as_slice() {
        [one] => Ok((*one).to_owned()),
        several => Err(Error::invalid(format!(
            "{WRONG}: the text has {} keys",
            several.len()
        ))),
    }
}

/// The public key of a user's keyring that an identifier, a fingerprint or an address names.
pub async fn export(key: &str, home: Option<&Path>, keyring: Option<&Path>) -> Result<String> {
    let mut command = Command::new("gpg");
    if let Some(home) = home {
        command.arg("--homedir").arg(home);
    }
    if let Some(keyring) = keyring {
        command
            .arg("--no-default-keyring")
            .arg("--keyring")
            .arg(keyring);
    }
    command.args(["--batch", "--armor", "--export", "--", key]);
    let text = output(&mut command).await?;
    if text.trim().is_empty() {
        return Err(Error::not_found(format!("gpg knows no public key {key:?}")));
    }
    Ok(text)
}

pub(super) async fn gpg(home: &Path, arguments: &[&str], files: &[&Path]) -> Result<String> {
    let mut command = Command::new("gpg");
    command.arg("--homedir").arg(home);
    command.args(["--batch", "--no-autostart", "--quiet"]);
    command.args(arguments).args(files);
    output(&mut command).await
}

async fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await;
    let output = output.map_err(|error| {
        Error::internal(format!(
            "gpg, which checks signatures, cannot be started: {error}"
        ))
    })?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        let last = complaint.lines().last().unwrap_or("it says nothing");
        return Err(Error::invalid(last.to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

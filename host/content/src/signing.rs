//! Signing of files by programs of this host. The key stays with the program; a plugin may
//! only ask for a signature of a file that it made.
//!
//! A program is called with the path of a file and answers, as those of Pulp do, with JSON:
//! `{"file": …, "signature": …, "key": …}`, the last two being paths. Its working directory
//! is a temporary folder that has nothing else in it.

pub mod check;
mod program;
pub mod verify;

use std::path::{Path, PathBuf};

use pith_db::signing_service::SigningService;
use pith_model::Reference;
use pith_model::reference::Kind;
use pith_storage::Reader;
use tokio::io::AsyncWriteExt as _;

use crate::Services;
use crate::error::{Error, Result};

pub use program::{Signed, run, write_into};

/// The name of a file as a program sees it: one word, and no option.
pub fn is_file_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=100).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(fits)
}

/// So much of a file is copied at a time.
const BLOCK: usize = 1 << 20;

/// A signature, and the public key that it fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// As the program wrote it.
    pub signature: Vec<u8>,
    /// The service's, in ASCII armor.
    pub public_key: String,
}

/// Signs a file with the service that a PRN names; the program sees the file under `name`.
pub async fn sign(
    services: &Services,
    service: &str,
    name: &str,
    file: &dyn Reader,
) -> Result<Signature> {
    let found = find(services, service).await?;
    let folder = temporary_folder()?;
    let path = folder.path().join(name);
    copy(file, &path)
        .await
        .map_err(|error| unwritable(&error))?;
    sign_file(&found, &path).await
}

/// The same of bytes.
pub async fn sign_bytes(
    services: &Services,
    service: &str,
    name: &str,
    bytes: &[u8],
) -> Result<Signature> {
    let found = find(services, service).await?;
    let folder = temporary_folder()?;
    let path = folder.path().join(name);
    tokio::fs::write(&path, bytes)
        .await
        .map_err(|error| unwritable(&error))?;
    sign_file(&found, &path).await
}

/// A file that a program wrote a signature into; it is gone when this is dropped.
#[derive(Debug)]
pub struct SignedFile {
    /// Where it is.
    pub path: PathBuf,
    /// The service's public key, if it is the one that was to sign.
    pub public_key: Option<String>,
    _folder: tempfile::TempDir,
}

/// Has the service that a PRN names write a signature into a file, which the program sees under
/// `name`: with the key of this fingerprint, or with the service's own. The program says in
/// `property` of its answer where the signed file is.
pub async fn sign_within(
    services: &Services,
    service: &str,
    fingerprint: Option<&str>,
    (name, file): (&str, &dyn Reader),
    property: &str,
) -> Result<SignedFile> {
    let found = find(services, service).await?;
    let own = found.pubkey_fingerprint.as_str();
    let fingerprint = fingerprint.unwrap_or(own);
    let folder = temporary_folder()?;
    let path = folder.path().join(name);
    copy(file, &path)
        .await
        .map_err(|error| unwritable(&error))?;
    let path = write_into(Path::new(&found.script), fingerprint, &path, property)
        .await
        .map_err(|error| blamed(&found, error))?;
    Ok(SignedFile {
        path,
        public_key: is_key(fingerprint, own).then(|| found.public_key.clone()),
        _folder: folder,
    })
}

/// What stands before the colon of a key's name, if it has one, and the name: `v4:6B6A…`.
fn kind_of_key(key: &str) -> (Option<&str>, &str) {
    match key.split_once(':') {
        Some((kind, name)) => (Some(kind), name),
        None => (None, key),
    }
}

/// Whether a name is that of the key with this fingerprint. The ID of a key of version 4 is the
/// end of its fingerprint.
fn is_key(name: &str, fingerprint: &str) -> bool {
    let fingerprint = fingerprint.to_ascii_uppercase();
    match kind_of_key(name) {
        (Some("keyid"), id) => {
            fingerprint.len() == 40 && fingerprint.ends_with(&id.to_ascii_uppercase())
        }
        (_, name) => fingerprint == name.to_ascii_uppercase(),
    }
}

async fn find(services: &Services, service: &str) -> Result<SigningService> {
    let uuid = Reference::parse(service)
        .filter(|reference| reference.kind == Kind::SigningService)
        .map(|reference| reference.uuid)
        .ok_or_else(|| Error::invalid(format!("{service:?} names no signing service")))?;
    let found = {
        let mut connection = services.database.read().await?;
        pith_db::signing_service::by_uuid(&mut connection, uuid).await?
    };
    found.ok_or_else(|| {
        Error::not_found("the signing service was removed; choose another in the settings")
    })
}

async fn sign_file(found: &SigningService, path: &Path) -> Result<Signature> {
    let fingerprint = Some(found.pubkey_fingerprint.as_str());
    let signed = run(Path::new(&found.script), fingerprint, path)
        .await
        .map_err(|error| blamed(found, error))?;
    Ok(Signature {
        signature: signed.signature,
        public_key: found.public_key.clone(),
    })
}

fn blamed(service: &SigningService, mut error: Error) -> Error {
    error.message = format!("the signing service {:?}: {error}", service.name).into();
    error
}

/// A folder that is removed when it is dropped.
fn temporary_folder() -> Result<tempfile::TempDir> {
    let made = tempfile::Builder::new().prefix("pith-signing-").tempdir();
    made.map_err(|error| unwritable(&error))
}

fn unwritable(error: &std::io::Error) -> Error {
    Error::internal(format!("no file could be made for signing: {error}"))
}

async fn copy(from: &dyn Reader, to: &Path) -> std::io::Result<()> {
    let mut file = tokio::fs::File::create_new(to).await?;
    let mut offset = 0;
    while offset < from.length() {
        let bytes = from.read_at(offset, BLOCK).await;
        let bytes = bytes.map_err(std::io::Error::other)?;
        if bytes.is_empty() {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        file.write_all(&bytes).await?;
        offset += bytes.len() as u64;
    }
    file.flush().await
}

#[cfg(test)]
mod tests {
    use super::is_key;

    #[test]
    fn a_key_is_known_by_each_of_its_names() {
        let own = "0123456789ABCDEF0123456789ABCDEF89ABCDEF";
        for name in [
            own,
            &own.to_ascii_lowercase(),
            "v4:0123456789abcdef0123456789abcdef89abcdef",
            "keyid:89abcdef89abcdef",
        ] {
            assert!(is_key(name, own), "{name}");
        }
        for other in [
            "keyid:0123456789abcdef",
            "89abcdef89abcdef",
            "v4:1123456789abcdef0123456789abcdef89abcdef",
        ] {
            assert!(!is_key(other, own), "{other}");
        }
        let long = own.repeat(2);
        assert!(!is_key("keyid:89abcdef89abcdef", &long[..64]));
    }
}

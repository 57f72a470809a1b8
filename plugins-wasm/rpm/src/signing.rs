//! Has a signing service of the host sign an uploaded package, where its repository wants that.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc::{CRC_24_OPENPGP, Crc};
use pith_plugin_sdk::{Error, ErrorCode, Inputs, Reader, Result, Task};
use serde::Deserialize;

use crate::header::{self, Headers};

/// What programs for Pulp call the signed file in their answer.
const ANSWER: &str = "rpm_package";

/// The name of the file, as the program sees it.
const NAME: &str = "package.rpm";

/// Signatures of the main header, of the kinds of keys that there are.
const SIGNATURES: [u32; 2] = [
    267, // DSA and those on curves
    268, // RSA
];

/// The settings of a repository that say who signs.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Settings {
    #[serde(default)]
    package_signing_service: Option<String>,
    #[serde(default)]
    package_signing_fingerprint: Option<String>,
}

/// The package, signed if the settings want it.
pub(crate) fn sign(
    task: &Task,
    files: &Inputs,
    unsigned: Reader,
    settings: &Settings,
) -> Result<Reader> {
    let Some(service) = &settings.package_signing_service else {
        return Ok(unsigned);
    };
    let before = header::read(&unsigned)?;
    let key = settings.package_signing_fingerprint.as_deref();
    let (signed, key) = files.sign(0, NAME, service, key, ANSWER)?;
    let after = header::read(&signed)?;
    check(task, &before, &after, (&signed, key.as_deref()))
        .map_err(|error| error.context("the signing service"))?;
    Ok(signed)
}

/// Refuses what is another package, or is not signed by the key.
fn check(
    task: &Task,
    before: &Headers,
    after: &Headers,
    (file, key): (&Reader, Option<&str>),
) -> Result<()> {
    if before.main != after.main {
        return Err(Error::internal("made another package of it"));
    }
    let signature = signature(after).ok_or_else(|| Error::internal("did not sign the package"))?;
    let Some(key) = key else {
        return Ok(());
    };
    let signed = header::exactly(file, after.start, after.length())?;
    match task.verify(&signed, &armored(signature), key) {
        Ok(_) => Ok(()),
        Err(error) if error.code == ErrorCode::Invalid => Err(Error::internal(format!(
            "signed with another key than its own: {}",
            error.message
        ))),
        Err(error) => Err(error.into()),
    }
}

/// The signature of the main header.
fn signature(headers: &Headers) -> Option<&[u8]> {
    let mut tags = SIGNATURES.iter();
    tags.find_map(|tag| headers.signature.bytes(*tag))
}

/// The signature as a text, with the sum that `gpg` wants behind padded ones.
fn armored(signature: &[u8]) -> String {
    let sum = Crc::<u32>::new(&CRC_24_OPENPGP).checksum(signature);
    let sum = sum.to_be_bytes();
    format!(
        "-----BEGIN PGP SIGNATURE-----\n\n{}\n={}\n-----END PGP SIGNATURE-----\n",
        STANDARD.encode(signature),
        STANDARD.encode(&sum[1..])
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn armor_is_as_gpg_writes_it() {
        assert_eq!(
            armored(b"a signature"),
            "-----BEGIN PGP SIGNATURE-----\n\nYSBzaWduYXR1cmU=\n=d9qj\n\
             -----END PGP SIGNATURE-----\n"
        );
    }
}

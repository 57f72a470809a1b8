//! Has a signing service of the host sign an uploaded package, where its repository wants that.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc::{CRC_24_OPENPGP, Crc};
use pith_plugin_sdk::{Error, ErrorCode, Inputs, Reader, Result, Task, openpgp};
use serde::Deserialize;

use crate::header::{self, Headers};

/// What programs for Pulp call the signed file in their answer.
const ANSWER: &str = "rpm_package";

/// The name of the file, as the program sees it.
const NAME: &str = "package.rpm";

/// All places for signatures: those, and of the main header with the payload.
const ALL_SIGNATURES: [u32; 4] = [SIGNATURES[0], SIGNATURES[1], 1002, 1005];

/// Signatures as newer packages have them: texts of base64.
const NEW_SIGNATURES: u32 = 278;

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

/// Which keys the signatures of a package say to be of: `v4:…`, or `keyid:…` where one says no
/// more.
pub(crate) fn keys(headers: &Headers) -> Vec<String> {
    let old = ALL_SIGNATURES.iter();
    let old = old.filter_map(|tag| headers.signature.bytes(*tag).map(<[u8]>::to_vec));
    let new = headers.signature.texts(NEW_SIGNATURES).into_iter();
    let new = new.filter_map(|text| STANDARD.decode(text).ok());
    let mut keys: Vec<String> = Vec::new();
    for signature in new.chain(old) {
        let issuer = openpgp::Signature::read(&signature).and_then(|one| one.issuer());
        keys.extend(issuer.map(|issuer| issuer.to_string()));
    }
    keys.sort_unstable();
    keys.dedup();
    keys
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
